/** What a run held of budgets around what one of its effects took: folded from its own stream. */
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { StreamId } from '@ice/primitives'
import { type RunFold, runProjection, viewOf } from '@ice/runs'

/** An amount of one limit of one grant. */
export interface Amount {
  readonly grant: string
  readonly unit: string
  readonly amount: number
  readonly window?: number | undefined
}

/** What a run held before its intent, behind it, and behind the outcome; `null`: not there yet. */
export interface Holdings {
  readonly before: readonly Amount[]
  readonly after: readonly Amount[]
  settled: readonly Amount[] | null
}

/**
 * Holdings around each of these intents, by their ids; of a run that no program of ours wrote, as
 * far as it can be folded.
 *
 * @param ends - the outcome of each intent, by the outcome's id
 */
export async function readHoldings(
  log: EventLog,
  stream: StreamId,
  {
    intents,
    ends,
  }: { readonly intents: ReadonlySet<string>; readonly ends: ReadonlyMap<string, string> },
): Promise<ReadonlyMap<string, Holdings>> {
  const found = new Map<string, Holdings>()
  const last = ends.size + intents.size
  let seen = 0
  let fold = runProjection.initialState()
  for await (const batch of log.read({ stream })) {
    for (const event of batch) {
      const before = intents.has(event.id) ? heldBy(fold) : []
      const next = evolved(fold, event)
      if (next === null) return found
      fold = next
      const intent = ends.get(event.id)
      if (intents.has(event.id)) found.set(event.id, { before, after: heldBy(fold), settled: null })
      const known = intent === undefined ? undefined : found.get(intent)
      if (known !== undefined) known.settled = heldBy(fold)
      if (intents.has(event.id) || intent !== undefined) seen += 1
      if (seen === last) return found
    }
  }
  return found
}

function evolved(fold: RunFold, event: RecordedEvent): RunFold | null {
  try {
    return runProjection.evolve(fold, event)
  } catch {
    // Only a log that was not written by us holds what no run can do.
    return null
  }
}

function heldBy(fold: RunFold): readonly Amount[] {
  return fold.view === null ? [] : viewOf(fold).purse
}

/** How much of one limit is among these. */
export function amountOf(
  amounts: readonly Amount[],
  { grant, unit, window }: Omit<Amount, 'amount'>,
): number {
  const found = amounts.find((one) => {
    return one.grant === grant && one.unit === unit && one.window === window
  })
  return found?.amount ?? 0
}
