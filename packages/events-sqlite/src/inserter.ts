/**
 * Rows on their way into the table of events, sixteen to a statement.
 *
 * Starting a statement costs about as much as inserting two rows with it, so rows wait until there
 * are enough. Whoever reads events within the transaction, or ends it, flushes first.
 */
import type { Connection } from './connection.ts'

/** One event as the table holds it. */
export interface EventRow {
  readonly position: number
  readonly stream: number
  readonly version: number
  readonly type: number
  readonly bytes: string
  readonly hash: string
}

/** @units rows of a full statement; more gains little, and what is left over goes in singly. */
const ROWS = 16
const COLUMNS = 6

const INSERT = 'INSERT INTO events (position, stream, version, type, bytes, hash) VALUES '
const VALUES = '(?,?,?,?,?,?)'

type Value = number | string

/** Inserts events in the order in which they are added. */
export class Inserter {
  readonly #many: ReturnType<typeof prepare>
  readonly #one: ReturnType<typeof prepare>
  /** Reused: an array for each statement would be garbage at once. */
  readonly #values: Value[] = new Array<Value>(ROWS * COLUMNS).fill(0)
  #used = 0

  constructor(db: Connection) {
    this.#many = prepare(db, ROWS)
    this.#one = prepare(db, 1)
  }

  /** Adds a row; it is in the table after the next `flush` at the latest. */
  add(row: EventRow): void {
    const values = this.#values
    const at = this.#used
    values[at] = row.position
    values[at + 1] = row.stream
    values[at + 2] = row.version
    values[at + 3] = row.type
    values[at + 4] = row.bytes
    values[at + 5] = row.hash
    this.#used = at + COLUMNS
    if (this.#used < values.length) return
    this.#used = 0
    this.#many.run(values)
  }

  /** Puts everything added into the table. */
  flush(): void {
    const used = this.#used
    this.#used = 0
    for (let at = 0; at < used; at += COLUMNS) {
      this.#one.run(this.#values.slice(at, at + COLUMNS))
    }
  }

  /** Forgets what is not in the table yet: the transaction is void. */
  clear(): void {
    this.#used = 0
  }
}

function prepare(db: Connection, rows: number) {
  return db.prepare<[Value[]]>(INSERT + new Array<string>(rows).fill(VALUES).join(','))
}
