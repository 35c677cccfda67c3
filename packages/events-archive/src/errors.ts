/**
 * Error codes of the archive beyond those of the port. Codes change only at a major version,
 * messages at any time: test with `hasCode(error, code)`, never with `instanceof` across packages.
 */
import { IceError, type JsonObject } from '@ice/primitives'

export const EVENTS_ARCHIVE_CODES = {
  /** The log says that a segment was sealed, and its file is not in the folder. */
  segmentNotFound: 'ICE_EVENTS_ARCHIVE_SEGMENT_NOT_FOUND',
  /** The file is not the segment that was sealed, or no segment at all. */
  segmentCorrupt: 'ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT',
  /** The file is a segment of a later format. */
  format: 'ICE_EVENTS_ARCHIVE_FORMAT_UNSUPPORTED',
  /** The folder cannot be read or written now. */
  unavailable: 'ICE_EVENTS_ARCHIVE_UNAVAILABLE',
  /** Another process has sealed a segment meanwhile; retain again. */
  conflict: 'ICE_EVENTS_ARCHIVE_RETENTION_CONFLICT',
  /** More than the declared room is taken, and nothing may be moved (told, not thrown). */
  diskLimit: 'ICE_EVENTS_ARCHIVE_DISK_LIMIT',
  /** An option, or a store, is not one the archive can work with. */
  option: 'ICE_EVENTS_ARCHIVE_OPTION_UNSUPPORTED',
} as const

/** A code of this package. */
export type EventsArchiveCode = (typeof EVENTS_ARCHIVE_CODES)[keyof typeof EVENTS_ARCHIVE_CODES]

const RETRYABLE: ReadonlySet<string> = new Set([
  EVENTS_ARCHIVE_CODES.conflict,
  EVENTS_ARCHIVE_CODES.unavailable,
])

/** A failure that only an archive has. */
export class EventsArchiveError extends IceError {
  declare readonly code: EventsArchiveCode

  constructor(code: EventsArchiveCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, retryable: RETRYABLE.has(code), cause })
  }
}

/** What stands at `path` is not what it should be. */
export function corrupt(path: string, why: string, cause?: unknown): EventsArchiveError {
  return new EventsArchiveError(
    EVENTS_ARCHIVE_CODES.segmentCorrupt,
    `${path} is not the segment it should be: ${why}. Put back a copy of the segment.`,
    { path, why },
    cause,
  )
}

/** What `fs` reports, in the codes of the archive. */
export function systemFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const system = String(error.code)
  if (system.startsWith('ICE_')) return error
  const data = { path, system }
  if (system === 'ENOENT') {
    const why = 'It was moved or deleted after it was sealed: put it, or a copy of it, back.'
    const { segmentNotFound } = EVENTS_ARCHIVE_CODES
    return new EventsArchiveError(segmentNotFound, `There is no ${path}. ${why}`, data, error)
  }
  if (system === 'ELOOP') return corrupt(path, 'it is a symbolic link', error)
  return new EventsArchiveError(
    EVENTS_ARCHIVE_CODES.unavailable,
    `Could not use ${path}: the operating system reports ${system}. Check that the folder ` +
      'exists, has space, and may be used by this user.',
    data,
    error,
  )
}
