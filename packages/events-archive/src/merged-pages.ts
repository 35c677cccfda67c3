/**
 * Pages of a log whose older events are in segments.
 *
 * The store says what it has of a part of the log, and what of it was moved; the segments give the
 * rest; both together are the page. The store looks at its events before it looks at what was
 * moved, so while a segment is being let go of an event may come from both, and is taken once.
 */
import type { StoredEvent } from '@ice/events'
import {
  type LogPage,
  type LogRange,
  type PageReader,
  READ_PAGE_EVENTS,
  type StreamPage,
  type StreamRange,
} from '@ice/events/adapter'
import type {
  EvictableStore,
  LivePage,
  LiveStreamPage,
  MovedRange,
  MovedVersions,
} from '@ice/events/ports'
import type { StreamId } from '@ice/primitives'
import { corrupt } from './errors.ts'
import type { SegmentFolder } from './folder.ts'
import type { SegmentRecords } from './records.ts'
import type { Segment } from './segment.ts'

/** What pages are made of. */
export interface MergedPagesComponents {
  readonly live: EvictableStore
  readonly folder: SegmentFolder
  readonly records: SegmentRecords
  readonly mustBeOpen: () => void
}

/** How an archived log reads a page. */
export class MergedPages implements PageReader {
  readonly #with: MergedPagesComponents

  constructor(components: MergedPagesComponents) {
    this.#with = components
  }

  mustBeOpen(): void {
    this.#with.mustBeOpen()
  }

  async head(): Promise<number> {
    return (await this.#with.live.head()).position
  }

  async version(stream: string, signal: AbortSignal | undefined): Promise<number> {
    const all = { after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 1, backwards: true, signal }
    const page = await this.#with.live.eviction.liveStream({ ...all, stream: stream as StreamId })
    return page.events.length > 0 ? page.last : (page.moved.at(-1)?.version ?? 0)
  }

  /** The segment of a name, open until the next turn. */
  async segment(name: string, signal?: AbortSignal): Promise<Segment> {
    const { folder, records } = this.#with
    const record = await records.named(name, signal)
    return folder.use(record)
  }

  async ofLog(range: LogRange, signal: AbortSignal | undefined): Promise<LogPage> {
    const page = await this.#with.live.eviction.live({ ...range, signal })
    return page.moved.length === 0 ? page : this.#merged(page, range)
  }

  async #merged(page: LivePage, { upTo: asked, filter }: LogRange): Promise<LogPage> {
    let { upTo } = page
    const archived: StoredEvent[] = []
    for (const range of page.moved) {
      if (range.first > upTo) break
      const segment = await this.segment(range.segment)
      const scan = { after: range.first - 1, upTo: Math.min(range.last, upTo), filter }
      const found = segment.scan(scan)
      if (filter === undefined) checkGapless(segment, range, found)
      archived.push(...found.events)
      const isCut = found.upTo < scan.upTo || archived.length >= READ_PAGE_EVENTS
      if (isCut) upTo = found.upTo
    }
    const events = interleaved(archived, page.events).filter(({ position }) => position <= upTo)
    if (events.length > READ_PAGE_EVENTS) {
      events.length = READ_PAGE_EVENTS
      upTo = events.at(-1)?.position ?? upTo
    }
    return { events, upTo, end: upTo >= asked }
  }

  async ofStream(range: StreamRange, signal: AbortSignal | undefined): Promise<StreamPage> {
    const stream = range.stream as StreamId
    const page = await this.#with.live.eviction.liveStream({ ...range, stream, signal })
    const moved = Math.min(page.moved.at(-1)?.version ?? 0, range.upTo)
    if (moved <= range.after) return page
    return range.backwards
      ? this.#backwards(page, range, moved)
      : this.#forwards(page, range, moved)
  }

  /** First what was moved, then what is here behind it. */
  async #forwards(page: LiveStreamPage, range: StreamRange, moved: number): Promise<StreamPage> {
    const room = Math.min(range.limit, READ_PAGE_EVENTS)
    const last = Math.min(moved, range.after + room)
    const archived = await this.#versions(range.stream, page.moved, {
      from: range.after + 1,
      to: last,
    })
    if (last < moved || archived.length === room) return { events: archived, last }
    const from = archived.at(-1)?.position ?? 0
    const here = page.events.filter(({ position }) => position > from)
    const events = [...archived, ...here.slice(0, room - archived.length)]
    return { events, last: range.after + events.length }
  }

  /** First what is here, newest first; then what was moved. */
  async #backwards(page: LiveStreamPage, range: StreamRange, moved: number): Promise<StreamPage> {
    const room = Math.min(range.limit, READ_PAGE_EVENTS)
    if (page.events.length >= room) return page
    const to = page.events.length === 0 ? moved : Math.min(moved, page.last - 1)
    const from = Math.max(range.after + 1, to - (room - page.events.length) + 1)
    if (to < from) return page
    const archived = await this.#versions(range.stream, page.moved, { from, to })
    return { events: [...page.events, ...archived.toReversed()], last: from }
  }

  async #versions(
    stream: string,
    moved: readonly MovedVersions[],
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<readonly StoredEvent[]> {
    const events: StoredEvent[] = []
    let first = from
    for (const { segment: name, version } of moved) {
      if (version < first || first > to) continue
      const segment = await this.segment(name)
      const last = Math.min(version, to)
      events.push(...segment.ofStream(stream, first, last))
      first = last + 1
    }
    return events
  }
}

/** The store moved every one of these positions to this segment. */
function checkGapless(
  { path }: Segment,
  { first }: MovedRange,
  { events, upTo }: { readonly events: readonly StoredEvent[]; readonly upTo: number },
): void {
  if (events.length === upTo - first + 1) return
  throw corrupt(path, `it has not all of the positions from ${first} to ${upTo}`)
}

/** Two lists in order of position as one; what is in both is taken once. */
function interleaved(
  archived: readonly StoredEvent[],
  live: readonly StoredEvent[],
): StoredEvent[] {
  const events: StoredEvent[] = []
  let i = 0
  let k = 0
  for (;;) {
    const one = archived[i]
    const other = live[k]
    if (one === undefined && other === undefined) return events
    const isArchived = one !== undefined && (other === undefined || one.position <= other.position)
    if (isArchived && one.position === other?.position) k += 1
    if (isArchived) {
      events.push(one)
      i += 1
    } else {
      events.push(other as StoredEvent)
      k += 1
    }
  }
}
