import type { RecordedEvent } from '@ice/events/ports'
import { type GrantId, IceError, type RunId, type Timestamp } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import type { EffectCall, Fate } from '../src/ports.ts'
import { createRights } from '../src/rights.ts'
import {
  doing,
  eventually,
  grants,
  program,
  tool,
  toolGrant,
  type World,
  world,
} from './harness.ts'

const one = program((context) => context.attempt('act', doing()))
const two = program(async (context) => {
  const [a, b] = await Promise.all([
    context.attempt('a', { action: 'do', grant: 'g', arguments: {} }),
    context.attempt('b', { action: 'do', grant: 'h', arguments: {} }),
  ])
  return [a.kind, b.kind]
})

/** Rejects as a handler does that had not acted, or with what it is told to. */
function waiting(thrown?: (call: EffectCall) => unknown) {
  return (call: EffectCall): Promise<never> =>
    new Promise((_resolve, reject) => {
      const proof = new IceError({ code: 'ICE_TEST_ABORTED', message: 'nothing was done' })
      call.signal.addEventListener('abort', () =>
        reject(thrown === undefined ? proof : thrown(call)),
      )
    })
}

async function grantOf({ runs }: World, run: RunId, name = 'g'): Promise<GrantId> {
  const { grants: bound } = await runs.view(run)
  return bound[name] as GrantId
}

async function last(at: World, run: RunId, type: string): Promise<RecordedEvent | undefined> {
  return (await at.events(run)).findLast((event) => event.type === type)
}

const other = (): unknown => new IceError({ code: 'ICE_TEST_BROKEN', message: 'it broke' })

/** Verifies: RUN-R40 */
describe('a right that ends while a handler is at work', () => {
  it('aborts exactly that handler, and is recorded with its end and its proof', async () => {
    const at = await world({ effects: [tool('do', 'irreversible', waiting())] })
    const both = { g: toolGrant('do'), h: toolGrant('do') }
    const run = await at.runs.start(two, {}, { grants: both })
    const going = at.runs.drive(run)
    await eventually(() => at.witness.length).toBe(2)
    await at.grants.revoke(await grantOf(at, run), { reason: 'enough' })
    await eventually(() => at.types(run)).toContain('EffectRevoked')
    const by = [`grant/${await grantOf(at, run)}@2`]
    const proof = { code: 'ICE_TEST_ABORTED' }
    expect((await last(at, run, 'EffectRevoked'))?.data).toMatchObject({ effect: 'a', by, proof })
    expect((await at.runs.view(run)).open).toEqual(['b'])
    await at.grants.stop(`run/${run}`, { reason: 'all of it' })
    expect(await going).toMatchObject({ result: { value: ['denied', 'denied'] } })
    const stopped = { effect: 'b', by: [`stop/run/${run}@1`] }
    expect((await last(at, run, 'EffectRevoked'))?.data).toMatchObject(stopped)
  })

  it.each(['all', 'agent/helper', 'session/s1', 'operator/os:test'] as const)(
    'ends by stopping %s',
    async (scope) => {
      const at = await world({ effects: [tool('do', 'idempotent', waiting())] })
      const run = await at.runs.start(one, {}, { grants, agent: 'helper', session: 's1' })
      const going = at.runs.drive(run)
      await eventually(() => at.witness.length).toBe(1)
      await at.grants.stop(scope, { reason: 'enough' })
      expect(await going).toMatchObject({ result: { value: { kind: 'denied' } } })
      const by = [`stop/${scope}@1`]
      expect((await last(at, run, 'EffectRevoked'))?.data).toMatchObject({ by })
      // What was aborted stays so; what comes after the lift is decided anew.
      await at.grants.resume(scope, { reason: 'looked at' })
      const again = await at.runs.start(
        program(async (context) => (await context.attempt('act', doing({}, 'no'))).kind),
        {},
        { grants, agent: 'helper', session: 's1' },
      )
      expect(await at.runs.drive(again)).toMatchObject({ result: { value: 'denied' } })
      expect((await last(at, again, 'CapabilityDenied'))?.data).toMatchObject({
        denial: { code: 'ICE_RUNS_ACTION_UNKNOWN_DENIED' },
      })
    },
  )

  it('is seen by the owner when another process ends it', async () => {
    const at = await world({ effects: [tool('do', 'observe', waiting())] })
    const there = await at.another('bob')
    const run = await at.runs.start(one, {}, { grants })
    const going = at.runs.drive(run)
    await eventually(() => at.witness.length).toBe(1)
    await there.grants.revoke(await grantOf(at, run), { reason: 'enough' })
    expect(await going).toMatchObject({
      result: {
        value: { kind: 'denied', denial: { code: 'ICE_RUNS_EFFECT_REVOKED_DENIED' } },
      },
    })
  })

  it('ends by revoking what stands above, and gives the same to a replay', async () => {
    const at = await world({ effects: [tool('do', 'idempotent', waiting())] })
    const asks = program(async (context) => {
      const outcome = await context.attempt('act', doing())
      const { approved } = await context.approval('ask', { prompt: 'On?' })
      return [outcome, approved]
    })
    const run = await at.runs.start(asks, {}, { grants })
    const going = at.runs.drive(run)
    await eventually(() => at.witness.length).toBe(1)
    await at.grants.revoke(await grantOf(at, run), { reason: 'enough' })
    expect(await going).toMatchObject({ kind: 'suspended' })
    const there = await at.another('bob', { programs: [asks] })
    await there.runs.answer(run, { step: 'ask', approved: true })
    const event = (await last(at, run, 'EffectRevoked'))?.id
    expect(await there.runs.drive(run)).toMatchObject({
      result: { value: [{ kind: 'denied', event }, true] },
    })
    expect(there.witness).toEqual([])
    expect((await there.runs.view(run)).effects).toMatchObject({ denied: 1, failed: 0 })
  })

  it('does not take a result away', async () => {
    const done = (call: EffectCall): Promise<string> =>
      new Promise((resolve) => {
        call.signal.addEventListener('abort', () => resolve('done all the same'))
      })
    const at = await world({ effects: [tool('do', 'irreversible', done)] })
    const run = await at.runs.start(one, {}, { grants })
    const going = at.runs.drive(run)
    await eventually(() => at.witness.length).toBe(1)
    await at.grants.revoke(await grantOf(at, run), { reason: 'enough' })
    expect(await going).toMatchObject({
      result: { value: { kind: 'succeeded', value: 'done all the same' } },
    })
  })

  const echo = (call: EffectCall): unknown => call.signal.reason
  const ground = (): unknown =>
    new IceError({ code: 'ICE_PRIMITIVES_ABORTED', message: 'the wait was aborted' })
  it.each<[string, (call: EffectCall) => unknown, Fate, string]>([
    ['another error of an irreversible effect', other, 'irreversible', 'EffectInDoubt'],
    ['the echo of the abort', echo, 'irreversible', 'EffectInDoubt'],
    ['a wait that was broken off', ground, 'irreversible', 'EffectInDoubt'],
    ['another error of an idempotent effect', other, 'idempotent', 'EffectFailed'],
    ['the echo of an observation', echo, 'observe', 'EffectFailed'],
  ])('is not proved harmless by %s', async (_what, thrown, fate, type) => {
    const at = await world({ effects: [tool('do', fate, waiting(thrown))] })
    const run = await at.runs.start(one, {}, { grants })
    const going = at.runs.drive(run)
    await eventually(() => at.witness.length).toBe(1)
    await at.grants.revoke(await grantOf(at, run), { reason: 'enough' })
    await going
    const error = (thrown as (call: unknown) => { code: string })({ signal: { reason: undefined } })
    expect((await last(at, run, type))?.data).toMatchObject({
      error: { code: error?.code ?? 'ICE_RUNS_RIGHT_ENDED_CONFLICT' },
    })
    expect(await at.types(run)).not.toContain('EffectRevoked')
  })

  it('proves nothing of an earlier attempt with the same key', async () => {
    const at = await world({ effects: [tool('do', 'idempotent', () => new Promise(() => {}))] })
    const run = await at.runs.start(one, {}, { grants })
    void at.runs.drive(run)
    await eventually(() => at.witness.length).toBe(1)
    at.die()
    const effects = [tool('do', 'idempotent', waiting())]
    const there = await at.another('bob', { effects, programs: [one] })
    const going = there.runs.drive(run)
    await eventually(() => there.witness.length).toBe(1)
    await there.grants.revoke(await grantOf(at, run), { reason: 'enough' })
    expect(await going).toMatchObject({ result: { value: { kind: 'failed' } } })
    await at.runs.close()
  })

  it('is not the end of its time: what was intended in time goes on', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const at = await world({ effects: [tool('do', 'irreversible', () => promise)] })
    const expiresAt = (Date.now() + 60_000) as Timestamp
    const timed = { g: { ...toolGrant('do'), expiresAt } }
    const run = await at.runs.start(one, {}, { grants: timed })
    const going = at.runs.drive(run)
    await eventually(() => at.witness.length).toBe(1)
    const grant = await grantOf(at, run)
    const events = [{ type: 'CapabilityExpired', data: { grant, expiresAt } }]
    const stream = `grant/${grant}` as never
    await at.log.append({ writes: [{ stream, expectedVersion: 'any', events }] })
    resolve('in time')
    expect(await going).toMatchObject({ result: { value: { kind: 'succeeded' } } })
  })
})

/** Verifies: RUN-R41 */
describe('an effect in doubt', () => {
  it('says what its handler said', async () => {
    const doubtful = (): never => {
      throw new IceError({ code: 'ICE_TEST_SENT_IN_DOUBT', message: 'no answer came' })
    }
    const at = await world({ effects: [tool('do', 'irreversible', doubtful)] })
    const run = await at.runs.start(one, {}, { grants })
    expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended' })
    expect((await last(at, run, 'EffectInDoubt'))?.data).toMatchObject({
      error: { code: 'ICE_TEST_SENT_IN_DOUBT', message: 'no answer came' },
    })
    const [waits] = (await at.runs.view(run)).waitingFor
    expect(waits?.prompt).toContain('no answer came')
  })
})

/** Verifies: RUN-R40 */
describe('a look at rights', () => {
  const stand = { guards: [{ stream: 'stop/all' as never, version: 0 }], since: 3 }
  const stop = '{"stream":"stop/all","type":"AuthorityStopped","version":1}'

  function room(events: readonly { readonly position: number; readonly bytes: string }[]) {
    const errors: unknown[] = []
    let [position, failures] = [0, 0]
    const log = {
      store: {
        head: async () => {
          if (failures > 0) {
            failures -= 1
            throw new TypeError('not now')
          }
          return { position }
        },
        async *readAll({ after, filter }: { after: number; filter: { streamPrefix: string } }) {
          const found = events.filter(
            (each) =>
              each.position > after &&
              each.position <= position &&
              each.bytes.includes(`"${filter.streamPrefix}`),
          )
          if (found.length > 0) yield found
        },
      },
    } as never
    const clock = { now: () => 0, monotonicMs: () => 0, sleep: () => new Promise(setImmediate) }
    const rights = createRights({ log, clock: clock as never }, (error) => errors.push(error))
    return {
      rights,
      errors,
      moveTo: (to: number) => {
        position = to
      },
      fail: (times: number) => {
        failures = times
      },
    }
  }

  it('passes over nothing between an intent and its first look', async () => {
    const at = room([{ position: 4, bytes: stop }])
    const told: unknown[] = []
    const early = at.rights.add({ ...stand, guards: [] }, () => told.push('wrong'))
    at.moveTo(9)
    // The look that finds nothing for the first has passed position 4 by now.
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
    at.rights.add(stand, (by) => told.push(by))
    await eventually(() => told).toEqual([['stop/all@1']])
    early()
    at.rights.close()
  })

  it('goes on after one that failed, and tells nobody who has left', async () => {
    const at = room([{ position: 4, bytes: stop }])
    const told: unknown[] = []
    at.fail(2)
    at.rights.add(stand, () => told.push('left'))()
    at.rights.add(stand, (by) => told.push(by))
    at.moveTo(4)
    await eventually(() => told).toEqual([['stop/all@1']])
    expect(at.errors.length).toBe(2)
    at.rights.close()
  })
})
