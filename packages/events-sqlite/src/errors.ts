/**
 * Error codes of this store beyond those of the port. Codes change only at a major version,
 * messages at any time: test with `hasCode(error, code)`, never with `instanceof` across packages.
 *
 * What can happen to any store keeps the port's codes: a full disk, a lock that others hold and a
 * file that may not be written are `ICE_EVENTS_UNAVAILABLE`, a handle that had to close itself is
 * `ICE_EVENTS_NOT_OPEN`.
 */
import { IceError, type JsonObject } from '@ice/primitives'

export const EVENTS_SQLITE_CODES = {
  /** The file was written by a newer program, or has no migration: it was not touched. */
  format: 'ICE_EVENTS_SQLITE_FORMAT_UNSUPPORTED',
  /** The file is something else than an event log, or holds what a log does not have. */
  file: 'ICE_EVENTS_SQLITE_FILE_UNSUPPORTED',
  /** The file is a log, but cut off or damaged. */
  corrupt: 'ICE_EVENTS_SQLITE_FILE_CORRUPT',
  /** The file lies on a filesystem whose locks or memory maps cannot be trusted. */
  filesystem: 'ICE_EVENTS_SQLITE_FILESYSTEM_UNSUPPORTED',
  /** A setting that durability rests on was asked for and did not take. */
  settings: 'ICE_EVENTS_SQLITE_SETTINGS_UNSUPPORTED',
  /** There is a file where a backup, or a restored log, was to be written. */
  backupTarget: 'ICE_EVENTS_SQLITE_BACKUP_CONFLICT',
  /** The backup is damaged, lacks events, or is a log in use; nothing was restored from it. */
  backupDamaged: 'ICE_EVENTS_SQLITE_BACKUP_CORRUPT',
  /** An option is not one this store can hold to. */
  option: 'ICE_EVENTS_SQLITE_OPTION_UNSUPPORTED',
  /** A processor's work is asynchronous or ended its transaction, or its handle was inside one. */
  transaction: 'ICE_EVENTS_SQLITE_TRANSACTION_UNSUPPORTED',
} as const

/** A code of this package. */
export type EventsSqliteCode = (typeof EVENTS_SQLITE_CODES)[keyof typeof EVENTS_SQLITE_CODES]

/** A failure that only a log in an SQLite file has. */
export class EventsSqliteError extends IceError {
  declare readonly code: EventsSqliteCode

  constructor(code: EventsSqliteCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, retryable: false, cause })
  }
}
