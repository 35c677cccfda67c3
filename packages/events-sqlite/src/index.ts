/** The event store on one SQLite file, and ownership of runs by locks beside it. */

export { EVENTS_SQLITE_CODES, type EventsSqliteCode, EventsSqliteError } from './errors.ts'
export { type OwnershipOptions, openOwnership } from './ownership.ts'
export type * from './ports.ts'
export type { SqliteDatabase, SqliteStatement } from './projection-database.ts'
export { sqliteProcessorStore, sqliteSnapshotStore } from './projections.ts'
export { restoreSqliteEventStore } from './restore.ts'
export { openSqliteRunRows, type SqliteRunRowsOptions } from './run-rows.ts'
export { openSqliteEventStore } from './store.ts'
