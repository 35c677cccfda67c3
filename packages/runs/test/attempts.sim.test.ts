/**
 * Runs of several owners over one log, whose service fails as it likes and whose owners die at any
 * append. What is checked afterwards is what the log says, event by event.
 */
import { memoryEventStore } from '@ice/events'
import type { EventStore, RecordedEvent } from '@ice/events/ports'
import { IceError, type RunId } from '@ice/primitives'
import { type ManualClock, manualClock } from '@ice/primitives/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BreakerFold, evolveBreaker, NEW_BREAKER } from '../src/breaker.ts'
import { memoryOwnership } from '../src/index.ts'
import type { Breaker, Fate, Stretch } from '../src/ports.ts'
import { doing, program, tool, toolGrant, type World, world } from './harness.ts'

const CASES = 60
const ATTEMPTS_MAX = 4
const USES = 30
const EFFECTS = 2

const cases = fc.record({
  attempts: fc.integer({ min: 1, max: ATTEMPTS_MAX }),
  fate: fc.constantFrom<Fate>('observe', 'idempotent', 'irreversible'),
  failures: fc.integer({ min: 1, max: 4 }),
  /** What each call of the service comes to. */
  service: fc.array(fc.constantFrom('done', 'busy', 'busy', 'broken'), { maxLength: 40 }),
  runs: fc.integer({ min: 1, max: 4 }),
  /** At which of its appends an owner dies, and whether that append is written. */
  deaths: fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.boolean()), { maxLength: 3 }),
})
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never

const dead = () => Object.assign(new Error('the process is dead'), { code: 'DEAD' })

function dying(store: EventStore, at: number, isWritten: boolean): EventStore {
  let appends = 0
  return {
    ...store,
    async append(unit) {
      appends += 1
      if (appends > at || (appends === at && !isWritten)) throw dead()
      const appended = await store.append(unit)
      if (appends === at) throw dead()
      return appended
    },
  }
}

const work = (attempts: number) =>
  program(async (ctx) => {
    const retry = { attempts, firstMs: 1000, jitter: 0.5 }
    const kinds: string[] = []
    for (let i = 0; i < EFFECTS; i += 1) {
      kinds.push((await ctx.attempt(`${i}`, { ...doing(), retry })).kind)
    }
    return kinds
  })

/** Waits for what goes on by a clock that stands still unless it is moved. */
async function within<T>(clock: ManualClock, going: Promise<T>): Promise<T> {
  let isOver = false
  const ended = going.finally(() => {
    isOver = true
  })
  while (!isOver) await clock.advance(100)
  return ended
}

interface Played {
  readonly events: readonly RecordedEvent[]
  readonly breaker: Breaker
  readonly runs: readonly RunId[]
  readonly owner: World
}

async function play({ attempts, fate, failures, service, deaths, ...more }: Case): Promise<Played> {
  const clock = manualClock(1_000_000)
  const durable = memoryEventStore({ clock })
  const owners = memoryOwnership()
  const script = [...service]
  const act = () => {
    const next = script.shift() ?? 'done'
    if (next === 'done') return next
    throw new IceError({ code: 'ICE_TEST_FAILED', message: next, retryable: next === 'busy' })
  }
  const breaker: Breaker = {
    ...{ name: 'service', covers: () => true, failures, windowMs: 60_000, openMs: 5_000 },
  }
  const base = { clock, owners, breakers: [breaker], effects: [tool('do', fate, act)] }
  const programs = [work(attempts)]
  const join = (name: string, store: EventStore) => world({ ...base, programs, name, store })
  const mortal = await Promise.all(
    deaths.map(([at, isWritten], i) => join(`mortal-${i}`, dying(durable, at, isWritten))),
  )
  const immortal = await join('immortal', durable)
  const grant = immortal.ids.nextGrantId()
  const rights = { ...toolGrant('do'), caveats: [{ kind: 'count' as const, max: USES }] }
  const root = { id: grant, holder: 'principal/os:test' as const, ...rights, delegable: 1 }
  const data = { grant: immortal.authority.rootGrant(root) }
  const stream = `grant/${grant}` as never
  const events = [{ type: 'CapabilityGranted', data }]
  await immortal.log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
  const runs: RunId[] = []
  for (let i = 0; i < more.runs; i += 1) {
    runs.push(await immortal.runs.start(work(attempts), null, { grants: { g: grant } }))
  }
  // Whoever is alive drives what has not ended; who dies leaves its runs to the others.
  const alive = [...mortal, immortal]
  const left = new Set(runs)
  for (let round = 0; left.size > 0; round += 1) {
    expect(round).toBeLessThan(500)
    const going = [...left].map(async (run, i): Promise<void> => {
      const owner = alive[(i + round) % alive.length] as World
      try {
        const stretch: Stretch = await owner.runs.drive(run)
        if (stretch.kind === 'concluded') left.delete(run)
        if (stretch.kind !== 'suspended') return
        // Whoever died left it in doubt, and somebody finds that it did not happen.
        for (const { step: effect, kind } of stretch.waitingFor) {
          const evidence = 'the service has no trace of it'
          expect(kind).toBe('doubt')
          await immortal.runs.resolveDoubt(run, { effect, happened: false, evidence })
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'DEAD' })
        owner.die()
        if (alive.includes(owner)) alive.splice(alive.indexOf(owner), 1)
      }
    })
    await within(clock, Promise.all(going))
    await clock.advance(500)
  }
  // Once the service is up for good, whoever comes after the time of the breaker closes it.
  script.length = 0
  await clock.advance(2 * breaker.openMs)
  const later = immortal.runs.execute(work(1), null, { grants: { g: toolGrant('do') } })
  expect((await within(clock, later)).stretch).toMatchObject({
    result: { value: Array(EFFECTS).fill('succeeded') },
  })
  const all: RecordedEvent[] = []
  for await (const batch of immortal.log.readAll({})) all.push(...batch)
  return { events: all, breaker, runs, owner: immortal }
}

const ENDS = ['EffectSucceeded', 'EffectFailed', 'EffectRevoked', 'CapabilityDenied']

/** Each effect has one end, and no more attempts that ended than its policy allows. */
function checkAttempts(own: readonly RecordedEvent[], attempts: number): number {
  let retried = 0
  for (let i = 0; i < EFFECTS; i += 1) {
    const of = own.filter(({ data }) => (data as { effect?: string }).effect === `${i}`)
    const ends = of.filter(({ type }) => ENDS.includes(type))
    expect(ends).toHaveLength(1)
    expect(of.at(-1)).toBe(ends[0])
    const again = of.filter(({ type }) => type === 'EffectRetryScheduled')
    const failed = again.length + (ends[0]?.type === 'EffectFailed' ? 1 : 0)
    expect(failed).toBeLessThanOrEqual(attempts)
    retried += again.length
    const intents = of.filter(({ type }) => type === 'CapabilityUsed')
    const numbers = intents.map(({ data }) => (data as { attempt: number }).attempt)
    expect(numbers).toEqual(numbers.map((_, at) => at + 1))
    for (const put of of.filter(({ type }) => /RetryScheduled|Deferred/.test(type))) {
      const { at } = put.data as { readonly at: number }
      const next = intents.find(({ version }) => version > put.version)
      expect(next?.time ?? at).toBeGreaterThanOrEqual(at)
    }
  }
  return retried
}

/** Nobody acts while it is open; to probe it is written, by one at a time. */
function checkBreaker(events: readonly RecordedEvent[], breaker: Breaker): BreakerFold {
  let fold: BreakerFold = NEW_BREAKER
  let allowed: string | null = null
  for (const event of events) {
    const { effect, run } = event.data as { readonly effect?: string; readonly run?: string }
    if (event.stream === 'breaker/service') {
      if (event.type === 'BreakerProbed') {
        expect(fold.state).not.toBe('closed')
        expect(event.time).toBeGreaterThanOrEqual(fold.until)
        expect(allowed).toBe(`run/${run}/${effect}`)
        allowed = null
      }
      if (event.type === 'BreakerOpened') {
        expect(['closed', 'probing']).toContain(fold.state)
      }
      fold = evolveBreaker(fold, event, breaker)
    } else if (event.type === 'CapabilityUsed') {
      // Whoever acted under one that was not closed has to have probed it in the same append.
      expect(allowed).toBeNull()
      if (fold.state !== 'closed') allowed = `${event.stream}/${effect}`
    }
  }
  expect(allowed).toBeNull()
  return fold
}

/** Verifies: RUN-R110, RUN-R113 */
test('attempts of runs whose owners die keep to their policy, budget and breaker', async () => {
  const counts = { retried: 0, probed: 0, died: 0, deferred: 0 }
  const property = fc.asyncProperty(cases, async (chosen) => {
    const { events, runs, breaker, owner } = await play(chosen)
    for (const run of runs) {
      const own = events.filter(({ stream }) => stream === `run/${run}`)
      counts.retried += checkAttempts(own, chosen.attempts)
      expect((await owner.runs.view(run)).overspent).toEqual([])
    }
    const has = (name: string): number => events.filter(({ type }) => type === name).length
    expect(has('CapabilityUsed') - EFFECTS).toBeLessThanOrEqual(USES)
    counts.probed += has('BreakerProbed')
    counts.deferred += has('EffectDeferred')
    counts.died += has('RunClaimed')
    const { state, failures } = checkBreaker(events, breaker)
    const last = events.findLast(({ type }) => type === 'EffectSucceeded')?.time ?? 0
    expect([state, failures.filter((time) => time > last - breaker.windowMs)]).toEqual([
      'closed',
      [],
    ])
  })
  const seed = Number(process.env['ICE_SIM_SEED'] ?? 20_260_110)
  console.log(`seed ${seed}`)
  await fc.assert(property, { numRuns: CASES, seed })
  // What was never tried again, put off, probed or taken over would agree with everything.
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(10)
}, 120_000)
