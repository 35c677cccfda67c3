/** Verifies: RUN-R160, RUN-R161, RUN-R162 */
import { describe, expect, test } from 'vitest'
import { defineProgram } from '../src/index.ts'
import { type SimulationInit, simulate } from '../src/testing/index.ts'
import { any, doing, program, toolGrant } from './harness.ts'

const work = program(
  async (ctx) => {
    const first = await ctx.effect('first', doing({ n: 0 }))
    const all = await Promise.all([1, 2, 3].map((n) => ctx.effect(`race/${n}`, doing({ n }))))
    await ctx.effect('pay', { action: 'pay', grant: 'g', arguments: {} })
    const answer = await ctx.approval('sure', { prompt: 'sure?' })
    await ctx.sleep('nap', 60_000)
    const sent = await ctx.signal<string>('word', 'word')
    return [first, all.length, answer.approved, sent?.value ?? null]
  },
  { signals: { word: any } },
)

const init: SimulationInit = {
  starts: [
    {
      program: work,
      input: {},
      options: { grants: { g: { ...toolGrant('do', 'pay') } } },
      signals: [{ signal: 'word', payload: 'go' }],
    },
  ],
  effects: [{ action: 'do' }, { action: 'pay', fate: 'irreversible' }],
}
const seeds = Number(process.env['ICE_SIM_SEEDS'] ?? 60)

describe('a simulation', () => {
  test('holds', async () => {
    const t = performance.now()
    const { counts, last } = await simulate(init, { seeds })
    console.log(counts, last.trace.length, ((performance.now() - t) / seeds).toFixed(1), 'ms/seed')
    expect(counts.acts).toBeGreaterThan(0)
  })
})
