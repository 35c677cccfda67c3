/** A run that goes from hand to hand: what a former owner comes back with, and what it was told. */
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import { memoryOwnership } from '../src/index.ts'
import { doing, eventually, program, tool, toolGrant, world } from './harness.ts'

/** Something that is waited for until somebody opens it. */
function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open: () => open(), opened }
}

describe('a run that was taken over and taken back', () => {
  /** Verifies: RUN-R10, RUN-R11, RUN-R213 */
  test('keeps one outcome of an effect, though both owners come back with one', async () => {
    const work = program(async (ctx) => {
      await Promise.all([ctx.effect('a', doing()), ctx.effect('b', doing())])
      return ctx.effect('c', doing())
    })
    const gates = { a: gate(), b: gate(), c: gate() } as Record<string, ReturnType<typeof gate>>
    const slow = tool('do', 'idempotent', async ({ effect }) => {
      await gates[effect]?.opened
      return effect
    })
    const owners = memoryOwnership()
    // It has no time to look around: what it finds out, it finds out as it appends.
    const clock = manualClock(1_735_689_600_000)
    const unaware = { clock, owners, unaware: true }
    const alice = await world({ ...unaware, effects: [slow], programs: [work] })
    const run = await alice.runs.start(work, {}, { grants: { g: toolGrant('do') } })
    const driven = alice.runs.drive(run)
    await eventually(() => alice.witness).toEqual(['a', 'b'])
    alice.die()
    const hangs = tool('do', 'idempotent', ({ effect }) =>
      effect === 'c' ? new Promise(() => undefined) : effect,
    )
    const bob = await alice.another('bob', { effects: [hangs], programs: [work] })
    void bob.runs.drive(run)
    await eventually(() => bob.witness).toEqual(['a', 'b', 'c'])
    bob.die()
    // The first makes it find out that the run has moved, the second comes in behind that.
    gates['a']?.open()
    await eventually(() => alice.witness).toEqual(['a', 'b', 'c'])
    gates['b']?.open()
    gates['c']?.open()
    expect(await driven).toMatchObject({ result: { conclusion: 'committed', value: 'c' } })
    const outcomes = (await alice.events(run)).filter(({ type }) => type === 'EffectSucceeded')
    expect(outcomes.map(({ data }) => (data as { effect: string }).effect)).toEqual(['a', 'b', 'c'])
  })

  /** Verifies: RUN-R12, RUN-R13, RUN-R213 */
  test('asks again about an attempt that follows one that did not happen', async () => {
    const pays = program(async (ctx) => (await ctx.attempt('pay', doing({}, 'pay'))).kind)
    const careful = { g: { ...toolGrant('pay'), caveats: [{ kind: 'approval' as const }] } }
    const owners = memoryOwnership()
    const stuck = tool('pay', 'irreversible', () => new Promise(() => undefined))
    const alice = await world({ owners, effects: [stuck], programs: [pays] })
    const { run } = await alice.runs.execute(pays, {}, { grants: careful })
    await alice.runs.answer(run, { step: 'pay', approved: true })
    void alice.runs.drive(run)
    await eventually(() => alice.witness).toEqual(['pay'])
    alice.die()
    const effects = [tool('pay', 'irreversible', () => 'paid')]
    const bob = await alice.another('bob', { effects, programs: [pays] })
    expect(await bob.runs.drive(run)).toMatchObject({ waitingFor: [{ kind: 'doubt' }] })
    await bob.runs.resolveDoubt(run, { effect: 'pay', happened: false, evidence: 'no trace' })
    expect(await bob.runs.drive(run)).toMatchObject({
      kind: 'suspended',
      waitingFor: [{ step: 'pay', kind: 'effect' }],
    })
    expect(bob.witness).toEqual([])
    await bob.runs.answer(run, { step: 'pay', approved: true })
    expect(await bob.runs.drive(run)).toMatchObject({ result: { value: 'succeeded' } })
    expect(bob.witness).toEqual(['pay'])
  })
})
