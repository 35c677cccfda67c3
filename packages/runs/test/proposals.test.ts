import { expect, test } from 'vitest'
import { doing, grants, program, world } from './harness.ts'

const plan = { agent: 'rules', content: 'do it', reason: 'it is due' }

/** Verifies: RUN-R82 */
test('an effect names the proposal it carries out, whatever comes of it', async () => {
  const { runs, events } = await world()
  const proposed = program(async (ctx) => {
    await ctx.propose('plan', plan)
    const within = ctx.scope('in')
    await within.propose('plan', plan)
    await ctx.attempt('done', { ...doing(), proposal: 'plan' })
    await within.attempt('done', { ...doing(), proposal: 'plan' })
    await ctx.attempt('denied', { ...doing(), grant: 'none', proposal: 'plan' })
    await ctx.attempt('alone', doing())
    return null
  })
  const { run } = await runs.execute(proposed, null, { grants })
  const all = await events(run)
  const plans = all.filter(({ type }) => type === 'DecisionProposed').map(({ id }) => id)
  const decided = all.filter(({ type }) => type === 'CapabilityUsed' || type === 'CapabilityDenied')
  expect(decided.map(({ causes }) => causes)).toEqual([[plans[0]], [plans[1]], [plans[0]], []])
})

/** Verifies: RUN-R82 */
test.each(['none', 'plan', 'late', '', 7, '__proto__', 'constructor'])(
  'an effect that names "%s" asks for nothing',
  async (name) => {
    const { runs, types } = await world()
    const wrong = program(async (ctx) => {
      await ctx.scope('in').propose('plan', plan)
      const late = ctx.propose('late', plan)
      const code = await ctx.attempt('done', { ...doing(), proposal: name as string }).then(
        () => 'done',
        (error: { code: string }) => error.code,
      )
      await late
      return code
    })
    const { run } = await runs.execute(wrong, null, { grants })
    const value = expect.stringMatching(/^ICE_RUNS_(?:PROPOSAL_NOT_FOUND|STEP_CONFLICT)$/)
    expect(await runs.result(run)).toMatchObject({ value })
    expect(await types(run)).not.toContain('CapabilityUsed')
  },
)
