import { describe, expect, it } from 'vitest'
import { type Clock, errorRecord, systemClock, timestamp } from '../src/index.ts'
import { type ManualClock, manualClock } from '../src/testing/index.ts'

const ABORTED = 'ICE_PRIMITIVES_ABORTED'
const YEAR_MS = 365 * 86_400_000

async function outcome(wait: Promise<void>): Promise<unknown> {
  try {
    await wait
    return 'woke'
  } catch (error) {
    const { code, cause } = errorRecord(error)
    return [code, cause?.message]
  }
}

const clocks: Readonly<Record<string, () => Clock>> = {
  systemClock: () => systemClock,
  manualClock: () => manualClock(1_000),
}

/** Verifies: PRI-R11 */
describe.each(Object.entries(clocks))('%s', (_, open) => {
  it('tells whole milliseconds of wall time', () => {
    expect(timestamp(open().now())).toBeGreaterThan(0)
  })

  it('refuses to sleep when the signal fired before', async () => {
    const signal = AbortSignal.abort(new TypeError('too late'))
    expect(await outcome(open().sleep(10, { signal }))).toEqual([ABORTED, 'too late'])
  })

  it('wakes with an error when the signal fires, also out of years of sleep', async () => {
    const control = new AbortController()
    const sleeping = outcome(open().sleep(3 * YEAR_MS, { signal: control.signal }))
    control.abort('enough')
    expect(await sleeping).toEqual([ABORTED, 'enough'])
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('does not sleep %d ms', async (ms) => {
    await expect(open().sleep(ms)).rejects.toThrow(TypeError)
  })
})

/** Verifies: PRI-R11 */
describe('systemClock', () => {
  it('never goes back on the monotonic clock', () => {
    const readings = Array.from({ length: 1_000 }, () => systemClock.monotonicMs())
    expect(readings).toEqual(readings.toSorted((a, b) => a - b))
  })

  it('sleeps at least as long as asked', async () => {
    for (const ms of [0, 0.4, 3, 12.5]) {
      const start = systemClock.monotonicMs()
      await systemClock.sleep(ms)
      expect(systemClock.monotonicMs() - start).toBeGreaterThanOrEqual(ms)
    }
  })

  it('does not take a sleep past 2^31 ms for none', async () => {
    const control = new AbortController()
    let woke = false
    const sleeping = systemClock.sleep(2 ** 31, { signal: control.signal }).then(
      () => {
        woke = true
      },
      () => undefined,
    )
    await systemClock.sleep(20)
    expect(woke).toBe(false)
    control.abort()
    await sleeping
    expect(woke).toBe(false)
  })
})

async function note(clock: ManualClock, ms: number, log: string[], name: string): Promise<void> {
  await clock.sleep(ms)
  log.push(`${name} at ${clock.now()}`)
}

/** Verifies: PRI-R11 */
describe('manualClock', () => {
  it('stands still until it is moved', async () => {
    const clock = manualClock(5)
    expect([clock.now(), clock.monotonicMs()]).toEqual([5, 0])
    await clock.advance(7.5)
    expect([clock.now(), clock.monotonicMs()]).toEqual([12, 7.5])
    await clock.advance(0.5)
    expect([clock.now(), clock.monotonicMs()]).toEqual([13, 8])
  })

  it('wakes sleepers in order, each at its own time', async () => {
    const clock = manualClock(0)
    const log: string[] = []
    const notes = [
      note(clock, 30, log, 'c'),
      note(clock, 10, log, 'a'),
      note(clock, 20, log, 'b'),
      note(clock, 10, log, 'a2'),
      note(clock, 31, log, 'd'),
    ]
    await clock.advance(30)
    expect(log).toEqual(['a at 10', 'a2 at 10', 'b at 20', 'c at 30'])
    expect(clock.sleepers).toBe(1)
    await clock.advance(1)
    await Promise.all(notes)
    expect(log.at(-1)).toBe('d at 31')
  })

  it('serves who sleeps again within one move', async () => {
    const clock = manualClock(0)
    const log: string[] = []
    const loop = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn += 1) await note(clock, 10, log, 'turn')
    }
    const looping = loop()
    await clock.advance(45)
    expect(log).toEqual(['turn at 10', 'turn at 20', 'turn at 30', 'turn at 40'])
    await clock.advance(5)
    await looping
  })

  it('sleeps years in no time', async () => {
    const clock = manualClock(0)
    const sleeping = clock.sleep(100 * YEAR_MS)
    await clock.advance(100 * YEAR_MS)
    await sleeping
    expect(clock.now()).toBe(100 * YEAR_MS)
  })

  it('forgets who was woken by a signal', async () => {
    const clock = manualClock(0)
    const control = new AbortController()
    const sleeping = outcome(clock.sleep(10, { signal: control.signal }))
    control.abort('stop')
    expect([await sleeping, clock.sleepers]).toEqual([[ABORTED, 'stop'], 0])
    await clock.advance(10)
  })

  it('keeps waits apart from wall time, which can be set back', async () => {
    const clock = manualClock(1_000)
    const sleeping = outcome(clock.sleep(10))
    clock.setWall(500)
    expect([clock.now(), clock.monotonicMs(), clock.sleepers]).toEqual([500, 0, 1])
    await clock.advance(10)
    expect([await sleeping, clock.now()]).toEqual(['woke', 510])
  })

  it('wakes a sleep of 0 at the next move, even one of 0', async () => {
    const clock = manualClock(0)
    const sleeping = outcome(clock.sleep(0))
    await clock.advance(0)
    expect(await sleeping).toBe('woke')
  })
})
