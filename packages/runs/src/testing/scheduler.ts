/**
 * One scheduler for all that happens in a simulation: nothing that takes time goes on by itself.
 *
 * Whoever would wait for a network, a disk, a handler or a time waits here, and goes on when the
 * scheduler says so, one after another. Between two of them everything that follows without input
 * or time has happened. So the order is the scheduler's alone, and time passes only when it says.
 *
 * 1. What belongs to a process that is dead never goes on; of one that is frozen, not until it
 *    comes back.
 * 2. A sleeper goes on at its time or later, the earliest first.
 */
import { AbortedError, settled } from '@ice/primitives'

/** Whose turn it may be: a process that can freeze, and die. */
export interface Turnable {
  readonly name: string
  readonly isDead: boolean
  readonly isFrozen: boolean
}

/** Something that goes on when it is its turn. */
export interface Pending {
  readonly of: Turnable
  readonly what: string
  go(): void
}

interface Sleeper {
  readonly of: Turnable
  readonly dueMs: number
  /** It only looks whether there is something to do: time may pass it by. */
  readonly isLook: boolean
  wake(): void
}

/** How somebody sleeps. */
export interface Sleep {
  readonly signal?: AbortSignal | undefined
  readonly isLook?: boolean
}

/** Turns of the event loop after which nothing that computes is still at it. */
const TURNS_STILL = 2

/** Keeps what waits, and time. */
export class Scheduler {
  #elapsedMs = 0
  #pending: Pending[] = []
  #sleepers: Sleeper[] = []
  /** Counts all that was asked of it: whether something still computes. */
  #asked = 0

  /** @units milliseconds since the simulation began */
  get elapsedMs(): number {
    return this.#elapsedMs
  }

  /** What may go on now, the oldest first. */
  get ready(): readonly Pending[] {
    this.#pending = this.#pending.filter(({ of }) => !of.isDead)
    return this.#pending.filter(({ of }) => !of.isFrozen)
  }

  /** When the next sleeper is due that does not only look; `null`: none sleeps. */
  get nextDueMs(): number | null {
    return this.#next(false)?.dueMs ?? null
  }

  /** When the next of those is due that look whether there is something to do. */
  get nextLookMs(): number | null {
    return this.#next(true)?.dueMs ?? null
  }

  /** Waits for a turn. */
  post(of: Turnable, what: string): Promise<void> {
    this.#asked += 1
    return new Promise((go) => {
      this.#pending.push({ of, what, go })
    })
  }

  /** Gives something its turn. */
  run(pending: Pending): void {
    this.#pending = this.#pending.filter((each) => each !== pending)
    pending.go()
  }

  /** Waits for a time. @throws `ICE_PRIMITIVES_ABORTED` */
  async sleep(of: Turnable, ms: number, { signal, isLook = false }: Sleep = {}): Promise<void> {
    if (signal?.aborted === true) throw new AbortedError({ cause: signal.reason })
    this.#asked += 1
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper)
        reject(new AbortedError({ cause: signal?.reason }))
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const sleeper: Sleeper = { of, dueMs: this.#elapsedMs + ms, isLook, wake }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /** Lets time pass until a moment, and wakes whoever is due, one at a time. */
  async passTo(ms: number): Promise<void> {
    this.#elapsedMs = Math.max(this.#elapsedMs, ms)
    for (;;) {
      const next = this.#next()
      if (next === undefined || next.dueMs > this.#elapsedMs) return
      this.#sleepers = this.#sleepers.filter((each) => each !== next)
      next.wake()
      await this.rest()
    }
  }

  /** Waits until nothing goes on without the scheduler. */
  async rest(turns: number = TURNS_STILL): Promise<void> {
    for (let still = 0; still < turns; ) {
      const before = this.#asked
      await settled()
      still = this.#asked === before ? still + 1 : 0
    }
  }

  #next(isLook?: boolean): Sleeper | undefined {
    this.#sleepers = this.#sleepers.filter(({ of }) => !of.isDead)
    let next: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (sleeper.of.isFrozen) continue
      if (isLook !== undefined && sleeper.isLook !== isLook) continue
      if (next === undefined || sleeper.dueMs < next.dueMs) next = sleeper
    }
    return next
  }
}
