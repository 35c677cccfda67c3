/** Effects that wait for the commit: decided before it, in its append, delivered after it. */
import { memoryEventStore } from '@ice/events'
import type { EventStore } from '@ice/events/ports'
import { type RunId, systemClock } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { memoryOwnership, RUNS_CODES } from '../src/index.ts'
import { doing, dying, eventually, program, tool, toolGrant, world } from './harness.ts'

const mails = program(async (ctx) => {
  await ctx.stage('mail/1', doing({ to: 'alice' }, 'mail'))
  const first = await ctx.effect('first', doing({ n: 1 }))
  await ctx.stage('mail/2', doing({ to: 'bob' }, 'mail'))
  return first
})

const both = { g: toolGrant('do', 'mail') }
const effects = () => [tool('do'), tool('mail', 'irreversible')]

/** Verifies: RUN-R133 */
describe('a staged effect', () => {
  test('has its intent in the append of the commit, and acts after it', async () => {
    const alice = await world({ effects: effects() })
    const { run, stretch } = await alice.runs.execute(mails, {}, { grants: both })
    expect(stretch).toMatchObject({ result: { conclusion: 'committed', value: { n: 1 } } })
    expect(alice.witness).toEqual(['first', 'mail/1', 'mail/2'])
    const types = await alice.types(run)
    expect(types.slice(types.indexOf('ValidationStarted'))).toEqual([
      ...['ValidationStarted', 'ValidationPassed', 'RunCommitted'],
      ...['CapabilityUsed', 'CapabilityUsed', 'EffectSucceeded', 'EffectSucceeded'],
      ...['ResourcesReleased', 'RunTerminated'],
    ])
    const events = await alice.events(run)
    const staged = events.filter(({ type }) => type === 'EffectStaged').map(({ id }) => id)
    const intents = events.filter(({ type }) => type === 'CapabilityUsed').slice(1)
    expect(intents.map(({ data }) => (data as { staged: string }).staged)).toEqual(staged)
    const view = await alice.runs.view(run)
    expect(view).toMatchObject({ staged: [], finishing: false, effects: { succeeded: 3 } })
  })

  test('is seen while it waits, and while the run finishes', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = tool('mail', 'irreversible', async () => {
      await held
      return 'sent'
    })
    const asks = program(async (ctx) => {
      await ctx.stage('mail', doing({}, 'mail'))
      return ctx.approval('q', { prompt: '?' })
    })
    const alice = await world({ effects: [slow], programs: [asks] })
    const { run } = await alice.runs.execute(asks, {}, { grants: both })
    expect(await alice.runs.view(run)).toMatchObject({ staged: ['mail'], open: [] })
    await alice.runs.answer(run, { step: 'q', approved: true })
    const driven = alice.runs.drive(run)
    await eventually(() => alice.witness).toEqual(['mail'])
    const view = await alice.runs.view(run)
    expect(view).toMatchObject({ state: 'COMMITTED', finishing: true, staged: ['mail'] })
    await expect(alice.runs.abort(run, { reason: 'late' })).rejects.toMatchObject({
      code: RUNS_CODES.concluded,
    })
    release()
    expect(await driven).toMatchObject({ result: { conclusion: 'committed' } })
  })

  test('that is denied when the run is to commit aborts it, and nothing staged acts', async () => {
    const alice = await world({ effects: effects() })
    const refused = program(async (ctx) => {
      await ctx.stage('fine', doing({}, 'mail'))
      await ctx.stage('not', { ...doing({}, 'mail'), grant: 'none' })
      return 1
    })
    const { run, stretch } = await alice.runs.execute(refused, {}, { grants: both })
    expect(stretch).toMatchObject({ result: { conclusion: 'aborted' } })
    expect(alice.witness).toEqual([])
    const events = await alice.events(run)
    const failed = events.find(({ type }) => type === 'ValidationFailed')
    expect(failed).toMatchObject({
      data: { failures: [{ check: 'not', error: { code: 'ICE_RUNS_GRANT_UNBOUND_DENIED' } }] },
    })
    expect(events.map(({ type }) => type)).toContain('CapabilityDenied')
    expect(await alice.runs.view(run)).toMatchObject({ staged: [] })
  })

  test('is decided on authority as it is at the commit: a revocation aborts the run', async () => {
    const alice = await world({ effects: effects(), programs: [] })
    const asks = program(async (ctx) => {
      await ctx.stage('mail', doing({}, 'mail'))
      return ctx.approval('q', { prompt: '?' })
    })
    const { run } = await alice.runs.execute(asks, {}, { grants: both })
    const { grants: bound } = await alice.runs.view(run)
    await alice.grants.revoke(bound['g'] as never, { reason: 'no longer' })
    await alice.runs.answer(run, { step: 'q', approved: true })
    const stretch = await alice.runs.drive(run)
    expect(stretch).toMatchObject({ result: { reason: expect.stringContaining('revoked') } })
    expect(alice.witness).toEqual([])
  })

  test('that a person has to be asked about is asked about before the commit', async () => {
    const careful = { g: { ...toolGrant('mail'), caveats: [{ kind: 'approval' as const }] } }
    const asks = program(async (ctx) => {
      await ctx.stage('mail', doing({ to: 'bob' }, 'mail'))
      return 1
    })
    for (const approved of [true, false]) {
      const alice = await world({ effects: effects(), programs: [asks] })
      const { run, stretch } = await alice.runs.execute(asks, {}, { grants: careful })
      expect(stretch).toMatchObject({ kind: 'suspended', waitingFor: [{ step: 'mail' }] })
      expect(await alice.runs.view(run)).toMatchObject({ state: 'VALIDATING', suspended: true })
      alice.die()
      const bob = await alice.another('bob')
      await bob.runs.answer(run, { step: 'mail', approved })
      const conclusion = approved ? 'committed' : 'aborted'
      expect(await bob.runs.drive(run)).toMatchObject({ result: { conclusion } })
      expect(bob.witness).toEqual(approved ? ['mail'] : [])
      const types = await bob.types(run)
      expect(types.filter((type) => type === 'ValidationStarted')).toHaveLength(1)
    }
  })

  test('in a branch that loses is dropped', async () => {
    const alice = await world({ effects: effects() })
    const races = program(async (ctx) => {
      const { name } = await ctx.race('r', {
        slow: async (branch) => {
          await branch.stage('mail', doing({}, 'mail'))
          await branch.approval('never', { prompt: '?' })
        },
        quick: async (branch) => {
          await branch.effect('x', doing())
          await branch.stage('mail', doing({ n: 2 }, 'mail'))
        },
      })
      return name
    })
    const { run } = await alice.runs.execute(races, {}, { grants: both })
    expect(alice.witness).toEqual(['r/quick/x', 'r/quick/mail'])
    expect(await alice.runs.view(run)).toMatchObject({ conclusion: 'committed' })
  })

  test('that fails does not undo the commit, and a doubt holds the end of the run', async () => {
    const coded = (code: string) => Object.assign(new Error('nobody knows'), { code })
    const unsure = tool('mail', 'irreversible', ({ effect }) => {
      throw coded(effect === 'lost' ? 'MAIL_SENT_IN_DOUBT' : 'MAIL_DOWN')
    })
    const stages = program(async (ctx) => {
      await ctx.stage('lost', doing({}, 'mail'))
      await ctx.stage('failed', doing({}, 'mail'))
      return 7
    })
    const alice = await world({ effects: [unsure], programs: [stages] })
    const { run, stretch } = await alice.runs.execute(stages, {}, { grants: both })
    expect(stretch).toMatchObject({ kind: 'suspended', waitingFor: [{ step: 'lost' }] })
    const view = await alice.runs.view(run)
    expect(view).toMatchObject({ state: 'COMMITTED', finishing: true, inDoubt: ['lost'] })
    expect(view.effects).toMatchObject({ failed: 1 })
    alice.die()
    // Whoever goes on with it needs no program.
    const bob = await alice.another('bob', { programs: [] })
    await bob.runs.resolveDoubt(run, { effect: 'lost', happened: true, evidence: 'in the outbox' })
    expect(await bob.runs.drive(run)).toMatchObject({ result: { value: 7 } })
    expect(bob.witness).toEqual([])
    expect((await bob.types(run)).at(-1)).toBe('RunTerminated')
  })

  test('waits for a process that has its handler, once it is released', async () => {
    const owners = memoryOwnership()
    const hangs = tool('mail', 'idempotent', () => new Promise(() => undefined))
    const alice = await world({ owners, effects: [tool('do'), hangs], programs: [mails] })
    const run = await alice.runs.start(mails, {}, { grants: both })
    void alice.runs.drive(run)
    await eventually(() => alice.witness.length).toBe(3)
    alice.die()
    const bob = await alice.another('bob', { effects: [tool('do')] })
    await expect(bob.runs.drive(run)).rejects.toMatchObject({ code: RUNS_CODES.handlerNotFound })
    bob.die()
    const carol = await alice.another('carol', { effects: [tool('mail', 'idempotent')] })
    expect(await carol.runs.drive(run)).toMatchObject({ result: { conclusion: 'committed' } })
    expect(carol.witness).toEqual(['mail/1', 'mail/2'])
  })

  test('is refused beyond so many, with a fold or a compensation, and by a copy', async () => {
    const codes: unknown[] = []
    const coded = (given: Promise<unknown>) =>
      given.then(
        () => null,
        (error: { readonly code?: string }) => codes.push(error.code),
      )
    const greedy = program(async (ctx) => {
      await coded(ctx.stage('copy', doing({ $ref: 'x' }, 'mail')))
      const compensation = { ...doing({}, 'mail') }
      await coded(ctx.stage('undone', { ...doing({}, 'mail'), compensation } as never))
      const all = Array.from({ length: 129 }, (_, i) => ctx.stage(`${i}`, doing({}, 'mail')))
      await coded(Promise.all(all))
      return 1
    })
    const alice = await world({ effects: effects() })
    await alice.runs.execute(greedy, {}, { grants: both })
    expect(codes).toEqual([
      RUNS_CODES.referenceUnknown,
      RUNS_CODES.stagedUnsupported,
      RUNS_CODES.stagedLimit,
    ])
    expect(alice.witness).toHaveLength(128)
  })

  test('is another one when the program that goes on stages another', async () => {
    const stages = (to: string) =>
      program(async (ctx) => {
        await ctx.stage('mail', doing({ to }, 'mail'))
        return ctx.approval('q', { prompt: '?' })
      })
    const alice = await world({ effects: effects() })
    const { run } = await alice.runs.execute(stages('bob'), {}, { grants: both })
    alice.die()
    const bob = await alice.another('bob', { programs: [stages('mallory')] })
    const error = { code: RUNS_CODES.diverged, data: { step: 'mail' } }
    expect(await bob.runs.drive(run)).toMatchObject({ quarantine: { error } })
  })
})

/** Verifies: RUN-R134 */
describe('an owner that dies while it stages, commits or delivers', () => {
  const points = Array.from({ length: 9 }, (_, i) => i + 1).flatMap((at) =>
    (['before', 'after'] as const).map((when) => [at, when] as const),
  )
  test.each(points)(
    'at append %i, %s it is written, acts after the commit, and always',
    async (at, when) => {
      const durable: EventStore = memoryEventStore({ clock: systemClock })
      const owners = memoryOwnership()
      const sent: string[] = []
      const committedFirst: boolean[] = []
      const mail = tool('mail', 'idempotent', async ({ effect, run }) => {
        const types = await alice.types(run)
        committedFirst.push(types.includes('RunCommitted'))
        sent.push(effect)
        return effect
      })
      const init = { owners, effects: [tool('do'), mail], programs: [mails] }
      const alice = await world({ ...init, store: dying(durable, at, when) })
      let run: RunId | undefined
      try {
        run = await alice.runs.start(mails, {}, { grants: both, key: 'k' })
        await alice.runs.drive(run)
      } catch (error) {
        expect((error as { code: string }).code).toBe('DEAD')
      }
      const bob = await world({ ...init, store: durable, name: 'bob' })
      alice.die()
      run = await bob.runs.start(mails, {}, { grants: both, key: 'k' })
      const stretch = await bob.runs.drive(run)
      expect(stretch).toMatchObject({ result: { conclusion: 'committed', value: { n: 1 } } })
      expect(committedFirst).not.toContain(false)
      expect(new Set(sent)).toEqual(new Set(['mail/1', 'mail/2']))
      const events = await bob.events(run)
      const done = events.filter(({ type, data }) => {
        return type === 'EffectSucceeded' && (data as { effect: string }).effect.startsWith('mail')
      })
      expect(done).toHaveLength(2)
      expect(events.filter(({ type }) => type === 'RunCommitted')).toHaveLength(1)
      expect(events.at(-1)?.type).toBe('RunTerminated')
    },
  )
})

/** Verifies: RUN-R133, RUN-R23 */
test('what is staged is paid for from the purse, which is returned at the end', async () => {
  const counted = { g: { ...toolGrant('do', 'mail'), caveats: [{ kind: 'count', max: 3 }] } }
  const alice = await world({ effects: effects() })
  const { run } = await alice.runs.execute(mails, {}, { grants: counted as never })
  expect(await alice.runs.view(run)).toMatchObject({ conclusion: 'committed' })
  const again = await world({ effects: effects() })
  const two = { g: { ...toolGrant('do', 'mail'), caveats: [{ kind: 'count', max: 2 }] } }
  const { stretch } = await again.runs.execute(mails, {}, { grants: two as never })
  expect(stretch).toMatchObject({ result: { conclusion: 'aborted' } })
  expect(again.witness).toEqual(['first'])
})
