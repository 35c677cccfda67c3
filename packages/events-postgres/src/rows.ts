/**
 * Reading events, page by page.
 *
 * A page is one statement: no cursor and no transaction stays open while a reader waits, so a slow
 * reader keeps nothing from being vacuumed. Pages fit together because events never change and
 * the end of a reading is fixed when it begins.
 */
import type { EventFilter, StoredEvent } from '@ice/events'
import {
  filtersBytes,
  type LogPage,
  type LogRange,
  livePage,
  matchesBytes,
  READ_PAGE_EVENTS,
  type StreamPage,
  type StreamRange,
  unmovedOfLog,
  unmovedOfStream,
} from '@ice/events/adapter'
import type { LivePage, LiveStreamPage } from '@ice/events/ports'
import { type Hash, isStreamId, type Position } from '@ice/primitives'
import { quoted } from './format.ts'
import { SCAN_WINDOW_EVENTS } from './limits.ts'
import { Moved, movedVersions } from './moved.ts'
import { rowsOf, type Session, type Statement } from './session.ts'

type Row = readonly unknown[]

function toEvent(row: Row): StoredEvent {
  return { position: row[0] as Position, bytes: String(row[1]), hash: String(row[2]) as Hash }
}

/** A page, and whether it is known to have every position looked at. */
interface LookedPage extends LogPage {
  readonly isGapless: boolean
}

interface Gap {
  readonly to: number
  readonly upTo: number
  /** Events found up to `to`. */
  readonly found: number
}

/** Every character of an id sorts before it, so it closes the range of a prefix. */
const LAST_CHARACTER = '\u{10ffff}'

/** The reads of one log. */
export class Rows {
  readonly #sql: ReturnType<typeof readSql>
  readonly moved: Moved

  constructor(schema: string) {
    this.moved = new Moved(schema)
    this.#sql = readSql(quoted(schema))
  }

  /** Position of the last event; 0 for an empty log. */
  async head(session: Session): Promise<number> {
    const [row] = await session.run(this.#sql.head)
    return Number(row?.[0] ?? 0)
  }

  /** Version of a stream; 0 when it has no event. */
  async version(session: Session, stream: string): Promise<number> {
    const [row] = await session.run(this.#sql.version, [stream])
    return Number(row?.[0] ?? 0)
  }

  /** At most a page of one stream. @throws `ICE_EVENTS_ARCHIVED_UNAVAILABLE` */
  async ofStream(session: Session, range: StreamRange): Promise<StreamPage> {
    return unmovedOfStream(await this.liveOfStream(session, range), range)
  }

  /** At most a page of what is here of one stream, and what was moved of it. */
  async liveOfStream(session: Session, range: StreamRange): Promise<LiveStreamPage> {
    const { stream, after, upTo, limit, backwards } = range
    if (!isStreamId(stream)) return { events: [], last: after, moved: [] }
    const statement = backwards ? this.#sql.backwards : this.#sql.forwards
    const values = [stream, after, upTo, Math.min(limit, READ_PAGE_EVENTS)]
    // Each has its own view of the tables: what is moved in between is in the second.
    const [found, moved] = await session.exchange([
      { statement, values },
      this.moved.ofStream(stream),
    ])
    const rows = rowsOf(found)
    return {
      events: rows.map(toEvent),
      last: Number(rows.at(-1)?.[3] ?? after),
      moved: movedVersions(rowsOf(moved)),
    }
  }

  /**
   * At most a page of the log. Looks at a bounded number of events, and ends before one that was
   * moved.
   *
   * @throws `ICE_EVENTS_ARCHIVED_UNAVAILABLE`
   */
  async ofLog(session: Session, range: LogRange): Promise<LogPage> {
    const page = await this.#ofLog(session, range)
    if (page.isGapless) return page
    const [moved] = await this.moved.ranges(session, range.after, page.upTo, 1)
    return unmovedOfLog(page, range, moved)
  }

  /** At most a page of what is here of the log, and what was moved of it. */
  async live(session: Session, range: LogRange): Promise<LivePage> {
    const page = await this.#ofLog(session, range)
    if (page.isGapless) return { ...page, moved: [] }
    return livePage(page, await this.moved.ranges(session, range.after, page.upTo))
  }

  async #ofLog(session: Session, { after, upTo, filter }: LogRange): Promise<LookedPage> {
    const isWhole =
      filter?.streamPrefix === undefined && filter?.types === undefined && !filtersBytes(filter)
    const to = isWhole ? upTo : Math.min(after + SCAN_WINDOW_EVENTS, upTo)
    if (to <= after) return { events: [], upTo: after, end: true, isGapless: true }
    if (isHopeless(filter)) return { events: [], upTo, end: true, isGapless: false }
    const rows = await this.#select(session, { after, upTo: to, filter })
    const found = rows.map(toEvent)
    const events = filtersBytes(filter)
      ? found.filter(({ bytes }) => matchesBytes(filter, bytes))
      : found
    // A full page may have stopped before the end of the window.
    const isFull = rows.length === READ_PAGE_EVENTS
    const last = isFull
      ? (found.at(-1)?.position ?? to)
      : await this.#skipGap(session, { to, upTo, found: rows.length })
    const isGapless = isWhole && found.length === last - after
    return { events, upTo: last, end: last >= upTo, isGapless }
  }

  /** In a damaged log positions may be missing by the billion: nobody should count through them. */
  async #skipGap(session: Session, { to, upTo, found }: Gap): Promise<number> {
    if (found > 0 || to >= upTo) return to
    const [row] = await session.run(this.#sql.next, [to])
    const next = row?.[0]
    return typeof next === 'number' ? Math.min(next - 1, upTo) : upTo
  }

  #select(session: Session, { after, upTo, filter }: LogRange): Promise<readonly Row[]> {
    const { streamPrefix } = filter ?? {}
    const types = filter?.types?.filter(isText)
    const bounds = [after, upTo, READ_PAGE_EVENTS]
    const prefix = [streamPrefix, `${streamPrefix ?? ''}${LAST_CHARACTER}`]
    if (streamPrefix === undefined && types === undefined) {
      return session.run(this.#sql.all, bounds)
    }
    if (types === undefined) return session.run(this.#sql.byPrefix, [...bounds, ...prefix])
    if (streamPrefix === undefined) return session.run(this.#sql.byTypes, [...bounds, types])
    return session.run(this.#sql.byBoth, [...bounds, ...prefix, types])
  }
}

function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** No event has such a type or stream, and the server would not even take the text. */
function isHopeless(filter: EventFilter | undefined): boolean {
  const { streamPrefix = '', types } = filter ?? {}
  return !isText(streamPrefix) || (types !== undefined && !types.some(isText))
}

const BETWEEN = 'position > $1 AND position <= $2'

function readSql(s: string) {
  // A stream's number is looked up first, so that the index on (stream, version) is walked.
  const number = `(SELECT s.id FROM ${s}.streams s WHERE s.name = $1)`
  const ofStream =
    `SELECT position, bytes, hash, version FROM ${s}.events WHERE stream = ${number} ` +
    'AND version > $2 AND version <= $3 ORDER BY version'
  const ofLog = `SELECT position, bytes, hash FROM ${s}.events e WHERE ${BETWEEN}`
  const prefix =
    ` AND EXISTS (SELECT 1 FROM ${s}.streams s WHERE s.id = e.stream ` +
    'AND s.name >= $4 AND s.name < $5)'
  const order = ' ORDER BY position LIMIT $3'
  return {
    head: statement('ice_head', `SELECT position FROM ${s}.log`),
    next: statement('ice_next', `SELECT min(position) FROM ${s}.events WHERE position > $1`),
    version: statement(
      'ice_version',
      `SELECT greatest((SELECT max(version) FROM ${s}.events WHERE stream = ${number}),
         (SELECT max(version) FROM ${s}.moved_streams WHERE stream = ${number}))`,
    ),
    forwards: statement('ice_forwards', `${ofStream} LIMIT $4`),
    backwards: statement('ice_backwards', `${ofStream} DESC LIMIT $4`),
    all: statement('ice_all', ofLog + order),
    byPrefix: statement('ice_prefix', ofLog + prefix + order),
    byTypes: statement('ice_types', `${ofLog} AND type = ANY ($4::text[])${order}`),
    byBoth: statement('ice_both', `${ofLog}${prefix} AND type = ANY ($6::text[])${order}`),
  }
}

function statement(name: string, text: string): Statement {
  return { name, text }
}
