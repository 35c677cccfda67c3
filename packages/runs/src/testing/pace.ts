/**
 * How fast time goes while nobody does anything but look whether there is something to do.
 *
 * As long as the log moves, looks come when they are due. When several in a row have found nothing,
 * the next is twice as late as the one before, and never later than the next thing that is known to
 * be due. To a process that is a sleep which took longer: it may not rely on anything else.
 */
import type { Observer } from './observer.ts'
import type { Scheduler } from './scheduler.ts'

/** Looks at their own time before they get slower: all processes had theirs, some of them twice. */
const CALM = 8
const FIRST_MS = 20
const LONGEST_MS = 60_000
/** More than any pause that a supervisor takes. */
const STARVED_MS = 600_000

/** Watches how long nothing has happened. */
export class Pace {
  readonly #scheduler: Scheduler
  readonly #observer: Observer
  #quiet = { head: -1, sinceMs: 0, looks: 0 }
  #isNothingDue = false

  constructor(scheduler: Scheduler, observer: Observer) {
    this.#scheduler = scheduler
    this.#observer = observer
  }

  /** Whether nothing has happened for longer than anybody waits, and nothing is due. */
  get isStarving(): boolean {
    const { head, sinceMs } = this.#quiet
    const isQuiet = head === this.#observer.head && this.#isNothingDue
    return isQuiet && this.#scheduler.elapsedMs - sinceMs > STARVED_MS
  }

  /** When the next look is. @param due - what else is due @units milliseconds */
  lookAt(nextLookMs: number, due: readonly number[]): number {
    const { elapsedMs } = this.#scheduler
    const { head } = this.#observer
    this.#isNothingDue = due.length === 0
    if (this.#quiet.head !== head) this.#quiet = { head, sinceMs: elapsedMs, looks: 0 }
    this.#quiet.looks += 1
    // Until then nobody has to do anything.
    if (due.length > 0) this.#quiet.sinceMs = Math.max(elapsedMs, ...due)
    const calm = Math.max(0, this.#quiet.looks - CALM)
    if (calm === 0) return nextLookMs
    const ms = FIRST_MS * 2 ** Math.min(calm, 40)
    const laterMs = elapsedMs + (due.length === 0 ? Math.min(ms, LONGEST_MS) : ms)
    return Math.max(nextLookMs, laterMs)
  }
}
