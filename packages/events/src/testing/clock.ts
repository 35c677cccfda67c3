/**
 * A clock whose every reading comes a seeded while after the one before: times repeat themselves
 * between two runs of a test, now and then stand still, and are never the machine's.
 */

import { AbortedError, type Clock, invariant, seededRandom, timestamp } from '@ice/primitives'

/** A clock that moves by itself, in steps that depend on the seed alone. */
export interface SeededClock extends Clock {
  /** Sets what the next reading is counted from, also back. @units epoch milliseconds, UTC */
  setWall(ms: number): void
}

/** What a seeded clock is made of. */
export interface SeededClockInit {
  readonly seed: string
  /** @units epoch milliseconds, UTC @defaultValue 2025-01-01T00:00:00Z */
  readonly start?: number
  /** The longest step between two readings; the shortest is 0. @units milliseconds */
  readonly stepMaxMs?: number
}

const START_MS = 1_735_689_600_000

/** Creates a seeded clock. Its waits pass at once and move it by what they were to last. */
export function seededClock({
  seed,
  start = START_MS,
  stepMaxMs = 3,
}: SeededClockInit): SeededClock {
  const random = seededRandom(seed)
  let wallMs = start
  let elapsedMs = 0
  const pass = (ms: number): void => {
    wallMs += ms
    elapsedMs += ms
  }
  return {
    now() {
      pass(random.uint32() % (stepMaxMs + 1))
      return timestamp(Math.floor(wallMs))
    },
    monotonicMs: () => elapsedMs,
    async sleep(ms, { signal } = {}) {
      invariant(Number.isFinite(ms) && ms >= 0, `a wait is finite and not negative, not ${ms}`)
      if (signal?.aborted === true) throw new AbortedError({ cause: signal.reason })
      pass(ms)
    },
    setWall(ms) {
      wallMs = ms
    },
  }
}
