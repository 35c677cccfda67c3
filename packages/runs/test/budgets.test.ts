import type { BudgetUnit, Caveat } from '@ice/capabilities/ports'
import type { RecordedEvent } from '@ice/events/ports'
import type { GrantId, JsonObject, RunId, StreamId } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import type { EffectCall, EffectHandler, Fate, RunContext } from '../src/ports.ts'
import { doing, eventually, program, toolGrant, type World, world } from './harness.ts'

type Amounts = Readonly<Partial<Record<BudgetUnit, number>>>

interface Paid extends JsonObject {
  /** What the call takes at most. */
  readonly bound: number
}

const tokens = (max: number): Caveat => ({ kind: 'budget', unit: 'tokens', max })
const count = (max: number): Caveat => ({ kind: 'count', max })
const coded = (code: string, spent?: unknown): Error =>
  Object.assign(new Error(code), { code }, spent === undefined ? {} : { spent })

/** The tool `do`, whose calls state `bound` tokens and report what `act` says they took. */
function paid(
  act: (call: EffectCall) => Promise<Amounts | undefined> | Amounts | undefined = () => undefined,
  fate: Fate = 'idempotent',
): EffectHandler {
  return {
    action: 'do',
    fate,
    outcome: 'EffectSucceeded',
    arguments: { parse: (value) => value as JsonObject },
    resource: () => ({ name: 'do' }),
    bounds: (args) => ('bound' in args ? { tokens: args['bound'] as number } : {}),
    async perform(call) {
      const spent = await act(call)
      return { value: call.arguments, observed: {}, ...(spent === undefined ? {} : { spent }) }
    },
  }
}

/** A root grant that every run of the test's principal may use. */
async function shared(at: World, ...caveats: readonly Caveat[]): Promise<GrantId> {
  const id = at.ids.nextGrantId()
  const rights = { ...toolGrant('do'), caveats, delegable: 1 }
  const grant = at.authority.rootGrant({ id, holder: 'principal/os:test', ...rights })
  const stream = `grant/${id}` as StreamId
  const events = [{ type: 'CapabilityGranted', data: { grant } }]
  await at.log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
  return id
}

async function budgetOf(at: World, grant: GrantId): Promise<readonly RecordedEvent[]> {
  const found: RecordedEvent[] = []
  for await (const batch of at.log.read({ stream: `budget/${grant}` as StreamId })) {
    found.push(...batch)
  }
  return found
}

/** What went out of a budget and did not come back; a draw of more than was left took nothing. */
async function takenOf(at: World, grant: GrantId, max = 1_000_000): Promise<number> {
  const events = await budgetOf(at, grant)
  return events.reduce((sum, { type, data }) => {
    const { amount, ifLeft } = data as { readonly amount: number; readonly ifLeft?: true }
    if (ifLeft === true && sum + amount > max) return sum
    return type === 'BudgetReturned' ? sum - amount : sum + amount
  }, 0)
}

const ask = (bound?: number) => doing(bound === undefined ? {} : ({ bound } satisfies Paid))

/** Effects one after another, each of which may take so much. */
const one = (...bounds: readonly number[]) => {
  const name = `pays-${bounds.join('-')}`
  const run = async (ctx: RunContext): Promise<unknown> => {
    const kinds: string[] = []
    for (const [i, bound] of bounds.entries()) {
      kinds.push((await ctx.attempt(`${i}`, ask(bound))).kind)
    }
    return kinds
  }
  return program(run, { name })
}

async function grantOf(at: World, run: RunId): Promise<GrantId> {
  return (await at.runs.view(run)).grants['g'] as GrantId
}

/** Verifies: RUN-R20 */
describe('the purse of a run', () => {
  test('is filled by slices, so that most intents write no shared stream', async () => {
    const alice = await world({ effects: [paid()] })
    const g = await shared(alice, count(100_000))
    const many = program(async (ctx) => {
      for (let i = 0; i < 140; i += 1) await ctx.effect(`${i}`, ask())
      return null
    })
    const { run } = await alice.runs.execute(many, {}, { grants: { g } })
    const events = await budgetOf(alice, g)
    expect(events.map(({ type, data }) => [type, (data as { amount: number }).amount])).toEqual([
      ['BudgetAllotted', 64],
      ['BudgetAllotted', 64],
      ['BudgetAllotted', 64],
      ['BudgetReturned', 52],
    ])
    const intents = (await alice.events(run)).filter(({ type }) => type === 'CapabilityUsed')
    expect(intents.filter(({ data }) => 'allotted' in (data as object))).toHaveLength(3)
    expect(intents.filter(({ data }) => 'spends' in (data as object))).toHaveLength(140)
  })

  test('is never spent twice by effects that are asked for at once', async () => {
    const alice = await world({ effects: [paid()] })
    const many = program(async (ctx) => {
      const ids = Array.from({ length: 12 }, (_, i) => `x/${i}`)
      const outcomes = await Promise.all(ids.map((id) => ctx.attempt(id, ask(10))))
      return outcomes.filter(({ kind }) => kind === 'succeeded').length
    })
    for (const [max, fits] of [
      [70, 7],
      [100_000, 12],
    ] as const) {
      const g = await shared(alice, tokens(max))
      const { stretch } = await alice.runs.execute(many, {}, { grants: { g } })
      expect(stretch).toMatchObject({ result: { value: fits } })
      expect(await takenOf(alice, g)).toBe(fits * 10)
    }
    // Twelve at once on one slice: the first intent allots it, the others take from it.
    expect(alice.witness).toHaveLength(19)
  })

  test('is drawn before the intent that is the first to take from it', async () => {
    const alice = await world({ effects: [paid()] })
    const g = await shared(alice, tokens(100_000))
    const { run } = await alice.runs.execute(one(10), {}, { grants: { g } })
    const events = await alice.events(run)
    const intent = events.find(({ type }) => type === 'CapabilityUsed')
    const draw = events.find(({ type }) => type === 'BudgetDrawn')
    const [slice] = await budgetOf(alice, g)
    expect(intent?.data).toMatchObject({
      spends: [{ grant: g, unit: 'tokens', amount: 10 }],
      allotted: [{ grant: g, unit: 'tokens', amount: 640 }],
    })
    expect(draw?.data).toEqual({ shares: [{ grant: g, unit: 'tokens', amount: 640 }] })
    expect(slice?.data).toEqual({ grant: g, unit: 'tokens', amount: 640, run, ifLeft: true })
    expect(slice?.position).toBe((draw?.position ?? 0) + 1)
    expect(intent?.position).toBe((slice?.position ?? 0) + 1)
    expect(intent?.data).toMatchObject({ basis: [{ stream: `grant/${g}` }, {}, {}, {}, {}] })
    expect(JSON.stringify(intent?.data)).not.toContain('budget/')
  })

  test('is filled for runs of two processes at once, and no append conflicts', async () => {
    const alice = await world({ effects: [paid()] })
    const bob = await alice.another('bob')
    const g = await shared(alice, tokens(1_000_000))
    const refused: unknown[] = []
    let appends = 0
    const { store } = alice
    const { append } = store
    store.append = async (unit) => {
      appends += 1
      return append.call(store, unit).catch((error: unknown) => {
        refused.push(error)
        throw error
      })
    }
    const runs = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? alice : bob))
    await Promise.all(runs.map((at) => at.runs.execute(one(10, 10), {}, { grants: { g } })))
    expect(refused).toEqual([])
    // The start, the opening with the draw, two intents and the conclusion with the last outcome.
    expect(appends).toBe(40 * 5)
    expect(await takenOf(alice, g)).toBe(40 * 20)
  })

  test('is decided anew where a draw came to nothing', async () => {
    const alice = await world({ effects: [paid()] })
    const bob = await alice.another('bob')
    const g = await shared(alice, tokens(100))
    // Alice knows a budget that is whole; then bob takes nearly all of it.
    await alice.runs.execute(one(1), {}, { grants: { g } })
    await bob.runs.execute(one(97), {}, { grants: { g } })
    const { stretch } = await alice.runs.execute(one(5, 2), {}, { grants: { g } })
    expect(stretch).toMatchObject({ result: { value: ['denied', 'succeeded'] } })
    const draws = (await budgetOf(alice, g)).filter(({ type }) => type === 'BudgetAllotted')
    expect(draws.map(({ data }) => (data as { amount: number }).amount)).toEqual([1, 97, 5, 2])
    expect(await takenOf(alice, g, 100)).toBe(100)
  })

  test('lets a call through that states no bound only where nothing limits it', async () => {
    const alice = await world({ effects: [paid()] })
    const g = await shared(alice, tokens(100))
    const blind = program(async (ctx) => ctx.attempt('x', ask()) as never)
    const { stretch } = await alice.runs.execute(blind, {}, { grants: { g } })
    expect(stretch).toMatchObject({
      result: { value: { kind: 'denied', denial: { code: 'ICE_CAPABILITIES_BUDGET_EXCEEDED' } } },
    })
    const free = await alice.runs.execute(blind, {}, { grants: { g: await shared(alice) } })
    expect(free.stretch).toMatchObject({ result: { value: { kind: 'succeeded' } } })
  })

  test('denies a handler that states nonsense', async () => {
    const handler = { ...paid(), bounds: () => ({ tokens: Number.NaN }) }
    const alice = await world({ effects: [handler] })
    const { stretch } = await alice.runs.execute(one(1), {}, { grants: { g: toolGrant('do') } })
    expect(stretch).toMatchObject({ result: { value: ['denied'] } })
    expect(alice.witness).toEqual([])
  })
})

/** Verifies: RUN-R21 */
describe('what was really spent', () => {
  const cases: readonly [string, Parameters<typeof paid>[0], number, number][] = [
    ['less: the rest comes back', () => ({ tokens: 3 }), 3, 0],
    ['nothing', () => ({ tokens: 0 }), 0, 0],
    ['not said: the bound', () => undefined, 10, 0],
    ['said of another unit: the bound', () => ({ bytes: 1 }), 10, 0],
    ['no amount: the bound', () => ({ tokens: -1 }), 10, 0],
    ['no number: the bound', () => ({ tokens: '3' as never }), 10, 0],
    ['inherited: the bound', () => Object.create({ tokens: 3 }), 10, 0],
    ['more than the bound: out of the slice', () => ({ tokens: 50 }), 50, 0],
    ['more than the slice: charged to the budget', () => ({ tokens: 980 }), 980, 340],
  ]
  test.each(cases)('%s', async (_, act, taken, overspent) => {
    const alice = await world({ effects: [paid(act)] })
    const g = await shared(alice, tokens(100_000))
    const { run } = await alice.runs.execute(one(10), {}, { grants: { g } })
    expect(await takenOf(alice, g)).toBe(taken)
    const view = await alice.runs.view(run)
    expect(view.overspent).toEqual(
      overspent === 0 ? [] : [{ grant: g, unit: 'tokens', amount: 340 }],
    )
  })

  test('more than all there is leaves nothing, and says so', async () => {
    const alice = await world({ effects: [paid(() => ({ tokens: 1_000 }))] })
    const g = await shared(alice, tokens(100))
    const { run, stretch } = await alice.runs.execute(one(10, 1), {}, { grants: { g } })
    expect(stretch).toMatchObject({ result: { value: ['succeeded', 'denied'] } })
    const outcome = (await alice.events(run)).find(({ type }) => type === 'EffectSucceeded')
    expect(outcome?.data).toMatchObject({ spent: [{ grant: g, unit: 'tokens', amount: 1_000 }] })
    expect(await takenOf(alice, g, 100)).toBe(1_000)
    expect((await alice.runs.view(run)).overspent).toMatchObject([{ amount: 990 }])
  })

  test.each<[string, () => Error, number]>([
    ['a failure that says it', () => coded('X_UNAVAILABLE', { tokens: 4 }), 4],
    ['a failure that does not', () => coded('X_UNAVAILABLE'), 10],
    ['a refusal by the handler', () => coded('X_DENIED', { tokens: 4 }), 10],
  ])('of %s', async (_, thrown, taken) => {
    const alice = await world({
      effects: [
        paid(() => {
          throw thrown()
        }),
      ],
    })
    const g = await shared(alice, tokens(100_000), count(1_000_000))
    await alice.runs.execute(one(10), {}, { grants: { g } })
    expect(await takenOf(alice, g)).toBe(taken + 1)
  })

  test('never comes to fewer uses', async () => {
    const alice = await world({ effects: [paid(() => ({ uses: 0, rate: 0 }))] })
    const g = await shared(alice, count(2))
    const { stretch } = await alice.runs.execute(one(1, 1, 1), {}, { grants: { g } })
    expect(stretch).toMatchObject({ result: { value: ['succeeded', 'succeeded', 'denied'] } })
  })
})

/** Verifies: RUN-R22 */
describe('in doubt', () => {
  const unsure = () => {
    let acts = 0
    return paid(() => {
      acts += 1
      if (acts === 1) throw coded('BANK_IN_DOUBT')
      return { tokens: 1 }
    }, 'irreversible')
  }

  test.each([
    [false, 1],
    [true, 10],
  ])('is spent, until it is known whether it happened: %s', async (happened, taken) => {
    const pay = one(10)
    const alice = await world({ effects: [unsure()] })
    const g = await shared(alice, tokens(10))
    const { run } = await alice.runs.execute(pay, {}, { grants: { g } })
    const other = await alice.runs.execute(one(1), {}, { grants: { g } })
    expect(other.stretch).toMatchObject({ result: { value: ['denied'] } })
    await alice.runs.resolveDoubt(run, { effect: '0', happened, evidence: 'asked' })
    // Whoever says so first is believed: what it took may have been given back by it.
    await expect(
      alice.runs.resolveDoubt(run, { effect: '0', happened: !happened, evidence: 'no' }),
    ).rejects.toMatchObject({ code: 'ICE_RUNS_STEP_NOT_FOUND' })
    expect(await alice.runs.drive(run)).toMatchObject({ result: { value: ['succeeded'] } })
    expect(await takenOf(alice, g)).toBe(taken)
  })

  test('is spent for good when the run is ended by force', async () => {
    const alice = await world({ effects: [unsure()] })
    const g = await shared(alice, tokens(1_000_000))
    const { run } = await alice.runs.execute(one(10), {}, { grants: { g } })
    expect(await takenOf(alice, g)).toBe(640)
    await alice.runs.abort(run, { reason: 'enough', force: true })
    expect(await takenOf(alice, g)).toBe(10)
  })
})

/** Verifies: RUN-R22, RUN-R23 */
describe('a run whose owner dies', () => {
  /** Alice dies while her first effect is at work; bob is there. */
  async function orphan(fate: Fate, caveat: Caveat) {
    const hangs = paid(() => new Promise<never>(() => undefined), fate)
    const work = one(10, 10)
    const alice = await world({ effects: [hangs], programs: [work] })
    const g = await shared(alice, caveat)
    const run = await alice.runs.start(work, {}, { grants: { g } })
    const stop = new AbortController()
    const driven = alice.runs.drive(run, { signal: stop.signal })
    await eventually(() => alice.witness).toEqual(['0'])
    alice.die()
    const bob = await alice.another('bob', { effects: [paid(undefined, fate)] })
    return { alice, bob, g, run, stop: () => stop.abort(), driven }
  }

  test('has its purse from its own stream, and pays again for what is tried again', async () => {
    const { bob, g, run, stop, driven } = await orphan('idempotent', tokens(1_000_000))
    expect(await bob.runs.drive(run)).toMatchObject({
      result: { value: ['succeeded', 'succeeded'] },
    })
    stop()
    await driven.catch(() => undefined)
    const events = await budgetOf(bob, g)
    expect(events.map(({ type, data }) => [type, (data as { amount: number }).amount])).toEqual([
      ['BudgetAllotted', 640],
      ['BudgetReturned', 610],
    ])
  })

  test('is denied what a first attempt may have spent', async () => {
    const { bob, g, run, stop, driven } = await orphan('idempotent', tokens(10))
    expect(await bob.runs.drive(run)).toMatchObject({ result: { value: ['denied', 'denied'] } })
    stop()
    await driven.catch(() => undefined)
    expect(await takenOf(bob, g)).toBe(10)
  })

  test('has in hand what was drawn for it before its owner died', async () => {
    const work = one(10, 10)
    for (const end of ['drive', 'force'] as const) {
      const alice = await world({ effects: [paid()], programs: [work] })
      const g = await shared(alice, tokens(1_000_000))
      const run = await alice.runs.start(work, {}, { grants: { g } })
      const { log } = alice
      const { append } = log
      // The append of the draw is the last that alice makes; she never hears of it.
      Object.assign(log, {
        append: async (request: Parameters<typeof append>[0]) => {
          await append.call(log, request)
          throw new Error('dead')
        },
      })
      await expect(alice.runs.drive(run)).rejects.toThrow('dead')
      alice.die()
      expect(await takenOf(alice, g)).toBe(640)
      const bob = await alice.another('bob')
      expect((await bob.types(run)).at(-1)).toBe('BudgetDrawn')
      if (end === 'force') await bob.runs.abort(run, { reason: 'enough', force: true })
      else expect(await bob.runs.drive(run)).toMatchObject({ kind: 'concluded' })
      const draws = (await bob.types(run)).filter((type) => type === 'BudgetDrawn')
      expect(draws).toHaveLength(1)
      expect(await takenOf(bob, g)).toBe(end === 'force' ? 0 : 20)
    }
  })

  test('gives back what is left when another process ends it', async () => {
    for (const force of [true, false]) {
      const { bob, g, run, stop, driven } = await orphan('irreversible', tokens(1_000_000))
      await bob.runs.abort(run, { reason: 'enough', force })
      stop()
      await driven.catch(() => undefined)
      expect(await takenOf(bob, g)).toBe(10)
      expect((await bob.types(run)).at(-1)).toBe('RunTerminated')
    }
  })
})

/** Verifies: RUN-R23 */
describe('the conclusion', () => {
  test.each<[string, (ctx: RunContext) => Promise<unknown>]>([
    ['committed', async (ctx) => ctx.effect('x', ask(10))],
    [
      'aborted',
      async (ctx) => {
        await ctx.effect('x', ask(10))
        throw new Error('no')
      },
    ],
  ])('returns what is left, in its own append: %s', async (conclusion, run) => {
    const alice = await world({ effects: [paid()] })
    const g = await shared(alice, tokens(1_000_000), count(1_000_000))
    const ended = await alice.runs.execute(program(run), {}, { grants: { g } })
    expect(ended.stretch).toMatchObject({ result: { conclusion } })
    const end = (await alice.events(ended.run)).at(-1)
    const back = (await budgetOf(alice, g)).filter(({ type }) => type === 'BudgetReturned')
    expect(back.map(({ data }) => data)).toEqual([
      { grant: g, unit: 'tokens', amount: 630, run: ended.run },
      { grant: g, unit: 'uses', amount: 63, run: ended.run },
    ])
    expect(back[0]?.position).toBe((end?.position ?? 0) + 1)
  })

  test('does not fail because the budget has moved', async () => {
    const alice = await world({ effects: [paid()] })
    const g = await shared(alice, tokens(1_000_000))
    const slow = program(async (ctx) => {
      await ctx.effect('x', ask(10))
      await ctx.approval('wait', { prompt: 'go on?' })
      return null
    })
    const { run } = await alice.runs.execute(slow, {}, { grants: { g } })
    await alice.runs.execute(one(10), {}, { grants: { g } })
    await alice.runs.answer(run, { step: 'wait', approved: true })
    expect(await alice.runs.drive(run)).toMatchObject({ result: { conclusion: 'committed' } })
    expect(await takenOf(alice, g)).toBe(20)
  })

  test('returns to as many budgets as one append writes; the rest counts as spent', async () => {
    const alice = await world({ effects: [paid()] })
    const names = Array.from({ length: 17 }, (_, i) => `g${i}`)
    const ids = await Promise.all(names.map(() => shared(alice, tokens(1_000_000))))
    const wide = program(async (ctx) => {
      for (const grant of names) await ctx.effect(grant, { ...ask(10), grant })
      return null
    })
    const bound = Object.fromEntries(names.map((name, i) => [name, ids[i] as GrantId]))
    const { stretch } = await alice.runs.execute(wide, {}, { grants: bound })
    expect(stretch).toMatchObject({ result: { conclusion: 'committed' } })
    const taken = await Promise.all(ids.map((id) => takenOf(alice, id)))
    expect(taken.toSorted((a, b) => a - b)).toEqual([...Array(15).fill(10), 640, 640])
  })
})

/** Verifies: RUN-R16 */
test('one budget holds over many runs of two processes, to the last of it', async () => {
  const alice = await world({ effects: [paid(() => ({ tokens: 2 }))] })
  const bob = await alice.another('bob')
  const g = await shared(alice, tokens(100))
  const greedy = one(...Array(10).fill(5))
  const all = await Promise.all(
    [alice, bob, alice, bob, alice, bob].map((at) =>
      at.runs.execute(greedy, {}, { grants: { g } }),
    ),
  )
  const kinds = all.flatMap(({ stretch }) => {
    const { result } = stretch as unknown as { readonly result: { readonly value: string[] } }
    return result.value
  })
  const succeeded = kinds.filter((kind) => kind === 'succeeded').length
  expect(await takenOf(alice, g, 100)).toBe(succeeded * 2)
  expect(succeeded * 2).toBeLessThanOrEqual(100)
  // Refused only while less than one bound is left for whoever asks.
  expect(succeeded * 2).toBeGreaterThan(100 - 5 * 6)
})

/** Verifies: RUN-R24 */
test('a grant that exists can be bound to runs by its id, and to nobody else', async () => {
  const alice = await world({ effects: [paid()] })
  const g = await shared(alice)
  expect((await alice.runs.execute(one(1), {}, { grants: { g } })).stretch).toMatchObject({
    result: { value: ['succeeded'] },
  })
  const principal = 'os:mallory' as never
  const stolen = await alice.runs.execute(one(1), {}, { grants: { g }, principal })
  expect(stolen.stretch).toMatchObject({ result: { value: ['denied'] } })
  await expect(
    alice.runs.start(one(1), {}, { grants: { g: 'constructor' as GrantId } }),
  ).rejects.toMatchObject({ code: 'ICE_RUNS_GRANTS_UNSUPPORTED' })
  expect(await grantOf(alice, stolen.run)).toBe(g)
})
