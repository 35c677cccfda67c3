/**
 * The file: what is in it, how it begins, and how an older one becomes a current one.
 *
 *     application_id = 0x49434531                       ; "ICE1"
 *     meta     key → value                              ; "format": decimal; "durability"
 *     streams  id → name                                ; integers, so that keys are short
 *     types    id → name
 *     events   position → stream, version, type, bytes, hash
 *     blobs    digest → bytes
 *
 * 1. `position` is the row id: gapless, because a row is inserted at the head and never removed.
 * 2. The one secondary index is (stream, version); both parts grow with time for a live stream,
 *    which keeps the cost of an append flat however long the log gets.
 * 3. `bytes` is what was hashed. The other columns are an index of it and can be checked by it.
 * 4. A file is current, or is migrated in one transaction, or is refused untouched.
 */

import { randomUUID } from 'node:crypto'
import { type Connection, readPragma } from './connection.ts'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'

/** Marks a file as one of ours: "ICE1". */
export const APPLICATION_ID = 0x49434531

/** One step from the format before it. */
export interface Migration {
  readonly to: number
  /** Runs inside the transaction of the whole migration. */
  readonly migrate: (db: Connection) => void
}

/** A format of the file. */
export interface Format {
  readonly version: number
  /** Makes an empty file of this format. */
  readonly schema: string
  /** Everything the schema names, `<type> <name>`, sorted. */
  readonly objects: readonly string[]
  /** One for every format after the first, in order. */
  readonly migrations: readonly Migration[]
}

/** The format this program writes. */
export const FORMAT: Format = {
  version: 1,
  schema: `
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE events (
      position INTEGER PRIMARY KEY,
      stream INTEGER NOT NULL,
      version INTEGER NOT NULL,
      type INTEGER NOT NULL,
      bytes TEXT NOT NULL,
      hash TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX events_place ON events (stream, version);
    CREATE TABLE blobs (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  `,
  objects: [
    'index events_place',
    'table blobs',
    'table events',
    'table meta',
    'table streams',
    'table types',
  ],
  migrations: [],
}

/** Fills an empty file. Must run inside a transaction. */
export function writeFormat(db: Connection, format: Format): void {
  db.exec(format.schema)
  db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)').run('format', String(format.version))
  db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)').run('durability', 'disk')
  db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)').run('incarnation', randomUUID())
}

/**
 * Holds an opened file to a format, migrating it when it is older.
 *
 * @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_FILE_UNSUPPORTED`,
 * `ICE_EVENTS_SQLITE_FORMAT_UNSUPPORTED`, `ICE_EVENTS_SQLITE_FILE_CORRUPT`
 */
export function ensureFormat(db: Connection, path: string, format: Format): void {
  const id = readPragma(db, 'application_id')
  if (id !== APPLICATION_ID) {
    throw new EventsSqliteError(
      EVENTS_SQLITE_CODES.file,
      `${path} is an SQLite file of another program. It was left as it is.`,
      { path, applicationId: id },
    )
  }
  if (storedFormat(db, path) !== format.version) migrate(db, path, format)
  checkObjects(db, path, format)
  ensureIncarnation(db)
}

/** A file from before histories had names gets one, once. */
function ensureIncarnation(db: Connection): void {
  const named = db.prepare("SELECT 1 FROM meta WHERE key = 'incarnation'").get()
  if (named !== undefined) return
  db.prepare("INSERT OR IGNORE INTO meta (key, value) VALUES ('incarnation', ?)").run(randomUUID())
}

/** The name of the history in a file. */
export function storedIncarnation(db: Connection, path: string): string {
  const read = db.prepare<[], string>("SELECT value FROM meta WHERE key = 'incarnation'").pluck()
  const value = read.get()
  if (value !== undefined) return value
  throw new EventsSqliteError(
    EVENTS_SQLITE_CODES.corrupt,
    `${path} does not say which history it holds. Restore a backup.`,
    { path },
  )
}

/** The format number a file carries. */
export function storedFormat(db: Connection, path: string): number {
  const tables = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'").pluck()
  const value =
    tables.get() === 1
      ? db.prepare("SELECT value FROM meta WHERE key = 'format'").pluck().get()
      : undefined
  const version = typeof value === 'string' && /^[1-9]\d{0,8}$/.test(value) ? Number(value) : 0
  if (version > 0) return version
  throw new EventsSqliteError(
    EVENTS_SQLITE_CODES.corrupt,
    `${path} is marked as an event log but does not say of which format. Restore a backup.`,
    { path },
  )
}

function migrate(db: Connection, path: string, format: Format): void {
  // The format is read again under the lock: another process may be migrating it as well.
  db.transaction(() => {
    const stored = storedFormat(db, path)
    const steps = format.migrations.filter(({ to }) => to > stored && to <= format.version)
    if (stored > format.version || steps.length !== format.version - stored) {
      throw unsupportedFormat(path, stored, format.version)
    }
    for (const step of steps) step.migrate(db)
    db.prepare("UPDATE meta SET value = ? WHERE key = 'format'").run(String(format.version))
  }).immediate()
}

/** The refusal of a file whose format this program does not write. */
export function unsupportedFormat(path: string, stored: number, known: number): EventsSqliteError {
  return new EventsSqliteError(
    EVENTS_SQLITE_CODES.format,
    stored > known
      ? `${path} has format ${stored}; this program knows up to ${known}. Use a newer program. ` +
          'The file was left as it is.'
      : `${path} has format ${stored}, from which this program knows no way to ${known}.`,
    { path, stored, known },
  )
}

/** A trigger or a view that someone added would act inside our transactions. */
function checkObjects(db: Connection, path: string, format: Format): void {
  const found = db
    .prepare<[], string>(
      "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' " +
        "ESCAPE '\\' ORDER BY 1",
    )
    .pluck()
    .all()
  if (found.join() === format.objects.join()) return
  const extra = found.filter((name) => !format.objects.includes(name))
  const missing = format.objects.filter((name) => !found.includes(name))
  throw new EventsSqliteError(
    missing.length > 0 ? EVENTS_SQLITE_CODES.corrupt : EVENTS_SQLITE_CODES.file,
    `${path} is not an event log as this program writes it: ` +
      [...missing.map((name) => `no ${name}`), ...extra.map((name) => `a foreign ${name}`)].join(),
    { path, missing, extra },
  )
}
