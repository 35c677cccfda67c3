/**
 * What attempts of effects stand on and come with: grants, secrets, batches, breakers, chunks.
 * Types only.
 */

import type { Resource } from '@ice/capabilities/ports'
import type { GrantId, JsonObject, JsonValue, RunId } from '@ice/primitives'
import type { EffectCall, EffectReport } from './ports.ts'

/** A grant as a handler is held to it: the link that was named, and all links above it. */
export interface EffectGrant {
  readonly id: GrantId
  readonly resources: readonly Resource[]
}

/** A secret that an intent names: decided under a grant of its own, and guarded by the intent. */
export interface SecretUse {
  readonly name: string
  readonly grant: EffectGrant
  /** From that grant to its root. */
  readonly chain: readonly GrantId[]
}

/** Where a run stands among others. */
export interface RunPlace {
  /** Runs above it. */
  readonly depth: number
  /** Children it has started, or is about to. */
  readonly children: number
}

/** One call of a batch. */
export interface BatchedCall {
  readonly arguments: JsonObject
  readonly resource: JsonObject
  /** The same in every attempt: `<run>/<effect>/<index>`. */
  readonly idempotencyKey: string
}

/** Calls of one action under one intent. */
export interface BatchCall extends Omit<EffectCall, 'arguments' | 'idempotencyKey' | 'resource'> {
  readonly items: readonly BatchedCall[]
}

/** What one call of a batch came to: a report, or what `perform` would have thrown. */
export type BatchReport = EffectReport | { readonly error: unknown }

/**
 * Keeps effects from what fails: once so many attempts in a row failed within a time, no more is
 * made until another time; then one is, and decides. It is shared by all that use the log.
 */
export interface Breaker {
  /** Of its stream, `breaker/<name>`: `a-z`, `0-9`, and `.`, `_`, `-` within; at most 128. */
  readonly name: string
  /** Pure. An effect is held to the first breaker that covers it. */
  covers(action: string, resource: JsonObject): boolean
  /** Attempts that fail with no success between them: 1 to 1,000. */
  readonly failures: number
  /** How long a failure counts. @units milliseconds */
  readonly windowMs: number
  /** How long it stays open, and how long one probe keeps others away. @units milliseconds */
  readonly openMs: number
}

/** What a handler emitted while it was at work. */
export interface Chunk {
  readonly run: RunId
  readonly effect: string
  readonly attempt: number
  /** Of the attempt, from 1 on. */
  readonly sequence: number
  readonly value: JsonValue
  /** How many the watcher has missed since the one before. */
  readonly dropped: number
}

/** How the effects of a run fared. */
export interface EffectCounts {
  readonly succeeded: number
  readonly failed: number
  /** Refused, or revoked before they acted. */
  readonly denied: number
  readonly approved: number
}
