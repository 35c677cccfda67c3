/**
 * One connection to one file, with settings that were asked for *and read back*.
 *
 * The trap this closes: `synchronous` is FULL on the connection that creates a WAL file and
 * NORMAL on every later one, as better-sqlite3 is built (`DEFAULT_WAL_SYNCHRONOUS=1`). A log that
 * does not set it on each open is durable until its first restart, and nobody is told.
 *
 * A second trap, for whoever works on this package: POSIX locks belong to a process and a file,
 * and closing *any* descriptor of that file drops them. So nothing here opens a database file but
 * SQLite itself; `stat` is harmless.
 */
import { isAbsolute } from 'node:path'
import { invariant } from '@ice/primitives'
import Database from 'better-sqlite3'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'
import { LOCK_BLOCK_MS, OPEN_LOCK_MS, WAL_BYTES_KEPT } from './limits.ts'
import type { SqliteDurability } from './ports.ts'

/** A connection of better-sqlite3: synchronous, so a transaction lies within one turn. */
export type Connection = Database.Database

/** How a file is opened. */
export interface ConnectOptions {
  /** Refuse to create it. */
  readonly mustExist: boolean
  /** @units ms SQLite waits for a lock @defaultValue what opening a log needs */
  readonly lockMs?: number
}

/** Opens a connection. Changes nothing in a file that is there. */
export function connect(path: string, { mustExist, lockMs }: ConnectOptions): Connection {
  invariant(isAbsolute(path) && path.trim() === path, 'better-sqlite3 would open another file')
  return new Database(path, {
    fileMustExist: mustExist,
    timeout: lockMs ?? OPEN_LOCK_MS,
  })
}

/** A setting, what is asked for, and how it reads when it took. */
interface Setting {
  readonly pragma: string
  readonly ask: string | number
  readonly reads: string | number
}

function setting(pragma: string, ask: string | number, reads: string | number = ask): Setting {
  return { pragma, ask, reads }
}

const ALWAYS: readonly Setting[] = [
  setting('journal_mode', 'WAL', 'wal'),
  // References are ours to keep; a foreign key would be one more lookup for each event.
  setting('foreign_keys', 0),
  // A schema that was tampered with calls no function it should not.
  setting('trusted_schema', 0),
  // A damaged page is found when it is read, not when it is followed.
  setting('cell_size_check', 1),
  setting('journal_size_limit', WAL_BYTES_KEPT),
  setting('busy_timeout', LOCK_BLOCK_MS),
]

/** On macOS `fsync` does not reach the medium; this asks for what does. */
const MACOS: readonly Setting[] = [setting('fullfsync', 1), setting('checkpoint_fullfsync', 1)]

function settingsOf(durability: SqliteDurability): readonly Setting[] {
  return [
    durability === 'disk' ? setting('synchronous', 'FULL', 2) : setting('synchronous', 'NORMAL', 1),
    ...(process.platform === 'darwin' ? MACOS : []),
    ...ALWAYS,
  ]
}

/**
 * Sets what a log rests on, and reads each back.
 *
 * @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_SETTINGS_UNSUPPORTED`
 */
export function applySettings(db: Connection, path: string, durability: SqliteDurability): void {
  const settings = settingsOf(durability)
  for (const { pragma, ask } of settings) db.pragma(`${pragma} = ${ask}`)
  for (const { pragma, reads } of settings) {
    const actual = readPragma(db, pragma)
    if (actual === reads) continue
    throw new EventsSqliteError(
      EVENTS_SQLITE_CODES.settings,
      `${path}: "${pragma}" is ${actual} although ${reads} was asked for, so the log would not ` +
        'be what it promises. This build of SQLite, or this filesystem, does not support it.',
      { path, pragma, asked: reads, actual },
    )
  }
}

/** The settings as they are now. */
export function readSettings(db: Connection): Readonly<Record<string, string | number>> {
  const names = ['page_size', 'auto_vacuum', ...settingsOf('disk').map(({ pragma }) => pragma)]
  return Object.fromEntries(names.map((name) => [name, readPragma(db, name)]))
}

/** Reads one setting as a number or a text. */
export function readPragma(db: Connection, pragma: string): string | number {
  const value = db.pragma(pragma, { simple: true })
  return typeof value === 'number' ? value : String(value)
}
