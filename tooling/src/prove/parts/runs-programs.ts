/** Programs that use all that runs can do, and the worlds they are simulated in. */
import type { JsonValue } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { GrantSpec, Program, RunContext } from '@ice/runs/ports'
import type { ScriptedEffect, SimulationInit } from '@ice/runs/testing'

const any = { parse: (value: unknown): JsonValue => value as JsonValue }
const ACTIONS = ['look', 'put', 'pay', 'flaky'] as const

const grant = (more: Partial<GrantSpec> = {}): GrantSpec => ({
  actions: [...ACTIONS],
  resource: { kind: 'tool', names: [...ACTIONS] },
  delegable: 2,
  ...more,
})

const spawn: GrantSpec = {
  actions: ['run.spawn'],
  resource: { kind: 'spawn', names: ['child', 'late'], widthMax: 8 },
  delegable: 2,
}

const asks = (action: (typeof ACTIONS)[number], args: Record<string, JsonValue> = {}) => ({
  action,
  grant: 'g',
  arguments: { cost: 1, ...args },
})

type Body = (context: RunContext, input: JsonValue) => Promise<unknown>

const named = (name: string, run: Body, more: Partial<Program> = {}): Program =>
  defineProgram({
    name,
    version: '1',
    input: any,
    output: any,
    signals: { word: any },
    run,
    ...more,
  })

/** Effects one after another, at once, that fail, and that are not allowed. */
const effects = named('effects', async (ctx) => {
  const first = await ctx.effect('first', asks('look'))
  const quick = await Promise.race(
    [1, 2, 3].map((n) => ctx.effect(`race/${n}`, asks('put', { n }))),
  )
  await ctx.propose('plan', { agent: 'planner', content: { n: 1 }, reason: 'it is time' })
  const paid = await ctx.attempt('pay', { ...asks('pay'), proposal: 'plan' })
  const flaky = await ctx.attempt('flaky', asks('flaky'))
  const denied = await ctx.attempt('denied', { ...asks('put'), grant: 'none' })
  const last = await ctx.effect('last', asks('put', { at: ctx.now, id: ctx.uuid() }))
  return [first, quick, paid.kind, flaky.kind, denied.kind, last]
})

/** Short times and long ones, signals that come and that do not, an event of the log. */
const waits = named('waits', async (ctx) => {
  await ctx.sleep('short', 120)
  const word = await ctx.signal('word', 'word')
  const [late] = await Promise.all([
    ctx.signal('late', 'word', { timeoutMs: 30_000 }),
    ctx.sleep('long', 3_600_000),
    ctx.effect('meanwhile', asks('put')),
  ])
  const seen = await ctx.event('event', { types: ['RunTerminated'] }, { timeoutMs: 7_200_000 })
  return [word?.value ?? null, late?.value ?? null, seen?.type ?? null]
})

/** Branches that lose with effects at work, and many things at a time. */
const branches = named('branches', async (ctx) => {
  const won = await ctx.race<JsonValue>('race', {
    slow: async (way) => {
      await way.sleep('nap', 5_000)
      return way.effect('after', asks('put'))
    },
    quick: (way) => way.effect('now', asks('put')),
    paying: (way) => way.effect('pay', asks('pay')),
  })
  const some = await ctx.any<string>('any', {
    bad: async (way) => way.effect<string>('bad', asks('flaky', { bad: true })),
    good: async (way) => (await way.attempt('good', asks('put'))).kind,
  })
  const squares = await ctx.map(
    'map',
    [1, 2, 3, 4],
    (way, n) => way.effect('one', asks('put', { n })),
    {
      concurrency: 2,
    },
  )
  return [won.name, some.name, squares.length]
})

const child = named('child', async (ctx, input) => {
  const { cost } = await ctx.effect<{ cost: number }>('work', asks('put', { cost: 2 }))
  await ctx.attempt('pay', asks('pay', { cost }))
  await ctx.sleep('nap', 400)
  return input
})

const late = named('late', async (ctx) => {
  await ctx.sleep('nap', 60_000)
  return (await ctx.attempt('late', asks('put'))).kind
})

/** Children that are waited for, one that is not, and one that is left behind. */
const children = named('children', async (ctx) => {
  const under = { grant: 'spawn', grants: { g: 'g' } }
  const [one, two] = await Promise.all([
    ctx.spawn<number>('one', child, 1, under),
    ctx.spawn<number>('two', child, 2, under),
  ])
  await ctx.spawn('apart', late, null, { ...under, detached: true })
  const ends = await Promise.all([one.settled(), two.settled()])
  await ctx.spawn('left', late, null, under)
  return ends.map(({ conclusion }) => conclusion)
})

/** A line of runs that share an inbox and what was spent. */
const successors = named('successors', async (ctx, input) => {
  const n = input as number
  await ctx.attempt('work', asks('put', { n }))
  const word = n === 1 ? await ctx.signal('word', 'word') : null
  if (n < 3) return ctx.continueAs(n + 1)
  return [n, word?.value ?? null]
})

/** Questions, approvals of effects, answers that are no, and nobody who answers. */
const approvals = named('approvals', async (ctx) => {
  const [pay, put] = await Promise.all([
    ctx.attempt('pay', asks('pay')),
    ctx.attempt('put', asks('put')),
  ])
  const { approved } = await ctx.approval('sure', { prompt: 'Sure?' })
  const lapsed = await ctx.approval('nobody', { prompt: 'Anybody?', timeoutMs: 10_000 })
  return [pay.kind, put.kind, approved, lapsed.lapsed === true]
})

/** More effects than the budget has, at once, here and in a child. */
const budgets = named('budgets', async (ctx) => {
  const one = await ctx.spawn('one', child, 1, { grant: 'spawn', grants: { g: 'g' } })
  const ends = await Promise.all(
    Array.from({ length: 7 }, (_, n) => ctx.attempt(`put/${n}`, asks('put', { cost: n + 1 }))),
  )
  const end = await one.settled()
  return [ends.map(({ kind }) => kind), end.conclusion]
})

/** Patches, references, and a result that is refused. */
const records = named(
  'records',
  async (ctx) => {
    const isPatched = await ctx.patched('second')
    const held = await ctx.hold('held', asks('look', { n: 1 }))
    await ctx.attempt('uses', asks('put', { held: held as never }))
    const seen = isPatched ? await ctx.reveal('seen', held) : null
    const { approved } = await ctx.approval('sure', { prompt: 'Sure?' })
    return { seen: seen as JsonValue, approved }
  },
  {
    checks: [
      {
        name: 'approved',
        check: (output) =>
          (output as { approved: boolean }).approved ? undefined : 'nobody wanted it',
      },
    ],
  },
)

/** Attempts, what is staged, and what is undone when the run aborts. */
const ends = named('ends', async (ctx) => {
  const retry = { attempts: 3, firstMs: 50, factor: 2, maxMs: 1_000, jitter: 0.5 }
  const tried = await ctx.attempt('tries', { ...asks('flaky'), retry })
  const compensation = { action: 'put', grant: 'g', arguments: { cost: 1, undo: true } }
  await ctx.effect('made', { ...asks('look'), compensation })
  await ctx.effect('also', { ...asks('put'), compensation })
  await ctx.stage('mail', asks('put'))
  await ctx.stage('paid', asks('pay'))
  const last = await ctx.attempt('last', asks('flaky'))
  if (last.kind !== 'succeeded') throw new Error('All of it is undone')
  return [tried.kind, last.kind]
})

const world: readonly ScriptedEffect[] = [
  { action: 'look', fate: 'observe' },
  {
    action: 'put',
    bounds: ({ cost }) => ({ tokens: cost as number }),
    end: (call, random) => ({
      gives: call.arguments,
      delayMs: [0, 0, 5, 80][random.uint32() % 4] ?? 0,
    }),
  },
  { action: 'pay', fate: 'irreversible', bounds: ({ cost }) => ({ tokens: cost as number }) },
  {
    action: 'flaky',
    end: ({ arguments: args, attempt }, random) =>
      args['bad'] === true || (random.uint32() + attempt) % 2 === 0
        ? { fails: 'not today', retryable: true, acted: random.uint32() % 2 === 0 }
        : { gives: 'done' },
  },
]

const g = grant()
const careful = grant({ caveats: [{ kind: 'approval' }] })
const poor = grant({
  caveats: [
    { kind: 'budget', unit: 'tokens', max: 20 },
    { kind: 'count', max: 6 },
  ],
})
const word = { signal: 'word', payload: 'go' }

/** The programs, by the names that a failing seed says. */
export const SIMULATED: Readonly<Record<string, SimulationInit>> = {
  effects: {
    starts: [{ program: effects, input: null, options: { grants: { g } } }],
    effects: world,
  },
  waits: {
    starts: [
      { program: waits, input: null, options: { grants: { g } }, signals: [word] },
      { program: effects, input: null, options: { grants: { g } } },
    ],
    effects: world,
  },
  branches: {
    starts: [{ program: branches, input: null, options: { grants: { g } } }],
    effects: world,
  },
  children: {
    starts: [{ program: children, input: null, options: { grants: { g, spawn } } }],
    programs: [child, late],
    effects: world,
  },
  successors: {
    starts: [{ program: successors, input: 1, options: { grants: { g: poor } }, signals: [word] }],
    effects: world,
  },
  approvals: {
    starts: [{ program: approvals, input: null, options: { grants: { g: careful } } }],
    effects: world,
    answer: ({ step }, random) =>
      step === 'nobody' ? null : { approved: random.uint32() % 3 > 0, comment: 'so be it' },
  },
  budgets: {
    starts: [{ program: budgets, input: null, options: { grants: { g: poor, spawn } } }],
    programs: [child],
    effects: world,
  },
  ends: { starts: [{ program: ends, input: null, options: { grants: { g } } }], effects: world },
  records: {
    starts: [{ program: records, input: null, options: { grants: { g } } }],
    effects: world,
    answer: (_waiting, random) => ({ approved: random.uint32() % 4 > 0 }),
  },
}

/**
 * Worlds that no supervisor drives: a sleeper whose question has lost its right is not ready by the
 * index, and sleeps on (`docs/gaps.md`).
 */
export const UNSUPERVISED: ReadonlySet<string> = new Set(['approvals'])
