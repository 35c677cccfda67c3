/**
 * What a run writes to the streams of budgets: slices, in the append of the intent that needs them;
 * what is left, in the append that ends the run; and what a handler took beyond everything the run
 * held, in the append of the outcome that says so.
 *
 * A slice is written at the version it was decided on: of two runs that decided on one version the
 * second conflicts. The others are written at `'any'` version, so that an outcome and an end can
 * always be recorded: a return only widens what is left, and an overspend is a fact. Neither is
 * ever appended twice, because the write of the run beside it in the unit has its version.
 */
import type { Allotment, BudgetShare } from '@ice/capabilities/ports'
import type { NewEvent, StreamWrite } from '@ice/events/ports'
import type { RunId, StreamId, StreamVersion } from '@ice/primitives'
import { UNIT_BUDGETS_MAX } from './limits.ts'
import { keyOf, type Purse, type Shares, shareOf, sharesOf } from './purse.ts'

/** Whether an event ends its run: from then on it takes nothing any more. */
export function isEnd({ type }: { readonly type: string }): boolean {
  return type === 'RunTerminated'
}

/** The slices that intents need, one write for each budget. */
export function allotmentWrites(
  run: RunId,
  allotments: readonly Allotment[],
): readonly StreamWrite[] {
  const versions = new Map<StreamId, number>()
  for (const { stream, version } of allotments) {
    // Of two decisions on different versions the older one must hold, or both are refused.
    versions.set(stream, Math.min(version, versions.get(stream) ?? version))
  }
  return [...versions].map(([stream, version]) => ({
    stream,
    expectedVersion: version as StreamVersion,
    events: allotments
      .filter((slice) => slice.stream === stream)
      .map((slice) => eventOf('BudgetAllotted', run, shareOf(slice, slice.amount))),
  }))
}

/**
 * What a run that ends gives back. What of it does not fit into one append, and what it holds of a
 * rate's window that has passed, counts as spent.
 */
export function returnWrites(run: RunId, { held }: Purse): readonly StreamWrite[] {
  return anyWrites('BudgetReturned', run, sharesOf(held))
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
    'BudgetAllotted',
    run,
    fresh.filter(({ amount }) => amount > 0),
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

function anyWrites(
  type: 'BudgetAllotted' | 'BudgetReturned',
  run: RunId,
  shares: readonly BudgetShare[],
): readonly StreamWrite[] {
  return joinWrites(
    shares.map((share) => ({
      stream: `budget/${share.grant}` as StreamId,
      expectedVersion: 'any',
      events: [eventOf(type, run, share)],
    })),
  )
}

function eventOf(type: string, run: RunId, share: BudgetShare): NewEvent {
  return { type, data: { ...share, run } }
}
