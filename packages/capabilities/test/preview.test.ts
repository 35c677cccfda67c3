/** What an end would affect, held against runs as odd as a log may hold them. */
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { GrantId, RunId } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import type { EndingPreview, StopScope } from '../src/ports.ts'
import { type Ending, endingPreview, readOpenRuns, stopEnding } from '../src/preview.ts'
import { alice, World } from './world.ts'

type Told = Omit<EndingPreview, 'grants'>

/** Runs that a test records event by event, and what their end would affect. */
class Runs {
  readonly world = new World()
  readonly run: RunId = this.world.run
  readonly #events: RecordedEvent[] = []

  add(type: string, data: unknown, run: string = this.run): RecordedEvent {
    const event = this.world.event(`run/${run}`, type, data)
    this.#events.push(event)
    return event
  }

  create(data: unknown = {}, run: string = this.run): void {
    this.#events.push({ ...this.add('RunCreated', null, run), data, principal: alice })
  }

  use(effect: string, chain: unknown): RecordedEvent {
    return this.add('CapabilityUsed', { effect, chain, action: 'fs.read', fate: 'observe' })
  }

  ask(step: string, grant: unknown): RecordedEvent {
    return this.add('ApprovalRequested', { step, grant, prompt: `${step}?` })
  }

  open(): ReturnType<typeof readOpenRuns> {
    const events = this.#events
    const readAll: EventLog['readAll'] = async function* ({ filter }) {
      expect(filter).toEqual({ streamPrefix: 'run/' })
      yield events
    }
    return readOpenRuns({ readAll })
  }

  /** What is left when these grants end. */
  async told(grants: readonly GrantId[], concerns: Ending['concerns'] = () => false) {
    return endingPreview(await this.open(), { grants: new Set(grants), concerns })
  }
}

const NOTHING: Told = { runs: [], effects: [], approvals: [] }

/** Verifies: CAP-R62 */
describe('a preview of a grant', () => {
  it('tells the effects in flight under it and the questions about it, and no others', async () => {
    const runs = new Runs()
    const [mine, other] = [runs.world.ids.nextGrantId(), runs.world.ids.nextGrantId()]
    runs.create()
    const used = runs.use('e', [other, mine])
    runs.use('f', [other])
    const asked = runs.ask('q', mine)
    runs.ask('r', other)
    const { run } = runs
    expect(await runs.told([mine])).toEqual({
      runs: [run],
      effects: [{ run, effect: 'e', action: 'fs.read', fate: 'observe', intent: used.id }],
      approvals: [{ run, step: 'q', prompt: 'q?', request: asked.id }],
    })
    expect(await runs.told([runs.world.ids.nextGrantId()])).toEqual(NOTHING)
  })

  it.each([
    ['its program', (grant: GrantId) => ({ grants: [{ name: 'g', grant }] })],
    ['a standing approval', (grant: GrantId) => ({ standing: [grant] })],
  ])('names a run that is bound to it by %s', async (_, created) => {
    const runs = new Runs()
    const grant = runs.world.ids.nextGrantId()
    runs.create(created(grant))
    expect(await runs.told([grant])).toEqual({ ...NOTHING, runs: [runs.run] })
    expect(await runs.told([runs.world.ids.nextGrantId()])).toEqual(NOTHING)
  })

  it.each([
    ['an effect', (runs: Runs, grant: GrantId) => runs.use('e', [grant])],
    ['a question', (runs: Runs, grant: GrantId) => runs.ask('q', grant)],
  ])('names a run for the sake of %s alone', async (_, record) => {
    const runs = new Runs()
    const grant = runs.world.ids.nextGrantId()
    runs.create()
    record(runs, grant)
    expect((await runs.told([grant])).runs).toEqual([runs.run])
  })
})

/** Verifies: CAP-R62 */
describe('what is open in a run', () => {
  const open = async (record: (runs: Runs) => void) => {
    const runs = new Runs()
    runs.create()
    record(runs)
    const { effects, approvals } = await runs.told([], () => true)
    return [...effects.map(({ effect }) => effect), ...approvals.map(({ step }) => step)]
  }
  const both = (runs: Runs): void => {
    runs.use('e', [])
    runs.ask('q', null)
  }

  it('is an effect until it is settled, and a question until it is answered', async () => {
    expect(await open(both)).toEqual(['e', 'q'])
    for (const type of ['EffectCompleted', 'EffectFailed', 'EffectRevoked', 'EffectInDoubt']) {
      const settle = (runs: Runs) => runs.add(type, { effect: 'e', intent: 'run/x@2' })
      expect(await open((runs) => [both(runs), settle(runs)])).toEqual(['q'])
    }
    const answer = (runs: Runs) => runs.add('ApprovalGiven', { step: 'q' })
    expect(await open((runs) => [both(runs), answer(runs)])).toEqual(['e'])
    const deny = (runs: Runs) => runs.add('CapabilityDenied', { effect: 'e' })
    expect(await open((runs) => [both(runs), deny(runs)])).toEqual(['q'])
  })

  it('is no longer a question once the call it was about is made', async () => {
    const runs = new Runs()
    runs.create()
    runs.ask('e', null)
    runs.use('e', [])
    const { effects, approvals } = await runs.told([], () => true)
    expect([effects.length, approvals]).toEqual([1, []])
  })

  it.each(['EffectDoubtResolved', 'ApprovalEscalated', 'AnswerRefused'])(
    'stays open after %s',
    async (type) => {
      const told = await open((runs) => {
        both(runs)
        runs.add(type, { step: 'e', intent: 'run/x@2' })
        runs.add(type, { step: 'q' })
      })
      expect(told).toEqual(['e', 'q'])
    },
  )

  it('is not ended by what names no intent, nor is another step', async () => {
    const told = await open((runs) => {
      both(runs)
      runs.add('StepReached', { step: 'e' })
      runs.add('EffectCompleted', { effect: 'other', intent: 'run/x@2' })
    })
    expect(told).toEqual(['e', 'q'])
  })

  it.each(['RunCommitted', 'RunAborted', 'RunForciblyTerminated', 'RunTerminated'])(
    'is nothing after %s',
    async (type) => {
      const runs = new Runs()
      runs.create()
      both(runs)
      runs.add(type, {})
      both(runs)
      expect(await runs.told([], () => true)).toEqual(NOTHING)
    },
  )
})

/** Verifies: CAP-R62 */
describe('a run that is odd', () => {
  it.each([null, 7, [], { grants: 'g', standing: {} }, { grants: [null, 7, {}], agent: 7 }])(
    'as one created with %j is told like any other',
    async (data) => {
      const runs = new Runs()
      runs.create(data)
      expect(await runs.told([], () => true)).toEqual({ ...NOTHING, runs: [runs.run] })
      const [open] = [...(await runs.open()).values()]
      expect(open?.party).toEqual({
        ...{ run: runs.run, agent: undefined, session: undefined, principal: alice },
      })
    },
  )

  it('because it was never created is not told', async () => {
    const runs = new Runs()
    runs.use('e', [])
    expect(await runs.told([], () => true)).toEqual(NOTHING)
  })

  it('because its events hold no texts is told as far as it goes', async () => {
    const runs = new Runs()
    runs.create()
    const used = runs.add('CapabilityUsed', { effect: 7, action: null, chain: 7 })
    const asked = runs.add('ApprovalRequested', [])
    const { run } = runs
    expect(await runs.told([], () => true)).toEqual({
      runs: [run],
      effects: [{ run, effect: '', action: '', fate: '', intent: used.id }],
      approvals: [{ run, step: '', prompt: '', request: asked.id }],
    })
    expect(await runs.told([runs.world.ids.nextGrantId()])).toEqual(NOTHING)
  })
})

/** Verifies: CAP-R62 */
describe('a preview of a scope', () => {
  it('holds the grants of the scope itself, and of the runs that it concerns', async () => {
    const runs = new Runs()
    const { world } = runs
    runs.create({ agent: 'helper', session: 's' })
    runs.create({ agent: 'other' }, world.otherRun)
    const held = Object.fromEntries(
      [
        ...[`run/${runs.run}`, `run/${world.otherRun}`],
        ...['agent/helper', 'session/s', `principal/${alice}`, 'tool/all'],
      ].map((holder) => [holder, world.grant({ holder: holder as never })]),
    )
    const open = await runs.open()
    const ends = (scope: string): readonly string[] => {
      const { grants } = stopEnding(scope as StopScope, open, world.state.grants.values())
      return Object.keys(held).filter((holder) => grants.has(held[holder] as GrantId))
    }
    expect(ends('all')).toEqual(Object.keys(held))
    expect(ends(`run/${runs.run}`)).toEqual([`run/${runs.run}`])
    expect(ends('agent/helper')).toEqual([`run/${runs.run}`, 'agent/helper'])
    expect(ends('session/s')).toEqual([`run/${runs.run}`, 'session/s'])
    expect(ends(`operator/${alice}`)).toEqual([
      ...[`run/${runs.run}`, `run/${world.otherRun}`, `principal/${alice}`],
    ])
    expect(ends('agent/nobody')).toEqual([])
  })

  it('holds what is no grant at all only where everything is to end', async () => {
    const runs = new Runs()
    const { world } = runs
    const id = world.ids.nextGrantId()
    world.record(`grant/${id}`, 'CapabilityGranted', { grant: 7 })
    const all = (scope: StopScope) =>
      [...stopEnding(scope, new Map(), world.state.grants.values()).grants].includes(id)
    expect([all('all'), all('agent/helper')]).toEqual([true, false])
  })
})
