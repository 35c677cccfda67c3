/** Simulations: that they hold, repeat themselves, and catch what is broken. */
import { describe, expect, test } from 'vitest'
import { RUNS_CODES } from '../src/errors.ts'
import { type SimulationInit, simulate } from '../src/testing/index.ts'
import { any, doing, program, toolGrant } from './harness.ts'
import { immortal, SABOTEURS } from './simulation-saboteurs.ts'

const work = program(
  async (ctx) => {
    await ctx.effect('first', doing({ n: 0 }))
    const all = await Promise.all([1, 2, 3].map((n) => ctx.effect(`at once/${n}`, doing({ n }))))
    const flaky = await ctx.attempt('flaky', doing({}, 'flaky'))
    await ctx.effect('pay', doing({}, 'pay'))
    const answer = await ctx.approval('sure', { prompt: 'Sure?' })
    await ctx.sleep('nap', 86_400_000)
    const sent = await ctx.signal<string>('word', 'word')
    return [all.length, flaky.kind, answer.approved, sent?.value ?? null]
  },
  { signals: { word: any } },
)

const grants = { g: toolGrant('do', 'pay', 'flaky') }
const init: SimulationInit = {
  starts: [
    { program: work, input: {}, options: { grants }, signals: [{ signal: 'word', payload: 'go' }] },
  ],
  effects: [
    { action: 'do', end: ({ arguments: gives }) => ({ gives, delayMs: 3 }) },
    { action: 'pay', fate: 'irreversible' },
    { action: 'flaky', steps: { flaky: [{ fails: 'not today', acted: true }] } },
  ],
}
const from = process.env['ICE_SIM_SEED'] ?? ''
const seeds = 25

async function failureOf(broken: SimulationInit, count: number): Promise<Failure> {
  try {
    await simulate(broken, { seeds: count, from, shrinks: 25, commit: 'abc' })
  } catch (error) {
    return error as Failure
  }
  throw new Error(`no seed of ${count} has found it`)
}

interface Failure extends Error {
  readonly code: string
  readonly data: { readonly seed: string; readonly digest: string; readonly choices: string }
}

describe('a simulation', () => {
  /** Verifies: RUN-R210 */
  test('puts programs through every fault, and their runs hold', async () => {
    console.log(`seed ${from}0 to ${from}${seeds - 1}`)
    const { counts } = await simulate(init, { seeds, from })
    expect(counts).toMatchObject({ runs: seeds, replays: seeds })
    const { acts, doubts, takeovers, crashes, freezes, lost } = counts
    // What was never disturbed would prove nothing.
    for (const count of [acts, doubts, takeovers, crashes, freezes, lost]) {
      expect(count).toBeGreaterThan(0)
    }
  })

  /** Verifies: RUN-R210 */
  test('passes a day in a moment, and calmly where nothing may befall', async () => {
    const { last } = await simulate({ ...init, faults: 'none' }, { seed: `${from}calm` })
    const [created] = last.events
    expect((last.events.at(-1)?.time ?? 0) - (created?.time ?? 0)).toBeGreaterThan(86_400_000)
    expect(last.counts).toMatchObject({ crashes: 0, freezes: 0, lost: 0, doubts: 0 })
    expect(last.acts.map(({ effect }) => effect).sort()).toEqual(
      ['at once/1', 'at once/2', 'at once/3', 'first', 'flaky', 'pay'].sort(),
    )
  })

  /** Verifies: RUN-R211 */
  test('of one seed is one simulation, to the last byte of its log', async () => {
    const digests = new Set<string>()
    for (const n of [1, 2, 3]) {
      const seed = `${from}twice ${n}`
      const one = await simulate(init, { seed })
      const two = await simulate(init, { seed })
      expect(two.last.trace).toEqual(one.last.trace)
      expect(two.last.digest).toBe(one.last.digest)
      digests.add(one.last.digest)
    }
    expect(digests.size).toBe(3)
  })

  /** Verifies: RUN-R212 */
  test.each(Object.keys(SABOTEURS))('catches %s', async (name) => {
    const { parts, says } = SABOTEURS[name] as (typeof SABOTEURS)[string]
    const failure = await failureOf({ ...init, parts }, 200)
    expect(failure.code).toBe(RUNS_CODES.simulation)
    expect(failure.message).toMatch(says)
  })

  /** Verifies: RUN-R212 */
  test('catches an ownership to which nobody dies: nothing comes to an end', async () => {
    const faults = { crash: 60 }
    const failure = await failureOf({ ...init, parts: immortal, faults, stepsMax: 1_500 }, 60)
    expect(failure.message).toMatch(/nothing (comes to an end|goes on)/)
  })

  /** Verifies: RUN-R211 */
  test('that fails tells how it is repeated, and a shorter one', async () => {
    const { parts } = SABOTEURS[
      'a service that repeats what is irreversible after a crash'
    ] as never
    const broken = { ...init, parts }
    const failure = await failureOf(broken, 200)
    const { seed, digest, choices } = failure.data
    expect(failure.message).toContain('commit abc')
    const same = await simulate(broken, { seed, shrinks: 0 }).catch((error) => error as Failure)
    expect((same as Failure).data).toMatchObject({ seed, digest })
    const list = Object.fromEntries(
      choices
        .replaceAll(/[{}]/g, '')
        .split(',')
        .map((pair) => pair.split(':').map(Number)),
    )
    const shortest = await simulate(broken, { seed, choices: list, shrinks: 0 }).catch(
      (error) => error as Failure,
    )
    const steps = /simulation that was found has (\d+) steps/
    expect((shortest as Failure).message).toMatch(/repeats what is irreversible/)
    expect((shortest as Failure).message.match(steps)?.[1]).toBe(failure.message.match(steps)?.[1])
  })

  /** Verifies: RUN-R212 */
  test('holds programs to invariants of their own', async () => {
    const invariants = [
      {
        name: 'pays once',
        check: ({ acts }: { acts: readonly { action: string }[] }) =>
          acts.some(({ action }) => action === 'pay') ? 'it has paid' : undefined,
      },
    ]
    const failure = await failureOf({ ...init, invariants }, 1)
    expect(failure.message).toContain('pays once: it has paid')
  })

  /** Verifies: RUN-R212 */
  test('catches a program that does not follow its record', async () => {
    let asked = 0
    const fickle = program(async (ctx) => {
      asked += 1
      await ctx.effect(`step ${asked}`, doing())
      return null
    })
    const starts = [{ program: fickle, input: {}, options: { grants } }]
    const failure = await failureOf({ ...init, starts }, 1)
    expect(failure.message).toMatch(/cannot be replayed|cannot drive/)
  })
})
