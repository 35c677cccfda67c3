/** What happens when the owner of a run dies, at every append; and what comes from outside. */
import { memoryEventStore } from '@ice/events'
import { type RunId, systemClock } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { memoryOwnership } from '../src/index.ts'
import type { Program } from '../src/ports.ts'
import {
  doing,
  dying,
  eventually,
  grants,
  program,
  tool,
  toolGrant,
  traceOf,
  world,
} from './harness.ts'

const work = program(async (ctx) => {
  const first = await ctx.effect('first', doing({ n: 0 }))
  const race = await Promise.race(
    [1, 2, 3].map((n) => ctx.effect(`race/${n}`, doing({ n })).then(() => n)),
  )
  await ctx.propose('p', { agent: 'alice', content: { race }, reason: 'won' })
  const denied = await ctx.attempt('denied', { ...doing(), grant: 'none' })
  const last = await ctx.effect('last', doing({ race, at: ctx.now, dice: ctx.random.uint32() }))
  return { first, race, denied: denied.kind, last, now: ctx.now }
})

/** Verifies: RUN-R10, RUN-R11 */
describe('an owner that dies', () => {
  const points = Array.from({ length: 12 }, (_, i) => i + 1).flatMap((at) =>
    (['before', 'after'] as const).map((when) => [at, when] as const),
  )
  test.each(points)(
    'at append %i, %s it is written, loses nothing and repeats nothing recorded',
    async (at, when) => {
      const durable = memoryEventStore({ clock: systemClock })
      const owners = memoryOwnership()
      const effects = [tool('do', 'idempotent', async (call) => call.arguments)]
      const alice = await world({ store: dying(durable, at, when), owners, effects })
      let run: RunId | undefined
      let finished = false
      try {
        run = await alice.runs.start(work, {}, { grants, key: 'k' })
        await alice.runs.drive(run)
        finished = true
      } catch (error) {
        expect((error as { code: string }).code).toBe('DEAD')
      }
      const bob = await world({ store: durable, owners, effects, name: 'bob', programs: [work] })
      const recorded = run === undefined ? [] : await bob.events(run)
      alice.die()
      run = await bob.runs.start(work, {}, { grants, key: 'k' })
      const stretch = await bob.runs.drive(run)
      expect(stretch).toMatchObject({ kind: 'concluded', result: { conclusion: 'committed' } })

      const settled = recorded.filter(({ type }) => type === 'EffectSucceeded')
      const ids = settled.map(({ data }) => (data as { effect: string }).effect)
      expect(bob.witness.filter((effect) => ids.includes(effect))).toEqual([])
      const types = await bob.types(run)
      expect(types.filter((type) => type === 'RunCommitted')).toHaveLength(1)
      expect(types.filter((type) => type === 'RunTerminated')).toHaveLength(1)
      expect(types.at(-1)).toBe('RunTerminated')
      // What was recorded before the death is what stands there now.
      expect((await bob.events(run)).slice(0, recorded.length)).toEqual(recorded)
      if (!finished) {
        const outcomes = (await bob.events(run)).filter(({ type }) => type === 'EffectSucceeded')
        const effectsSettled = outcomes.map(({ data }) => (data as { effect: string }).effect)
        expect(new Set(effectsSettled).size).toBe(effectsSettled.length)
      }
      // And a third process, which replays all of it, comes to the same end.
      const carol = await bob.another('carol', { programs: [work] })
      expect(await carol.runs.drive(run)).toEqual(stretch)
      expect(carol.witness).toEqual([])
    },
  )

  test('and lives on does not act or conclude for the one that took over', async () => {
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const owners = memoryOwnership()
    const slow = tool('do', 'idempotent', async (call) => {
      if (call.effect === 'first') await held
      return call.arguments
    })
    // It does not know that it is taken for dead: one that does begins nothing at all.
    const alice = await world({ owners, effects: [slow], unaware: true })
    const run = await alice.runs.start(work, {}, { grants })
    const zombie = alice.runs.drive(run)
    await eventually(() => alice.witness).toEqual(['first'])
    alice.die()
    const bob = await alice.another('bob', { effects: [tool('do')], programs: [work] })
    const stretch = await bob.runs.drive(run)
    release?.()
    // It has seen that another owns the run, or already what became of it.
    const { owner } = await bob.runs.view(run)
    expect([stretch, { kind: 'owned', owner }]).toContainEqual(await zombie)
    expect(alice.witness).toEqual(['first'])
    expect((await bob.types(run)).filter((type) => type === 'RunCommitted')).toHaveLength(1)
  })

  test('leaves a suspended run to the other when both take it up at once', async () => {
    const waits = program(async (ctx) => ctx.approval('wait', { prompt: 'go on?' }))
    const alice = await world({ programs: [waits] })
    const bob = await alice.another('bob')
    const { run } = await alice.runs.execute(waits, {}, { grants })
    await alice.runs.answer(run, { step: 'wait', approved: true })
    const carol = await alice.another('carol')
    await Promise.all([bob.runs.drive(run), carol.runs.drive(run)])
    const types = await alice.types(run)
    expect(types.filter((type) => type === 'RunClaimed').length).toBeLessThanOrEqual(2)
    expect(types.filter((type) => type === 'RunCommitted')).toHaveLength(1)
  })

  test('is told apart from one that lives: a run has one owner at a time', async () => {
    const { runs, another } = await world({
      effects: [tool('do', 'idempotent', () => new Promise(() => undefined))],
    })
    const run = await runs.start(work, {}, { grants })
    void runs.drive(run)
    const bob = await another('bob', { programs: [work] })
    expect(await bob.runs.drive(run)).toEqual({ kind: 'owned', owner: 'alice' })
  })
})

/** Verifies: RUN-R12 */
describe('an irreversible effect whose owner died', () => {
  const once: Program = program(
    async (ctx) => (await ctx.attempt('pay', doing({}, 'pay'))) as never,
  )
  const pays = { g: toolGrant('pay') }

  async function crashed() {
    const owners = memoryOwnership()
    const hangs = tool('pay', 'irreversible', () => new Promise(() => undefined))
    const alice = await world({ owners, effects: [hangs] })
    const run = await alice.runs.start(once, {}, { grants: pays })
    void alice.runs.drive(run)
    await eventually(() => alice.witness).toEqual(['pay'])
    alice.die()
    const effects = [tool('pay', 'irreversible', () => 'paid')]
    const bob = await alice.another('bob', { effects, programs: [once] })
    expect(await bob.runs.drive(run)).toMatchObject({
      kind: 'suspended',
      waitingFor: [{ step: 'pay', kind: 'doubt' }],
    })
    expect(await bob.runs.view(run)).toMatchObject({ inDoubt: ['pay'], suspended: true })
    expect(bob.witness).toEqual([])
    return { bob, run }
  }

  test('is in doubt, and settled by who knows that it happened', async () => {
    const { bob, run } = await crashed()
    const evidence = 'the bank says so'
    await bob.runs.resolveDoubt(run, { effect: 'pay', happened: true, result: 7, evidence })
    expect(await bob.runs.drive(run)).toMatchObject({
      result: { value: { kind: 'succeeded', value: 7 } },
    })
    expect(bob.witness).toEqual([])
  })

  test('is tried again only after somebody said that it did not happen', async () => {
    const { bob, run } = await crashed()
    await bob.runs.resolveDoubt(run, { effect: 'pay', happened: false, evidence: 'no trace' })
    expect(await bob.runs.drive(run)).toMatchObject({ result: { value: { value: 'paid' } } })
    expect(bob.witness).toEqual(['pay'])
  })

  test('is listed in the conclusion of a run that is ended by force', async () => {
    const { bob, run } = await crashed()
    await bob.runs.abort(run, { reason: 'lost cause', force: true })
    const events = await bob.events(run)
    expect(events.at(-1)).toMatchObject({
      type: 'RunTerminated',
      data: { conclusion: 'terminated_by_runtime', doubts: ['pay'] },
    })
    expect(await bob.runs.view(run)).toMatchObject({ state: 'TERMINATED', reason: 'lost cause' })
  })
})

/** Verifies: RUN-R13 */
describe('an approval', () => {
  const asks = program(async (ctx) => {
    const outcome = await ctx.attempt('x', doing({ n: 1 }))
    const answer = await ctx.approval('q', { prompt: 'really?' })
    return { outcome: outcome.kind, answer }
  })
  const careful = { g: { ...toolGrant('do'), caveats: [{ kind: 'approval' as const }] } }

  test('suspends the run, is given by another process, and is used once', async () => {
    const alice = await world({ programs: [asks] })
    const { run, stretch } = await alice.runs.execute(asks, {}, { grants: careful })
    expect(stretch).toMatchObject({
      kind: 'suspended',
      waitingFor: [{ step: 'x', kind: 'effect' }],
    })
    expect(alice.witness).toEqual([])
    const bob = await alice.another('bob')
    await bob.runs.answer(run, { step: 'x', approved: true, principal: 'os:bob' as never })
    expect(await bob.runs.drive(run)).toMatchObject({ waitingFor: [{ step: 'q' }] })
    expect(bob.witness).toEqual(['x'])
    await bob.runs.answer(run, { step: 'q', approved: false, comment: 'not today' })
    expect(await bob.runs.drive(run)).toMatchObject({
      result: {
        value: {
          outcome: 'succeeded',
          answer: { approved: false, by: 'os:test', comment: 'not today' },
        },
      },
    })
    const used = (await bob.events(run)).find(({ type }) => type === 'CapabilityUsed')
    const granted = (await bob.events(run)).find(({ type }) => type === 'ApprovalGranted')
    expect(used?.data).toMatchObject({ approval: granted?.id })
    expect(granted?.principal).toBe('os:bob')
  })

  test('reaches a run that is waited with, from another process', async () => {
    const alice = await world({ programs: [asks] })
    const bob = await alice.another('bob')
    const run = await alice.runs.start(asks, {}, { grants: careful })
    const driven = alice.runs.drive(run, { wait: true })
    for (const step of ['x', 'q']) {
      await eventually(async () =>
        (await bob.runs.view(run)).waitingFor.map((waiting) => waiting.step),
      ).toEqual([step])
      await bob.runs.answer(run, { step, approved: true })
    }
    expect(await driven).toMatchObject({ result: { conclusion: 'committed' } })
  })

  test('that is refused denies the effect', async () => {
    const { runs, witness, events } = await world({ programs: [asks] })
    const { run } = await runs.execute(asks, {}, { grants: careful })
    await runs.answer(run, { step: 'x', approved: false, comment: 'no' })
    await runs.drive(run)
    expect(witness).toEqual([])
    const denied = (await events(run)).find(({ type }) => type === 'CapabilityDenied')
    expect(denied?.data).toMatchObject({ denial: { code: 'ICE_RUNS_APPROVAL_REJECTED_DENIED' } })
  })

  test('of another call, of no step, or of one that is answered is refused', async () => {
    const { runs } = await world({ programs: [asks] })
    const { run } = await runs.execute(asks, {}, { grants: careful })
    await expect(
      runs.answer(run, { step: 'x', approved: true, digest: '0'.repeat(64) }),
    ).rejects.toMatchObject({ code: 'ICE_RUNS_STEP_CONFLICT' })
    await expect(runs.answer(run, { step: 'y', approved: true })).rejects.toMatchObject({
      code: 'ICE_RUNS_STEP_NOT_FOUND',
    })
    await runs.answer(run, { step: 'x', approved: true })
    await expect(runs.answer(run, { step: 'x', approved: false })).rejects.toMatchObject({
      code: 'ICE_RUNS_STEP_NOT_FOUND',
    })
  })

  test('given under a grant that is revoked before the run goes on is worth nothing', async () => {
    const { runs, grants: authority, witness } = await world({ programs: [asks] })
    const { run } = await runs.execute(asks, {}, { grants: careful })
    await runs.answer(run, { step: 'x', approved: true })
    const { g } = (await runs.view(run)).grants
    await authority.revoke(g as never, { reason: 'changed my mind' })
    await runs.drive(run)
    expect(witness).toEqual([])
    expect(await runs.view(run)).toMatchObject({ effects: { denied: 1 } })
  })
})

/** Verifies: RUN-R14 */
describe('an abort', () => {
  test('of a run that nobody drives concludes it at once', async () => {
    const { runs, types } = await world()
    const run = await runs.start(work, {}, { grants })
    await runs.abort(run, { reason: 'not needed' })
    expect(await types(run)).toEqual([
      'RunCreated',
      'AbortRequested',
      'RunAborted',
      'AbortReasonDeclared',
      'ResourcesReleased',
      'RunTerminated',
    ])
    expect(await runs.view(run)).toMatchObject({ reason: 'not needed', conclusion: 'aborted' })
  })

  test('from another process reaches a handler at work, which is told to stop', async () => {
    let told: unknown
    const hangs = tool(
      'do',
      'idempotent',
      (call) =>
        new Promise((_, reject) => {
          call.signal.addEventListener('abort', () => {
            told = call.signal.reason
            reject(call.signal.reason)
          })
        }),
    )
    const alice = await world({ effects: [hangs] })
    const bob = await alice.another('bob')
    const run = await alice.runs.start(work, {}, { grants })
    const driven = alice.runs.drive(run)
    await eventually(() => alice.witness).toEqual(['first'])
    await bob.runs.abort(run, { reason: 'stop it' })
    expect(await driven).toEqual({
      kind: 'concluded',
      result: { conclusion: 'aborted', reason: 'stop it' },
    })
    expect(told).toMatchObject({ code: 'ICE_RUNS_ABORTED', message: 'stop it' })
    expect(await alice.types(run)).toEqual([
      ...traceOf(0).slice(0, 7),
      'CapabilityUsed',
      'AbortRequested',
      'EffectFailed',
      'RunAborted',
      'AbortReasonDeclared',
      'ResourcesReleased',
      'RunTerminated',
    ])
  })

  test('of a run that is over is refused', async () => {
    const { runs } = await world()
    const { run } = await runs.execute(work, {}, { grants })
    for (const force of [false, true]) {
      await expect(runs.abort(run, { reason: 'late', force })).rejects.toMatchObject({
        code: 'ICE_RUNS_CONCLUDED_CONFLICT',
      })
    }
  })

  test('by force takes the run from an owner that drives it', async () => {
    let release: (() => void) | undefined
    const slow = tool(
      'do',
      'idempotent',
      () =>
        new Promise<null>((resolve) => {
          release = () => resolve(null)
        }),
    )
    const alice = await world({ effects: [slow] })
    const bob = await alice.another('bob')
    const run = await alice.runs.start(work, {}, { grants })
    const driven = alice.runs.drive(run)
    await eventually(() => release).toBeDefined()
    await bob.runs.abort(run, { reason: 'now', force: true })
    expect(await driven).toMatchObject({ result: { conclusion: 'terminated_by_runtime' } })
    release?.()
    expect((await bob.types(run)).at(-1)).toBe('RunTerminated')
  })
})

/** Verifies: RUN-R15 */
describe('a program that changed under its run', () => {
  test.each<[string, Program]>([
    ['leaves a step out', program(async (ctx) => ctx.effect('last', doing()))],
    [
      'asks for other arguments',
      program(async (ctx) => {
        await ctx.effect('first', doing({ n: 99 }))
        await ctx.approval('q', { prompt: '?' })
      }),
    ],
    [
      'asks for another kind of step',
      program(async (ctx) => {
        await ctx.approval('first', { prompt: '?' })
      }),
    ],
  ])('and %s is told so, with both sides, and its run is set aside', async (_, changed) => {
    const alice = await world()
    const before = program(async (ctx) => {
      await ctx.effect('first', doing({ n: 1 }))
      await ctx.approval('q', { prompt: '?' })
    })
    const { run } = await alice.runs.execute(before, {}, { grants })
    await alice.runs.answer(run, { step: 'q', approved: true })
    const recorded = await alice.events(run)
    const bob = await alice.another('bob', { programs: [changed] })
    alice.die()
    const error = { code: 'ICE_RUNS_DIVERGED_CONFLICT', data: { step: 'first' } }
    expect(await bob.runs.drive(run)).toMatchObject({ kind: 'quarantined', quarantine: { error } })
    const after = await bob.events(run)
    expect(after.slice(0, recorded.length)).toEqual(recorded)
    expect(after.slice(recorded.length).map(({ type }) => type)).toEqual([
      ...['RunClaimed', 'RunResumed', 'RunQuarantined'],
    ])
    expect(bob.witness).toEqual([])
  })
})

/** Verifies: RUN-R16 */
describe('a counted grant', () => {
  test('is never overspent, by however many effects at once in two processes', async () => {
    const alice = await world({ programs: [] })
    const bob = await alice.another('bob')
    const counted = { g: { ...toolGrant('do'), caveats: [{ kind: 'count' as const, max: 7 }] } }
    const greedy = program(async (ctx) => {
      const ids = Array.from({ length: 12 }, (_, i) => `x/${i}`)
      const outcomes = await Promise.all(ids.map((id) => ctx.attempt(id, doing({ id }))))
      return outcomes.map(({ kind }) => kind)
    })
    const runs = await Promise.all([
      alice.runs.execute(greedy, {}, { grants: counted }),
      bob.runs.execute(greedy, {}, { grants: counted }),
    ])
    for (const { stretch } of runs) {
      const { result } = stretch as unknown as { result: { value: string[] } }
      expect(result.value.filter((kind) => kind === 'succeeded')).toHaveLength(7)
      expect(result.value.filter((kind) => kind === 'denied')).toHaveLength(5)
    }
    expect(alice.witness).toHaveLength(7)
    expect(bob.witness).toHaveLength(7)
  })
})

/** Verifies: RUN-R10 */
test('a value is given to a program as its replay gives it, to the order of members', async () => {
  const effects = [tool('do', 'observe', () => ({ b: 1, a: { d: 1, c: 2 } }))]
  const seen: string[] = []
  const looks = program(async (ctx) => {
    const value = await ctx.effect('x', doing())
    const denied = await ctx.attempt('y', { ...doing(), grant: 'none' })
    seen.push(JSON.stringify([value, 'denial' in denied ? denied.denial : null]))
    await ctx.approval('q', { prompt: 'go on?' })
  })
  const { runs } = await world({ effects, programs: [looks] })
  const { run } = await runs.execute(looks, {}, { grants })
  await runs.answer(run, { step: 'q', approved: true })
  await runs.drive(run)
  expect(seen).toHaveLength(2)
  expect(seen[0]).toBe(seen[1])
})
