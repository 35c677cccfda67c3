/**
 * Pages of a store that has let go of events: what a reader without the archive is given of them.
 *
 * A store reads its events first and what was moved of them after that, so what is moved in
 * between is known here, and nothing can be missed.
 */
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { LivePage, LiveStreamPage, MovedRange } from '../eviction-ports.ts'
import { READ_PAGE_EVENTS } from '../limits.ts'
import type { PreparedUnit } from '../ports.ts'
import { MOVED_RANGES_MAX } from './limits.ts'
import type { LogPage, LogRange, StreamPage, StreamRange } from './pages.ts'

/** The refusal of what only the archive has. */
export function archived(
  what: string,
  data: { readonly segment: string; readonly position?: number; readonly stream?: string },
  cause?: unknown,
): EventsError {
  return new EventsError(
    EVENTS_CODES.archived,
    `${what} was moved to the archive segment ${data.segment}. Open the log together with the ` +
      'folder of its archive.',
    { ...data },
    cause,
  )
}

/** A page of a stream, when nothing that was asked for has been moved. @throws `archived` */
export function unmovedOfStream(page: LiveStreamPage, range: StreamRange): StreamPage {
  const { after, upTo, stream, backwards } = range
  const { moved, events } = page
  const lacks = Math.min(moved.at(-1)?.version ?? 0, upTo)
  const isFull = events.length >= Math.min(range.limit, READ_PAGE_EVENTS)
  if (lacks <= after || (backwards && isFull)) return page
  const asked = backwards ? lacks : after + 1
  const { segment = '' } = moved.find(({ version }) => version >= asked) ?? {}
  throw archived(`${stream}@${asked}`, { segment, stream })
}

/** A page of the log up to the first moved position. @throws `archived` — it begins with one */
export function unmovedOfLog(
  page: LogPage,
  { after }: Pick<LogRange, 'after'>,
  moved: MovedRange | undefined,
): LogPage {
  if (moved === undefined) return page
  const { first: position, segment } = moved
  if (position > after + 1) return before(page, position)
  throw archived(`The event at position ${position}`, { segment, position })
}

/** A page with what was moved of it; it ends where no more ranges were looked at. */
export function livePage(page: LogPage, moved: readonly MovedRange[]): LivePage {
  const last = moved.at(-1)
  if (last === undefined || moved.length < MOVED_RANGES_MAX) return { ...page, moved }
  return { ...before(page, last.last + 1), moved }
}

function before(page: LogPage, position: number): LogPage {
  if (position > page.upTo) return page
  const events = page.events.filter((event) => event.position < position)
  return { events, upTo: position - 1, end: false }
}

/**
 * The refusal of a unit whose places are taken by other events than its own, as far as the store
 * can see: what stands there may be the unit itself, moved, and then only the archive can tell.
 *
 * @param segmentOf - the segment of the first moved version of a stream behind another; if any
 */
export function occupiedRefusal(
  unit: PreparedUnit,
  conflict: unknown,
  segmentOf: (stream: string, from: number) => string | undefined,
): unknown {
  for (const { stream, expectedVersion } of unit.writes) {
    const from = typeof expectedVersion === 'number' ? expectedVersion : 0
    const segment = segmentOf(stream, from)
    if (segment === undefined) continue
    return archived(`${stream}@${from + 1}`, { segment, stream }, conflict)
  }
  return conflict
}
