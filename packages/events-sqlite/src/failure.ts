/**
 * What SQLite reports, said in the codes of the port: what happened, why, and what to do next.
 */
import {
  damaged,
  type FailedWork,
  type FailureReason,
  type FailureReasons,
  reasonOf,
  type UnitFate,
  unavailable,
} from '@ice/events/adapter'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'

/** The result code by its name (`SQLITE_IOERR_FSYNC`); `undefined` for any other error. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { code } = error
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined
}

/** Whether an error has a code of ours already. */
export function isCoded(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  return typeof error.code === 'string' && error.code.startsWith('ICE_')
}

/** Another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error)
  return code !== undefined && (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED')
}

/** The file does not read as a database. */
export function isCorrupt(error: unknown): boolean {
  const code = sqliteCode(error) ?? ''
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB'
}

/** By the beginning of the result code; the first that fits. */
const REASONS: FailureReasons = [
  [
    'SQLITE_FULL',
    { reason: 'disk_full', why: 'the disk is full', next: 'Free some space, then try again.' },
  ],
  [
    'SQLITE_BUSY',
    {
      reason: 'busy',
      why: 'other processes hold the write lock',
      next: 'Try again; if it stays so, look for a process that is stopped inside a write.',
    },
  ],
  [
    'SQLITE_READONLY',
    {
      reason: 'read_only',
      why: 'the file, or the folder it lies in, may not be written',
      next: 'Give this user the right to write both, or choose another place for the log.',
    },
  ],
  [
    'SQLITE_CANTOPEN',
    {
      reason: 'permission',
      why: 'the file, its -wal or its -shm cannot be opened',
      next: 'Check that the folder exists and that this user may write in it.',
    },
  ],
  [
    'SQLITE_PERM',
    { reason: 'permission', why: 'access is denied', next: 'Check the rights of the file.' },
  ],
  [
    'SQLITE_IOERR',
    {
      reason: 'io',
      why: 'the operating system reports an input/output error',
      next: 'Check the disk and the system log before trusting this place again.',
    },
  ],
  ['SQLITE_NOMEM', { reason: 'memory', why: 'memory ran out', next: 'Free memory, try again.' }],
]

const OTHER: FailureReason = {
  reason: 'other',
  why: 'SQLite refused',
  next: 'The cause says what it reported.',
}

/** What went wrong while something was done to the file at `path`. */
export interface Failed {
  /** `append to`, `read`, `open`: what was being done, as it stands in the message. */
  readonly doing: string
  readonly path: string
  readonly fate: UnitFate
}

/** The port's error for what SQLite reported; errors that are not SQLite's pass unchanged. */
export function failure(error: unknown, { doing, path, fate }: Failed): unknown {
  const code = sqliteCode(error)
  if (code === undefined) return error
  const work: FailedWork = { doing, log: path, fate, data: { path, sqlite: code } }
  if (!isCorrupt(error)) return unavailable(error, work, reasonOf(REASONS, code) ?? OTHER)
  return damaged(error, work, {
    what: 'the file is damaged',
    next: 'Verify it, or restore a backup.',
  })
}

/** As `failure`, while a file is being opened: a damaged file is then a matter of the file. */
export function openFailure(error: unknown, path: string): unknown {
  if (!isCorrupt(error)) return failure(error, { doing: 'open', path, fate: 'none' })
  const isDatabase = sqliteCode(error) !== 'SQLITE_NOTADB'
  return new EventsSqliteError(
    isDatabase ? EVENTS_SQLITE_CODES.corrupt : EVENTS_SQLITE_CODES.file,
    isDatabase
      ? `${path} is damaged or cut off: SQLite cannot read it. Restore a backup.`
      : `${path} is not an event log, or its first page is damaged. It was left as it is.`,
    { path, sqlite: sqliteCode(error) ?? '' },
    error,
  )
}
