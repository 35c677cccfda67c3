/**
 * The clock port: what time it is, how long something took, and waiting.
 *
 * Two clocks in one, because they answer different questions. Wall time (`now`) can be set back
 * by an operator or a time server; the monotonic clock cannot, but means nothing outside this
 * process. Deadlines and durations are measured with the second, facts are dated with the first.
 */
import { invariant } from './ice-error.ts'
import type { Timestamp } from './numbers.ts'

/** How a wait may end early. */
export interface SleepOptions {
  /** Ends the wait with `ICE_PRIMITIVES_ABORTED`. */
  readonly signal?: AbortSignal
}

/** A source of time. */
export interface Clock {
  /**
   * Wall time; may stand still or go back between two calls.
   *
   * @units epoch milliseconds, UTC
   */
  now(): Timestamp
  /**
   * Time since some fixed moment; never goes back.
   *
   * @units milliseconds, with fractions where the host has them
   */
  monotonicMs(): number
  /**
   * Waits at least `ms` on the monotonic clock, however long that is.
   *
   * A wait of 0 still yields. An aborted wait holds no timer.
   *
   * @units milliseconds; finite and not negative, anything else is a bug (`TypeError`)
   * @throws {AbortedError} `ICE_PRIMITIVES_ABORTED` — the signal fired, before or during the wait
   */
  sleep(ms: number, options?: SleepOptions): Promise<void>
}

/** States that a wait is one a clock can serve. */
export function checkWait(ms: number): void {
  invariant(Number.isFinite(ms) && ms >= 0, `a wait is finite and not negative, not ${ms}`)
}
