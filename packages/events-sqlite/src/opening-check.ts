/**
 * What an opening looks at: the events that no opening has looked at before.
 *
 *     1 ──── checked ────┬──── rest ────┬──── newest ────┐ head
 *            the mark    │ a slice at a │ before `open`  │
 *            in meta     │ time, later  │ returns        │
 *
 * 1. Of each event: the bytes hash to what was recorded, the columns say what the bytes say, the
 *    index leads to it, no position is missing before it.
 * 2. The newest part is bounded in events and in bytes, so opening takes as long at any size. It
 *    is where a torn write would be.
 * 3. The mark holds the RFC 9162 subtrees of what was checked, so that a check of everything can
 *    tell whether that part is still the one it was. It is a cache: one that cannot be read
 *    stands at 0.
 * 4. A log that ends before its mark has lost events.
 *
 * Blobs are not looked at: an event may name one that is not there, and one that is damaged is
 * found when it is read.
 */
import { type CompactRange, compactRange, type IntegrityFinding } from '@ice/events'
import { LogCheck } from '@ice/events/adapter'
import { type Hash, isHash, parseStrict } from '@ice/primitives'
import type { Connection } from './connection.ts'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'
import { readMeta, writeMeta } from './format.ts'
import {
  CHECK_MARK_EVENTS,
  CHECK_SLICE_EVENTS,
  OPEN_CHECK_BYTES,
  OPEN_CHECK_EVENTS,
} from './limits.ts'

const CHECKED = 'checked'

type Row = [
  position: number,
  stream: string | null,
  version: unknown,
  type: string | null,
  bytes: Uint8Array | null,
  hash: unknown,
  isIndexed: number,
]

const COLUMNS =
  'SELECT e.position, s.name, e.version, t.name, CAST(e.bytes AS BLOB), e.hash, ' +
  '(SELECT i.position FROM events i INDEXED BY events_place ' +
  'WHERE i.stream = e.stream AND i.version = e.version) IS e.position ' +
  'FROM events e LEFT JOIN streams s ON s.id = e.stream LEFT JOIN types t ON t.id = e.type '

function prepare(db: Connection) {
  return {
    head: db.prepare<[], number | null>('SELECT max(position) FROM events').pluck(),
    after: db
      .prepare<[number, number, number], Row>(
        `${COLUMNS} WHERE e.position > ? AND e.position <= ? ORDER BY e.position LIMIT ?`,
      )
      .raw(),
    newest: db
      .prepare<[number, number, number], Row>(
        `${COLUMNS} WHERE e.position > ? AND e.position < ? ORDER BY e.position DESC LIMIT ?`,
      )
      .raw(),
  }
}

type Mark = ReturnType<CompactRange['frontier']>

const NO_MARK: Mark = { size: 0, peaks: [] }

/** The part of the log that openings have checked, as the file has it. */
export function storedMark(db: Connection): Mark {
  const text = readMeta(db, CHECKED)
  if (text === undefined) return NO_MARK
  try {
    const mark = parseStrict(text) as Mark
    const isCount = Number.isSafeInteger(mark.size) && mark.size >= 0
    return isCount && mark.peaks.every(isHash) ? compactRange(mark).frontier() : NO_MARK
  } catch {
    return NO_MARK
  }
}

/** The check that one opening makes. */
export class OpeningCheck {
  readonly #db: Connection
  readonly #path: string
  readonly #sql: ReturnType<typeof prepare>
  #range: CompactRange
  readonly #check = new LogCheck()
  #stored: number
  /** Position of the last event when the log was opened. */
  readonly #head: number

  constructor(db: Connection, path: string) {
    const mark = storedMark(db)
    this.#db = db
    this.#path = path
    this.#sql = prepare(db)
    this.#range = compactRange(mark)
    this.#check.position = mark.size
    this.#stored = mark.size
    this.#head = this.#sql.head.get() ?? 0
    if (this.#head < mark.size) {
      this.#fail(this.#head + 1, `the log ends at ${this.#head}, and had ${mark.size} events`)
    }
  }

  /** Position up to which everything is checked. */
  get position(): number {
    return this.#check.position
  }

  get isDone(): boolean {
    return this.position >= this.#head
  }

  /** Checks the newest events. @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_FILE_CORRUPT` */
  newest(): void {
    const rows: Row[] = []
    let bytes = 0
    let before = this.#head + 1
    while (rows.length < OPEN_CHECK_EVENTS && bytes < OPEN_CHECK_BYTES) {
      const page = this.#sql.newest.all(this.position, before, CHECK_SLICE_EVENTS)
      for (const row of page) bytes += row[4]?.byteLength ?? 0
      rows.push(...page)
      before = page.at(-1)?.[0] ?? 0
      if (page.length < CHECK_SLICE_EVENTS) break
    }
    this.#catchUp()
    rows.reverse()
    rows.splice(0, rows.findLastIndex(([position]) => position <= this.position) + 1)
    const first = rows[0]?.[0] ?? this.#head + 1
    // What reaches down to the mark need not be looked at again.
    const isAll = first <= this.position + 1
    const check = isAll ? this.#check : new LogCheck()
    if (!isAll) check.position = first - 1
    for (const row of rows) this.#judge(row, check, isAll)
    if (check.position < this.#head) this.#fail(check.position + 1, 'an event is missing')
  }

  /** Checks a few more. @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_FILE_CORRUPT` */
  slice(): void {
    const page = this.#sql.after.all(this.position, this.#head, CHECK_SLICE_EVENTS)
    if (this.#catchUp()) return
    for (const row of page) this.#judge(row, this.#check, true)
    if (page.length === 0) this.#fail(this.position + 1, 'an event is missing')
  }

  /**
   * Others may have moved the mark on, and then events from before it to the archive. What is
   * read here before the mark is looked at is whole, or stands before the mark.
   *
   * @returns whether there is a further mark
   */
  #catchUp(): boolean {
    const mark = storedMark(this.#db)
    if (mark.size <= this.position) return false
    this.#range = compactRange(mark)
    this.#check.position = mark.size
    this.#stored = mark.size
    return true
  }

  /** Whether the mark has moved far enough to be worth a transaction. */
  get isWorthNoting(): boolean {
    return this.position - this.#stored >= CHECK_MARK_EVENTS
  }

  /** Moves the mark in the file, never back. Inside a write transaction. */
  note(): void {
    if (storedMark(this.#db).size < this.position) {
      writeMeta(this.#db, CHECKED, JSON.stringify(this.#range.frontier()))
    }
    this.#stored = this.position
  }

  #judge(row: Row, check: LogCheck, isCounted: boolean): void {
    const [position, stream, version, type, bytes, hash, isIndexed] = row
    const columns = { stream, version, type }
    // What an event names is not asked for here: nothing lacks.
    for (const finding of check.event({ position, bytes, hash, columns }, () => false)) {
      this.#report(finding)
    }
    if (isIndexed !== 1) this.#fail(position, `the index does not lead to position ${position}`)
    if (isCounted) this.#range.append(hash as Hash)
  }

  #report({ position, message }: IntegrityFinding): never {
    return this.#fail(position, message)
  }

  #fail(position: number, why: string): never {
    throw damagedAt(this.#path, position, why)
  }
}

/** The refusal of a log in which something is wrong at a position. */
export function damagedAt(
  path: string,
  position: number,
  why: string,
  cause?: unknown,
): EventsSqliteError {
  return new EventsSqliteError(
    EVENTS_SQLITE_CODES.corrupt,
    `${path} is damaged at position ${position}: ${why}. Nothing was written. Look at it with ` +
      "openCheck: 'skip' and `check`, or restore a backup.",
    { path, position, why },
    cause,
  )
}
