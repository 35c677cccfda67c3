import { describe, expect, test } from 'vitest'
import type { EffectCall, Fate } from '../src/ports.ts'
import { doing, eventually, program, tool, toolGrant, world } from './harness.ts'

const coded = (code: string): Error => Object.assign(new Error('nobody knows'), { code })

const pays = { g: toolGrant('pay') }
const once = program(async (ctx) => (await ctx.attempt('pay', doing({}, 'pay'))) as never)

/** A handler whose first act ends in doubt, and whose second succeeds. */
function unsure(fate: Fate) {
  let acts = 0
  return tool('pay', fate, () => {
    acts += 1
    if (acts === 1) throw coded('BANK_SENT_IN_DOUBT')
    return 'paid'
  })
}

/** Verifies: RUN-R18 */
describe('a handler that does not know whether it acted', () => {
  test('puts an irreversible effect in doubt, and it is not tried again', async () => {
    const alice = await world({ effects: [unsure('irreversible')] })
    const { run, stretch } = await alice.runs.execute(once, {}, { grants: pays })
    expect(stretch).toMatchObject({
      kind: 'suspended',
      waitingFor: [{ step: 'pay', kind: 'doubt' }],
    })
    expect(await alice.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    expect(alice.witness).toEqual(['pay'])
    expect(await alice.runs.view(run)).toMatchObject({
      inDoubt: ['pay'],
      effects: { failed: 0, succeeded: 0 },
    })
  })

  test('leaves it to somebody who knows', async () => {
    for (const happened of [true, false]) {
      const alice = await world({ effects: [unsure('irreversible')] })
      const { run } = await alice.runs.execute(once, {}, { grants: pays })
      const result = happened ? { result: 'seen' } : {}
      await alice.runs.resolveDoubt(run, { effect: 'pay', happened, ...result, evidence: 'asked' })
      expect(await alice.runs.drive(run)).toMatchObject({
        result: { value: { kind: 'succeeded', value: happened ? 'seen' : 'paid' } },
      })
      expect(alice.witness).toEqual(happened ? ['pay'] : ['pay', 'pay'])
    }
  })

  test('goes on in the same drive when somebody says so meanwhile', async () => {
    const alice = await world({ effects: [unsure('irreversible')] })
    const run = await alice.runs.start(once, {}, { grants: pays })
    const driven = alice.runs.drive(run, { wait: true })
    await eventually(async () => (await alice.runs.view(run)).inDoubt).toEqual(['pay'])
    await alice.runs.resolveDoubt(run, { effect: 'pay', happened: false, evidence: 'no trace' })
    expect(await driven).toMatchObject({ result: { value: { value: 'paid' } } })
  })

  test('fails an effect that may be repeated', async () => {
    for (const fate of ['observe', 'idempotent'] as const) {
      const alice = await world({ effects: [unsure(fate)] })
      const { stretch } = await alice.runs.execute(once, {}, { grants: pays })
      expect(stretch).toMatchObject({
        result: { value: { kind: 'failed', error: { code: 'BANK_SENT_IN_DOUBT' } } },
      })
    }
  })

  test('is in doubt in the conclusion of a run that is aborted while it acts', async () => {
    const acts = ({ signal }: EffectCall): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(coded('BANK_SENT_IN_DOUBT')))
      })
    const alice = await world({ effects: [tool('pay', 'irreversible', acts)] })
    const run = await alice.runs.start(once, {}, { grants: pays })
    const driven = alice.runs.drive(run)
    await eventually(() => alice.witness).toEqual(['pay'])
    await alice.runs.abort(run, { reason: 'enough' })
    expect(await driven).toMatchObject({ result: { conclusion: 'aborted' } })
    expect(await alice.types(run)).toContain('EffectInDoubt')
    expect((await alice.events(run)).at(-1)).toMatchObject({ data: { doubts: ['pay'] } })
  })
})
