/**
 * The runs that may be moved: those whose last event is in the log, and lies long enough ago.
 *
 * Only what is still in the store is looked at, so the work is in proportion to that and not to
 * the history. Runs are found in the order in which they ended, the oldest first.
 */
import type { EvictableStore } from '@ice/events/ports'
import type { StreamId } from '@ice/primitives'
import { placeOf } from './segment.ts'

/** A run that has ended. */
export interface Concluded {
  readonly stream: StreamId
  /** Of its last event. */
  readonly version: number
}

/** Runs that stay. */
export interface RunCounts {
  open: number
  young: number
}

/** What is looked for. */
export interface ConcludedQuery {
  readonly live: EvictableStore
  /** The latest time of an end. @units epoch milliseconds, UTC */
  readonly before: number
  /** Set as the search goes on; right when it has come to its end. */
  readonly counts: RunCounts
  readonly signal?: AbortSignal | undefined
}

const FILTER = { streamPrefix: 'run/', types: ['RunCreated', 'RunTerminated'] }

/** Finds concluded runs, as they are asked for. */
export async function* concludedRuns({
  live,
  before,
  counts,
  signal,
}: ConcludedQuery): AsyncGenerator<Concluded> {
  const { position: upTo } = await live.head()
  const open = new Set<unknown>()
  counts.young = 0
  let after = 0
  for (;;) {
    const page = await live.eviction.live({ after, upTo, filter: FILTER, signal })
    for (const { bytes } of page.events) {
      const event = placeOf(bytes)
      if (event?.type === 'RunCreated') {
        open.add(event.stream)
        continue
      }
      open.delete(event?.stream)
      if (Number(event?.time) > before) counts.young += 1
      else yield { stream: event?.stream as StreamId, version: Number(event?.version) }
    }
    counts.open = open.size
    after = page.upTo
    if (page.end) return
  }
}
