/** Verifies: EVT-R16. What we ship for tests is held to what it wraps. */
import { systemClock } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { describe, expect, test } from 'vitest'
import { eventStoreCases, runCase } from '../src/contract/index.ts'
import { EVENTS_CODES } from '../src/errors.ts'
import { createEventLog } from '../src/log.ts'
import { memoryEventStore } from '../src/memory.ts'
import { faultyStore, seededClock, testTaxonomy } from '../src/testing/index.ts'
import { errorOf, NOON, noted, stream } from './fixtures.ts'

describe('a faulty store without faults', () => {
  const clock = manualClock(0)
  for (const one of eventStoreCases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      const outcome = await runCase(one, {
        clock,
        open: async () => faultyStore(memoryEventStore({ clock }), clock),
        close: (store) => store.close(),
      })
      if (outcome === 'skipped') context.skip()
    })
  }
})

describe('a faulty store', () => {
  function room() {
    const clock = manualClock(NOON)
    const store = faultyStore(memoryEventStore({ clock }), clock)
    const log = createEventLog({ store, taxonomy: testTaxonomy(), clock })
    const write = (n: number) => ({
      writes: [{ stream: stream('a'), expectedVersion: (n - 1) as never, events: [noted(n)] }],
    })
    return { clock, store, log, write }
  }

  test('fails before it commits: nothing is there, and the retry writes', async () => {
    const { store, log, write } = room()
    store.strike(1, { kind: 'fail-before' })
    const error = await errorOf(log.append(write(1)))
    expect([error.code, error.data]).toEqual([EVENTS_CODES.unavailable, { fate: 'none' }])
    expect(await store.head()).toEqual({ position: 0 })
    expect((await log.append(write(1))).retried).toBe(false)
  })

  test('fails after it has committed: the retry finds the unit', async () => {
    const { store, log, write } = room()
    store.strike(2, { kind: 'fail-after' })
    await log.append(write(1))
    const error = await errorOf(log.append(write(2)))
    expect([error.code, error.data]).toEqual([EVENTS_CODES.unavailable, { fate: 'unknown' }])
    expect((await log.append(write(2))).retried).toBe(true)
    expect([await store.head(), store.appends]).toEqual([{ position: 2 }, 3])
  })

  test('delays an append until the clock has moved', async () => {
    const { clock, store, log, write } = room()
    store.strike(1, { kind: 'delay', ms: 50 })
    const appended = log.append(write(1))
    await clock.advance(49)
    expect(await store.head()).toEqual({ position: 0 })
    await clock.advance(1)
    await appended
    expect(await store.head()).toEqual({ position: 1 })
  })
})

describe('a seeded clock', () => {
  const readings = (seed: string): number[] => {
    const clock = seededClock({ seed, start: NOON })
    return Array.from({ length: 50 }, () => clock.now())
  }

  test('repeats itself for a seed, and for no other', () => {
    expect(readings('a')).toEqual(readings('a'))
    expect(readings('a')).not.toEqual(readings('b'))
  })

  test('stands still or moves on, and its waits pass at once', async () => {
    const steps = readings('a').map((time, i, all) => time - (all[i - 1] ?? time))
    expect(new Set(steps)).toEqual(new Set([0, 1, 2, 3]))
    const clock = seededClock({ seed: 'a', start: NOON, stepMaxMs: 0 })
    await clock.sleep(3_600_000)
    expect([clock.now(), clock.monotonicMs()]).toEqual([NOON + 3_600_000, 3_600_000])
    clock.setWall(5)
    expect(clock.now()).toBe(5)
    await expect(clock.sleep(1, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ICE_PRIMITIVES_ABORTED',
    })
    expect(Object.keys(clock).toSorted()).toEqual(
      [...Object.keys(systemClock), 'setWall'].toSorted(),
    )
  })
})
