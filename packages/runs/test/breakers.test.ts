import type { RecordedEvent } from '@ice/events/ports'
import { IceError, type JsonObject } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, it } from 'vitest'
import { RUNS_CODES } from '../src/errors.ts'
import type { Breaker, RetryPolicy } from '../src/ports.ts'
import { doing, eventually, program, tool, toolGrant, type World, world } from './harness.ts'

const busy = (): Error => new IceError({ code: 'ICE_TEST_BUSY', message: 'busy', retryable: true })

const service: Breaker = {
  name: 'service',
  covers: (action) => action === 'do',
  ...{ failures: 2, windowMs: 10_000, openMs: 60_000 },
}
const both = { g: toolGrant('do', 'other') }
const retry: RetryPolicy = { attempts: 9, firstMs: 1000, factor: 1, jitter: 0 }

/** So many effects one after another, each of one attempt. */
const calls = (count: number, more: object = {}, action = 'do') =>
  program(
    async (ctx) => {
      const kinds: string[] = []
      for (let i = 0; i < count; i += 1) {
        const outcome = await ctx.attempt(`${i}`, { ...doing({}, action), ...more })
        kinds.push(outcome.kind === 'denied' ? outcome.denial.code : outcome.kind)
      }
      return kinds
    },
    { name: `calls-${count}-${action}-${JSON.stringify(more).length}` },
  )

async function told(at: World, name = 'service'): Promise<readonly RecordedEvent[]> {
  const found: RecordedEvent[] = []
  for await (const batch of at.log.read({ stream: `breaker/${name}` as never })) {
    found.push(...batch)
  }
  return found
}
/** The types of events of each append from here on. */
function appendsOf({ log }: World): readonly (readonly string[])[] {
  const units: string[][] = []
  const { append } = log
  Object.assign(log, {
    append: (request: Parameters<typeof append>[0]) => {
      units.push(request.writes.flatMap(({ events }) => events.map(({ type }) => type)))
      return append.call(log, request)
    },
  })
  return units
}

const typesOf = (events: readonly RecordedEvent[]) => events.map(({ type }) => type)

/** A world whose service is up or not. */
async function serviced(more: object = {}) {
  const clock = manualClock(1_000_000)
  const up = { is: true }
  const acts = (): string => {
    if (!up.is) throw busy()
    return 'done'
  }
  const effects = [tool('do', 'idempotent', acts), tool('other', 'idempotent', acts)]
  return { clock, up, at: await world({ clock, effects, breakers: [service], ...more }) }
}

/** Verifies: RUN-R113 */
describe('a breaker', () => {
  it('writes nothing and costs nothing while all is well', async () => {
    const { at } = await serviced()
    const reads: string[] = []
    const { read } = at.log
    Object.assign(at.log, {
      read: (query: Parameters<typeof read>[0]) => {
        reads.push(query.stream)
        return read.call(at.log, query)
      },
    })
    const { run, stretch } = await at.runs.execute(calls(5), null, { grants: both })
    expect(stretch).toMatchObject({ result: { value: Array(5).fill('succeeded') } })
    expect(await told(at)).toEqual([])
    expect(reads.filter((stream) => stream === 'breaker/service')).toHaveLength(2)
    const intents = (await at.events(run)).filter(({ type }) => type === 'CapabilityUsed')
    expect(intents.map(({ data }) => (data as JsonObject)['breaker'])).toEqual(
      Array(5).fill('service'),
    )
  })

  it('opens when its count is full, in the append of the failure, and denies', async () => {
    const { at, up, clock } = await serviced()
    up.is = false
    const units = appendsOf(at)
    const { run, stretch } = await at.runs.execute(calls(4), null, { grants: both })
    const open = RUNS_CODES.breakerOpen
    expect(stretch).toMatchObject({ result: { value: ['failed', 'failed', open, open] } })
    const events = await told(at)
    expect(typesOf(events)).toEqual(['BreakerFailed', 'BreakerFailed', 'BreakerOpened'])
    expect(events[2]?.data).toMatchObject({ failures: 2, until: clock.now() + 60_000 })
    expect(events[0]?.data).toMatchObject({ run, effect: '0', code: 'ICE_TEST_BUSY' })
    expect(units.filter((types) => types.includes('BreakerOpened'))).toEqual([
      expect.arrayContaining(['EffectFailed', 'BreakerFailed']),
    ])
    expect(at.witness).toHaveLength(2)
  })

  it('keeps nothing from what it does not cover, nor of what it does not count', async () => {
    const { at, up, clock } = await serviced()
    up.is = false
    await at.runs.execute(calls(3, {}, 'other'), null, { grants: both })
    expect(await told(at)).toEqual([])
    await at.runs.execute(calls(1), null, { grants: both })
    await clock.advance(10_001)
    // The first failure has left the window.
    await at.runs.execute(calls(1), null, { grants: both })
    expect(typesOf(await told(at))).toEqual(['BreakerFailed', 'BreakerFailed'])
    up.is = true
    await at.runs.execute(calls(2), null, { grants: both })
    expect(typesOf(await told(at)).slice(2)).toEqual(['BreakerClosed'])
  })

  it('puts an effect with a policy off until it may be tried; a probe closes it', async () => {
    const { at, up, clock } = await serviced()
    up.is = false
    const { run, stretch } = await at.runs.execute(calls(1, { retry }), null, { grants: both })
    expect(stretch).toMatchObject({ waits: [{ kind: 'retry', due: 1_001_000 }] })
    await clock.advance(1000)
    expect(await at.runs.drive(run)).toMatchObject({ kind: 'suspended', until: 1_002_000 })
    await clock.advance(1000)
    const put = await at.runs.drive(run)
    const { until = 0 } = put as { readonly until?: number }
    expect(until).toBeGreaterThanOrEqual(1_061_000)
    expect(until).toBeLessThanOrEqual(1_067_000)
    expect((await at.events(run)).at(-2)).toMatchObject({
      ...{ type: 'EffectDeferred', data: { attempt: 3, breaker: 'service', at: until } },
    })
    up.is = true
    await clock.advance(until - clock.now())
    expect(await at.runs.drive(run)).toMatchObject({ result: { value: ['succeeded'] } })
    expect(typesOf(await told(at)).slice(-2)).toEqual(['BreakerProbed', 'BreakerClosed'])
    expect(at.witness).toHaveLength(3)
  })

  it('is probed by one of all who wait, also when the one dies', async () => {
    const { at, up, clock } = await serviced()
    up.is = false
    await at.runs.execute(calls(2), null, { grants: both })
    await clock.advance(60_000)
    const stuck = tool('do', 'idempotent', () => new Promise(() => undefined))
    const dead = await at.another('dead', { effects: [stuck] })
    const lost = await dead.runs.start(calls(1), null, { grants: both })
    void dead.runs.drive(lost)
    await eventually(() => dead.witness.length).toBe(1)
    dead.die()
    const { stretch } = await at.runs.execute(calls(1), null, { grants: both })
    expect(stretch).toMatchObject({ result: { value: [RUNS_CODES.breakerOpen] } })
    await clock.advance(60_000)
    const again = await at.runs.execute(calls(1), null, { grants: both })
    expect(again.stretch).toMatchObject({ result: { value: ['failed'] } })
    const last = typesOf(await told(at)).slice(-4)
    expect(last).toEqual(['BreakerProbed', 'BreakerProbed', 'BreakerFailed', 'BreakerOpened'])
  })

  it('counts every failure of those that come at once, and opens once', async () => {
    const { at, up } = await serviced({ breakers: [{ ...service, failures: 6 }] })
    up.is = false
    const others = await Promise.all(['b', 'c', 'd', 'e'].map((name) => at.another(name)))
    await Promise.all(
      [at, ...others].map(({ runs }) => runs.execute(calls(2), null, { grants: both })),
    )
    const events = await told(at)
    const opened = events.filter(({ type }) => type === 'BreakerOpened')
    expect(opened).toHaveLength(1)
    expect(opened[0]?.data).toMatchObject({ failures: 6 })
    const before = events.slice(0, events.indexOf(opened[0] as RecordedEvent))
    expect(typesOf(before)).toEqual(Array(6).fill('BreakerFailed'))
  })

  it('keeps the yes of a person for when what was put off is tried', async () => {
    const { at, up, clock } = await serviced()
    up.is = false
    await at.runs.execute(calls(2), null, { grants: both })
    const g = { ...both.g, caveats: [{ kind: 'approval' as const }] }
    const { run } = await at.runs.execute(calls(1, { retry }), null, { grants: { g } })
    await at.runs.answer(run, { step: '0', approved: true })
    expect(await at.runs.drive(run)).toMatchObject({ waits: [{ kind: 'retry' }], waitingFor: [] })
    up.is = true
    await clock.advance(66_001)
    expect(await at.runs.drive(run)).toMatchObject({ result: { value: ['succeeded'] } })
    const asked = (await at.types(run)).filter((type) => type === 'ApprovalRequested')
    expect(asked).toHaveLength(1)
  })

  it('denies an effect that would wait longer than all its attempts may take', async () => {
    const { at, up } = await serviced()
    up.is = false
    await at.runs.execute(calls(2), null, { grants: both })
    const more = { retry, totalTimeoutMs: 30_000 }
    const { stretch } = await at.runs.execute(calls(1, more), null, { grants: both })
    expect(stretch).toMatchObject({ result: { value: [RUNS_CODES.breakerOpen] } })
  })

  it('that throws denies what it might cover, and nothing acts', async () => {
    const covers = () => {
      throw new Error('a bug')
    }
    const { at } = await serviced({ breakers: [{ ...service, covers }] })
    const { stretch } = await at.runs.execute(calls(1), null, { grants: both })
    expect(stretch).toMatchObject({ result: { value: [RUNS_CODES.breakersInvalid] } })
    expect(at.witness).toEqual([])
  })

  it('counts an irreversible effect that is in doubt because it took too long', async () => {
    const stuck = tool('do', 'irreversible', ({ signal }) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    })
    const at = await world({ effects: [stuck], breakers: [service] })
    await at.runs.execute(calls(1, { timeoutMs: 1 }), null, { grants: both })
    expect((await told(at))[0]?.data).toMatchObject({ code: RUNS_CODES.attemptTimeout })
  })

  it.each([
    [{ ...service, name: 'a/b' }],
    [{ ...service, name: '' }],
    [{ ...service, covers: null }],
    [{ ...service, failures: 0 }],
    [{ ...service, failures: 1.5 }],
    [{ ...service, windowMs: -1 }],
    [{ ...service, openMs: Number.NaN }],
    [service, service],
    [null],
  ])('that is none is refused', async (...breakers) => {
    await expect(world({ breakers: breakers as never })).rejects.toMatchObject({
      code: RUNS_CODES.breakersInvalid,
    })
  })
})
