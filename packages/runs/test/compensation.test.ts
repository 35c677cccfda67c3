/** Undoing what a run did that has aborted: in reverse, by the right of its intents, durably. */
import { memoryEventStore } from '@ice/events'
import type { RecordedEvent } from '@ice/events/ports'
import { type GrantId, type RunId, systemClock } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import { memoryOwnership, RUNS_CODES } from '../src/index.ts'
import type { CompensationCall, EffectHandler, Fate } from '../src/ports.ts'
import { doing, dying, eventually, program, tool, toolGrant, type World, world } from './harness.ts'

const coded = (code: string) => Object.assign(new Error(`it says ${code}`), { code })

/** A tool whose handler undoes what it did, and keeps what that takes. */
function undoable(
  undone: string[],
  compensate: (call: CompensationCall) => unknown = () => undefined,
  action = 'do',
): EffectHandler {
  const base = tool(action)
  return {
    ...base,
    perform: async (call) => {
      const report = await base.perform(call)
      return { ...report, kept: { was: `before ${call.effect}` } }
    },
    compensate: async (call) => {
      undone.push(call.effect)
      await compensate(call)
      return { observed: { undone: call.effect } }
    },
  }
}

const both = { g: toolGrant('do', 'undo', 'plain') }

const fails = program(async (ctx) => {
  await ctx.effect('a', doing({ n: 1 }))
  await ctx.effect('plain', doing({}, 'plain'))
  await ctx.effect('b', doing({ n: 2 }))
  throw new TypeError('it went wrong')
})

function ofType(events: readonly RecordedEvent[], type: string) {
  return events.filter((event) => event.type === type)
}

/** Verifies: RUN-R135 */
describe('a run that aborts', () => {
  test('undoes what can be undone, in the reverse order of the outcomes', async () => {
    const undone: string[] = []
    const calls: CompensationCall[] = []
    const handler = undoable(undone, (call) => void calls.push(call))
    const alice = await world({ effects: [handler, tool('plain')] })
    const { run, stretch } = await alice.runs.execute(fails, {}, { grants: both })
    expect(stretch).toMatchObject({ result: { conclusion: 'aborted', reason: 'it went wrong' } })
    expect(undone).toEqual(['b', 'a'])
    const events = await alice.events(run)
    const types = events.map(({ type }) => type)
    expect(types.slice(types.indexOf('RunAborted'))).toEqual([
      ...['RunAborted', 'AbortReasonDeclared'],
      ...['CompensationStarted', 'CompensationSucceeded'],
      ...['CompensationStarted', 'CompensationSucceeded'],
      ...['ResourcesReleased', 'RunTerminated'],
    ])
    const outcome = events.find(({ type, data }) => {
      return type === 'EffectSucceeded' && (data as { effect: string }).effect === 'b'
    })
    const [started] = ofType(events, 'CompensationStarted')
    expect(calls[0]).toMatchObject({
      ...{ run, effect: 'b', attempt: 1, action: 'do', arguments: { n: 2 } },
      idempotencyKey: `${run}/b/compensation`,
      intent: started?.id,
      outcome: outcome?.id,
      kept: { was: 'before b' },
      report: { value: { n: 2 }, observed: {} },
      resource: { name: 'do' },
      grant: { resources: [both.g.resource] },
    })
    expect(started).toMatchObject({ causes: [outcome?.id], data: { effect: 'b', attempt: 1 } })
    expect(await alice.runs.view(run)).toMatchObject({
      finishing: false,
      compensations: { open: [], succeeded: 2, abandoned: [] },
    })
  })

  test('leaves what a run did that committed', async () => {
    const undone: string[] = []
    const alice = await world({ effects: [undoable(undone)] })
    const fine = program(async (ctx) => ctx.effect('a', doing()))
    const { run } = await alice.runs.execute(fine, {}, { grants: both })
    expect([undone, (await alice.types(run)).at(-1)]).toEqual([[], 'RunTerminated'])
  })

  test('undoes what a branch did that lost, and what a failed validation leaves', async () => {
    const undone: string[] = []
    const alice = await world({ effects: [undoable(undone)] })
    const no = { name: 'never', check: () => 'not like this' }
    const races = program(
      async (ctx) =>
        ctx.race('r', {
          slow: async (branch) => {
            await branch.effect('x', doing())
            await branch.approval('never', { prompt: '?' })
          },
          quick: async (branch) => {
            await branch.effect('x', doing())
            await branch.effect('y', doing())
          },
        }),
      { checks: [no] },
    )
    await alice.runs.execute(races, {}, { grants: both })
    expect(undone.toSorted()).toEqual(['r/quick/x', 'r/quick/y', 'r/slow/x'])
    expect(undone[0]).toBe('r/quick/y')
  })

  test('undoes by the effect that was named, under the right reserved for it', async () => {
    const alice = await world({ effects: [tool('do'), tool('undo')] })
    const named = program(async (ctx) => {
      const compensation = doing({ refund: 7 }, 'undo')
      await ctx.effect('pay', { ...doing({ n: 7 }), compensation })
      throw new TypeError('it went wrong')
    })
    const { run } = await alice.runs.execute(named, {}, { grants: both })
    const events = await alice.events(run)
    const [intent] = ofType(events, 'CapabilityUsed')
    expect(intent?.data).toMatchObject({
      compensation: { action: 'undo', arguments: { inline: { refund: 7 } }, grant: 'g' },
    })
    expect(ofType(events, 'CompensationStarted')).toMatchObject([
      { data: { effect: 'pay', action: 'undo', argumentsDigest: expect.any(String) } },
    ])
    expect(ofType(events, 'CompensationSucceeded')).toHaveLength(1)
    expect(alice.witness).toEqual(['pay', 'pay'])
  })

  test('denies an effect whose undoing is not allowed, before it acts', async () => {
    const alice = await world({ effects: [tool('do'), tool('undo'), tool('other')] })
    const outcomes: unknown[] = []
    const named = program(async (ctx) => {
      for (const [id, action, grant] of [
        ['action', 'other', 'g'],
        ['unknown', 'nothing', 'g'],
        ['grant', 'undo', 'none'],
        ['approval', 'undo', 'careful'],
      ] as const) {
        const compensation = { action, grant, arguments: {} }
        outcomes.push(await ctx.attempt(id, { ...doing(), compensation }))
      }
      return 1
    })
    const careful = { ...toolGrant('undo'), caveats: [{ kind: 'approval' as const }] }
    await alice.runs.execute(named, {}, { grants: { ...both, careful } })
    expect(outcomes).toMatchObject([
      { denial: { code: RUNS_CODES.compensationDenied } },
      { denial: { code: RUNS_CODES.actionUnknown } },
      { denial: { code: RUNS_CODES.grantUnbound } },
      { denial: { code: RUNS_CODES.compensationDenied } },
    ])
    expect(alice.witness).toEqual([])
  })

  test('pays for an effect and its compensation at once, and one use for both', async () => {
    const budget = { kind: 'budget' as const, unit: 'bytes' as const, max: 100 }
    const bounded = (action: string, bytes: number): EffectHandler => ({
      ...tool(action),
      bounds: () => ({ bytes }),
      perform: async () => ({ value: 1, observed: {}, spent: { bytes: 10 } }),
    })
    const alice = await world({ effects: [bounded('do', 60), bounded('undo', 30)] })
    const named = program(async (ctx) => {
      const compensation = doing({}, 'undo')
      const first = await ctx.attempt('one', { ...doing(), compensation })
      const second = await ctx.attempt('two', { ...doing(), compensation })
      return [first.kind, second.kind]
    })
    const caveats = [budget, { kind: 'count' as const, max: 2 }]
    const limited = { g: { ...both.g, caveats } }
    const { run, stretch } = await alice.runs.execute(named, {}, { grants: limited })
    // 100 - (10 spent + 30 reserved) is less than the 90 that another takes at most.
    expect(stretch).toMatchObject({ result: { value: ['succeeded', 'denied'] } })
    const events = await alice.events(run)
    const shares = ofType(events, 'CapabilityUsed').map(({ data }) => {
      return (data as { spends: { unit: string; amount: number }[] }).spends
    })
    expect(shares).toMatchObject([
      [
        { unit: 'bytes', amount: 90 },
        { unit: 'uses', amount: 1 },
      ],
    ])
    expect(ofType(events, 'EffectSucceeded')).toMatchObject([
      { data: { spent: [{ unit: 'bytes', amount: 40 }] } },
    ])
  })
})

/** Verifies: RUN-R136 */
describe('the right to a compensation', () => {
  const waits = program(async (ctx) => {
    await ctx.effect('a', doing())
    return ctx.approval('q', { prompt: '?' })
  })

  async function suspended(undone: string[]) {
    const alice = await world({ effects: [undoable(undone)], programs: [waits] })
    const { run } = await alice.runs.execute(waits, {}, { grants: both })
    const { grants } = await alice.runs.view(run)
    return { alice, run, grant: grants['g'] as GrantId }
  }

  test('outlives the revocation of its grant', async () => {
    const undone: string[] = []
    const { alice, run, grant } = await suspended(undone)
    await alice.grants.revoke(grant, { reason: 'no longer' })
    await alice.runs.abort(run, { reason: 'enough' })
    expect(undone).toEqual(['a'])
    expect(await alice.runs.view(run)).toMatchObject({ compensations: { succeeded: 1 } })
  })

  test.each(['at once', 'later'])('ends with a revocation that says so, %s', async (when) => {
    const undone: string[] = []
    const { alice, run, grant } = await suspended(undone)
    if (when === 'later') await alice.grants.revoke(grant, { reason: 'no longer' })
    await alice.grants.revoke(grant, { reason: 'leave it', compensations: true })
    await alice.grants.revoke(grant, { reason: 'again', compensations: true })
    await alice.runs.abort(run, { reason: 'enough' })
    const version = when === 'later' ? 3 : 2
    const error = {
      code: RUNS_CODES.compensationDenied,
      data: { endedBy: [`grant/${grant}@${version}`] },
    }
    const events = await alice.events(run)
    expect(ofType(events, 'CompensationAbandoned')).toMatchObject([
      { data: { effect: 'a', error } },
    ])
    expect(undone).toEqual([])
    const compensations = { open: [], succeeded: 0, abandoned: ['a'] }
    expect(await alice.runs.view(run)).toMatchObject({ state: 'TERMINATED', compensations })
  })

  test('ends with a stop, and comes back with its lift', async () => {
    for (const lifted of [false, true]) {
      const undone: string[] = []
      const { alice, run } = await suspended(undone)
      await alice.grants.stop('all', { reason: 'stop' })
      if (lifted) await alice.grants.resume('all', { reason: 'go on' })
      await alice.runs.abort(run, { reason: 'enough' })
      expect(undone).toEqual(lifted ? ['a'] : [])
    }
  })

  test('is held by its guard: a revocation between the look and the append is seen', async () => {
    const durable = memoryEventStore({ clock: systemClock })
    const undone: string[] = []
    let revoke: (() => Promise<unknown>) | undefined
    const store: typeof durable = {
      ...durable,
      append: async (unit) => {
        const isIt = JSON.stringify(unit).includes('CompensationStarted')
        const now = isIt ? revoke : undefined
        if (now !== undefined) revoke = undefined
        await now?.()
        return durable.append(unit)
      },
    }
    const alice = await world({ store, effects: [undoable(undone)], programs: [waits] })
    const { run } = await alice.runs.execute(waits, {}, { grants: both })
    const { grants } = await alice.runs.view(run)
    revoke = () => alice.grants.revoke(grants['g'] as never, { reason: 'x', compensations: true })
    await alice.runs.abort(run, { reason: 'enough' })
    expect(undone).toEqual([])
    expect(await alice.types(run)).toContain('CompensationAbandoned')
  })

  test('stops a handler at work when it ends, and no other revocation does', async () => {
    const undone: string[] = []
    const alice = await world({
      programs: [waits],
      effects: [
        undoable(undone, ({ signal }) => {
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error))
          })
        }),
      ],
    })
    const { run } = await alice.runs.execute(waits, {}, { grants: both })
    const { grants } = await alice.runs.view(run)
    const aborted = alice.runs.abort(run, { reason: 'enough' })
    await eventually(() => undone).toEqual(['a'])
    await alice.grants.revoke(grants['g'] as never, { reason: 'no longer' })
    await alice.grants.stop('all', { reason: 'everything' })
    await aborted
    const [given] = ofType(await alice.events(run), 'CompensationAbandoned')
    expect(given).toMatchObject({ data: { error: { code: RUNS_CODES.rightEnded } } })
    const data = { error: { data: { by: ['stop/all@1'] } } }
    expect(given).toMatchObject({ data })
  })
})

/** Verifies: RUN-R137 */
describe('a compensation that fails', () => {
  async function aborted(
    compensate: (call: CompensationCall) => unknown,
    clock = manualClock(1_000_000),
  ) {
    const undone: string[] = []
    const alice = await world({ clock, effects: [undoable(undone, compensate), tool('plain')] })
    const run = await alice.runs.start(fails, {}, { grants: both })
    return { alice, run, undone, clock, stretch: await alice.runs.drive(run) }
  }

  test('is tried again later, and the run waits for it as for a time', async () => {
    let left = 2
    const { alice, run, undone, clock, stretch } = await aborted(() => {
      left -= 1
      if (left >= 0) throw coded('DISK_BUSY')
    })
    expect(stretch).toMatchObject({
      kind: 'suspended',
      waits: [{ step: 'b', kind: 'compensation', due: clock.now() + 1_000 }],
      until: clock.now() + 1_000,
    })
    expect(await alice.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    expect(undone).toEqual(['b'])
    await clock.advance(1_000)
    expect(await alice.runs.drive(run)).toMatchObject({ until: clock.now() + 4_000 })
    await clock.advance(4_000)
    expect(await alice.runs.drive(run)).toMatchObject({ result: { conclusion: 'aborted' } })
    expect(undone).toEqual(['b', 'b', 'b', 'a'])
    const started = ofType(await alice.events(run), 'CompensationStarted')
    expect(started.map(({ data }) => (data as { attempt: number }).attempt)).toEqual([1, 2, 3, 1])
  })

  test.each(['FILE_MOVED_CONFLICT', 'FILE_OUTSIDE_DENIED', 'FILE_KEPT_CORRUPT'])(
    'with %s is given up at once, and the next is undone',
    async (code) => {
      const { alice, run, undone, stretch } = await aborted(({ effect }) => {
        if (effect === 'b') throw coded(code)
      })
      expect(stretch).toMatchObject({ result: { conclusion: 'aborted' } })
      expect(undone).toEqual(['b', 'a'])
      const compensations = { open: [], succeeded: 1, abandoned: ['b'] }
      expect(await alice.runs.view(run)).toMatchObject({ compensations })
      const [given] = ofType(await alice.events(run), 'CompensationAbandoned')
      expect(given).toMatchObject({ data: { error: { code } } })
    },
  )

  test('is given up after as many attempts as the runtime allows', async () => {
    const { alice, run, undone, clock } = await aborted(() => {
      throw coded('DISK_BUSY')
    })
    for (let i = 0; i < 12; i += 1) {
      await clock.advance(300_000)
      await alice.runs.drive(run)
    }
    expect(undone.filter((effect) => effect === 'b')).toHaveLength(6)
    const compensations = { open: [], succeeded: 0, abandoned: ['b', 'a'] }
    expect(await alice.runs.view(run)).toMatchObject({ state: 'TERMINATED', compensations })
  })

  test('and never comes back is told to stop in its time', async () => {
    const clock = manualClock(1_000_000)
    const undone: string[] = []
    const hangs = undoable(undone, ({ signal }) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    })
    const one = program(async (ctx) => {
      await ctx.effect('a', doing())
      throw new TypeError('no')
    })
    const alice = await world({ clock, effects: [hangs], programs: [one] })
    const run = await alice.runs.start(one, {}, { grants: both })
    const driven = alice.runs.drive(run)
    await eventually(() => undone).toEqual(['a'])
    await clock.advance(300_000)
    expect(await driven).toMatchObject({ kind: 'suspended', waits: [{ step: 'a' }] })
    const [failed] = ofType(await alice.events(run), 'CompensationFailed')
    expect(failed).toMatchObject({ data: { error: { code: RUNS_CODES.compensationTimeout } } })
  })

  test('where no handler here undoes it, the run is left for a process that has one', async () => {
    const undone: string[] = []
    const alice = await world({ effects: [undoable(undone)], programs: [] })
    const waits = program(async (ctx) => {
      await ctx.effect('a', doing())
      return ctx.approval('q', { prompt: '?' })
    })
    const { run } = await alice.runs.execute(waits, {}, { grants: both })
    alice.die()
    const bob = await alice.another('bob', { effects: [] })
    const abort = bob.runs.abort(run, { reason: 'enough' })
    await expect(abort).rejects.toMatchObject({ code: RUNS_CODES.handlerNotFound })
    expect(await bob.runs.view(run)).toMatchObject({ conclusion: 'aborted', finishing: true })
    bob.die()
    const carol = await alice.another('carol', { effects: [undoable(undone)] })
    expect(await carol.runs.drive(run)).toMatchObject({ result: { reason: 'enough' } })
    expect(undone).toEqual(['a'])
  })
})

/** Verifies: RUN-R138 */
describe('an owner that dies while it undoes', () => {
  const init = () => ({ owners: memoryOwnership(), programs: [fails] })
  const points = Array.from({ length: 10 }, (_, i) => i + 1).flatMap((at) =>
    (['before', 'after'] as const).map((when) => [at, when] as const),
  )

  test.each(points)(
    'at append %i, %s it is written, is followed by one that undoes the rest',
    async (at, when) => {
      const durable = memoryEventStore({ clock: systemClock })
      const undone: string[] = []
      const common = { ...init(), effects: [undoable(undone), tool('plain')] }
      const alice = await world({ ...common, store: dying(durable, at, when) })
      let run: RunId | undefined
      try {
        run = await alice.runs.start(fails, {}, { grants: both, key: 'k' })
        await alice.runs.drive(run)
      } catch (error) {
        expect((error as { code: string }).code).toBe('DEAD')
      }
      alice.die()
      const bob = await world({ ...common, store: durable, name: 'bob' })
      run = await bob.runs.start(fails, {}, { grants: both, key: 'k' })
      expect(await bob.runs.drive(run)).toMatchObject({ result: { conclusion: 'aborted' } })
      const events = await bob.events(run)
      const ends = ofType(events, 'CompensationSucceeded')
      expect(ends.map(({ data }) => (data as { effect: string }).effect)).toEqual(['b', 'a'])
      // What was undone is undone before what it stood on, however often it was tried.
      expect(undone.lastIndexOf('b')).toBeLessThan(undone.indexOf('a'))
      expect(ofType(events, 'RunAborted')).toHaveLength(1)
      expect(events.at(-1)?.type).toBe('RunTerminated')
    },
  )

  const refunds = program(async (ctx) => {
    await ctx.effect('pay', { ...doing(), compensation: doing({}, 'undo') })
    throw new TypeError('it went wrong')
  })

  async function deadWhileUndoing(
    fate: Fate,
  ): Promise<{ readonly bob: World; readonly run: RunId }> {
    const hangs = tool('undo', fate, () => new Promise(() => undefined))
    const alice = await world({ ...init(), effects: [tool('do'), hangs], programs: [refunds] })
    const run = await alice.runs.start(refunds, {}, { grants: both })
    void alice.runs.drive(run)
    await eventually(() => alice.witness).toEqual(['pay', 'pay'])
    alice.die()
    const bob = await alice.another('bob', { effects: [tool('do'), tool('undo', fate)] })
    return { bob, run }
  }

  test('by an effect that may be repeated, repeats it with the same key', async () => {
    const { bob, run } = await deadWhileUndoing('idempotent')
    expect(await bob.runs.drive(run)).toMatchObject({ result: { conclusion: 'aborted' } })
    expect(bob.witness).toEqual(['pay'])
    const started = ofType(await bob.events(run), 'CompensationStarted')
    expect(started.map(({ data }) => (data as { attempt: number }).attempt)).toEqual([1, 2])
  })

  test.each([true, false])(
    'by an irreversible one, leaves it to a person: undone %s',
    async (happened) => {
      const { bob, run } = await deadWhileUndoing('irreversible')
      expect(await bob.runs.drive(run)).toMatchObject({
        kind: 'suspended',
        waitingFor: [{ step: 'pay', kind: 'doubt' }],
      })
      expect(bob.witness).toEqual([])
      await bob.runs.resolveDoubt(run, { effect: 'pay', happened, evidence: 'the bank' })
      const again = { effect: 'pay', happened, evidence: 'twice' }
      await expect(bob.runs.resolveDoubt(run, again)).rejects.toMatchObject({
        code: RUNS_CODES.stepNotFound,
      })
      expect(await bob.runs.drive(run)).toMatchObject({ result: { conclusion: 'aborted' } })
      expect(bob.witness).toEqual(happened ? [] : ['pay'])
      expect(await bob.runs.view(run)).toMatchObject({ compensations: { succeeded: 1 } })
    },
  )
})

/** Verifies: RUN-R139 */
describe('an effect in doubt of a run that aborts', () => {
  const unsure = tool('do', 'irreversible', () => {
    throw coded('BANK_SENT_IN_DOUBT')
  })
  const pays = program(async (ctx) => {
    await ctx.effect('a', doing({}, 'plain'))
    return ctx.effect('pay', { ...doing(), compensation: doing({}, 'undo') })
  })

  test.each([true, false])(
    'holds its end while it could have to be undone: happened %s',
    async (happened) => {
      const effects = [unsure, tool('undo'), tool('plain')]
      const alice = await world({ effects, programs: [pays] })
      const { run } = await alice.runs.execute(pays, {}, { grants: both })
      await alice.runs.abort(run, { reason: 'enough' })
      const view = { state: 'ABORTED', finishing: true, inDoubt: ['pay'] }
      expect(await alice.runs.view(run)).toMatchObject(view)
      await alice.runs.resolveDoubt(run, { effect: 'pay', happened, evidence: 'the bank' })
      expect(await alice.runs.drive(run)).toMatchObject({ result: { conclusion: 'aborted' } })
      expect(alice.witness).toEqual(['a', 'pay', ...(happened ? ['pay'] : [])])
      const compensations = { open: [], succeeded: happened ? 1 : 0, abandoned: [] }
      expect(await alice.runs.view(run)).toMatchObject({ compensations, inDoubt: [] })
    },
  )

  test('does not hold it where nothing would undo it', async () => {
    const plain = program(async (ctx) => ctx.effect('pay', doing()))
    const alice = await world({ effects: [unsure], programs: [plain] })
    const { run } = await alice.runs.execute(plain, {}, { grants: both })
    await alice.runs.abort(run, { reason: 'enough' })
    expect((await alice.events(run)).at(-1)).toMatchObject({ data: { doubts: ['pay'] } })
  })
})

/** Verifies: RUN-R140 */
test('a run that is ended by force undoes nothing, and lists what it left', async () => {
  const undone: string[] = []
  const waits = program(async (ctx) => {
    await ctx.effect('a', doing())
    await ctx.effect('b', doing())
    return ctx.approval('q', { prompt: '?' })
  })
  const alice = await world({ effects: [undoable(undone)], programs: [waits] })
  const { run } = await alice.runs.execute(waits, {}, { grants: both })
  await alice.runs.abort(run, { reason: 'now', force: true })
  const [forced] = ofType(await alice.events(run), 'RunForciblyTerminated')
  expect(forced?.data).toEqual({ reason: 'now', doubts: [], uncompensated: ['b', 'a'] })
  expect(await alice.runs.drive(run)).toMatchObject({
    result: { conclusion: 'terminated_by_runtime' },
  })
  expect(undone).toEqual([])
})
