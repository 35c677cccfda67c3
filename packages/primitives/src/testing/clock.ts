/**
 * The manual clock: time that passes only when a test says so.
 *
 * 1. Sleepers wake in the order of their deadlines; equal deadlines in the order of their calls.
 * 2. While one wakes, `monotonicMs` is exactly its deadline, and all that follows from it without
 *    input or time has happened before the next one wakes. So a loop that sleeps again is served
 *    again within the same `advance`.
 * 3. Wall time can be set apart from it; waits follow the monotonic clock, as on a real machine.
 *
 * The trap: a fake that jumps to the end and wakes everyone there: code that reads the time when
 * it wakes, or sleeps again, then sees an order that no machine shows.
 */
import { type Clock, checkWait, type SleepOptions } from '../clock.ts'
import { AbortedError } from '../errors.ts'
import { type Timestamp, timestamp } from '../numbers.ts'
import { settled } from '../system.ts'

/** A clock that is moved by hand. */
export interface ManualClock extends Clock {
  /** Sleepers that wait now. */
  readonly sleepers: number
  /**
   * Moves both clocks forward and wakes, in order, whoever is due on the way.
   *
   * @units milliseconds; finite and not negative, anything else is a bug (`TypeError`)
   */
  advance(ms: number): Promise<void>
  /** Sets wall time, also back, and wakes no one. @units epoch milliseconds, UTC */
  setWall(ms: number): void
}

interface Sleeper {
  readonly dueMs: number
  wake(): void
}

/** A clock that stands at `start` until it is moved. @units epoch milliseconds, UTC */
export function manualClock(start: number): ManualClock {
  return new Manual(timestamp(start))
}

class Manual implements ManualClock {
  #wallMs: Timestamp
  #elapsedMs = 0
  /** In the order in which they wake. */
  readonly #sleepers: Sleeper[] = []

  constructor(start: Timestamp) {
    this.#wallMs = start
  }

  get sleepers(): number {
    return this.#sleepers.length
  }

  now(): Timestamp {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  setWall(ms: number): void {
    this.#wallMs = timestamp(ms)
  }

  async sleep(ms: number, { signal }: SleepOptions = {}): Promise<void> {
    checkWait(ms)
    if (signal?.aborted) throw new AbortedError({ cause: signal.reason })
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#remove(sleeper)
        reject(new AbortedError({ cause: signal?.reason }))
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const sleeper: Sleeper = { dueMs: this.#elapsedMs + ms, wake }
      this.#insert(sleeper)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  async advance(ms: number): Promise<void> {
    checkWait(ms)
    const endMs = this.#elapsedMs + ms
    await settled()
    for (;;) {
      const next = this.#sleepers[0]
      if (next === undefined || next.dueMs > endMs) break
      this.#remove(next)
      this.#moveTo(next.dueMs)
      next.wake()
      await settled()
    }
    this.#moveTo(endMs)
  }

  /** Wall time keeps whole milliseconds; it moves by as many as the monotonic clock completes. */
  #moveTo(ms: number): void {
    const passed = Math.floor(ms) - Math.floor(this.#elapsedMs)
    this.#wallMs = timestamp(this.#wallMs + passed)
    this.#elapsedMs = ms
  }

  #insert(sleeper: Sleeper): void {
    const behind = this.#sleepers.findIndex((other) => other.dueMs > sleeper.dueMs)
    this.#sleepers.splice(behind < 0 ? this.#sleepers.length : behind, 0, sleeper)
  }

  #remove(sleeper: Sleeper): void {
    const at = this.#sleepers.indexOf(sleeper)
    if (at >= 0) this.#sleepers.splice(at, 1)
  }
}
