/**
 * What a run writes to the streams of budgets: draws of slices, in the append that says of which
 * budgets it drew; what is left, in the append that ends the run; and what a handler took beyond
 * everything the run held, in the append of the outcome that says so.
 *
 * All are written at `'any'` version, so that no run ever waits for another: a draw takes what is
 * left where it comes to stand, or nothing; a return only widens that; an overspend is a fact. None
 * is ever appended twice, because the write of the run beside it in the unit has its version.
 */
import type { BudgetShare } from '@ice/capabilities/ports'
import type { NewEvent, StreamWrite } from '@ice/events/ports'
import type { GrantId, RunId, StreamId } from '@ice/primitives'
import type { Hand } from './hand.ts'
import { UNIT_BUDGETS_MAX } from './limits.ts'
import { createPurse, keyOf, type Purse, put, type Shares, shareOf, sharesOf } from './purse.ts'

/** Whether an event ends its run: from then on it takes nothing any more. */
export function isEnd({ type }: { readonly type: string }): boolean {
  return type === 'RunTerminated'
}

/** Draws of slices, one write for each budget. */
export function drawWrites(run: RunId, shares: readonly BudgetShare[]): readonly StreamWrite[] {
  return anyWrites(
    shares.map((share) => [share, eventOf('BudgetAllotted', run, share, { ifLeft: true })]),
  )
}

/**
 * What a run that ends gives back. What of it does not fit into one append, and what it holds of a
 * rate's window that has passed, counts as spent.
 */
export function returnWrites(run: RunId, { held }: Purse, hand: Hand): readonly StreamWrite[] {
  const purse = createPurse()
  put(purse, sharesOf(held))
  put(purse, hand.shares)
  return anyWrites(
    sharesOf(purse.held).map((share) => [share, eventOf('BudgetReturned', run, share)]),
  )
}

/** What was taken beyond a slice since it was last told. */
export function overspendWrites(
  run: RunId,
  { overspent }: Purse,
  told: Shares,
): readonly StreamWrite[] {
  const fresh = sharesOf(overspent).map((share) =>
    shareOf(share, share.amount - (told.get(keyOf(share))?.amount ?? 0)),
  )
  return anyWrites(
    fresh
      .filter(({ amount }) => amount > 0)
      .map((share) => [share, eventOf('BudgetAllotted', run, share)]),
  )
}

/** Writes of which each stream is in one only. */
export function joinWrites(writes: readonly StreamWrite[]): readonly StreamWrite[] {
  const joined = new Map<StreamId, StreamWrite>()
  for (const write of writes) {
    const { events = [] } = joined.get(write.stream) ?? {}
    joined.set(write.stream, { ...write, events: [...events, ...write.events] })
  }
  return [...joined.values()].slice(0, UNIT_BUDGETS_MAX)
}

function anyWrites(events: readonly (readonly [BudgetShare, NewEvent])[]): readonly StreamWrite[] {
  return joinWrites(
    events.map(([{ grant }, event]) => ({
      stream: budgetStream(grant),
      expectedVersion: 'any',
      events: [event],
    })),
  )
}

/** The stream of a grant's budget. */
export function budgetStream(grant: GrantId): StreamId {
  return `budget/${grant}` as StreamId
}

function eventOf(
  type: 'BudgetAllotted' | 'BudgetReturned',
  run: RunId,
  share: BudgetShare,
  more: { readonly ifLeft?: true } = {},
): NewEvent {
  return { type, data: { ...share, run, ...more } }
}
