import { IceError, type JsonValue } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, it } from 'vitest'
import { RUNS_CODES } from '../src/errors.ts'
import { doubtOpenEffects } from '../src/index.ts'
import type { AttemptTerms, EffectCall, Fate, RetryPolicy } from '../src/ports.ts'
import { type Act, doing, eventually, grants, program, tool, toolGrant, world } from './harness.ts'

const busy = (message = 'busy'): Error =>
  new IceError({ code: 'ICE_TEST_BUSY_UNAVAILABLE', message, retryable: true })
const coded = (code: string): Error => Object.assign(new Error(code), { code })

/** Fails so many times, and then gives the number of the attempt. */
const failing = (times: number, error: () => unknown = busy): Act => {
  let left = times
  return ({ attempt }) => {
    left -= 1
    if (left >= 0) throw error()
    return attempt
  }
}

const steady = { jitter: 0, firstMs: 1000 }
const asking = (terms: AttemptTerms = {}, name = 'test') =>
  program(async (ctx) => (await ctx.attempt('act', { ...doing(), ...terms })) as never, { name })
const trying = (retry: RetryPolicy, more: AttemptTerms = {}) => asking({ retry, ...more })

/** Verifies: RUN-R110 */
describe('an effect that fails', () => {
  it('is tried again at the time that is recorded, and only its last end is given', async () => {
    const clock = manualClock(1_000_000)
    const one = await world({ clock, effects: [tool('do', 'idempotent', failing(2))] })
    const { run, stretch } = await one.runs.execute(trying({ attempts: 3, ...steady }), null, {
      grants,
    })
    expect(stretch).toMatchObject({
      ...{ kind: 'suspended', until: 1_001_000, waitingFor: [] },
      waits: [{ step: 'act', kind: 'retry', due: 1_001_000 }],
    })
    await clock.advance(1000)
    expect(await one.runs.drive(run)).toMatchObject({ kind: 'suspended', until: 1_003_000 })
    await clock.advance(2000)
    expect(await one.runs.drive(run)).toMatchObject({
      result: { value: { kind: 'succeeded', value: 3 } },
    })
    const types = await one.types(run)
    expect(types.filter((type) => /^(Effect|CapabilityUsed)/.test(type))).toEqual([
      ...['CapabilityUsed', 'EffectRetryScheduled', 'CapabilityUsed', 'EffectRetryScheduled'],
      ...['CapabilityUsed', 'EffectSucceeded'],
    ])
    expect((await one.runs.view(run)).effects).toMatchObject({ succeeded: 1, failed: 0 })
  })

  it('fails once its attempts are used up', async () => {
    const one = await world({ effects: [tool('do', 'idempotent', failing(9))] })
    const retry = { attempts: 3, firstMs: 1 }
    const { run, stretch } = await one.runs.execute(trying(retry), null, { grants })
    const error = { code: 'ICE_TEST_BUSY_UNAVAILABLE' }
    expect(stretch).toMatchObject({ result: { value: { kind: 'failed', error } } })
    expect(one.witness).toHaveLength(3)
    expect((await one.runs.view(run)).effects.failed).toBe(1)
  })

  it.each([
    ['an error that says nothing of it', () => coded('TEST_BROKEN'), 'failed'],
    ['a denial', () => coded('TEST_GATE_DENIED'), 'denied'],
    ['a doubt', () => coded('TEST_IN_DOUBT'), 'suspended'],
  ])('is not tried again for %s', async (_name, error, kind) => {
    const one = await world({ effects: [tool('do', 'irreversible', failing(9, error))] })
    const retry = { attempts: 3, firstMs: 1, on: ['TEST_GATE_DENIED', 'TEST_IN_DOUBT'] }
    const { stretch } = await one.runs.execute(trying(retry), null, { grants })
    expect(stretch).toMatchObject(kind === 'suspended' ? { kind } : { result: { value: { kind } } })
    expect(one.witness).toHaveLength(1)
  })

  it('is not done again where it took place and its result cannot be kept', async () => {
    const odd = tool('do', 'irreversible', () => 1n as never)
    const one = await world({ effects: [odd] })
    const retry = { attempts: 3, firstMs: 1, on: [RUNS_CODES.valueUnsupported] }
    const { stretch } = await one.runs.execute(trying(retry), null, { grants })
    expect(stretch).toMatchObject({ result: { value: { kind: 'failed' } } })
    expect(one.witness).toHaveLength(1)
  })

  it('is tried as its program says, unless it brings terms of its own', async () => {
    const retry = { attempts: 2, firstMs: 1, on: ['TEST_BROKEN'] }
    const acts = failing(9, () => coded('TEST_BROKEN'))
    const one = await world({ effects: [tool('do', 'irreversible', acts)] })
    const both = program(
      async (ctx) => {
        await ctx.attempt('a', doing())
        await ctx.attempt('b', { ...doing(), retry: { attempts: 1 } })
        return null
      },
      { retry },
    )
    await one.runs.execute(both, null, { grants })
    expect(one.witness).toEqual(['a', 'a', 'b'])
    const odd = program(async () => null, { retry: { attempts: 0 } })
    await expect(one.runs.start(odd, null)).rejects.toMatchObject({
      code: RUNS_CODES.attemptsInvalid,
    })
  })

  it('refuses terms that are nonsense, and asks for nothing', async () => {
    const one = await world()
    const { run, stretch } = await one.runs.execute(asking({ timeoutMs: 0 }), null, { grants })
    expect(stretch).toMatchObject({ result: { reason: expect.stringContaining('timeoutMs') } })
    expect(await one.types(run)).not.toContain('CapabilityUsed')
    expect(one.witness).toEqual([])
  })

  it('is taken up by another process with the same number at the same time', async () => {
    const clock = manualClock(1_000_000)
    const acts = failing(1)
    const one = await world({ clock, effects: [tool('do', 'idempotent', acts)] })
    const retried = trying({ attempts: 3, firstMs: 600_000 })
    const { run, stretch } = await one.runs.execute(retried, null, { grants })
    const { until } = stretch as { readonly until: number }
    one.die()
    const two = await one.another('bob', { programs: [retried] })
    expect(await two.runs.drive(run)).toMatchObject({ kind: 'suspended', until })
    await clock.advance(until - clock.now())
    expect(await two.runs.drive(run)).toMatchObject({ result: { value: { value: 2 } } })
    expect([...one.witness, ...two.witness]).toEqual(['act', 'act'])
  })

  it('is decided anew for each attempt: a right that ended meanwhile denies it', async () => {
    const clock = manualClock(1_000_000)
    const one = await world({ clock, effects: [tool('do', 'idempotent', failing(9))] })
    const { run } = await one.runs.execute(trying({ attempts: 9, ...steady }), null, { grants })
    const { grants: bound } = await one.runs.view(run)
    await one.grants.revoke(bound['g'] as never, { reason: 'enough' })
    await clock.advance(1000)
    const denied = { kind: 'denied', denial: { code: 'ICE_CAPABILITIES_GRANT_REVOKED' } }
    expect(await one.runs.drive(run)).toMatchObject({ result: { value: denied } })
    expect((await one.runs.view(run)).waits).toEqual([])
  })

  it('pays for each attempt, and runs out of its budget', async () => {
    const one = await world({ effects: [tool('do', 'idempotent', failing(9))] })
    const g = { ...toolGrant('do'), caveats: [{ kind: 'count' as const, max: 2 }] }
    const retry = { attempts: 9, firstMs: 1 }
    const { stretch } = await one.runs.execute(trying(retry), null, { grants: { g } })
    const denied = { kind: 'denied', denial: { code: 'ICE_CAPABILITIES_COUNT_SPENT' } }
    expect(stretch).toMatchObject({ result: { value: denied } })
    expect(one.witness).toHaveLength(2)
  })

  it('asks a person before each attempt, where its grant asks for one', async () => {
    const one = await world({ effects: [tool('do', 'idempotent', failing(1))] })
    const caveats = [{ kind: 'approval' as const }]
    const g = { ...toolGrant('do'), caveats }
    const retried = trying({ attempts: 3, firstMs: 1 })
    const { run } = await one.runs.execute(retried, null, { grants: { g } })
    await one.runs.answer(run, { step: 'act', approved: true })
    expect(await one.runs.drive(run)).toMatchObject({
      ...{ kind: 'suspended', waits: [], waitingFor: [{ step: 'act', kind: 'effect' }] },
    })
    await one.runs.answer(run, { step: 'act', approved: true })
    expect(await one.runs.drive(run)).toMatchObject({ result: { value: { value: 2 } } })
  })

  it('is wanted no longer once its branch has lost, or its run is aborted', async () => {
    const clock = manualClock(1_000_000)
    const racing = program(async (ctx) => {
      const won = await ctx.race<unknown>('first', {
        slow: (branch) => branch.effect('x', { ...doing(), retry: { attempts: 9, ...steady } }),
        fast: (branch) => branch.sleep('nap', 500),
      })
      await ctx.sleep('more', 10_000)
      return won.name
    })
    const one = await world({ clock, effects: [tool('do', 'idempotent', failing(9))] })
    const { run } = await one.runs.execute(racing, null, { grants })
    await clock.advance(600)
    expect(await one.runs.drive(run)).toMatchObject({ waits: [{ step: 'more' }] })
    await clock.advance(10_000)
    expect(await one.runs.drive(run)).toMatchObject({ result: { value: 'fast' } })
    expect(one.witness).toHaveLength(1)
    const other = await one.runs.execute(trying({ attempts: 9, ...steady }), null, { grants })
    await one.runs.abort(other.run, { reason: 'enough' })
    expect(await one.runs.result(other.run)).toMatchObject({ conclusion: 'aborted' })
    expect(await one.types(other.run)).not.toContain('EffectInDoubt')
  })

  it('is not tried again when it was told to stop', async () => {
    const acts = ({ signal }: EffectCall): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(busy())))
    const one = await world({ effects: [tool('do', 'idempotent', acts)] })
    const racing = program(async (ctx) => {
      const won = await ctx.race<unknown>('first', {
        slow: (branch) => branch.effect('x', { ...doing(), retry: { attempts: 9 } }),
        fast: (branch) => branch.sleep('nap', 1),
      })
      return won.name
    })
    const { run, stretch } = await one.runs.execute(racing, null, { grants })
    expect(stretch).toMatchObject({ result: { value: 'fast' } })
    expect(await one.types(run)).toContain('EffectFailed')
  })

  it('is carried out also when its program did not wait for it', async () => {
    const clock = manualClock(0)
    const careless = program(async (ctx) => {
      void ctx.attempt('act', { ...doing(), retry: { attempts: 3, ...steady } })
      return 'returned'
    })
    const one = await world({ clock, effects: [tool('do', 'idempotent', failing(1))] })
    const { run, stretch } = await one.runs.execute(careless, null, { grants })
    expect(stretch).toMatchObject({ kind: 'suspended', until: 1000 })
    await clock.advance(1000)
    expect(await one.runs.drive(run)).toMatchObject({ result: { value: 'returned' } })
    expect(await one.types(run)).toContain('EffectSucceeded')
  })

  it('is not open in a log that is restored while it waits', async () => {
    const clock = manualClock(0)
    const one = await world({ clock, effects: [tool('do', 'irreversible', failing(9))] })
    await one.runs.execute(trying({ attempts: 9, ...steady }), null, { grants })
    expect(await doubtOpenEffects(one.log)).toEqual({ runs: 1, doubts: 0 })
  })
})

/** Rejects with what it is told to once it is to stop. */
const until = (thrown: (call: EffectCall) => unknown): Act => {
  return (call) =>
    new Promise<JsonValue>((resolve, reject) => {
      call.signal.addEventListener('abort', () => {
        const given = thrown(call)
        if (given instanceof Error) reject(given)
        else resolve(given as JsonValue)
      })
    })
}

/** Verifies: RUN-R111 */
describe('an attempt that takes too long', () => {
  const timed = asking({ timeoutMs: 5 })
  const timeout = { code: RUNS_CODES.attemptTimeout, retryable: true }
  const cases: readonly [Fate, string, (call: EffectCall) => unknown, object][] = [
    ['irreversible', 'proves that it had not acted', () => coded('TEST_ABORTED'), timeout],
    ['idempotent', 'proves that it had not acted', () => coded('TEST_ABORTED'), timeout],
    ['idempotent', 'says something else', () => coded('TEST_BROKEN'), timeout],
    ['observe', 'echoes the reason', ({ signal }) => signal.reason, timeout],
  ]
  it.each(cases)('fails: %s, %s', async (fate, _name, thrown, error) => {
    const one = await world({ effects: [tool('do', fate, until(thrown))] })
    const { stretch } = await one.runs.execute(timed, null, { grants })
    expect(stretch).toMatchObject({ result: { value: { kind: 'failed', error } } })
  })

  it.each([
    ['says something else', () => coded('TEST_BROKEN')],
    ['echoes the reason', ({ signal }: EffectCall) => signal.reason as Error],
  ])('is in doubt where it is irreversible and %s', async (_name, thrown) => {
    const one = await world({ effects: [tool('do', 'irreversible', until(thrown))] })
    const { run, stretch } = await one.runs.execute(timed, null, { grants })
    expect(stretch).toMatchObject({ kind: 'suspended', waitingFor: [{ kind: 'doubt' }] })
    const doubt = (await one.events(run)).find(({ type }) => type === 'EffectInDoubt')
    expect(doubt?.data).toMatchObject({ error: timeout })
  })

  it('has succeeded when it comes back with a result all the same', async () => {
    const one = await world({
      effects: [
        tool(
          'do',
          'irreversible',
          until(() => 'late'),
        ),
      ],
    })
    const { stretch } = await one.runs.execute(timed, null, { grants })
    expect(stretch).toMatchObject({ result: { value: { kind: 'succeeded', value: 'late' } } })
  })

  it('is given up when it does not come back, and is tried again where it may be', async () => {
    const clock = manualClock(0)
    const stuck: Act = ({ attempt }) => (attempt === 1 ? new Promise(() => undefined) : attempt)
    const one = await world({ clock, effects: [tool('do', 'idempotent', stuck)] })
    const retried = trying({ attempts: 2, firstMs: 0 }, { timeoutMs: 1000 })
    const run = await one.runs.start(retried, null, { grants })
    const going = one.runs.drive(run)
    await eventually(() => one.witness.length).toBe(1)
    await clock.advance(11_000)
    await eventually(() => one.witness.length).toBe(2)
    expect(await going).toMatchObject({ result: { value: { value: 2 } } })
  })

  it('leaves nothing behind that would keep a process from ending', async () => {
    const clock = manualClock(0)
    const stuck: Act = () => new Promise(() => undefined)
    const one = await world({ clock, effects: [tool('do', 'idempotent', stuck)] })
    const run = await one.runs.start(asking({ timeoutMs: 3_600_000 }), null, { grants })
    const stopping = new AbortController()
    const going = one.runs.drive(run, { signal: stopping.signal })
    await eventually(() => one.witness.length).toBe(1)
    const before = clock.sleepers
    stopping.abort()
    await clock.advance(100)
    await going
    await one.runs.close()
    await clock.advance(100)
    expect([before > 0, clock.sleepers]).toEqual([true, 0])
  })

  it('takes no longer than is left of all attempts, and no attempt begins after that', async () => {
    const clock = manualClock(0)
    const one = await world({ clock, effects: [tool('do', 'idempotent', failing(9))] })
    const retry = { attempts: 9, ...steady }
    const { run } = await one.runs.execute(trying(retry, { totalTimeoutMs: 2500 }), null, {
      grants,
    })
    await clock.advance(1000)
    // The second wait would end at 3,000.
    expect(await one.runs.drive(run)).toMatchObject({ result: { value: { kind: 'failed' } } })
    expect(one.witness).toHaveLength(2)
    const late = await one.runs.execute(trying(retry, { totalTimeoutMs: 2500 }), null, { grants })
    await clock.advance(2500)
    const error = { code: RUNS_CODES.totalTimeout, data: { attempts: 1 } }
    expect(await one.runs.drive(late.run)).toMatchObject({
      result: { value: { kind: 'failed', error } },
    })
  })

  it('is not repeated by the next owner once its time is over', async () => {
    const clock = manualClock(0)
    const stuck: Act = () => new Promise(() => undefined)
    const one = await world({ clock, effects: [tool('do', 'idempotent', stuck)] })
    const timed = asking({ totalTimeoutMs: 1000 })
    const run = await one.runs.start(timed, null, { grants })
    void one.runs.drive(run)
    await eventually(() => one.witness.length).toBe(1)
    one.die()
    await clock.advance(1000)
    const two = await one.another('bob', { programs: [timed], effects: [tool('do')] })
    const error = { code: RUNS_CODES.totalTimeout }
    expect(await two.runs.drive(run)).toMatchObject({ result: { value: { error } } })
    expect(two.witness).toEqual([])
  })

  it('has spent nothing where it proves that it had not acted', async () => {
    const paid = {
      ...tool(
        'do',
        'irreversible',
        until(() => coded('TEST_ABORTED')),
      ),
      bounds: () => ({ tokens: 10 }),
    }
    const one = await world({ effects: [paid] })
    const caveats = [{ kind: 'budget' as const, unit: 'tokens' as const, max: 10 }]
    const g = { ...toolGrant('do'), caveats }
    const { run } = await one.runs.execute(timed, null, { grants: { g } })
    const failed = (await one.events(run)).find(({ type }) => type === 'EffectFailed')
    expect(failed?.data).toMatchObject({ spent: [{ unit: 'tokens', amount: 0 }] })
  })
})

/** Verifies: RUN-R112 */
describe('a handler that says that it is at work', () => {
  const beating = (beats: number, clock: { sleep(ms: number): Promise<void> }): Act => {
    return async ({ heartbeat, signal }) => {
      for (let i = 0; i < beats; i += 1) {
        await clock.sleep(40)
        heartbeat?.()
      }
      return new Promise<JsonValue>((resolve, reject) => {
        if (beats > 5) resolve('done')
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    }
  }

  it.each([
    ['goes on for as long as it does', 10, { kind: 'succeeded', value: 'done' }],
    ['is aborted once it falls silent', 3, { error: { code: RUNS_CODES.heartbeatMissed } }],
  ])('%s', async (_name, beats, value) => {
    const clock = manualClock(0)
    for (const byHandler of [true, false]) {
      const handler = tool('do', 'idempotent', beating(beats, clock))
      const effects = [byHandler ? { ...handler, heartbeatMs: 50 } : handler]
      const one = await world({ clock, effects })
      const asked = asking(byHandler ? {} : { heartbeatMs: 50 })
      const going = one.runs.execute(asked, null, { grants })
      await eventually(() => one.witness.length).toBe(1)
      await clock.advance(400)
      expect((await going).stretch).toMatchObject({ result: { value } })
    }
  })

  it('needs a bound that is one', async () => {
    const effects = [{ ...tool('do'), heartbeatMs: -1 }]
    await expect(world({ effects })).rejects.toMatchObject({ code: RUNS_CODES.attemptsInvalid })
  })
})
