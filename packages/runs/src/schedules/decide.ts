/** What is to become of the next time of a schedule. Pure. */

import type { Timestamp } from '@ice/primitives'
import type { Entry } from './board.ts'

/** A time that has come, and what becomes of it. */
export type Decision =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'skip'; readonly due: Timestamp; readonly skipped: 'late' | 'overlap' }
  | { readonly kind: 'start'; readonly due: Timestamp }
  /** It waits for the end of a run. */
  | { readonly kind: 'wait' }

const NOTHING: Decision = { kind: 'nothing' }

/**
 * Decides on the first time that is not dealt with.
 * @param isOver - whether the run that was started last has ended; asked only when it matters
 */
export async function decide(
  { fold, times, next }: Entry,
  now: Timestamp,
  isOver: () => Promise<boolean>,
): Promise<Decision> {
  if (next === null || next > now) return NOTHING
  const since = (now - fold.catchUpMs) as Timestamp
  if (next < since) {
    // One record stands for all that are too late.
    const due = Math.max(next, times.before(since) ?? next) as Timestamp
    return { kind: 'skip', due, skipped: 'late' }
  }
  if (fold.overlap === 'all' || fold.run === null || (await isOver())) {
    return { kind: 'start', due: next }
  }
  return fold.overlap === 'queue'
    ? { kind: 'wait' }
    : { kind: 'skip', due: next, skipped: 'overlap' }
}
