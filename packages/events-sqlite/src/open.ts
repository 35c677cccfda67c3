/**
 * From a path to a connection that can be relied on, or a refusal that says why.
 *
 * A new file is made beside its place, finished, synced, and only then linked to its name. So a
 * file that is there is whole; of several processes that create it at once one wins and the others
 * open what it made; and a file of no bytes is a log that was cut off, not a new one.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  openSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { EVENTS_CODES, EventsError } from '@ice/events'
import { applySettings, type Connection, connect, readPragma } from './connection.ts'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'
import { isCoded, openFailure } from './failure.ts'
import { checkFilesystem } from './filesystem.ts'
import {
  APPLICATION_ID,
  ensureFormat,
  FORMAT,
  type Format,
  storedIncarnation,
  writeFormat,
} from './format.ts'
import { PAGE_BYTES } from './limits.ts'
import type { SqliteDurability, SqliteEventStoreOptions } from './ports.ts'

/** An opened file. */
export interface OpenedFile {
  readonly db: Connection
  /** Absolute. */
  readonly path: string
  readonly durability: SqliteDurability
  /** Names the history in the file. */
  readonly incarnation: string
}

/** Opens or creates a log's file. @throws as `openSqliteEventStore` */
export function openFile(
  options: Omit<SqliteEventStoreOptions, 'clock'>,
  format: Format = FORMAT,
): OpenedFile {
  const { durability = 'disk' } = options
  const path = checkedPath(options.path)
  const folder = dirname(path)
  checkFolder(folder)
  checkFilesystem(folder, options)
  if (inspectPath(path) === undefined) createFile(path, format)
  checkFile(path, inspectPath(path))
  const db = opening(path, () => connect(path, { mustExist: true }))
  try {
    opening(path, () => {
      ensureFormat(db, path, format)
      checkWhole(db, path)
      noteDurability(db, durability)
      applySettings(db, path, durability)
    })
    if (durability === 'disk') syncNames(path)
    const incarnation = opening(path, () => storedIncarnation(db, path))
    return { db, path, durability, incarnation }
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * The absolute path. better-sqlite3 trims names, and would open another file than was meant.
 *
 * @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_OPTION_UNSUPPORTED`
 */
export function checkedPath(path: string): string {
  const isText = typeof path === 'string' && path !== '' && !path.includes('\0')
  if (isText && resolve(path).trim() === resolve(path)) return resolve(path)
  throw new EventsSqliteError(
    EVENTS_SQLITE_CODES.option,
    'A path is a text of at least one character, without NUL, and does not end in white space.',
    { option: 'path' },
  )
}

/** Runs a step of opening; what SQLite or the filesystem reports becomes a coded error. */
function opening<T>(path: string, step: () => T): T {
  try {
    return step()
  } catch (error) {
    throw openFailure(error, path)
  }
}

function inspectPath(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw systemFailure(error, path)
  }
}

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EIO: 'io',
}

/** What `fs` reports, in the code for it. */
export function systemFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const system = String(error.code)
  if (system.startsWith('SQLITE_')) return openFailure(error, path)
  return new EventsError(
    EVENTS_CODES.unavailable,
    `Could not use ${path}: the operating system reports ${system}. Check that the folder ` +
      'exists, has space, and may be written by this user.',
    { path, system, reason: SYSTEM_REASONS[system] ?? 'permission', fate: 'none' },
    error,
  )
}

/** A folder is the caller's to make. @throws {EventsError} `ICE_EVENTS_UNAVAILABLE` */
export function checkFolder(folder: string): void {
  if (inspectPath(folder)?.isDirectory() === true) return
  throw new EventsError(
    EVENTS_CODES.unavailable,
    `There is no folder ${folder}. Create it, or choose another path.`,
    { path: folder, reason: 'no_folder', fate: 'none' },
  )
}

function checkFile(path: string, file: Stats | undefined): void {
  if (file?.isFile() !== true) {
    const what = file?.isDirectory() === true ? 'a folder' : 'not a regular file'
    throw new EventsSqliteError(EVENTS_SQLITE_CODES.file, `${path} is ${what}, not an event log.`, {
      path,
    })
  }
  if (file.size > 0) return
  throw new EventsSqliteError(
    EVENTS_SQLITE_CODES.corrupt,
    `${path} is empty: a log is never written so. Delete it to begin a new log there, or ` +
      'restore a backup.',
    { path },
  )
}

function createFile(path: string, format: Format): void {
  const draft = `${path}.new-${randomUUID()}`
  try {
    const db = connect(draft, { mustExist: false })
    try {
      db.pragma(`page_size = ${PAGE_BYTES}`)
      db.pragma('auto_vacuum = 0')
      db.pragma('synchronous = FULL')
      if (process.platform === 'darwin') db.pragma('fullfsync = 1')
      db.transaction(() => {
        db.pragma(`application_id = ${APPLICATION_ID}`)
        writeFormat(db, format)
      }).exclusive()
      db.pragma('journal_mode = WAL')
      checkNew(db, draft)
    } finally {
      db.close()
    }
    publish(draft, path)
  } catch (error) {
    throw isCoded(error) ? error : systemFailure(error, path)
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) {
      rmSync(`${draft}${suffix}`, { force: true })
    }
  }
}

function checkNew(db: Connection, path: string): void {
  for (const [pragma, asked] of [
    ['page_size', PAGE_BYTES],
    ['auto_vacuum', 0],
  ] as const) {
    const actual = readPragma(db, pragma)
    if (actual === asked) continue
    throw new EventsSqliteError(
      EVENTS_SQLITE_CODES.settings,
      `${path}: "${pragma}" is ${actual} although ${asked} was asked for.`,
      { path, pragma, asked, actual },
    )
  }
}

/** Where a filesystem has no hard links. */
const NO_LINKS: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Gives a finished file its name, unless the name is taken; a name that is taken is no error here:
 * another process was faster, and its file is as good.
 *
 * @returns whether this call gave the name
 */
export function publish(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') return false
    if (!NO_LINKS.has(code)) throw error
    if (inspectPath(path) !== undefined) return false
    copyFileSync(draft, path, constants.COPYFILE_EXCL)
  }
  syncFolder(dirname(path))
  return true
}

/**
 * Makes the names of the log and of its WAL durable. SQLite syncs the folder when it first syncs a
 * WAL, but tells nobody when that fails: a power cut could then take the WAL with its events.
 */
function syncNames(path: string): void {
  try {
    syncFolder(dirname(path))
  } catch (error) {
    throw systemFailure(error, path)
  }
}

/** A name is durable when its folder is. Windows has no such thing and needs none. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Finds a file that was cut off. Without a WAL the file must hold every page its header counts;
 * with one it may be shorter, and the ends of both trees are visited instead.
 */
function checkWhole(db: Connection, path: string): void {
  db.prepare('SELECT hash FROM events ORDER BY position DESC LIMIT 1').get()
  db.prepare('SELECT max(stream), (SELECT min(position) FROM events) FROM events').get()
  const expected = Number(readPragma(db, 'page_count')) * Number(readPragma(db, 'page_size'))
  const walBytes = inspectPath(`${path}-wal`)?.size ?? 0
  const bytes = inspectPath(path)?.size ?? 0
  if (walBytes > 0 || bytes >= expected) return
  throw new EventsSqliteError(
    EVENTS_SQLITE_CODES.corrupt,
    `${path} is cut off: it has ${bytes} of ${expected} bytes. Restore a backup.`,
    { path, bytes, expected },
  )
}

/** Whoever reads the log later is to know what its acknowledgements were worth. */
function noteDurability(db: Connection, durability: SqliteDurability): void {
  if (durability === 'disk') return
  const noted = db.prepare("SELECT value FROM meta WHERE key = 'durability'").pluck().get()
  if (noted === durability) return
  db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('durability', ?)").run(durability)
}
