/**
 * What is recorded of a run, before it has its place: facts, and intents. See `journal.ts`.
 */

import type { Allotment, BudgetShare } from '@ice/capabilities/ports'
import type { StandardPayloads } from '@ice/events/define'
import type { BlobDraft, Guard, NewEvent, RecordedEvent } from '@ice/events/ports'
import type { EventId, PrincipalId, Timestamp } from '@ice/primitives'

/** A standard event as the owner adds it: place and time are the journal's. */
export type Fact = {
  readonly [T in keyof StandardPayloads]: {
    readonly type: T
    readonly data: StandardPayloads[T]
  } & FactEnvelope
}[keyof StandardPayloads]

/** What a fact may carry beside its payload. */
export interface FactEnvelope {
  readonly causes?: readonly EventId[]
  readonly principal?: PrincipalId
  readonly blob?: BlobDraft | null
  /** More of them. */
  readonly blobs?: readonly BlobDraft[]
  /** When it happened. @defaultValue now */
  readonly at?: Timestamp
}

/** An event of a type that a product declared (the outcome of its own effect), or of an agent. */
export interface ForeignFact extends FactEnvelope {
  readonly type: string
  readonly data: unknown
  readonly origin?: NewEvent['origin']
}

/** An authorised effect that waits to be recorded. */
export interface Intent {
  readonly data: StandardPayloads['CapabilityUsed']
  readonly causes: readonly EventId[]
  readonly blob: BlobDraft | null
  readonly guards: readonly Guard[]
  readonly spends: readonly BudgetShare[]
  readonly allotments: readonly Allotment[]
  readonly expiresAt: Timestamp | null
}

/** What came of an append: the intents that are durable now, or those that were refused. */
export interface Flushed<I extends Intent> {
  readonly recorded: readonly { readonly intent: I; readonly event: RecordedEvent }[]
  readonly refused: readonly I[]
  /** Position of the first event of the append, or before; 0 where nothing was recorded. */
  readonly position: number
}
