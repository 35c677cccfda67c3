/**
 * A circuit breaker as a fold of its stream, `breaker/<name>`: nothing else says how it stands.
 *
 *            failures within windowMs          until has passed, and somebody acts
 *     closed ───────────────────────► open ───────────────────────► probing
 *        ▲ └─ a success clears them ─┘  ▲                             │ │ └─ until: another probes
 *        │                              └──────── the probe failed ───┘ │
 *        └────────────────────────────────────── the probe succeeded ───┘
 *
 * 1. Whoever acts under it guards the version it was read at, or, to probe, writes there: so nobody
 *    acts on what has passed, and one worker probes, on every machine.
 * 2. Its failures are those since the last success that was recorded, within its window. A success
 *    is recorded only where there are any: as long as all is well, nothing is written.
 * 3. A probe whose worker died holds it until a time, and no longer.
 */

import type { NewEvent, RecordedEvent } from '@ice/events/ports'
import type { StreamId } from '@ice/primitives'
import type { Payload } from './lifecycle.ts'
import type { Breaker } from './ports.ts'

/** What a breaker counts by. */
export type BreakerTerms = Pick<Breaker, 'failures' | 'name' | 'openMs' | 'windowMs'>

/** How a breaker stands. */
export interface BreakerFold {
  readonly version: number
  readonly state: 'closed' | 'open' | 'probing'
  /** When it may be probed, or probed again; of one that is closed 0. @units epoch milliseconds */
  readonly until: number
  /** Who probes: run and step. */
  readonly prober: string | null
  /** Times of the last failures since it was closed, at most as many as open it. */
  readonly failures: readonly number[]
}

/** Of a breaker nobody has written to. */
export const NEW_BREAKER: BreakerFold = Object.freeze({
  version: 0,
  state: 'closed',
  until: 0,
  prober: null,
  failures: [],
})

/** An attempt, as a breaker knows it. */
export interface Attempted {
  readonly run: string
  readonly effect: string
}

/** The stream of a breaker. */
export function breakerStream(name: string): StreamId {
  return `breaker/${name}` as StreamId
}

/** Folds one event. Types that are not of breakers only move the version. */
export function evolveBreaker(
  fold: BreakerFold,
  { type, data, version, time }: Pick<RecordedEvent, 'data' | 'time' | 'type' | 'version'>,
  { failures: most }: BreakerTerms,
): BreakerFold {
  switch (type) {
    case 'BreakerFailed':
      return { ...fold, version, failures: [...fold.failures, time].slice(-most) }
    case 'BreakerOpened': {
      const { until } = data as Payload<'BreakerOpened'>
      return { ...fold, version, state: 'open', until, prober: null }
    }
    case 'BreakerProbed': {
      const { until, run, effect } = data as Payload<'BreakerProbed'>
      return { ...fold, version, state: 'probing', until, prober: keyOf({ run, effect }) }
    }
    case 'BreakerClosed':
      return { ...NEW_BREAKER, version }
    default:
      return { ...fold, version }
  }
}

/** What an attempt may do that is decided now: act, probe, or wait. */
export function admission(
  { state, until }: BreakerFold,
  at: number,
): { readonly kind: 'act' | 'probe' } | { readonly kind: 'wait'; readonly until: number } {
  if (state === 'closed') return { kind: 'act' }
  return at < until ? { kind: 'wait', until } : { kind: 'probe' }
}

/** That an attempt probes. @param untilMs - how long nobody else will, from `at` on */
export function probing(
  { name }: BreakerTerms,
  { run, effect }: Attempted,
  until: number,
): NewEvent {
  const data: Payload<'BreakerProbed'> = { breaker: name, run, effect, until }
  return { type: 'BreakerProbed', data }
}

/** What is written of an attempt that failed. */
export function afterFailure(
  fold: BreakerFold,
  { name, failures: most, windowMs, openMs }: BreakerTerms,
  { run, effect, code, at }: Attempted & { readonly code: string; readonly at: number },
): readonly NewEvent[] {
  const told: Payload<'BreakerFailed'> = { breaker: name, run, effect, code: code.slice(0, 128) }
  const failed: NewEvent = { type: 'BreakerFailed', data: told }
  const failures = recent(fold, windowMs, at) + 1
  const isProbe = fold.state === 'probing' && fold.prober === keyOf({ run, effect })
  const isFull = fold.state === 'closed' && failures >= most
  if (!isProbe && !isFull) return [failed]
  const opened: Payload<'BreakerOpened'> = { breaker: name, failures, until: at + openMs }
  return [failed, { type: 'BreakerOpened', data: opened }]
}

/** What is written of an attempt that came back with a result. */
export function afterSuccess(
  fold: BreakerFold,
  { name, windowMs }: BreakerTerms,
  { run, effect, at }: Attempted & { readonly at: number },
): readonly NewEvent[] {
  const isProbe = fold.state === 'probing' && fold.prober === keyOf({ run, effect })
  const clears = fold.state === 'closed' && recent(fold, windowMs, at) > 0
  return isProbe || clears ? [{ type: 'BreakerClosed', data: { breaker: name } }] : []
}

/** Failures that still count. */
function recent({ failures }: BreakerFold, windowMs: number, at: number): number {
  return failures.filter((time) => time > at - windowMs).length
}

function keyOf({ run, effect }: Attempted): string {
  return `${run}/${effect}`
}
