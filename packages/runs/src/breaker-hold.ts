/**
 * An intent, held to the breaker that covers it: it is made, or put off, or denied.
 *
 * What is put off is not asked for again before its time, with a little chance in it, so that not
 * all who wait for one breaker come at once. What may not wait is told why it was not tried.
 */

import { type JsonObject, seededRandom, type Timestamp } from '@ice/primitives'
import { admission, type BreakerFold, breakerStream, probing } from './breaker.ts'
import { denied, refusal } from './denied.ts'
import type { Desk } from './desk.ts'
import type { Call, EffectIntent } from './effects.ts'
import { RUNS_CODES } from './errors.ts'
import type { Fact } from './facts.ts'
import { DEFERRALS_MAX } from './limits.ts'
import type { Breaker } from './ports.ts'

/** What becomes of an intent under a breaker. */
export type Held =
  | { readonly kind: 'intent'; readonly intent: EffectIntent }
  | { readonly kind: 'deferred' | 'denied'; readonly fact: Fact }

/** The part of `openMs` that chance adds before what was put off is looked at again. */
const SPREAD = 0.1

/** Holds an intent that was allowed to its breaker. */
export async function holdToBreaker(desk: Desk, call: Call, intent: EffectIntent): Promise<Held> {
  const { breakers } = desk.components
  let breaker: Breaker | null
  try {
    const resources = call.items?.map(({ resource }) => resource) ?? [call.resource]
    breaker = breakers.of(intent.data.action, resources)
  } catch (cause) {
    const message = 'A breaker cannot say whether it covers the call'
    return refused(call, RUNS_CODES.breakersInvalid, message, {}, cause)
  }
  if (breaker === null) return { kind: 'intent', intent }
  if (breakers.known(breaker) === null) await breakers.refresh(breakerStream(breaker.name))
  const at = desk.journal.now()
  if (admission(desk.breakers.stands(breaker), at).kind === 'wait') {
    // Others may have closed it since it was read.
    await breakers.refresh(breakerStream(breaker.name))
  }
  return admitted(desk, { call, intent, breaker, at }, desk.breakers.stands(breaker))
}

interface Asked {
  readonly call: Call
  readonly intent: EffectIntent
  readonly breaker: Breaker
  readonly at: Timestamp
}

function admitted(desk: Desk, asked: Asked, fold: BreakerFold): Held {
  const { breaker, intent, at } = asked
  const stream = breakerStream(breaker.name)
  const may = admission(fold, at)
  if (may.kind === 'wait') return putOff(desk, asked, may.until)
  const data = { ...intent.data, breaker: breaker.name }
  const guarded = { ...intent, data, guards: [...intent.guards, { stream, version: fold.version }] }
  if (may.kind === 'act') return { kind: 'intent', intent: guarded }
  const until = at + Math.max(breaker.openMs, intent.terms.timeoutMs ?? 0)
  const attempt = { run: desk.run, effect: data.effect }
  const write = {
    stream,
    expectedVersion: fold.version as never,
    events: [probing(breaker, attempt, until)],
  }
  return { kind: 'intent', intent: { ...intent, data, beside: [write] } }
}

function putOff({ journal, run }: Desk, { call, breaker, at }: Asked, until: number): Held {
  const { effect, attempt, terms } = call
  const tried = journal.fold.tried.get(effect)
  const told: JsonObject = { breaker: breaker.name, until }
  const message = `The breaker ${breaker.name} is open: too much of what it covers has failed`
  const deferred = tried?.deferred ?? 0
  const random = seededRandom(`breaker/${run}/${effect}/${attempt}/${deferred}`)
  const next = until + Math.round(breaker.openMs * SPREAD * random.float())
  const since = tried?.since ?? at
  const isLate = terms.totalTimeoutMs !== null && next >= since + terms.totalTimeoutMs
  if (terms.retry === null || isLate || deferred >= DEFERRALS_MAX) {
    return refused(call, RUNS_CODES.breakerOpen, message, told)
  }
  const data = { effect, attempt, breaker: breaker.name, at: next }
  return { kind: 'deferred', fact: { type: 'EffectDeferred', data } }
}

function refused(
  call: Call,
  code: string,
  message: string,
  data: JsonObject,
  cause?: unknown,
): Held {
  const denial = { ...refusal(code, message, cause), ...(cause === undefined ? { data } : {}) }
  const { fact } = denied(call, call.grant, denial, {})
  return { kind: 'denied', fact }
}
