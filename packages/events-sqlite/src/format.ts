/**
 * The file: what is in it, how it begins, and how an older one becomes a current one.
 *
 *     application_id = 0x49434531                       ; "ICE1"
 *     meta         key → value                          ; see below
 *     streams      id → name                            ; integers, so that keys are short
 *     types        id → name
 *     events       position → stream, version, type, bytes, hash
 *     blobs        id → digest, size, state, brought_at ; no digest: nobody can find it
 *     blob_parts   (blob, part) → bytes                 ; 1 MiB each, but for the last
 *     blob_names   digest → position                    ; of the first event that names it
 *     whole_blobs  digest → bytes                       ; as format 1 kept them
 *     segments     id → name, sealed, events, last, is_done   ; archive files, see below
 *     moved_ranges first → last, segment                ; positions whose events are there
 *     moved_streams (stream, segment) → version, time   ; of the last event that is there
 *     moved_blobs  digest → segment                     ; blobs that are there and not here
 *
 *     meta "format"         decimal
 *     meta "durability"     the weakest that any process has opened the log with
 *     meta "incarnation"    names this history
 *     meta "lineage"        JSON list of { incarnation, head }, the oldest first: what a restored
 *                           log comes from, and where it was cut from it; absent in an original
 *     meta "checked"        JSON { size, peaks }: the part that openings have found sound, and the
 *                           RFC 9162 subtrees of it; it can be thrown away
 *     meta "blobs_scanned"  decimal: position up to which blob_names is complete
 *
 *     state of a blob       0 being staged · 1 there · 2 there, and known to be named ·
 *                           3 removed, its parts still to be freed
 *
 *     a segment             position of its SegmentSealed · events moved so far · the last of
 *                           them · 1 when its blobs were moved too
 *
 * 1. `position` is the row id: gapless, because a row is inserted at the head, and is removed only
 *    in the transaction that enters its position in moved_ranges. The newest row is never removed.
 * 2. The one secondary index is (stream, version); both parts grow with time for a live stream,
 *    which keeps the cost of an append flat however long the log gets.
 * 3. `bytes` is what was hashed. The other columns are an index of it and can be checked by it.
 * 4. A file is current, or is migrated in one transaction, or is refused untouched.
 * 5. A number of a blob is given once (AUTOINCREMENT): parts never get into another one's hands.
 * 6. What is loose — states 0, 1 and 3 — has an index of its own, so that collecting costs nothing
 *    for blobs that stay.
 *
 * 7. Of a stream its first versions are moved, never others, so what is left of it follows them.
 *
 * A migration moves no bytes. Format 1 kept each blob in one row; these rows stay where they are,
 * under the name `whole_blobs`, and are read there, collected there, and never added to.
 */

import { randomUUID } from 'node:crypto'
import { parseStrict } from '@ice/primitives'
import { type Connection, readPragma } from './connection.ts'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'
import type { Ancestor } from './ports.ts'

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

const BLOBS = `
    CREATE TABLE blobs (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      digest TEXT UNIQUE,
      size INTEGER NOT NULL,
      state INTEGER NOT NULL,
      brought_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX blobs_loose ON blobs (state, brought_at) WHERE state <> 2;
    CREATE TABLE blob_parts (
      blob INTEGER NOT NULL,
      part INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (blob, part)
    ) STRICT;
    CREATE TABLE blob_names (digest TEXT PRIMARY KEY, position INTEGER NOT NULL)
      STRICT, WITHOUT ROWID;
  `

const MOVED = `
    CREATE TABLE segments (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      sealed INTEGER NOT NULL,
      events INTEGER NOT NULL,
      last INTEGER NOT NULL,
      is_done INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE moved_ranges (
      first INTEGER PRIMARY KEY,
      last INTEGER NOT NULL,
      segment INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE moved_streams (
      stream INTEGER NOT NULL,
      segment INTEGER NOT NULL,
      version INTEGER NOT NULL,
      time INTEGER NOT NULL,
      PRIMARY KEY (stream, segment)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE moved_blobs (digest TEXT PRIMARY KEY, segment INTEGER NOT NULL)
      STRICT, WITHOUT ROWID;
  `

/** The format this program writes. */
export const FORMAT: Format = {
  version: 3,
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
    CREATE TABLE whole_blobs (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
    ${BLOBS}
    ${MOVED}
  `,
  objects: [
    'index blobs_loose',
    'index events_place',
    'table blob_names',
    'table blob_parts',
    'table blobs',
    'table events',
    'table meta',
    'table moved_blobs',
    'table moved_ranges',
    'table moved_streams',
    'table segments',
    'table streams',
    'table types',
    'table whole_blobs',
  ],
  migrations: [
    { to: 2, migrate: toBlobsInParts },
    { to: 3, migrate: (db) => db.exec(MOVED) },
  ],
}

/** Reads the sizes of blobs and none of their bytes, so it takes as long as there are blobs. */
function toBlobsInParts(db: Connection): void {
  db.exec('ALTER TABLE blobs RENAME TO whole_blobs')
  db.exec(BLOBS)
  db.exec(
    'INSERT INTO blobs (digest, size, state, brought_at) ' +
      'SELECT digest, length(bytes), 1, 0 FROM whole_blobs',
  )
  db.prepare("INSERT OR IGNORE INTO meta (key, value) VALUES ('incarnation', ?)").run(randomUUID())
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

/** What a restored log comes from, the oldest first; of an original, nothing. */
export function storedLineage(db: Connection): readonly Ancestor[] {
  const text = readMeta(db, 'lineage')
  return text === undefined ? [] : (parseStrict(text) as readonly Ancestor[])
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

/** Reads one value of `meta`. */
export function readMeta(db: Connection, key: string): string | undefined {
  return db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck().get(key)
}

/** Writes one value of `meta`. Inside a write transaction. */
export function writeMeta(db: Connection, key: string, value: string): void {
  db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value)
}
