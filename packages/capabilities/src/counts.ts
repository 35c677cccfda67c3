/**
 * Counts: how often a counted grant was used, folded from `budget/<grant>`.
 *
 * Every use of a grant debits every counted link of its chain, in the append of its intent and at
 * the version the decision stood on. Of two uses decided on one version the second conflicts, so
 * that the last use is spent once, however many processes reach for it.
 *
 *     fs.read under C:   C ── counter budget/C      one append: the intent,
 *                        │                          CountDebited at budget/C,
 *                        P ── counter budget/P      CountDebited at budget/P
 */
import type { GrantId, StreamId } from '@ice/primitives'
import { COUNT_USES_MAX } from './limits.ts'

/** The uses of one grant. Changes in place as debits are folded. */
export interface Counter {
  used: number
  /** Version of the counter's stream. */
  version: number
}

/** The stream of a grant's counter. */
export function counterStream(grant: GrantId): StreamId {
  return `budget/${grant}` as StreamId
}

/** Adds one event of the counter's stream. What is no debit spends everything: it fails closed. */
export function debit(counter: Counter, version: number, count: unknown): void {
  const uses = Number.isSafeInteger(count) && (count as number) >= 1 ? (count as number) : Infinity
  counter.used = Math.min(counter.used + uses, COUNT_USES_MAX)
  counter.version = version
}
