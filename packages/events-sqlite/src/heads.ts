/**
 * What a writer knows of the log without asking: where each stream ends, and the numbers that
 * stand for names.
 *
 * 1. Everything here can be thrown away: it is read again from the file.
 * 2. It is trusted only inside a write transaction, after `refresh` has seen whether another
 *    connection has committed since (`PRAGMA data_version`).
 * 3. Memory is bounded.
 */
import { EVENTS_CODES, EventsError, type StreamHead } from '@ice/events'
import { BoundedMap, HEADS_MAX, type HeadLedger } from '@ice/events/adapter'
import type { StreamId } from '@ice/primitives'
import type { Connection } from './connection.ts'
import { storedFormat, unsupportedFormat } from './format.ts'
import { CATCH_UP_EVENTS_MAX, TYPES_MAX } from './limits.ts'
import { Moved } from './moved.ts'

/** The end of one stream. `id` is 0 while the stream is not in the dictionary. */
export interface Head {
  id: number
  version: number
  time: number
}

/** The last fields of an event's bytes, which RFC 8785 sorts last. */
const TAIL = /"time":(\d{1,16}),"type":"[A-Za-z0-9]+","v":1,"version":\d{1,16}\}$/

/** The recorded time of an event, from its bytes. @throws `ICE_EVENTS_CORRUPT` */
export function timeOf(bytes: string): number {
  const time = TAIL.exec(bytes.slice(-256))?.[1]
  if (time !== undefined) return Number(time)
  throw new EventsError(
    EVENTS_CODES.corrupt,
    'The bytes of the last event of a stream do not end as an event does: verify the log',
    {},
  )
}

function prepare(db: Connection) {
  return {
    dataVersion: db.prepare<[], number>('PRAGMA data_version').pluck(),
    position: db.prepare<[], number | null>('SELECT max(position) FROM events').pluck(),
    head: db
      .prepare<[string], [number, number | null, string | null]>(
        'SELECT s.id, e.version, e.bytes FROM streams s LEFT JOIN events e ON e.stream = s.id ' +
          'AND e.version = (SELECT max(version) FROM events WHERE stream = s.id) WHERE s.name = ?',
      )
      .raw(),
    moved: db
      .prepare<[number], string>(
        'SELECT name FROM streams WHERE id IN (SELECT stream FROM events WHERE position > ?)',
      )
      .pluck(),
    hasBlob: db.prepare<[string], number>('SELECT 1 FROM blobs WHERE digest = ?').pluck(),
    addStream: db.prepare<[string]>('INSERT INTO streams (name) VALUES (?)'),
    type: db.prepare<[string], number>('SELECT id FROM types WHERE name = ?').pluck(),
    addType: db.prepare<[string]>('INSERT INTO types (name) VALUES (?)'),
  }
}

/** The heads of all streams, as far as they are known; a ledger for `judge`. */
export class Heads implements HeadLedger {
  readonly #path: string
  readonly #format: number
  readonly #db: Connection
  readonly #sql: ReturnType<typeof prepare>
  readonly #moved: Moved
  readonly #heads = new BoundedMap<string, Head>(HEADS_MAX, () => this.beforeDrop())
  readonly #types = new Map<string, number>()
  #dataVersion = 0
  /** The entry asked for last: a unit is judged by it and then written through it. */
  #lastStream = ''
  #lastEntry: Head = { id: 0, version: 0, time: 0 }
  #lastType = ''
  #lastTypeId = 0
  /** Told before heads are forgotten that may be read again within the transaction. */
  beforeDrop: () => void = () => {}
  /** Position of the last event of the log, as known. */
  position = 0

  constructor(db: Connection, path: string) {
    this.#db = db
    this.#path = path
    this.#format = storedFormat(db, path)
    this.#sql = prepare(db)
    this.#moved = new Moved(db)
    this.refresh()
  }

  /**
   * Looks whether others have committed, and forgets what they may have moved.
   *
   * @returns whether they have
   * @throws `ICE_EVENTS_SQLITE_FORMAT_UNSUPPORTED` — a newer program has migrated the file
   */
  refresh(): boolean {
    const dataVersion = this.#sql.dataVersion.get() ?? 0
    if (dataVersion === this.#dataVersion) return false
    const format = storedFormat(this.#db, this.#path)
    if (format !== this.#format) throw unsupportedFormat(this.#path, format, this.#format)
    this.#lastStream = ''
    const before = this.position
    const position = this.#sql.position.get() ?? 0
    // What was appended and moved since leaves no row to tell whose it was.
    const isUntold = this.#moved.last() > before
    if (position - before > CATCH_UP_EVENTS_MAX || position < before || isUntold) {
      this.#heads.clear()
    } else {
      for (const name of this.#sql.moved.all(before)) this.#heads.delete(name)
    }
    // Last, so that an error on the way is met again by the next call.
    this.position = position
    this.#dataVersion = dataVersion
    return true
  }

  hasBlob(digest: string): boolean {
    return this.#sql.hasBlob.get(digest) !== undefined
  }

  head(stream: StreamId): StreamHead {
    return this.entry(stream)
  }

  /** The entry of a stream, to be moved by whoever writes to it. */
  entry(stream: string): Head {
    if (stream === this.#lastStream) return this.#lastEntry
    const entry = this.#heads.get(stream) ?? this.#load(stream)
    this.#lastStream = stream
    this.#lastEntry = entry
    return entry
  }

  #load(stream: string): Head {
    const row = this.#sql.head.get(stream)
    const entry: Head = { id: 0, version: 0, time: 0 }
    if (row !== undefined) {
      entry.id = row[0]
      if (row[1] !== null && row[2] !== null) {
        entry.version = row[1]
        entry.time = timeOf(row[2])
      } else {
        const { version, time } = this.#moved.head(entry.id) ?? entry
        entry.version = version
        entry.time = time
      }
    }
    this.#heads.set(stream, entry)
    return entry
  }

  /** Gives a stream its number. Inside a write transaction. */
  register(stream: string, entry: Head): void {
    entry.id = Number(this.#sql.addStream.run(stream).lastInsertRowid)
  }

  /** The number of a type, given to it now if it has none. Inside a write transaction. */
  typeId(type: string): number {
    if (type !== this.#lastType) {
      this.#lastTypeId = this.#numberOf(type)
      this.#lastType = type
    }
    return this.#lastTypeId
  }

  #numberOf(type: string): number {
    const known = this.#types.get(type)
    if (known !== undefined) return known
    const id = this.#sql.type.get(type) ?? Number(this.#sql.addType.run(type).lastInsertRowid)
    if (this.#types.size >= TYPES_MAX) this.#types.clear()
    this.#types.set(type, id)
    return id
  }

  /** After a rollback nothing that was learnt inside the transaction holds. */
  forget(): void {
    this.#heads.clear()
    this.#types.clear()
    this.#lastStream = ''
    this.#lastType = ''
    this.#dataVersion = 0
    this.position = 0
  }
}
