/** Worlds of supervisors, batches, breakers and schedules. */
import { type JsonObject, type JsonValue, timestamp } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type {
  BatchRequest,
  Breaker,
  GrantSpec,
  Program,
  RunContext,
  StartOptions,
} from '@ice/runs/ports'
import type { ScriptedEffect, SimulatedStart, SimulationInit } from '@ice/runs/testing'

const any = { parse: (value: unknown): JsonValue => value as JsonValue }
const ACTIONS = ['put', 'pay', 'flaky', 'bulk', 'down'] as const

const g: GrantSpec = {
  actions: [...ACTIONS],
  resource: { kind: 'tool', names: [...ACTIONS] },
  delegable: 2,
}

type Body = (context: RunContext, input: JsonValue) => Promise<unknown>

const named = (name: string, run: Body): Program =>
  defineProgram({ name, version: '1', input: any, output: any, signals: { word: any }, run })

const asks = (action: (typeof ACTIONS)[number], args: JsonObject = {}) => ({
  action,
  grant: 'g',
  arguments: args,
})

/** A piece of work of which there are many: an effect or two, and sometimes a sleep. */
const piece = named('piece', async (ctx, input) => {
  const n = input as number
  await ctx.effect('first', asks('put', { n }))
  if (n % 2 === 1) await ctx.sleep('nap', 400 * n)
  const paid = await ctx.attempt('pay', asks('pay', { n }))
  return paid.kind
})

const start = (input: number, options: StartOptions): SimulatedStart => ({
  program: piece,
  input,
  options: { grants: { g }, ...options },
})

const retry = { attempts: 3, firstMs: 50, factor: 2, maxMs: 1_000, jitter: 0.5 }
const tries = { retry }
const items = (count: number, more: JsonObject = {}) =>
  Array.from({ length: count }, (_, n): JsonObject => ({ n, ...more }))

const batch = (
  ctx: RunContext,
  id: string,
  {
    action,
    ...more
  }: { readonly action: (typeof ACTIONS)[number] } & Omit<BatchRequest, 'action' | 'grant'>,
): Promise<string> =>
  ctx.batch(id, { action, grant: 'g', ...more }).then(
    (all) => all.map((item) => ('ok' in item ? 'ok' : item.error.code)).join(),
    (error: unknown) => (error as { readonly code: string }).code,
  )

/** Batches that succeed, fail in part and as a whole, are tried again, and are irreversible. */
const batches = named('batches', async (ctx) => {
  const puts = { action: 'put', items: items(7), concurrency: 3 } as const
  const flaky = { action: 'flaky', items: items(4), retry } as const
  const some = await Promise.all([batch(ctx, 'puts', puts), batch(ctx, 'flaky', flaky)])
  const bad = await batch(ctx, 'bad', { action: 'flaky', items: items(2, { bad: true }), ...tries })
  const paid = await batch(ctx, 'pay', { action: 'pay', items: items(3) })
  const bulk = await batch(ctx, 'bulk', { action: 'bulk', items: items(5) })
  return [...some, bad, paid, bulk]
})

/** Asks for a service that is down for a while, with patience and without. */
const patient = named('patient', async (ctx, input) => {
  const kinds: string[] = []
  for (let n = 0; n < 3; n += 1) {
    const terms = (input as number) % 2 === 0 ? { retry: { ...retry, attempts: 6 } } : {}
    const end = await ctx.attempt(`call/${n}`, { ...asks('down', { n }), ...terms })
    kinds.push(end.kind)
  }
  return [...kinds, await batch(ctx, 'many', { action: 'down', items: items(3), ...tries })]
})

const service: Breaker = {
  name: 'service',
  covers: (action) => action === 'down',
  ...{ failures: 3, windowMs: 60_000, openMs: 400 },
}

const world: readonly ScriptedEffect[] = [
  {
    action: 'put',
    end: (call, random) => ({
      gives: call.arguments,
      delayMs: [0, 0, 5, 80][random.uint32() % 4] ?? 0,
    }),
  },
  { action: 'pay', fate: 'irreversible' },
  { action: 'bulk', fate: 'irreversible', together: true },
  {
    action: 'flaky',
    end: ({ arguments: args, attempt }, random) =>
      args['bad'] === true || (random.uint32() + attempt) % 2 === 0
        ? { fails: 'not today', retryable: true, acted: random.uint32() % 2 === 0 }
        : { gives: 'done' },
  },
  {
    action: 'down',
    end: ({ attempt }, random) =>
      (random.uint32() + attempt) % 3 === 0
        ? { gives: 'up', delayMs: 5 }
        : { fails: 'down', retryable: true, delayMs: [0, 20, 200][random.uint32() % 3] ?? 0 },
  },
]

/** Two seconds after simulations begin. */
const DEADLINE_MS = Date.UTC(2025, 0, 1, 0, 0, 2)

/** The programs, by the names that a failing seed says. */
export const WORLDS: Readonly<Record<string, SimulationInit>> = {
  queues: {
    starts: [
      ...[1, 2, 3].map((n) => start(n, { queue: 'narrow', concurrencyKey: `k${n % 2}` })),
      ...[4, 5, 6].map((n) => start(n, { queue: 'keyed', concurrencyKey: 'one', priority: n })),
      start(7, { queue: 'wide' }),
      start(8, {}),
      start(9, { queue: 'wide', deadline: timestamp(DEADLINE_MS) }),
    ],
    effects: world,
    workers: 3,
    supervise: {
      concurrency: 4,
      queues: {
        narrow: { concurrency: 2, keyConcurrency: 2 },
        wide: { weight: 3, rate: { count: 2, perMs: 1_000 } },
      },
    },
    healsAfter: 800,
  },
  batches: {
    starts: [{ program: batches, input: null, options: { grants: { g } } }],
    effects: world,
  },
  breakers: {
    starts: [0, 1, 2].map((input) => ({ program: patient, input, options: { grants: { g } } })),
    effects: world,
    breakers: [service],
  },
  schedules: {
    starts: [],
    schedules: (['skip', 'queue', 'all'] as const).map((overlap, n) => ({
      program: piece,
      input: n + 1,
      grants: { g },
      spec: { id: overlap, cron: '* * * * * *', overlap, catchUpMs: 5_000, zone: 'Europe/Vienna' },
      times: 3,
    })),
    effects: world,
    supervise: {},
    healsAfter: 800,
  },
}
