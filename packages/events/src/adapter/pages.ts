/**
 * Reads made of pages.
 *
 * A page is one statement of the database, run to its end: nothing stays open while a reader
 * waits. Pages fit together because events never change and the end of a reading is fixed when it
 * begins: of a log at the start, of a stream with its second page.
 */
import { invariant, settled } from '@ice/primitives'
import { READ_PAGE_EVENTS } from '../limits.ts'
import type { EventFilter, ReadAllQuery, ReadQuery, StoredEvent } from '../ports.ts'
import { checkQuery, checkSignal, checkStreamQuery } from '../store-checks.ts'

/** Which part of a stream: greater than `after`, not greater than `upTo`. */
export interface StreamRange {
  readonly stream: string
  readonly after: number
  readonly upTo: number
  readonly limit: number
  readonly backwards: boolean
}

/** A part of a stream: at most a page. */
export interface StreamPage {
  /** In the order that was asked for: newest first when `backwards`. */
  readonly events: readonly StoredEvent[]
  /** Version of the last of `events` as they stand there: backwards it is the smallest. Not looked
   * at when there are none. */
  readonly last: number
}

/** Which part of the log: greater than `after`, not greater than `upTo`. */
export interface LogRange {
  readonly after: number
  readonly upTo: number
  readonly filter: EventFilter | undefined
}

/** A part of the log: the events that match, and how far was looked. */
export interface LogPage {
  readonly events: readonly StoredEvent[]
  /** The last position that was looked at, whether it matched or not: the next page begins behind
   * it. Greater than the `after` of the range unless this is the end. */
  readonly upTo: number
  /** Whether the range has been looked at to its end. */
  readonly end: boolean
}

type Signal = AbortSignal | undefined

/** How a store reads a page. */
export interface PageReader {
  /** @throws `ICE_EVENTS_NOT_OPEN` */
  mustBeOpen(): void
  /** Position of the last event; 0 for an empty log. */
  head(signal: Signal): Promise<number>
  /** Version of a stream; 0 when it has no event. */
  version(stream: string, signal: Signal): Promise<number>
  /**
   * Exactly `READ_PAGE_EVENTS` events, unless the range or the limit has fewer: a page with fewer
   * is taken for the last one.
   */
  ofStream(range: StreamRange, signal: Signal): Promise<StreamPage>
  /**
   * At most `READ_PAGE_EVENTS` events, also none: `end` says when to stop. Looks at a bounded
   * number of them.
   */
  ofLog(range: LogRange, signal: Signal): Promise<LogPage>
}

/**
 * `EventStore.read`, page by page. A page that does not lead on is a bug of the reader, and told
 * as one: it would be read for ever.
 */
export async function* readStream(
  reader: PageReader,
  query: ReadQuery,
): AsyncGenerator<readonly StoredEvent[]> {
  const { stream, signal, backwards = false } = query
  reader.mustBeOpen()
  checkStreamQuery(query)
  checkSignal(signal)
  let left = query.limit ?? Number.MAX_SAFE_INTEGER
  let after = query.after ?? 0
  let upTo = Number.MAX_SAFE_INTEGER
  while (left > 0) {
    const range = { stream, after, upTo, limit: left, backwards }
    const page = await reader.ofStream(range, signal)
    checkSignal(signal)
    checkLeadsOn(range, page)
    const { events, last } = page
    if (events.length > 0) yield events
    reader.mustBeOpen()
    checkSignal(signal)
    if (events.length < READ_PAGE_EVENTS) return
    left -= events.length
    if (backwards) upTo = last - 1
    else after = last
    if (upTo === Number.MAX_SAFE_INTEGER) upTo = await reader.version(stream, signal)
  }
}

/** The pages of a stream do not overlap: each goes on behind the one before. */
function checkLeadsOn({ after, upTo, backwards }: StreamRange, { events, last }: StreamPage): void {
  if (events.length === 0) return
  const room = backwards ? upTo - last + 1 : last - after
  invariant(
    room >= events.length && last > after && last <= upTo,
    `a page of ${events.length} events, asked for behind ${after}, ends where it says: at ${last}`,
  )
}

/** `EventStore.readAll`, page by page. One that does not lead on is told as in `readStream`. */
export async function* readLog(
  reader: PageReader,
  query: ReadAllQuery,
): AsyncGenerator<readonly StoredEvent[]> {
  const { filter, signal } = query
  reader.mustBeOpen()
  checkQuery(query)
  let left = query.limit ?? Number.MAX_SAFE_INTEGER
  let after = query.after ?? 0
  const upTo = await reader.head(signal)
  while (left > 0) {
    const page = await reader.ofLog({ after, upTo, filter }, signal)
    checkSignal(signal)
    invariant(
      page.end || page.upTo > after,
      `a page of the log goes on behind ${after}, or is at its end`,
    )
    const events = page.events.length > left ? page.events.slice(0, left) : page.events
    left -= events.length
    after = page.upTo
    if (events.length > 0) yield events
    reader.mustBeOpen()
    checkSignal(signal)
    if (page.end) return
    // Pages without a match come in a row, and need not wait for anything.
    if (events.length === 0) await settled()
  }
}
