/**
 * The attempts of effects: what a run's events tell of them, and what comes after one that failed.
 *
 *     CapabilityUsed 1 ─► EffectRetryScheduled ─ at ─► CapabilityUsed 2 ─► outcome
 *                                                  └─► EffectDeferred ─ at ─► …   └► EffectFailed
 *
 * 1. Each attempt is an intent, decided anew, and an end. `EffectRetryScheduled` is an end that is
 *    given to nobody: the step waits until its time. What is given to the program is the last end.
 * 2. Who takes up the run in between finds the number of the next attempt, and its time, here.
 * 3. A policy counts attempts that ended. One that its owner's death cut short is repeated, with a
 *    number of its own, as if there were no policy.
 */

import type { RecordedEvent } from '@ice/events/ports'
import type { EventId, JsonObject, Timestamp } from '@ice/primitives'
import { errorRecord } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Payload, RunFold } from './lifecycle.ts'
import type { Wait } from './ports.ts'
import { isRetried, type Terms, waitMs } from './retry.ts'
import { liesIn } from './scopes.ts'
import { type Completion, type Settled, settle } from './settle.ts'
import { OWN_LABEL } from './unwanted.ts'

/** What was tried of an effect that is not at its end. */
export interface Tried {
  /** The number of the last attempt; 0: none has been made. */
  readonly attempt: number
  /** How many of them ended, and another was to follow. */
  readonly failed: number
  /** Of the first attempt, or of what put it off. */
  readonly since: Timestamp
  /** How often the next attempt was put off. */
  readonly deferred: number
  /** The intent of the last attempt. */
  readonly intent: EventId | null
}

/** Folds what an event tells of attempts. What settles an effect deletes it elsewhere. */
export function evolveTried(
  { tried, open }: Pick<RunFold, 'open' | 'tried'>,
  event: RecordedEvent,
): void {
  switch (event.type) {
    case 'CapabilityUsed': {
      const { effect, attempt } = event.data as Payload<'CapabilityUsed'>
      const { failed = 0, since = event.time } = tried.get(effect) ?? {}
      tried.set(effect, { attempt, failed, since, deferred: 0, intent: event.id })
      return
    }
    case 'EffectRetryScheduled': {
      const { effect } = event.data as Payload<'EffectRetryScheduled'>
      const known = tried.get(effect)
      if (known !== undefined) tried.set(effect, { ...known, failed: known.failed + 1 })
      return
    }
    case 'EffectDeferred': {
      const { effect, attempt } = event.data as Payload<'EffectDeferred'>
      const fresh = {
        attempt: attempt - 1,
        failed: 0,
        since: event.time,
        deferred: 0,
        intent: null,
      }
      const known = tried.get(effect) ?? fresh
      tried.set(effect, { ...known, deferred: known.deferred + 1 })
      return
    }
    case 'ScopeCancelled': {
      const { scopes } = event.data as Payload<'ScopeCancelled'>
      for (const effect of tried.keys()) {
        if (liesIn(effect, scopes) && !open.has(effect)) tried.delete(effect)
      }
    }
  }
}

/** The step of a wait for the next attempt, once an event says that there is one. */
export function waitForAttempt(event: RecordedEvent): Wait {
  const { effect, at } = event.data as Payload<'EffectDeferred'>
  return { step: effect, kind: 'retry', event: event.id, due: at as Timestamp }
}

/**
 * The event that the end of an attempt comes to: as `settle`, but where another is to follow, that
 * and when. None follows one that was told to stop, or whose right has ended.
 */
export function settleAttempt(
  completion: Completion,
  { tried, now }: { readonly tried: Tried | undefined; readonly now: Timestamp },
): Settled {
  const settled = settle(completion)
  const at = nextAt(completion, settled, tried, now)
  if (at === null) return settled
  return { ...settled, type: 'EffectRetryScheduled', data: { ...(settled.data as object), at } }
}

function nextAt(
  { intent, event, endedBy = [], stopped = false }: Completion,
  { type, data, acted }: Settled,
  tried: Tried | undefined,
  now: Timestamp,
): Timestamp | null {
  const { terms } = intent
  if (type !== 'EffectFailed' || terms.retry === null || tried === undefined) return null
  // What took place and cannot be kept is not done again for the sake of its result.
  if (stopped || acted === true || endedBy.length > 0) return null
  const failed = tried.failed + 1
  const { error } = data as Payload<'EffectFailed'>
  if (failed >= terms.retry.attempts || !isRetried(terms.retry, error)) return null
  const seed = `${event.stream}/${intent.data.effect}/${intent.data.attempt}`
  const at = (now + waitMs(terms.retry, { failed, seed })) as Timestamp
  return isOver(terms, tried, at) ? null : at
}

/** Whether the attempts of an effect may take no longer. */
export function isOver({ totalTimeoutMs }: Terms, tried: Tried | undefined, at: number): boolean {
  if (totalTimeoutMs === null || tried === undefined) return false
  return at >= tried.since + totalTimeoutMs
}

/** What is recorded of an effect whose time is over while none of its attempts is at work. */
export function overdue(effect: string, terms: Terms, tried: Tried): Payload<'EffectFailed'> {
  const { totalTimeoutMs } = terms
  const message = `Its attempts may take ${totalTimeoutMs} ms in all, and have`
  const data: JsonObject = { totalTimeoutMs, attempts: tried.attempt }
  const error = errorRecord(new RunsError(RUNS_CODES.totalTimeout, message, data))
  return {
    ...{ effect, attempt: tried.attempt, intent: tried.intent ?? '' },
    error: error as Payload<'EffectFailed'>['error'],
    label: OWN_LABEL,
  }
}
