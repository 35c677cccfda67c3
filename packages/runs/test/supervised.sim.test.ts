/** Simulations of supervisors, batches, breakers, schedules: they hold, and catch what breaks. */
import type { JsonObject } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { RUNS_CODES } from '../src/errors.ts'
import { type SimulationInit, simulate } from '../src/testing/index.ts'
import { doing, program, toolGrant } from './harness.ts'
import {
  BREAKERS,
  EFFECTS,
  OUTCOMES,
  type Saboteur,
  SCHEDULES,
  SUPERVISORS,
} from './supervision-saboteurs.ts'

const g = toolGrant('do', 'pay', 'down')
const from = process.env['ICE_SIM_SEED'] ?? ''
const seeds = 12

const items = (count: number): readonly JsonObject[] =>
  Array.from({ length: count }, (_, n) => ({ n }))

const many = program(
  async (ctx) => {
    const put = await ctx.batch('do', { action: 'do', grant: 'g', items: items(3) })
    const paid = await ctx.batch('pay', { action: 'pay', grant: 'g', items: items(3) })
    return [put.length, paid.length]
  },
  { name: 'many' },
)

const batches: SimulationInit = {
  starts: [{ program: many, input: {}, options: { grants: { g } } }],
  effects: [{ action: 'do' }, { action: 'pay', fate: 'irreversible', together: true }],
}

const retry = { attempts: 6, firstMs: 50, factor: 1, jitter: 0 }
const calling = program(
  async (ctx, input) => {
    const kinds: string[] = []
    for (let n = 0; n < 3; n += 1) {
      const terms = input === 0 ? {} : { retry }
      kinds.push((await ctx.attempt(`${n}`, { ...doing({}, 'down'), ...terms })).kind)
    }
    return kinds
  },
  { name: 'calling' },
)

const breakers: SimulationInit = {
  starts: [0, 1].map((input) => ({ program: calling, input, options: { grants: { g } } })),
  effects: [
    {
      action: 'down',
      end: ({ attempt }, random) =>
        (random.uint32() + attempt) % 3 === 0
          ? { gives: 'up' }
          : { fails: 'down', retryable: true, delayMs: 10 },
    },
  ],
  breakers: [
    {
      name: 'service',
      covers: (action) => action === 'down',
      ...{ failures: 2, windowMs: 60_000, openMs: 400 },
    },
  ],
}

const work = program(
  async (ctx, input) => {
    await ctx.effect('one', doing({}, 'do'))
    await ctx.sleep('nap', 1_500)
    return input
  },
  { name: 'work' },
)

const schedules: SimulationInit = {
  starts: [],
  effects: [{ action: 'do' }],
  schedules: [
    {
      program: work,
      input: {},
      spec: { id: 'every', cron: '* * * * * *' },
      grants: { g },
      times: 4,
    },
  ],
}

const queued = (input: number, concurrencyKey?: string) => ({
  program: work,
  input,
  options: {
    grants: { g },
    ...(concurrencyKey === undefined ? { queue: 'narrow' } : { queue: 'keyed', concurrencyKey }),
  },
})

const supervised: SimulationInit = {
  starts: [queued(1), queued(2), queued(3, 'one'), queued(4, 'one')],
  effects: [{ action: 'do', end: ({ arguments: gives }) => ({ gives, delayMs: 200 }) }],
  supervise: { queues: { narrow: { concurrency: 1 } } },
}

const WORLDS = { batches, breakers, schedules, supervised }

/** Verifies: RUN-R240 */
test.each(Object.entries(WORLDS))('%s hold under every fault', async (_name, world) => {
  console.log(`seed ${from}0 to ${from}${seeds - 1}`)
  const { counts } = await simulate(world, { seeds, from })
  const { crashes, acts, takeovers, replays } = counts
  for (const count of [crashes, acts, takeovers, replays]) expect(count).toBeGreaterThan(0)
})

/** Verifies: RUN-R211 */
test.each(Object.entries(WORLDS))('of %s one seed is one simulation', async (_name, world) => {
  const seed = `${from}twice`
  const one = await simulate(world, { seed })
  const two = await simulate(world, { seed })
  expect(two.last.trace).toEqual(one.last.trace)
  expect(two.last.digest).toBe(one.last.digest)
})

/** Verifies: RUN-R240 */
test('a year in which nothing happens passes in a moment, with supervisors too', async () => {
  const yearMs = 365 * 86_400_000
  const sleeper = program(async (ctx) => {
    await ctx.sleep('year', yearMs)
    return null
  })
  const starts = [{ program: sleeper, input: {} }]
  const { last } = await simulate(
    { starts, effects: [], supervise: {}, faults: 'none' },
    { seed: `${from}year` },
  )
  const [created] = last.events
  expect((last.events.at(-1)?.time ?? 0) - (created?.time ?? 0)).toBeGreaterThan(yearMs)
  expect(last.counts.steps).toBeLessThan(1_000)
})

/** Verifies: RUN-R240 */
test('of a batch each call is an act of its own', async () => {
  const { last } = await simulate({ ...batches, faults: 'none' }, { seed: `${from}calm` })
  const acts = last.acts.map(({ effect, item }) => `${effect} ${item}`).sort()
  expect(acts).toEqual(['do 0', 'do 1', 'do 2', 'pay 0', 'pay 1', 'pay 2'])
})

const MATRIX: Readonly<
  Record<string, { init: SimulationInit; saboteurs: Readonly<Record<string, Saboteur>> }>
> = {
  batches: { init: batches, saboteurs: OUTCOMES },
  effects: { init: breakers, saboteurs: EFFECTS },
  breakers: { init: breakers, saboteurs: BREAKERS },
  schedules: { init: schedules, saboteurs: SCHEDULES },
  supervised: { init: supervised, saboteurs: SUPERVISORS },
}

describe.each(Object.entries(MATRIX))('a simulation of %s', (_name, { init, saboteurs }) => {
  /** Verifies: RUN-R241 */
  test.each(Object.entries(saboteurs))('catches %s', async (_what, { parts, says }) => {
    const failure = await simulate({ ...init, parts }, { seeds: 40, from, shrinks: 0 }).then(
      () => null,
      (error: unknown) => error as { readonly code: string; readonly data: { broken: string } },
    )
    expect(failure?.code).toBe(RUNS_CODES.simulation)
    expect(failure?.data.broken).toMatch(says)
  })
})
