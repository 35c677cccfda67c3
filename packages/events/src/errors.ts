/**
 * Error codes of the event log. Codes change only at a major version, messages at any time: test
 * with `hasCode(error, code)`, never with `instanceof` across packages.
 */

import { IceError, type JsonObject } from '@ice/primitives'

export const EVENTS_CODES = {
  /** The envelope or the request is malformed. Nothing was written. */
  structural: 'ICE_EVENTS_STRUCTURAL_VIOLATION',
  /** The type is not in the taxonomy that this log was composed with. */
  taxonomy: 'ICE_EVENTS_TAXONOMY_VIOLATION',
  /** The payload does not fit the schema of its type; `data.pointer` names the place. */
  payload: 'ICE_EVENTS_PAYLOAD_VIOLATION',
  /** The origin may not emit this type. */
  authority: 'ICE_EVENTS_AUTHORITY_VIOLATION',
  /** The given time lies before the stream's last event. */
  temporal: 'ICE_EVENTS_TEMPORAL_VIOLATION',
  /** A named cause does not stand in the log before the event. */
  causality: 'ICE_EVENTS_CAUSALITY_VIOLATION',
  /** The stream is not at the expected version: refold and decide anew. */
  versionConflict: 'ICE_EVENTS_VERSION_CONFLICT',
  /** A guarded stream has moved: what the unit was decided on no longer holds. */
  guardConflict: 'ICE_EVENTS_GUARD_CONFLICT',
  /** The store's clock has passed the unit's `notAfter`. */
  tooLate: 'ICE_EVENTS_TOO_LATE',
  /** The event's bytes exceed the limit of an event; large values belong into blobs. */
  eventLimit: 'ICE_EVENTS_EVENT_LIMIT',
  /** The unit names too many streams, guards, events or bytes of blobs. */
  unitLimit: 'ICE_EVENTS_UNIT_LIMIT',
  /** A subscriber that asked to be told has fallen too far behind; `data.position` is where. */
  lagLimit: 'ICE_EVENTS_LAG_LIMIT',
  /** The caller's signal fired before the unit began to commit. */
  aborted: 'ICE_EVENTS_ABORTED',
  /** The store cannot write or read now; `data.fate` says whether the unit may have been kept. */
  unavailable: 'ICE_EVENTS_UNAVAILABLE',
  /** The store is closed or closing. */
  notOpen: 'ICE_EVENTS_NOT_OPEN',
  /** No event has this id. */
  eventNotFound: 'ICE_EVENTS_EVENT_NOT_FOUND',
  /** No blob has this digest. */
  blobNotFound: 'ICE_EVENTS_BLOB_NOT_FOUND',
  /** The kept bytes do not have the digest they are kept under. */
  blobCorrupt: 'ICE_EVENTS_BLOB_CORRUPT',
  /** The blob has more bytes than were allowed for; a large one is streamed. */
  blobLimit: 'ICE_EVENTS_BLOB_LIMIT',
  /** What is asked for was moved to the archive, without which the store was opened;
   * `data.segment` names the file that has it. */
  archived: 'ICE_EVENTS_ARCHIVED_UNAVAILABLE',
  /** Stored bytes cannot be read as an event. */
  corrupt: 'ICE_EVENTS_CORRUPT',
  /** The stored payload is of a later version than this taxonomy knows. */
  futureSchema: 'ICE_EVENTS_SCHEMA_UNSUPPORTED',
  /** An export, or an event in it, is of a format that this program does not know. */
  format: 'ICE_EVENTS_FORMAT_UNSUPPORTED',
  /** A line of an export is damaged, out of place or missing; `data.line` says which. */
  importCorrupt: 'ICE_EVENTS_IMPORT_CORRUPT',
  /** The log that is imported into holds something else than the export, or is written to. */
  importConflict: 'ICE_EVENTS_IMPORT_CONFLICT',
  /** The declaration of an event type is not one the log can hold to. */
  declaration: 'ICE_EVENTS_DECLARATION_UNSUPPORTED',
  /** A fold, or the work of a processor, threw; `data.event` names the event it stopped at. */
  foldFailed: 'ICE_EVENTS_FOLD_UNSUPPORTED',
  /** The log has not come as far as the position or version that was asked for. */
  positionNotFound: 'ICE_EVENTS_POSITION_NOT_FOUND',
  /** A snapshot disagrees with the log, or with itself, and was discarded (told, not thrown). */
  snapshotCorrupt: 'ICE_EVENTS_SNAPSHOT_CORRUPT',
  /** Another one has moved the checkpoint, or what serves; `data.reason` says which. */
  checkpointConflict: 'ICE_EVENTS_CHECKPOINT_CONFLICT',
  /** The checkpoint was made in another history than the one this log has now. */
  incarnationConflict: 'ICE_EVENTS_INCARNATION_CONFLICT',
} as const

/** A code of this package. */
export type EventsCode = (typeof EVENTS_CODES)[keyof typeof EVENTS_CODES]

const RETRYABLE: ReadonlySet<string> = new Set([
  EVENTS_CODES.versionConflict,
  EVENTS_CODES.guardConflict,
  EVENTS_CODES.unavailable,
])

/** A failure of the event log. */
export class EventsError extends IceError {
  declare readonly code: EventsCode

  constructor(code: EventsCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, retryable: RETRYABLE.has(code), cause })
  }
}
