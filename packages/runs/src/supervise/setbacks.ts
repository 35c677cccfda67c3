/**
 * Runs that could not be driven, and when they are tried again: each time twice as late.
 *
 * In memory alone: after a restart they are tried at once, and fail once more at worst.
 */

import type { RunId } from '@ice/primitives'
import { SETBACK_MS_MAX, SETBACK_MS_MIN, SETBACKS_MAX } from '../limits.ts'

interface Setback {
  readonly times: number
  readonly until: number
}

/** What is known of runs that could not be driven; the latest `SETBACKS_MAX` of them. */
export class Setbacks {
  readonly #runs = new Map<RunId, Setback>()

  get size(): number {
    return this.#runs.size
  }

  /** Notes one more. @returns how often it happened in a row */
  add(run: RunId, now: number): number {
    const times = (this.#runs.get(run)?.times ?? 0) + 1
    this.#runs.delete(run)
    const ms = Math.min(SETBACK_MS_MIN * 2 ** (times - 1), SETBACK_MS_MAX)
    this.#runs.set(run, { times, until: now + ms })
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= SETBACKS_MAX) break
      this.#runs.delete(oldest)
    }
    return times
  }

  forget(run: RunId): void {
    this.#runs.delete(run)
  }

  /** Runs that are not to be tried yet. */
  waiting(now: number): readonly RunId[] {
    return [...this.#runs].flatMap(([run, { until }]) => (until > now ? [run] : []))
  }

  /** Runs that may be tried again. */
  over(now: number): readonly RunId[] {
    return [...this.#runs].flatMap(([run, { until }]) => (until <= now ? [run] : []))
  }

  /** When the next may be tried again; `null`: there is none that waits. */
  next(now: number): number | null {
    const later = [...this.#runs.values()].map(({ until }) => until).filter((at) => at > now)
    return later.length === 0 ? null : Math.min(...later)
  }
}
