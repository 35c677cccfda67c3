/** What a store tells the group commit of a transaction, and what is told of its units. */
import type { Appended, PreparedUnit } from '../ports.ts'

/** Whether a unit was certainly not kept, or may have been. */
export type UnitFate = 'none' | 'unknown'

/** What became of one unit, once its transaction has committed. */
export type UnitOutcome = { readonly appended: Appended } | { readonly refused: unknown }

/** A unit in the queue, and what its store has noted of it. */
export interface QueuedUnit<Note = undefined> {
  readonly unit: PreparedUnit
  readonly note: Note
}

/** The transaction has committed. */
export interface GroupDone {
  readonly kind: 'done'
  /** Of the first units of the group, at least of one; the others go first next time. */
  readonly outcomes: readonly UnitOutcome[]
  /** Whether the log has grown, by this transaction or since the one before it. */
  readonly grown: boolean
}

/** Nothing was kept. */
export interface GroupFailed {
  readonly kind: 'failed'
  readonly error: unknown
  /** Whether the same may do better soon: a lock that others hold, a server that is away. */
  readonly mayRetry: boolean
  /** The first so many units were in it; the others were not looked at. @defaultValue all */
  readonly concerned?: number
}

/** The transaction was on its way to be committed, and its answer has not come. */
export interface GroupUnknown {
  readonly kind: 'unknown'
  readonly error: unknown
  /** Of each unit of the group, what is to be said of it while nothing better is known. */
  readonly fates: readonly UnitFate[]
  /** Asks what became of it. */
  readonly settle: () => Promise<Settlement>
}

/** The store must not be used again. */
export interface GroupLost {
  readonly kind: 'lost'
  readonly error: unknown
  /** Of the units that were in the transaction. */
  readonly fate: UnitFate
  /** The first so many units were in it; the others were not kept. @defaultValue all */
  readonly concerned?: number
}

/** What became of a group. */
export type GroupResult = GroupDone | GroupFailed | GroupUnknown | GroupLost

/** What became of a transaction whose answer had been lost. */
export type Settlement =
  /** It stands in the log. */
  | { readonly kind: 'kept'; readonly outcomes: readonly UnitOutcome[] }
  /** It did not happen, and cannot any more. */
  | { readonly kind: 'absent' }
  /** It still cannot be told. */
  | { readonly kind: 'unknown'; readonly error: unknown; readonly mayRetry: boolean }
  /** It cannot be told, and the store must not be used again. */
  | { readonly kind: 'lost'; readonly error: unknown }
