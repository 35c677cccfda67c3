/**
 * The database of somebody else in which projections keep what is theirs.
 *
 * It is the user's handle with the user's settings and tables: we add three tables, and never
 * close it. The log's own file is refused, since it holds nothing but the log.
 */
import { EVENTS_CODES, EventsError } from '@ice/events'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'
import { failure, sqliteCode } from './failure.ts'
import { APPLICATION_ID } from './format.ts'

/** A prepared statement, as far as it is used here. */
export interface SqliteStatement {
  run(...values: unknown[]): unknown
  get(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
}

/** A handle of `better-sqlite3`, of the user's own making and version. */
export interface SqliteDatabase {
  readonly name: string
  readonly open: boolean
  readonly inTransaction: boolean
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
}

/** A table of ours, and how it is made. */
export interface ProjectionTable {
  readonly name: string
  /** Names with their types, in order. */
  readonly columns: readonly string[]
  readonly key: string
}

/** A row of a table, member by column. */
export type Row = Readonly<Record<string, unknown>>

/** Somebody's database, used by a store of projections until that is closed. */
export class ProjectionDatabase<Db extends SqliteDatabase> {
  readonly db: Db
  #isClosed = false

  /** @throws `ICE_EVENTS_SQLITE_FILE_UNSUPPORTED`, `ICE_EVENTS_UNAVAILABLE`, … */
  constructor(db: Db, tables: readonly ProjectionTable[]) {
    this.db = db
    this.run('open', () => {
      refuseLog(db)
      for (const table of tables) ensureTable(db, table)
    })
  }

  /** Runs statements, if the store is open; what SQLite reports gets the code of the port. */
  run<T>(doing: string, work: () => T): T {
    this.#mustBeOpen()
    try {
      return work()
    } catch (error) {
      throw failure(error, { doing, path: this.db.name, fate: 'none' })
    }
  }

  /**
   * Runs work between `BEGIN IMMEDIATE` and `COMMIT`, both or nothing. What the work throws passes
   * through as it is.
   *
   * @throws `ICE_EVENTS_SQLITE_TRANSACTION_UNSUPPORTED` when the handle is inside a transaction
   * already, or when the work has ended this one
   */
  transact(doing: string, work: () => void): void {
    const { db } = this
    this.#mustBeOpen()
    if (db.inTransaction) {
      throw transactionError(db, 'it is inside a transaction that somebody else has begun')
    }
    this.run(doing, () => db.prepare('BEGIN IMMEDIATE').run())
    try {
      work()
      if (!db.inTransaction) throw transactionError(db, 'the work has ended the transaction')
    } catch (error) {
      if (db.inTransaction) db.prepare('ROLLBACK').run()
      throw error
    }
    this.#commit(doing)
  }

  #commit(doing: string): void {
    const { db } = this
    try {
      db.prepare('COMMIT').run()
    } catch (error) {
      // A commit that was refused leaves its transaction; one that failed half-way does not.
      const isKnown = db.inTransaction
      if (isKnown) db.prepare('ROLLBACK').run()
      throw failure(error, { doing, path: db.name, fate: isKnown ? 'none' : 'unknown' })
    }
  }

  close(): void {
    this.#isClosed = true
  }

  #mustBeOpen(): void {
    if (!this.#isClosed && this.db.open) return
    throw new EventsError(
      EVENTS_CODES.notOpen,
      this.#isClosed ? 'The store of projections is closed' : `${this.db.name} is closed`,
      { path: this.db.name },
    )
  }
}

/** What is wrong with the transaction of a handle. */
export function transactionError(db: SqliteDatabase, why: string): EventsSqliteError {
  return new EventsSqliteError(
    EVENTS_SQLITE_CODES.transaction,
    `The effects of a processor in ${db.name} cannot be kept with its checkpoint: ${why}.`,
    { path: db.name },
  )
}

function refuseLog(db: SqliteDatabase): void {
  const row = db.prepare('PRAGMA application_id').get() as Row | undefined
  if (Number(row?.['application_id']) !== APPLICATION_ID) return
  throw new EventsSqliteError(
    EVENTS_SQLITE_CODES.file,
    `${db.name} is an event log, which holds no other tables: projections go into another file.`,
    { path: db.name },
  )
}

function ensureTable(db: SqliteDatabase, { name, columns, key }: ProjectionTable): void {
  const found = (): string =>
    db
      .prepare(`SELECT name, type FROM pragma_table_info('${name}') ORDER BY cid`)
      .all()
      .map((row) => `${(row as Row)['name']} ${(row as Row)['type']}`)
      .join()
  if (found() === '')
    create(db, `${columns.map((each) => `${each} NOT NULL`).join()}, ${key}`, name)
  if (found() === columns.join()) return
  throw new EventsSqliteError(
    EVENTS_SQLITE_CODES.file,
    `${db.name} has a table ${name} that is not one of ours, or of a newer program.`,
    { path: db.name, table: name },
  )
}

/** Two processes may come here at once: the second finds what the first has made. */
function create(db: SqliteDatabase, definition: string, name: string): void {
  try {
    db.exec(`CREATE TABLE IF NOT EXISTS ${name} (${definition}) STRICT, WITHOUT ROWID`)
  } catch (error) {
    if (sqliteCode(error) !== 'SQLITE_ERROR') throw error
    throw new EventsSqliteError(
      EVENTS_SQLITE_CODES.file,
      `${db.name} takes no table ${name}.`,
      { path: db.name, table: name },
      error,
    )
  }
}
