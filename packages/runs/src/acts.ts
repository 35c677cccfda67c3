/** The acts of one drive: handlers at work, and what they came back with. */

import type { RecordedEvent } from '@ice/events/ports'
import { type Clock, type JsonValue, type RunId, settled } from '@ice/primitives'
import { type AttemptTime, timeAttempt } from './attempt-time.ts'
import type { Tried } from './attempts.ts'
import type { Chunks } from './chunks.ts'
import type { EffectIntent } from './effects.ts'
import { endedRight } from './ended-right.ts'
import type { RunsError } from './errors.ts'
import { performItems } from './item-acts.ts'
import type { EffectCall } from './ports.ts'
import type { Rights } from './rights.ts'
import type { Completion } from './settle.ts'

/** What acts need of their drive. */
export interface ActsInit {
  readonly run: RunId
  readonly rights: Rights
  readonly clock: Clock
  readonly chunks: Chunks
  /** Called when a completion waits to be recorded. */
  readonly wake: () => void
  /** Throws where this process may be taken for dead. */
  readonly mayAct?: () => void
}

/** A handler at work. */
interface Act {
  readonly controller: AbortController
  /** The clock of the attempt. */
  timer: AttemptTime | null
  /** It was told to stop, and not because its time was over or its right had ended. */
  stopped: boolean
}

/** Starts handlers and gathers their completions; outlives a refold of the run. */
export class Acts {
  readonly #init: ActsInit
  readonly #inFlight = new Map<string, Act>()
  #inbox: Completion[] = []
  /** Takes what comes back once the run is over. */
  #late: ((completion: Completion) => void) | null = null

  constructor(init: ActsInit) {
    this.#init = init
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
   * @param tried - what was tried of the effect, with this attempt
   * @throws `ICE_RUNS_OWNERSHIP_CONFLICT` — others may take this process for dead: nothing was done
   */
  start(
    intent: EffectIntent,
    event: RecordedEvent,
    { since, tried }: { readonly since: number; readonly tried: Tried | undefined },
  ): void {
    this.#init.mayAct?.()
    const controller = new AbortController()
    const act: Act = { controller, timer: null, stopped: false }
    const { effect } = intent.data
    this.#inFlight.set(effect, act)
    let end: Pick<Completion, 'endedBy' | 'timedOut'> = {}
    const abort = (reason: RunsError, why: typeof end): void => {
      // A handler that was told to stop before was not stopped by this.
      if (controller.signal.aborted) return
      end = why
      controller.abort(reason)
    }
    const { clock, rights } = this.#init
    const untilMs = leftMs(intent, tried, clock.now())
    const timer = timeAttempt({ clock, untilMs, heartbeatMs: heartbeatOf(intent) }, (timedOut) =>
      abort(timedOut, { timedOut }),
    )
    act.timer = timer
    const leave = rights.add({ guards: intent.guards, since }, (endedBy) =>
      abort(endedRight(endedBy), { endedBy }),
    )
    const { signal } = controller
    const emit = this.#emitterOf(intent, timer.beat, () => this.#inFlight.get(effect) === act)
    const call = this.#callOf(intent, event, { signal, heartbeat: timer.beat, emit })
    const performed = this.#perform(intent, event, call)
    const givenUp = timer.givenUp?.then((error): Completion => ({ intent, event, error }))
    const ended = givenUp === undefined ? performed : Promise.race([performed, givenUp])
    ended.then((completion) => {
      leave()
      timer.stop()
      this.#inFlight.delete(effect)
      const { stopped } = act
      const told = { ...completion, ...end, ...(stopped ? { stopped } : {}) }
      if (this.#late !== null) return this.#late(told)
      this.#inbox.push(told)
      this.#init.wake()
    })
  }

  /** What a handler emits once nobody listens to it any more is dropped. */
  #emitterOf({ data }: EffectIntent, beat: () => void, isAtWork: () => boolean) {
    const { run, chunks } = this.#init
    const { effect, attempt } = data
    const emit = chunks.emitterOf({ run, effect, attempt })
    return (chunk: JsonValue): void => {
      if (!isAtWork()) return
      beat()
      emit(chunk)
    }
  }

  #callOf(
    { data, args, resources, secrets, request }: EffectIntent,
    event: RecordedEvent,
    port: Pick<EffectCall, 'emit' | 'heartbeat' | 'signal'>,
  ): EffectCall {
    const { run } = this.#init
    const { effect, attempt, action } = data
    return {
      ...{ run, effect, attempt, action },
      idempotencyKey: `${run}/${effect}`,
      intent: event.id,
      arguments: args,
      resource: data.resource as EffectCall['resource'],
      grant: { id: data.grant as EffectCall['grant']['id'], resources },
      ...(secrets.length === 0 ? {} : { secrets }),
      ...(request.fold === undefined ? {} : { fold: request.fold }),
      ...port,
    }
  }

  async #perform(
    intent: EffectIntent,
    event: RecordedEvent,
    call: EffectCall,
  ): Promise<Completion> {
    try {
      const { handler, items } = intent
      const perform =
        items === undefined ? handler.perform(call) : performItems(intent, items, call)
      return { intent, event, report: await perform }
    } catch (error) {
      return { intent, event, error }
    }
  }

  /** The run is over: what comes back from now on goes there. */
  leave(late: (completion: Completion) => void): void {
    this.#late = late
  }

  /** Waits until no handler is at work, but no longer than so many milliseconds. */
  async settleWithin(clock: Clock, ms: number): Promise<void> {
    const until = clock.monotonicMs() + ms
    await settled()
    while (this.#inFlight.size > 0 && clock.monotonicMs() < until) await clock.sleep(2)
  }

  /** Asks the handlers of these effects to stop. */
  abortWhere(concerns: (effect: string) => boolean, reason: unknown): void {
    for (const [effect, act] of this.#inFlight) if (concerns(effect)) stop(act, reason)
  }

  /** Asks every handler at work to stop; how long they take is no matter of their time any more. */
  abortAll(reason: unknown): void {
    for (const act of this.#inFlight.values()) {
      act.timer?.stop()
      stop(act, reason)
    }
  }
}

function stop(act: Act, reason: unknown): void {
  if (act.controller.signal.aborted) return
  act.stopped = true
  act.controller.abort(reason)
}

/** How long an attempt may take that begins now: its own bound, or what is left of that of all. */
function leftMs({ terms }: EffectIntent, tried: Tried | undefined, now: number): number | null {
  const { timeoutMs, totalTimeoutMs } = terms
  if (totalTimeoutMs === null) return timeoutMs
  const left = Math.max(0, (tried?.since ?? now) + totalTimeoutMs - now)
  return timeoutMs === null ? left : Math.min(timeoutMs, left)
}

function heartbeatOf({ terms, handler }: EffectIntent): number | null {
  return terms.heartbeatMs ?? handler.heartbeatMs ?? null
}
