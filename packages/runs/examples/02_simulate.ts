/** A program is put through everything that can befall it, a hundred times, in virtual time. */
import { defineProgram } from '@ice/runs'
import { simulate } from '@ice/runs/testing'
import { z } from 'zod'

const order = defineProgram({
  name: 'order',
  version: '1',
  input: z.strictObject({ item: z.string() }),
  output: z.strictObject({ paid: z.boolean() }),
  run: async (ctx, { item }) => {
    await ctx.effect('reserve', { action: 'reserve', grant: 'shop', arguments: { item } })
    await ctx.sleep('cooling-off', 14 * 86_400_000)
    const { approved } = await ctx.approval('sure', { prompt: `Buy ${item}?` })
    if (!approved) return { paid: false }
    const paid = await ctx.attempt('pay', { action: 'pay', grant: 'shop', arguments: { item } })
    return { paid: paid.kind === 'succeeded' }
  },
})

const shop = { actions: ['reserve', 'pay'], resource: { kind: 'tool', names: ['reserve', 'pay'] } }

const { counts, last } = await simulate(
  {
    starts: [{ program: order, input: { item: 'a lamp' }, options: { grants: { shop } } }],
    effects: [{ action: 'reserve' }, { action: 'pay', fate: 'irreversible' }],
    invariants: [
      {
        name: 'nobody pays twice',
        check: ({ acts }) =>
          acts.filter(({ action }) => action === 'pay').length > 1 ? 'somebody did' : undefined,
      },
    ],
  },
  { seeds: 100 },
)
console.log(`${counts.crashes} crashes, ${counts.takeovers} takeovers, ${counts.doubts} doubts`)
console.log(last.runs.map(({ conclusion }) => conclusion))
