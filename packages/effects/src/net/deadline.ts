/**
 * The end of a call's patience: one signal that fires with the reason, whichever cap came first.
 *
 *     total  ├──────────────────────────────────────────────┤
 *     stage  ├─ connect ─┤├─ head ─┤├ idle ┤├ idle ┤ …          one at a time, each begun anew
 *
 * The trap: a timeout that every byte prolongs. A server that trickles its head meets `head`, one
 * that trickles its body meets `total`.
 */

import { throwIfAborted } from '../bytes.ts'
import { NETWORK_CODES, NetworkError } from './errors.ts'

/** What a call waits for. */
export type Stage = 'connect' | 'head' | 'idle' | 'total'

/** The caps of one call. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal
  readonly #total: NodeJS.Timeout
  readonly #abort: () => void
  #stage: NodeJS.Timeout | undefined

  /** @param outer - the call's signal, not fired yet; its firing ends the call like a cap */
  constructor(outer: AbortSignal, totalMs: number) {
    this.#outer = outer
    this.#abort = () => this.#fail(abortion(outer))
    this.#total = setTimeout(() => this.#fail(exceeded('total', totalMs)), totalMs)
    outer.addEventListener('abort', this.#abort)
  }

  /** Fires with the error to throw. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Begins a stage, and ends the one before. */
  enter(stage: Exclude<Stage, 'total'>, ms: number): void {
    clearTimeout(this.#stage)
    this.#stage = setTimeout(() => this.#fail(exceeded(stage, ms)), ms)
  }

  /** Begins something and waits for it, but no longer than the caps allow. */
  async bounded<T>(begin: () => Promise<T>): Promise<T> {
    const { signal } = this
    signal.throwIfAborted()
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const end = (): void => reject(signal.reason)
    signal.addEventListener('abort', end)
    try {
      return await Promise.race([begin(), ended])
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  /** Lets go of all timers. */
  end(): void {
    clearTimeout(this.#total)
    clearTimeout(this.#stage)
    this.#outer.removeEventListener('abort', this.#abort)
  }

  #fail(reason: unknown): void {
    this.#controller.abort(reason)
  }
}

function abortion(signal: AbortSignal): unknown {
  try {
    throwIfAborted(signal)
    return undefined
  } catch (error) {
    return error
  }
}

function exceeded(stage: Stage, ms: number): NetworkError {
  const message = `The call came to its time limit: ${ms} ms for the stage "${stage}"`
  return new NetworkError(NETWORK_CODES.timeLimit, message, { stage, limitMs: ms })
}
