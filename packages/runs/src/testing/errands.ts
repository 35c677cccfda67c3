/**
 * What is done once, by whoever can: a process that dies at it, or meets with a failure, leaves it
 * to be done again under the same key.
 */
import type { IceError } from '@ice/primitives'
import type { Scheduler } from './scheduler.ts'
import type { Worker } from './worker.ts'

/** How long whoever met with a failure waits before it tries again. */
export const AGAIN_MS = 25

interface Errand {
  by: Worker | null
  againAtMs: number
  isDone: boolean
}

/** How an errand is done. */
export interface Asked {
  readonly key: string
  readonly by: Worker
  readonly ask: () => Promise<unknown>
  /** How the codes begin that say that there is nothing to do any more. @defaultValue none */
  readonly settledBy?: string
}

/** Keeps errands. */
export class Errands {
  readonly #scheduler: Scheduler
  readonly #errands = new Map<string, Errand>()
  /** Why something failed that no fault explains. */
  broken: string | null = null

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  /** When those that failed may be tried again. */
  get dueMs(): readonly number[] {
    return [...this.#errands.values()].flatMap((errand) =>
      errand.isDone || isAtIt(errand) ? [] : errand.againAtMs,
    )
  }

  isDone(key: string): boolean {
    return this.#errands.get(key)?.isDone === true
  }

  /** Whether it can be done now. */
  isFree(key: string): boolean {
    const errand = this.#errands.get(key)
    if (errand === undefined) return true
    if (errand.isDone || isAtIt(errand)) return false
    return errand.againAtMs <= this.#scheduler.elapsedMs
  }

  run({ key, by, ask, settledBy = '' }: Asked): void {
    const errand: Errand = { by, againAtMs: 0, isDone: false }
    this.#errands.set(key, errand)
    ask().then(
      () => {
        errand.isDone = true
      },
      (error: unknown) => {
        const { code = '' } = error as Partial<IceError>
        if (code === '') this.broken ??= `${by.name} fails: ${told(error)}`
        errand.isDone = settledBy !== '' && code.startsWith(settledBy)
        errand.by = null
        errand.againAtMs = this.#scheduler.elapsedMs + AGAIN_MS
      },
    )
  }
}

function isAtIt({ by }: Errand): boolean {
  return by !== null && !by.isDead
}

/** An error, for people. */
export function told(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
