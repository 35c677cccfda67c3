/** Whether a result may be one: checks, people who are asked, and what holds of every run. */
import type { PrincipalId } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import { effectStream, RUNS_CODES } from '../src/index.ts'
import type { Check, Invariant, Program, RunView } from '../src/ports.ts'
import { doing, eventually, grants, program, tool, world } from './harness.ts'

const asking: Check<unknown> = {
  name: 'sensible',
  check: (output) => ({ ask: { prompt: 'Is it right?', details: { output } as never } }),
}

function checked(checks: readonly Check<unknown>[], more: Partial<Program> = {}): Program {
  return program(async (ctx) => ctx.effect('a', doing({ n: 1 })), { checks, ...more })
}

/** Verifies: RUN-R141 */
describe('a check that asks a person', () => {
  test.each([true, false])(
    'holds the commit until they have said: approved %s',
    async (approved) => {
      const asks = checked([asking])
      const alice = await world({ programs: [asks] })
      const { run, stretch } = await alice.runs.execute(asks, {}, { grants })
      const step = '$check/sensible'
      expect(stretch).toMatchObject({
        kind: 'suspended',
        waitingFor: [{ step, kind: 'validation', prompt: 'Is it right?' }],
      })
      expect(await alice.runs.view(run)).toMatchObject({ state: 'VALIDATING', phase: 'validation' })
      expect(await alice.runs.drive(run)).toMatchObject({ kind: 'suspended' })
      alice.die()
      const bob = await alice.another('bob')
      const principal = 'os:eve' as PrincipalId
      await bob.runs.answer(run, { step, approved, principal, comment: 'looked at it' })
      const ended = await bob.runs.drive(run)
      expect(bob.witness).toEqual([])
      const events = await bob.events(run)
      expect(events.filter(({ type }) => type === 'ValidationStarted')).toHaveLength(1)
      expect(events.filter(({ type }) => type === 'ApprovalRequested')).toHaveLength(1)
      if (approved) {
        expect(ended).toMatchObject({ result: { conclusion: 'committed', value: { n: 1 } } })
        const answer = events.find(({ type }) => type === 'ApprovalGranted')
        const passed = events.find(({ type }) => type === 'ValidationPassed')
        expect(passed).toMatchObject({
          causes: [answer?.id],
          data: { checks: ['output', 'sensible'] },
        })
      } else {
        const reason = 'sensible: os:eve refused the result: looked at it'
        expect(ended).toMatchObject({ result: { conclusion: 'aborted', reason } })
        expect(events.find(({ type }) => type === 'ValidationFailed')).toMatchObject({
          data: { failures: [{ check: 'sensible', error: { code: RUNS_CODES.checkFailed } }] },
        })
      }
    },
  )

  test('counts whom it names, goes on to others, and lapses', async () => {
    const clock = manualClock(1_000_000)
    const terms = { by: ['os:bob'], escalateAfterMs: 500, escalateTo: ['os:eve'], timeoutMs: 900 }
    const asks = checked([{ name: 'x', check: () => ({ ask: { prompt: '?', ...terms } }) }])
    const alice = await world({ clock, programs: [asks] })
    const { run } = await alice.runs.execute(asks, {}, { grants })
    const eve = { step: '$check/x', approved: true, principal: 'os:eve' as PrincipalId }
    await expect(alice.runs.answer(run, eve)).rejects.toMatchObject({
      code: RUNS_CODES.answererDenied,
    })
    await clock.advance(500)
    expect(await alice.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    await clock.advance(400)
    const reason = 'x: nobody answered until the question lapsed'
    expect(await alice.runs.drive(run)).toMatchObject({ result: { reason } })
    await expect(alice.runs.answer(run, eve)).rejects.toMatchObject({ code: RUNS_CODES.concluded })
  })

  test('is no step that a program could take for its own', async () => {
    const takes = program(async (ctx) => ctx.approval('$check/x', { prompt: '?' }))
    const alice = await world()
    const { stretch } = await alice.runs.execute(takes, {}, {})
    expect(stretch).toMatchObject({ result: { reason: expect.stringContaining('$check') } })
  })

  test('asks about this result: a program that comes to another has diverged', async () => {
    const asks = (n: number) => program(async () => n, { checks: [asking] })
    const alice = await world({ programs: [] })
    const { run } = await alice.runs.execute(asks(1), {}, {})
    await alice.runs.answer(run, { step: '$check/sensible', approved: true })
    alice.die()
    const bob = await alice.another('bob', { programs: [asks(2)] })
    const error = { code: RUNS_CODES.diverged }
    expect(await bob.runs.drive(run)).toMatchObject({ quarantine: { error } })
  })

  test('tells what it is, when it is neither a reason nor a question', async () => {
    const odd = [7, null, {}, { ask: {} }, { ask: { prompt: 3 } }]
    const checks = odd.map((said, i) => ({ name: `c${i}`, check: () => said as never }))
    const alice = await world()
    const { run } = await alice.runs.execute(checked(checks), {}, { grants })
    const failed = (await alice.events(run)).find(({ type }) => type === 'ValidationFailed')
    const failures = ['c0', 'c1', 'c2', 'c3', 'c4'].map((check) => ({ check }))
    expect(failed).toMatchObject({ data: { failures } })
  })

  test('can be waited for in the same drive, and the run aborted meanwhile', async () => {
    const asks = checked([asking])
    const alice = await world({ programs: [asks] })
    const first = await alice.runs.start(asks, {}, { grants })
    const driven = alice.runs.drive(first, { wait: true })
    await eventually(async () => (await alice.runs.view(first)).waitingFor.length).toBe(1)
    await alice.runs.answer(first, { step: '$check/sensible', approved: true })
    expect(await driven).toMatchObject({ result: { conclusion: 'committed' } })
    const { run } = await alice.runs.execute(asks, {}, { grants })
    await alice.runs.abort(run, { reason: 'enough' })
    const events = await alice.events(run)
    expect(events.find(({ type }) => type === 'RunAborted')).toMatchObject({
      data: { phase: 'validation' },
    })
  })
})

/** Verifies: RUN-R142 */
describe('an invariant of the runtime', () => {
  test('is asked about every run that is to commit, with its result', async () => {
    const seen: unknown[] = []
    const frugal: Invariant = {
      name: 'frugal',
      check: ({ effects, program: { name } }: RunView, result) => {
        seen.push([name, effects.succeeded, result])
        return effects.succeeded > 1 ? 'it did too much' : undefined
      },
    }
    const throws: Invariant = {
      name: 'throws',
      check: (_run, result) => {
        if (result === 'odd') throw new RangeError('odd')
        return undefined
      },
    }
    const alice = await world({ invariants: [frugal, throws] })
    const works = (effects: number, value: unknown) =>
      program(async (ctx) => {
        for (let i = 0; i < effects; i += 1) await ctx.effect(`${i}`, doing())
        return value
      })
    const fine = await alice.runs.execute(works(1, { b: 1, a: 2 }), {}, { grants })
    expect(fine.stretch).toMatchObject({ result: { conclusion: 'committed' } })
    const greedy = await alice.runs.execute(works(2, 1), {}, { grants })
    const reason = 'frugal: it did too much'
    expect(greedy.stretch).toMatchObject({ result: { conclusion: 'aborted', reason } })
    const odd = await alice.runs.execute(works(0, 'odd'), {}, { grants })
    expect(odd.stretch).toMatchObject({ result: { conclusion: 'aborted', reason: 'odd' } })
    expect(seen).toEqual([
      ['test', 1, { a: 2, b: 1 }],
      ['test', 2, 1],
      ['test', 0, 'odd'],
    ])
    const passed = (await alice.events(fine.run)).find(({ type }) => type === 'ValidationPassed')
    expect(passed?.data).toEqual({ checks: ['output', 'frugal', 'throws'] })
  })

  test('is not asked about a result that is none', async () => {
    const never: Invariant = { name: 'never', check: () => expect.unreachable() }
    const alice = await world({ invariants: [never] })
    const output = {
      parse: (): unknown => {
        throw new TypeError('no output')
      },
    }
    const { stretch } = await alice.runs.execute(
      program(async () => 1, { output }),
      {},
      {},
    )
    expect(stretch).toMatchObject({ result: { conclusion: 'aborted' } })
  })
})

/** Verifies: RUN-R143 */
describe('what a handler comes back with when its run is over', () => {
  async function forced(how: 'succeeds' | 'fails') {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = tool('do', 'irreversible', async () => {
      await held
      if (how === 'fails') throw Object.assign(new Error('no money'), { code: 'BANK_REFUSED' })
      return 'x'.repeat(5_000)
    })
    const waits = program(async (ctx) => ctx.effect('a', doing()))
    const alice = await world({ effects: [slow], programs: [waits] })
    const run = await alice.runs.start(waits, {}, { grants })
    const driven = alice.runs.drive(run)
    await eventually(() => alice.witness).toEqual(['a'])
    const bob = await alice.another('bob')
    await bob.runs.abort(run, { reason: 'now', force: true })
    expect(await driven).toMatchObject({ result: { conclusion: 'terminated_by_runtime' } })
    const [intent] = (await bob.events(run)).filter(({ type }) => type === 'CapabilityUsed')
    const stream = effectStream(run, intent?.id as never)
    const late = async () => {
      const found = []
      for await (const batch of bob.log.read({ stream })) found.push(...batch)
      return found
    }
    return { alice, bob, run, release, late, intent }
  }

  test.each(['succeeds', 'fails'] as const)('is recorded beside it: it %s', async (how) => {
    const { bob, run, release, late, intent } = await forced(how)
    const end = await bob.runs.view(run)
    expect(await late()).toEqual([])
    release()
    await eventually(async () => (await late()).length).toBe(1)
    const type = how === 'succeeds' ? 'EffectSucceeded' : 'EffectFailed'
    const data = { effect: 'a', attempt: 1, intent: intent?.id }
    expect(await late()).toMatchObject([{ type, causes: [intent?.id], data }])
    expect(await bob.runs.view(run)).toEqual(end)
    const said = { effect: 'a', happened: true, evidence: 'the bank' }
    await expect(bob.runs.resolveDoubt(run, said)).rejects.toMatchObject({
      code: RUNS_CODES.stepNotFound,
    })
  })

  test('is not needed where somebody said so before', async () => {
    const { alice, bob, run, release, late } = await forced('succeeds')
    const said = { effect: 'a', happened: false, evidence: 'the bank' }
    await bob.runs.resolveDoubt(run, { ...said, principal: 'os:eve' as PrincipalId })
    const unknown = bob.runs.resolveDoubt(run, { ...said, effect: 'nothing' })
    await expect(unknown).rejects.toMatchObject({ code: RUNS_CODES.stepNotFound })
    release()
    await alice.runs.close()
    const data = { effect: 'a', happened: false, evidence: 'the bank' }
    expect(await late()).toMatchObject([{ type: 'EffectDoubtResolved', principal: 'os:eve', data }])
  })
})
