/**
 * Reading events out of the file, page by page.
 *
 * A page is one statement, run to its end: no cursor stays open while a reader waits, so a slow
 * reader neither blocks a writer nor keeps the WAL from being checkpointed.
 *
 * Values are taken as they are: text that is not text any more is handed on as empty, where the
 * leaf hash no longer fits it. To judge a damaged log is the business of `check` and `verifyLog`,
 * which name the position.
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
import type { Hash, Position, StreamId } from '@ice/primitives'
import type { Connection } from './connection.ts'
import { SCAN_WINDOW_EVENTS, TYPES_MAX } from './limits.ts'
import { Moved } from './moved.ts'

type Row = [position: number, bytes: string, hash: string]
type VersionedRow = [...Row, version: number]

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function toEvent(row: Row | VersionedRow): StoredEvent {
  return { position: row[0] as Position, bytes: text(row[1]), hash: text(row[2]) as Hash }
}

/** Finds one event by stream and version. */
export function readPlace(
  db: Connection,
): (stream: StreamId, version: number) => StoredEvent | undefined {
  const select = db
    .prepare<[string, number], Row>(
      'SELECT position, bytes, hash FROM events ' +
        'WHERE stream = (SELECT id FROM streams WHERE name = ?) AND version = ?',
    )
    .raw()
  return (stream, version) => {
    const row = select.get(stream, version)
    return row === undefined ? undefined : toEvent(row)
  }
}

/** A page, and whether it is known to have every position looked at. */
interface LookedPage extends LogPage {
  readonly isGapless: boolean
}

/** The positions a statement looks at, and the last one there is to look at. */
interface Window extends LogRange {
  readonly to: number
}

function prepare(db: Connection) {
  const ofStream =
    'SELECT position, bytes, hash, version FROM events ' +
    'WHERE stream = ? AND version > ? AND version <= ?'
  return {
    head: db.prepare<[], number | null>('SELECT max(position) FROM events').pluck(),
    next: db
      .prepare<[number], number | null>('SELECT min(position) FROM events WHERE position > ?')
      .pluck(),
    stream: db.prepare<[string], number>('SELECT id FROM streams WHERE name = ?').pluck(),
    version: db
      .prepare<[number], number | null>('SELECT max(version) FROM events WHERE stream = ?')
      .pluck(),
    type: db.prepare<[string], number>('SELECT id FROM types WHERE name = ?').pluck(),
    forwards: db.prepare<number[], VersionedRow>(`${ofStream} ORDER BY version LIMIT ?`).raw(),
    backwards: db
      .prepare<number[], VersionedRow>(`${ofStream} ORDER BY version DESC LIMIT ?`)
      .raw(),
    joined: db
      .prepare<number[], string>(
        'SELECT hash || bytes FROM events WHERE position > ? AND position <= ? ORDER BY position',
      )
      .pluck(),
    all: db
      .prepare<number[], Row>(
        'SELECT position, bytes, hash FROM events WHERE position > ? AND position <= ? ' +
          'ORDER BY position LIMIT ?',
      )
      .raw(),
  }
}

/** @units characters of a hash, and the character that an event begins with */
const HASH_LENGTH = 64
const OPEN_BRACE = 0x7b

/** Every character of an id sorts before it, so it closes the range of a prefix. */
const LAST_CHARACTER = '\u{10ffff}'

/** The reads of one connection. */
export class Rows {
  readonly #db: Connection
  readonly #sql: ReturnType<typeof prepare>
  readonly #filtered = new Map<string, ReturnType<typeof prepareFiltered>>()
  readonly #types = new Map<string, number>()
  readonly moved: Moved

  constructor(db: Connection) {
    this.#db = db
    this.#sql = prepare(db)
    this.moved = new Moved(db)
  }

  /** Position of the last event; 0 for an empty log. */
  head(): number {
    return this.#sql.head.get() ?? 0
  }

  /** Version of a stream; 0 when it has no event. */
  version(stream: string): number {
    const id = this.#sql.stream.get(stream)
    return id === undefined ? 0 : (this.#sql.version.get(id) ?? this.moved.version(id))
  }

  /** At most a page of one stream. @throws `ICE_EVENTS_ARCHIVED_UNAVAILABLE` */
  ofStream(range: StreamRange): StreamPage {
    return unmovedOfStream(this.liveOfStream(range), range)
  }

  /** At most a page of what is here of one stream, and what was moved of it. */
  liveOfStream(range: StreamRange): LiveStreamPage {
    const page = this.#ofStream(range)
    return { ...page, moved: this.moved.ofStream(range.stream) }
  }

  #ofStream({ stream, after, upTo, limit, backwards }: StreamRange): StreamPage {
    const id = this.#sql.stream.get(stream)
    if (id === undefined) return { events: [], last: after }
    const select = backwards ? this.#sql.backwards : this.#sql.forwards
    const rows = select.all(id, after, upTo, Math.min(limit, READ_PAGE_EVENTS))
    return { events: rows.map(toEvent), last: rows.at(-1)?.[3] ?? after }
  }

  /**
   * At most a page of the log, not beyond `upTo`. Looks at a bounded number of events, and ends
   * before one that was moved.
   *
   * @throws `ICE_EVENTS_ARCHIVED_UNAVAILABLE`
   */
  ofLog(range: LogRange): LogPage {
    const page = this.#ofLog(range)
    if (page.isGapless) return page
    return unmovedOfLog(page, range, this.moved.ranges(range.after, page.upTo)[0])
  }

  /** At most a page of what is here of the log, and what was moved of it. */
  live(range: LogRange): LivePage {
    const page = this.#ofLog(range)
    if (page.isGapless) return { ...page, moved: [] }
    return livePage(page, this.moved.ranges(range.after, page.upTo))
  }

  #ofLog({ after, upTo, filter }: LogRange): LookedPage {
    if (upTo <= after) return { events: [], upTo: after, end: true, isGapless: true }
    const { streamPrefix, types } = filter ?? {}
    if (streamPrefix === undefined && types === undefined && !filtersBytes(filter)) {
      return this.#gapless(after, upTo) ?? this.#page({ after, to: upTo, upTo, filter: undefined })
    }
    return this.#page({ after, to: Math.min(after + SCAN_WINDOW_EVENTS, upTo), upTo, filter })
  }

  /**
   * A page as one text for each event, which takes half the time. Positions are not read but
   * counted: as many events as positions are asked for means that none is missing.
   *
   * @returns undefined where something is missing, or is not what it should be
   */
  #gapless(after: number, upTo: number): LookedPage | undefined {
    const to = Math.min(after + READ_PAGE_EVENTS, upTo)
    const joined = this.#sql.joined.all(after, to)
    if (joined.length !== to - after) return undefined
    const events: StoredEvent[] = []
    for (const one of joined) {
      const position = (after + events.length + 1) as Position
      if (typeof one !== 'string' || one.charCodeAt(HASH_LENGTH) !== OPEN_BRACE) return undefined
      const hash = one.slice(0, HASH_LENGTH) as Hash
      events.push({ position, bytes: one.slice(HASH_LENGTH), hash })
    }
    return { events, upTo: to, end: to >= upTo, isGapless: true }
  }

  #page({ after, to, upTo, filter }: Window): LookedPage {
    const rows =
      filter === undefined
        ? this.#sql.all.all(after, to, READ_PAGE_EVENTS)
        : this.#select(after, to, filter)
    const found = rows.map(toEvent)
    const events = filtersBytes(filter)
      ? found.filter(({ bytes }) => matchesBytes(filter, bytes))
      : found
    // A full page may have stopped before the end of the window.
    const isFull = rows.length === READ_PAGE_EVENTS
    const last = isFull ? (found.at(-1)?.position ?? to) : this.#skipGap(to, upTo, rows.length)
    return { events, upTo: last, end: last >= upTo, isGapless: false }
  }

  /** In a damaged log positions may be missing by the billion: nobody should count through them. */
  #skipGap(to: number, upTo: number, found: number): number {
    if (found > 0 || to >= upTo) return to
    const next = this.#sql.next.get(to) ?? null
    return next === null ? upTo : Math.min(next - 1, upTo)
  }

  #select(after: number, to: number, { streamPrefix, types }: EventFilter): Row[] {
    const values: (number | string)[] = [after, to]
    let statement = ''
    if (streamPrefix !== undefined) {
      statement += 'prefix'
      values.push(streamPrefix, `${streamPrefix}${LAST_CHARACTER}`)
    }
    if (types !== undefined) {
      const known = types.map((type) => this.#typeId(type)).filter((id) => id > 0)
      if (known.length === 0) return []
      statement += 'types'
      values.push(JSON.stringify(known))
    }
    let select = this.#filtered.get(statement)
    if (select === undefined) {
      select = prepareFiltered(this.#db, streamPrefix !== undefined, types !== undefined)
      this.#filtered.set(statement, select)
    }
    return select.all(...values, READ_PAGE_EVENTS)
  }

  /** The number of a type, 0 while there is none. Numbers never change, so they are kept. */
  #typeId(type: string): number {
    const known = this.#types.get(type)
    if (known !== undefined) return known
    const id = this.#sql.type.get(type) ?? 0
    if (id > 0 && this.#types.size < TYPES_MAX) this.#types.set(type, id)
    return id
  }
}

/** The dictionary is asked for each row of the window: it may hold far more streams than that. */
function prepareFiltered(db: Connection, byPrefix: boolean, byTypes: boolean) {
  const prefix =
    ' AND EXISTS (SELECT 1 FROM streams s WHERE s.id = e.stream AND s.name >= ? AND s.name < ?)'
  return db
    .prepare<(number | string)[], Row>(
      'SELECT position, bytes, hash FROM events e WHERE position > ? AND position <= ?' +
        (byPrefix ? prefix : '') +
        (byTypes ? ' AND type IN (SELECT value FROM json_each(?))' : '') +
        ' ORDER BY position LIMIT ?',
    )
    .raw()
}
