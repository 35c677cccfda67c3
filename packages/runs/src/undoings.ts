/** Handlers at work on undoing effects, and what they came back with; outlives a refold. */

import type { RecordedEvent } from '@ice/events/ports'
import type { Clock, EventId, JsonObject } from '@ice/primitives'
import { endedRight } from './ended-right.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fate } from './ports.ts'
import type { Rights, Stand } from './rights.ts'

/** One attempt to undo an effect. */
export interface UndoAttempt {
  readonly effect: string
  /** Its recorded beginning. */
  readonly started: RecordedEvent
  /** Of a named effect its own; a handler's own compensation may be repeated. */
  readonly fate: Fate
  readonly perform: (signal: AbortSignal) => Promise<{ readonly observed: JsonObject }>
  readonly stand: Stand
  /** @units milliseconds */
  readonly timeoutMs: number
}

/** What an attempt came back with. */
export type Undone = Pick<UndoAttempt, 'effect' | 'started' | 'fate'> & {
  /** The events that ended the right meanwhile. */
  readonly endedBy: readonly EventId[]
  /** It was told to stop: by the end of its right, or of its time. */
  readonly isStopped: boolean
} & ({ readonly observed: JsonObject } | { readonly error: unknown })

/** Starts attempts, one an effect, and keeps what came of them until that is recorded. */
export class Undoings {
  readonly #rights: Rights
  readonly #clock: Clock
  readonly #wake: () => void
  readonly #mayAct: () => void
  readonly #inFlight = new Map<string, AbortController>()
  readonly #ended = new Map<string, Undone>()

  constructor(init: {
    readonly rights: Rights
    readonly clock: Clock
    readonly wake: () => void
    /** Throws where others may take this process for dead. */
    readonly mayAct: () => void
  }) {
    this.#rights = init.rights
    this.#clock = init.clock
    this.#wake = init.wake
    this.#mayAct = init.mayAct
  }

  /** How many handlers are at work. */
  get size(): number {
    return this.#inFlight.size
  }

  /** Whether ends wait to be recorded. */
  get hasEnded(): boolean {
    return this.#ended.size > 0
  }

  /** Whether an effect is being undone, or what came of it is not recorded. */
  has(effect: string): boolean {
    return this.#inFlight.has(effect) || this.#ended.has(effect)
  }

  /** What came back and was not forgotten. */
  ended(): readonly Undone[] {
    return [...this.#ended.values()]
  }

  /** What came of an effect is recorded. */
  forget(effect: string): void {
    this.#ended.delete(effect)
  }

  /**
   * Lets a handler undo an effect. Only ever called with the recorded event.
   * @throws `ICE_RUNS_OWNERSHIP_CONFLICT` — others may take this process for dead: nothing was done
   */
  start({ effect, started, fate, perform, stand, timeoutMs }: UndoAttempt): void {
    this.#mayAct()
    const controller = new AbortController()
    const { signal } = controller
    this.#inFlight.set(effect, controller)
    let endedBy: readonly EventId[] = []
    const leave = this.#rights.add({ ...stand, outlives: true }, (by) => {
      if (signal.aborted) return
      endedBy = by
      controller.abort(endedRight(by))
    })
    const alarm = new AbortController()
    this.#clock.sleep(timeoutMs, { signal: alarm.signal }).then(
      () => controller.abort(tookTooLong(timeoutMs)),
      // Withdrawn: it has come back.
      () => undefined,
    )
    const ends = (end: { readonly observed: JsonObject } | { readonly error: unknown }): void => {
      leave()
      alarm.abort()
      this.#inFlight.delete(effect)
      const isStopped = signal.aborted
      this.#ended.set(effect, { effect, started, fate, endedBy, isStopped, ...end })
      this.#wake()
    }
    Promise.resolve()
      .then(() => perform(signal))
      .then(
        ({ observed }) => ends({ observed }),
        (error: unknown) => ends({ error }),
      )
  }

  /** Asks every handler at work to stop. */
  abortAll(reason: unknown): void {
    for (const controller of this.#inFlight.values()) controller.abort(reason)
  }
}

function tookTooLong(timeoutMs: number): RunsError {
  const message = `It was not undone within ${timeoutMs} ms`
  return new RunsError(RUNS_CODES.compensationTimeout, message, { timeoutMs })
}
