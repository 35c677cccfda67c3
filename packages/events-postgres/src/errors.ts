/**
 * Error codes of this store beyond those of the port. Codes change only at a major version,
 * messages at any time: test with `hasCode(error, code)`, never with `instanceof` across packages.
 *
 * What can happen to any store keeps the port's codes: a server that is away, a lock that others
 * hold, a full disk and a missing right are `ICE_EVENTS_UNAVAILABLE`, a handle that had to close
 * itself is `ICE_EVENTS_NOT_OPEN`.
 */
import { IceError, type JsonObject } from '@ice/primitives'

export const EVENTS_POSTGRES_CODES = {
  /** The schema was written by a newer program, or has no migration: it was not touched. */
  format: 'ICE_EVENTS_POSTGRES_FORMAT_UNSUPPORTED',
  /** There is no log in the schema, and none was to be made. */
  notFound: 'ICE_EVENTS_POSTGRES_LOG_NOT_FOUND',
  /** The schema holds something else than an event log, or more than one. */
  schema: 'ICE_EVENTS_POSTGRES_SCHEMA_UNSUPPORTED',
  /** The schema is a log, but a part of it is gone. */
  corrupt: 'ICE_EVENTS_POSTGRES_SCHEMA_CORRUPT',
  /** The log has fewer events than this handle has seen: a backup, or a replica that lagged. */
  rewound: 'ICE_EVENTS_POSTGRES_REWOUND_CORRUPT',
  /** The server is too old, not in UTF-8, a standby, or does not sync what it commits. */
  server: 'ICE_EVENTS_POSTGRES_SERVER_UNSUPPORTED',
  /** An option is not one this store can hold to. */
  option: 'ICE_EVENTS_POSTGRES_OPTION_UNSUPPORTED',
} as const

/** A code of this package. */
export type EventsPostgresCode = (typeof EVENTS_POSTGRES_CODES)[keyof typeof EVENTS_POSTGRES_CODES]

/** A failure that only a log in PostgreSQL has. */
export class EventsPostgresError extends IceError {
  declare readonly code: EventsPostgresCode

  constructor(code: EventsPostgresCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, retryable: false, cause })
  }
}
