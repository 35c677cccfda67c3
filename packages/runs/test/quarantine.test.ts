/** Runs that are set aside: by what they are, or by a person; and how they go on. */
import type { RunId, Timestamp } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { doubtOpenEffects, RUNS_CODES } from '../src/index.ts'
import type { Fate, Stretch } from '../src/ports.ts'
import { doing, eventually, grants, program, tool, world } from './harness.ts'

const asks = program(async (ctx) => {
  const first = await ctx.effect('pay/1', doing({ n: 1 }))
  const { approved } = await ctx.approval('q', { prompt: 'go on?' })
  return { first, approved }
})

async function suspended() {
  const alice = await world({ programs: [asks] })
  const { run } = await alice.runs.execute(asks, {}, { grants })
  return { alice, run }
}

function aside(stretch: Stretch) {
  return stretch.kind === 'quarantined' ? stretch.quarantine : stretch
}

/** Verifies: RUN-R15, RUN-R130 */
describe('a program that does not follow its record', () => {
  const renamed = program(async (ctx) => {
    const first = await ctx.effect('pay/one', doing({ n: 1 }))
    const { approved } = await ctx.approval('q', { prompt: 'go on?' })
    return { first, approved }
  })

  test('sets its run aside with both sides and the nearest ids, and runs nothing', async () => {
    const { alice, run } = await suspended()
    alice.die()
    const bob = await alice.another('bob', { programs: [renamed] })
    const quarantine = aside(await bob.runs.drive(run))
    const { error } = quarantine as Extract<typeof quarantine, { readonly error: unknown }>
    expect(error.data).toMatchObject({
      step: 'pay/1',
      recorded: { event: `run/${run}@8`, type: 'CapabilityUsed', action: 'do' },
      asked: [{ step: 'pay/one', kind: 'effect', action: 'do', grant: 'g' }],
    })
    const { argumentsDigest } = (error.data as { recorded: { argumentsDigest: string } }).recorded
    expect(error.message).toBe(
      [
        'The program does not follow its record at "pay/1": the program has not asked for it',
        `  recorded:  event run/${run}@8, type CapabilityUsed, step pay/1, action do, ` +
          `argumentsDigest ${argumentsDigest}, grant ${(await bob.runs.view(run)).grants['g']}`,
        '  asked now: nothing of this name',
        '  nearest:   "pay/one"',
        'It is not the program that began this run; release the run to go on with that one',
      ].join('\n'),
    )
    const { version } = await bob.runs.view(run)
    expect(aside(await bob.runs.drive(run))).toEqual(quarantine)
    expect(await bob.runs.view(run)).toMatchObject({ version, quarantine })
    expect(bob.witness).toEqual([])
  })

  test('goes on once somebody has released it to the program that began it', async () => {
    const { alice, run } = await suspended()
    alice.die()
    const bob = await alice.another('bob', { programs: [renamed] })
    await bob.runs.drive(run)
    await bob.runs.answer(run, { step: 'q', approved: true })
    bob.die()
    const carol = await alice.another('carol', { programs: [asks] })
    expect(await carol.runs.drive(run)).toMatchObject({ kind: 'quarantined' })
    await carol.runs.release(run, { reason: 'the old program is back' })
    expect(await carol.runs.view(run)).toMatchObject({ quarantine: null })
    const value = { first: { n: 1 }, approved: true }
    expect(await carol.runs.drive(run)).toMatchObject({ result: { value } })
    expect(carol.witness).toEqual([])
  })

  test('is set aside again when it is released to the same program', async () => {
    const { alice, run } = await suspended()
    alice.die()
    const bob = await alice.another('bob', { programs: [renamed] })
    await bob.runs.drive(run)
    await bob.runs.release(run, { reason: 'try once more' })
    expect(await bob.runs.drive(run)).toMatchObject({ kind: 'quarantined' })
    const types = await bob.types(run)
    expect(types.filter((type) => type === 'RunQuarantined')).toHaveLength(2)
  })

  test('or no longer takes the input that is recorded, is its own obstacle', async () => {
    const { alice, run } = await suspended()
    alice.die()
    const picky = { parse: () => raise('not this input') }
    const bob = await alice.another('bob', { programs: [{ ...asks, input: picky }] })
    const error = { code: RUNS_CODES.inputInvalid, cause: { message: 'not this input' } }
    expect(aside(await bob.runs.drive(run))).toMatchObject({ error })
  })
})

function raise(message: string): never {
  throw new TypeError(message)
}

/** Verifies: RUN-R131 */
describe('a person', () => {
  test('sets a run aside with a reason, once, and lets it go on', async () => {
    const { alice, run } = await suspended()
    const principal = 'os:bob' as never
    await alice.runs.quarantine(run, { reason: 'looks odd', principal })
    await alice.runs.quarantine(run, { reason: 'again' })
    const { quarantine, version } = await alice.runs.view(run)
    const error = { code: RUNS_CODES.quarantined, message: 'looks odd', retryable: false }
    expect(quarantine).toEqual({
      ...{ error, event: `run/${run}@${version}`, by: 'os:bob' },
      at: expect.any(Number) as Timestamp,
    })
    await alice.runs.answer(run, { step: 'q', approved: true })
    expect(await alice.runs.drive(run)).toEqual({ kind: 'quarantined', quarantine })
    await alice.runs.release(run, { reason: 'it is fine' })
    expect(await alice.runs.drive(run)).toMatchObject({ kind: 'concluded' })
    const events = await alice.events(run)
    const released = events.find(({ type }) => type === 'RunReleased')
    expect(released).toMatchObject({ causes: [quarantine?.event], data: { reason: 'it is fine' } })
  })

  test('is refused where there is nothing to set aside, or to release, or no reason', async () => {
    const { alice, run } = await suspended()
    const releasing = alice.runs.release(run, { reason: 'why not' })
    await expect(releasing).rejects.toMatchObject({ code: RUNS_CODES.notQuarantined })
    for (const reason of ['', '\ud800', 7 as never]) {
      const given = alice.runs.quarantine(run, { reason })
      await expect(given).rejects.toMatchObject({ code: RUNS_CODES.reasonInvalid })
    }
    await alice.runs.abort(run, { reason: 'enough' })
    const late = alice.runs.quarantine(run, { reason: 'too late' })
    await expect(late).rejects.toMatchObject({ code: RUNS_CODES.concluded })
    const unknown = alice.runs.release('018f0000-0000-7000-8000-000000000000' as RunId, {
      reason: 'x',
    })
    await expect(unknown).rejects.toMatchObject({ code: RUNS_CODES.notFound })
  })

  test('aborts a run out of its quarantine, and ends one by force', async () => {
    for (const force of [false, true]) {
      const { alice, run } = await suspended()
      await alice.runs.quarantine(run, { reason: 'looks odd' })
      await alice.runs.abort(run, { reason: 'enough', force })
      expect(await alice.runs.view(run)).toMatchObject({ state: 'TERMINATED', reason: 'enough' })
      expect((await alice.types(run)).includes('RunReleased')).toBe(!force)
    }
  })

  test.each(['at work', 'waiting'])(
    'stops the owner of a run, %s, and its outcome stays',
    async (how) => {
      const acts = tool('do', 'idempotent', ({ signal, arguments: given }) => {
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ ...given, stopped: true }))
          if (how === 'waiting') resolve(given)
        })
      })
      const alice = await world({ effects: [acts], programs: [asks] })
      const run = await alice.runs.start(asks, {}, { grants })
      const driven = alice.runs.drive(run, { wait: true })
      await eventually(() => alice.witness).toEqual(['pay/1'])
      const bob = await alice.another('bob')
      if (how === 'waiting') {
        await eventually(async () => (await bob.runs.view(run)).waitingFor.length).toBe(1)
      }
      await bob.runs.quarantine(run, { reason: 'stop it' })
      expect(await driven).toMatchObject({ kind: 'quarantined' })
      const outcomes = (await bob.events(run)).filter(({ type }) => type === 'EffectSucceeded')
      expect(outcomes).toHaveLength(1)
      expect(await bob.runs.drive(run)).toMatchObject({ kind: 'quarantined' })
    },
  )
})

/** Verifies: RUN-R131, RUN-R12 */
describe('a handler that is stopped because its run is set aside', () => {
  const coded = (code: string) => Object.assign(new Error('it stopped'), { code })
  /** A run that is set aside while its handler is at work; the second attempt comes to its end. */
  async function setAside(fate: Fate, throws: (signal: AbortSignal) => unknown) {
    const keys: string[] = []
    const acts = tool('do', fate, ({ signal, idempotencyKey, arguments: given }) => {
      keys.push(idempotencyKey)
      if (keys.length > 1) return given
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(throws(signal)))
      })
    })
    const pays = program(async (ctx) => (await ctx.attempt('pay', doing({ n: 1 }))).kind)
    const alice = await world({ effects: [acts], programs: [pays] })
    const run = await alice.runs.start(pays, {}, { grants })
    const driven = alice.runs.drive(run)
    await eventually(() => keys.length).toBe(1)
    await alice.runs.quarantine(run, { reason: 'stop it' })
    expect(await driven).toMatchObject({ kind: 'quarantined' })
    const types = await alice.types(run)
    const said = types.slice(types.indexOf('RunQuarantined') + 1)
    return { alice, run, said, keys, view: await alice.runs.view(run) }
  }

  test.each(['observe', 'idempotent'] as const)(
    'leaves what is %s open: it is repeated with its key, and its program told of no failure',
    async (fate) => {
      const { alice, run, said, keys, view } = await setAside(fate, ({ reason }) => reason)
      expect([said, view.open, view.inDoubt]).toEqual([[], ['pay'], []])
      await alice.runs.release(run, { reason: 'it is fine' })
      expect(await alice.runs.drive(run)).toMatchObject({ result: { value: 'succeeded' } })
      expect(keys).toEqual([`${run}/pay`, `${run}/pay`])
    },
  )

  test.each([
    ['the reason it was given', (signal: AbortSignal) => signal.reason],
    ['a code of the ground', () => coded('ICE_RUNS_ABORTED')],
    ['whatever it is', () => coded('TEST_UNAVAILABLE')],
  ] as const)('with %s leaves what is irreversible in doubt, at once', async (_, throws) => {
    const { alice, run, said, keys, view } = await setAside('irreversible', throws)
    expect([said, view.inDoubt]).toEqual([['EffectInDoubt'], ['pay']])
    await alice.runs.resolveDoubt(run, { effect: 'pay', happened: true, evidence: 'looked' })
    await alice.runs.release(run, { reason: 'it is fine' })
    expect(await alice.runs.drive(run)).toMatchObject({ result: { value: 'succeeded' } })
    expect(keys).toHaveLength(1)
  })

  test('with a proof that it had not acted is tried again once the run is released', async () => {
    const { alice, run, said, keys, view } = await setAside('irreversible', () => {
      return coded('TEST_ABORTED')
    })
    expect([said, view.inDoubt, view.open]).toEqual([['EffectRetryScheduled'], [], []])
    await alice.runs.release(run, { reason: 'it is fine' })
    expect(await alice.runs.drive(run)).toMatchObject({ result: { value: 'succeeded' } })
    expect(keys).toHaveLength(2)
  })

  test('and says that it may not, is denied', async () => {
    const { alice, run, said } = await setAside('idempotent', () => coded('TEST_DENIED'))
    expect(said).toEqual(['CapabilityDenied'])
    await alice.runs.release(run, { reason: 'it is fine' })
    expect(await alice.runs.drive(run)).toMatchObject({ result: { value: 'denied' } })
  })
})

/** Verifies: RUN-R132 */
test('of a restored log every run that has not ended is held, until it is released', async () => {
  const { alice, run } = await suspended()
  const done = program(async () => 1, { version: '2' })
  const { run: ended } = await alice.runs.execute(done, {}, {})
  expect(await doubtOpenEffects(alice.log)).toEqual({ runs: 1, doubts: 0 })
  expect(await alice.runs.drive(run)).toMatchObject({
    quarantine: { error: { code: RUNS_CODES.restored }, by: null },
  })
  expect(await alice.runs.view(ended)).toMatchObject({ quarantine: null })
  const { version } = await alice.runs.view(run)
  expect(await doubtOpenEffects(alice.log)).toEqual({ runs: 1, doubts: 0 })
  expect(await alice.runs.view(run)).toMatchObject({ version })
  await alice.runs.release(run, { reason: 'looked' })
  expect(await alice.runs.drive(run)).toMatchObject({ kind: 'suspended' })
})
