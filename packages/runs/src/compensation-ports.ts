/**
 * The ports of compensations: types only. See `EffectHandler.compensate` for what it promises.
 */

import type { EventId, JsonObject } from '@ice/primitives'
import type { EffectCall, EffectReport } from './ports.ts'

/**
 * One call of a handler to undo an effect that took place. It is recorded before it begins.
 *
 * `arguments`, `resource` and `grant` are those of the effect, also where its right has ended
 * since: an intent reserves the right to its compensation. `idempotencyKey` is the same for every
 * attempt to undo this effect, and no other's: `<run>/<effect>/compensation`. `attempt` counts
 * these, from 1, and `intent` is the event by which this one was recorded.
 */
export interface CompensationCall extends Omit<EffectCall, 'fold'> {
  /** The outcome that is undone. */
  readonly outcome: EventId
  /** What that outcome says of the effect. */
  readonly report: Pick<EffectReport, 'value' | 'observed'>
  /** As the effect reported it. */
  readonly kept: JsonObject
}

/** What a handler reports of an effect that is undone. */
export interface CompensationReport {
  /** What was seen, for auditors: small, and recorded inline. */
  readonly observed: JsonObject
}

/** How the compensations of a run fared. */
export interface Compensations {
  /** Begun, and not at their end. */
  readonly open: readonly string[]
  readonly succeeded: number
  /** Effects that stay as they are; the first 256. */
  readonly abandoned: readonly string[]
}

/** How compensations that fail are tried again. */
export interface CompensationPolicy {
  /** In all. */
  readonly attempts: number
  /** Until the second. @units milliseconds */
  readonly firstMs: number
  /** Each pause is so many times as long as the one before. */
  readonly factor: number
  /** No pause is longer. @units milliseconds */
  readonly maxMs: number
  /** One attempt is told to stop after so long. @units milliseconds */
  readonly timeoutMs: number
}
