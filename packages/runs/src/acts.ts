/** The acts of one drive: handlers at work, and what they came back with. */

import type { RecordedEvent } from '@ice/events/ports'
import { type Clock, type EventId, type RunId, settled } from '@ice/primitives'
import type { EffectIntent } from './effects.ts'
import { endedRight } from './ended-right.ts'
import type { EffectCall } from './ports.ts'
import type { Rights } from './rights.ts'
import type { Completion } from './settle.ts'

/** Starts handlers and gathers their completions; outlives a refold of the run. */
export class Acts {
  readonly #run: RunId
  readonly #wake: () => void
  readonly #rights: Rights
  readonly #inFlight = new Map<string, AbortController>()
  #inbox: Completion[] = []

  readonly #mayAct: () => void

  /** `mayAct` throws where this process may be taken for dead. */
  constructor(run: RunId, rights: Rights, wake: () => void, mayAct: () => void = () => undefined) {
    this.#run = run
    this.#rights = rights
    this.#wake = wake
    this.#mayAct = mayAct
  }

  /** How many handlers are at work. */
  get size(): number {
    return this.#inFlight.size
  }

  /** Whether completions wait to be recorded. */
  get hasCompletions(): boolean {
    return this.#inbox.length > 0
  }

  /** Whether an effect is being tried, or has been and waits to be recorded. */
  has(effect: string): boolean {
    const arrived = this.#inbox.some(({ intent }) => intent.data.effect === effect)
    return arrived || this.#inFlight.has(effect)
  }

  /** Completions since the last call, in the order they came. */
  take(): readonly Completion[] {
    const taken = this.#inbox
    this.#inbox = []
    return taken
  }

  /**
   * Lets a handler act. Only ever called with the recorded event of the intent.
   *
   * @param since - a position at or before that event's: what ends the right comes after it
   * @throws `ICE_RUNS_OWNERSHIP_CONFLICT` — others may take this process for dead: nothing was done
   */
  start(intent: EffectIntent, event: RecordedEvent, since: number): void {
    this.#mayAct()
    const controller = new AbortController()
    const { effect, attempt } = intent.data
    this.#inFlight.set(effect, controller)
    const call: EffectCall = {
      run: this.#run,
      effect,
      attempt,
      idempotencyKey: `${this.#run}/${effect}`,
      intent: event.id,
      action: intent.data.action,
      arguments: intent.args,
      resource: intent.data.resource as EffectCall['resource'],
      grant: { id: intent.data.grant as EffectCall['grant']['id'], resources: intent.resources },
      ...(intent.secrets.length === 0 ? {} : { secrets: intent.secrets }),
      ...(intent.request.fold === undefined ? {} : { fold: intent.request.fold }),
      signal: controller.signal,
    }
    let endedBy: readonly EventId[] = []
    const leave = this.#rights.add({ guards: intent.guards, since }, (by) => {
      // A handler that was told to stop before was not stopped by this.
      if (controller.signal.aborted) return
      endedBy = by
      controller.abort(endedRight(by))
    })
    this.#perform(intent, event, call).then((completion) => {
      leave()
      this.#inFlight.delete(effect)
      this.#inbox.push(endedBy.length === 0 ? completion : { ...completion, endedBy })
      this.#wake()
    })
  }

  async #perform(
    intent: EffectIntent,
    event: RecordedEvent,
    call: EffectCall,
  ): Promise<Completion> {
    try {
      return { intent, event, report: await intent.handler.perform(call) }
    } catch (error) {
      return { intent, event, error }
    }
  }

  /** Waits until no handler is at work, but no longer than so many milliseconds. */
  async settleWithin(clock: Clock, ms: number): Promise<void> {
    const until = clock.monotonicMs() + ms
    await settled()
    while (this.#inFlight.size > 0 && clock.monotonicMs() < until) await clock.sleep(2)
  }

  /** Asks the handlers of these effects to stop. */
  abortWhere(concerns: (effect: string) => boolean, reason: unknown): void {
    for (const [effect, controller] of this.#inFlight) {
      if (concerns(effect)) controller.abort(reason)
    }
  }

  /** Asks every handler at work to stop. */
  abortAll(reason: unknown): void {
    for (const controller of this.#inFlight.values()) controller.abort(reason)
  }
}
