/**
 * Ids as branded types, each with a grammar that is checked where text becomes an id.
 *
 *     stream    = kind 1*( "/" segment )                  ; at most 256 bytes
 *     kind      = LOWER *( LOWER / DIGIT / "-" )
 *     segment   = 1*( ALPHA / DIGIT / "." / "_" / ":" / "+" / "~" / "-" )
 *                                                         ; but not "." and not ".."
 *     event     = stream "@" version                      ; version: decimal from 1, no leading 0
 *     run       = grant = UUIDv7                          ; RFC 9562 §5.7, lower case
 *     agent     = session = segment                       ; at most 128 bytes
 *     principal = owner = 1*128( %x21-7E )                ; `os:root`, `key:abc`
 *     digest    = hash = 64( DIGIT / %x61-66 )            ; SHA-256 in lower-case hex
 *
 * 1. Ids are ASCII: one character is one byte, and no two ids look alike by normalisation.
 * 2. `@` stands in no stream, so an event id has one reading.
 * 3. `.` and `..` are no segments, so that no URL or path made of an id climbs out of its place.
 */
import type { Brand } from './brand.ts'
import { InvalidIdError } from './errors.ts'
import { PRINCIPAL_BYTES_MAX, SEGMENT_BYTES_MAX, STREAM_ID_BYTES_MAX } from './limits.ts'
import { isStreamVersion, type StreamVersion } from './numbers.ts'
import { clip } from './text.ts'

/** One ordered history: `run/0190a1b2-…`. */
export type StreamId = Brand<string, 'StreamId'>
/** One recorded event: stream and version, `run/0190a1b2-…@7`. */
export type EventId = Brand<string, 'EventId'>
/** A unit of work; UUIDv7. */
export type RunId = Brand<string, 'RunId'>
/** A recorded issue of a capability; UUIDv7. */
export type GrantId = Brand<string, 'GrantId'>
/** Who proposes. */
export type AgentId = Brand<string, 'AgentId'>
/** A session of a client. */
export type SessionId = Brand<string, 'SessionId'>
/** On whose command something happens: `os:root`, `key:abc`. */
export type PrincipalId = Brand<string, 'PrincipalId'>
/** Who holds a lease: one process of one worker. */
export type OwnerId = Brand<string, 'OwnerId'>
/** The SHA-256 of a blob's stored bytes, in lower-case hex. */
export type BlobDigest = Brand<string, 'BlobDigest'>
/** A SHA-256 of this log: an event's leaf hash, a node of its tree. */
export type Hash = Brand<string, 'Hash'>

const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._:+~-]+$/
const STREAM = /^[a-z][a-z0-9-]*(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._:+~-]+)+$/
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const PRINTABLE = /^[!-~]+$/
const SHA256_HEX = /^[0-9a-f]{64}$/
const VERSION = /^[1-9][0-9]{0,15}$/

function matches(value: unknown, bytesMax: number, grammar: RegExp): boolean {
  return typeof value === 'string' && value.length <= bytesMax && grammar.test(value)
}

/** An error that shows the value without letting it be long, or steer a terminal. */
function invalid(kind: string, grammar: string, value: unknown): InvalidIdError {
  const text = typeof value === 'string' ? JSON.stringify(clip(value, 80)) : typeof value
  return new InvalidIdError({ kind, grammar, value: text })
}

/** Whether this is a stream id: kind, `/`, then segments between `/`; at most 256 bytes. */
export function isStreamId(value: unknown): value is StreamId {
  return matches(value, STREAM_ID_BYTES_MAX, STREAM)
}

/** Checks a stream id. @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` */
export function streamId(text: string): StreamId {
  if (isStreamId(text)) return text
  throw invalid('stream id', `kind/name, at most ${STREAM_ID_BYTES_MAX} bytes`, text)
}

/** Whether this is a run id: UUIDv7 text in lower case. */
export function isRunId(value: unknown): value is RunId {
  return matches(value, 36, UUID_V7)
}

/** Checks a run id. @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` */
export function runId(text: string): RunId {
  if (isRunId(text)) return text
  throw invalid('run id', 'UUIDv7 in lower case', text)
}

/** Whether this is a grant id: UUIDv7 text in lower case. */
export function isGrantId(value: unknown): value is GrantId {
  return matches(value, 36, UUID_V7)
}

/** Checks a grant id. @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` */
export function grantId(text: string): GrantId {
  if (isGrantId(text)) return text
  throw invalid('grant id', 'UUIDv7 in lower case', text)
}

/** Whether this is an agent id: one segment of a stream id, at most 128 bytes. */
export function isAgentId(value: unknown): value is AgentId {
  return matches(value, SEGMENT_BYTES_MAX, SEGMENT)
}

/** Checks an agent id. @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` */
export function agentId(text: string): AgentId {
  if (isAgentId(text)) return text
  throw invalid('agent id', `one segment, at most ${SEGMENT_BYTES_MAX} bytes`, text)
}

/** Whether this is a session id: one segment of a stream id, at most 128 bytes. */
export function isSessionId(value: unknown): value is SessionId {
  return matches(value, SEGMENT_BYTES_MAX, SEGMENT)
}

/** Checks a session id. @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` */
export function sessionId(text: string): SessionId {
  if (isSessionId(text)) return text
  throw invalid('session id', `one segment, at most ${SEGMENT_BYTES_MAX} bytes`, text)
}

/** Whether this is a principal id: 1 to 128 printable ASCII characters, no space. */
export function isPrincipalId(value: unknown): value is PrincipalId {
  return matches(value, PRINCIPAL_BYTES_MAX, PRINTABLE)
}

/** Checks a principal id. @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` */
export function principalId(text: string): PrincipalId {
  if (isPrincipalId(text)) return text
  throw invalid('principal id', `1 to ${PRINCIPAL_BYTES_MAX} printable characters`, text)
}

/** Whether this is an owner id: 1 to 128 printable ASCII characters, no space. */
export function isOwnerId(value: unknown): value is OwnerId {
  return matches(value, PRINCIPAL_BYTES_MAX, PRINTABLE)
}

/** Checks an owner id. @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` */
export function ownerId(text: string): OwnerId {
  if (isOwnerId(text)) return text
  throw invalid('owner id', `1 to ${PRINCIPAL_BYTES_MAX} printable characters`, text)
}

/** Whether this is a blob digest: 64 lower-case hex digits. */
export function isBlobDigest(value: unknown): value is BlobDigest {
  return matches(value, 64, SHA256_HEX)
}

/** Checks a blob digest. @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` */
export function blobDigest(text: string): BlobDigest {
  if (isBlobDigest(text)) return text
  throw invalid('blob digest', '64 hex digits in lower case', text)
}

/** Whether this is a hash: 64 lower-case hex digits. */
export function isHash(value: unknown): value is Hash {
  return matches(value, 64, SHA256_HEX)
}

/**
 * Checks a hash; computes none, which `sha256Hex` does.
 *
 * @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID`
 */
export function hash(text: string): Hash {
  if (isHash(text)) return text
  throw invalid('hash', '64 hex digits in lower case', text)
}

/** Where an event stands. */
export interface EventPlace {
  /** The stream it is in. */
  readonly stream: StreamId
  /** The version the stream has with it; from 1. */
  readonly version: StreamVersion
}

function placeOf(value: unknown): EventPlace | undefined {
  if (typeof value !== 'string') return undefined
  const at = value.indexOf('@')
  const digits = value.slice(at + 1)
  const stream = value.slice(0, at)
  if (at < 0 || !VERSION.test(digits) || !isStreamId(stream)) return undefined
  const version = Number(digits)
  return isStreamVersion(version) ? { stream, version } : undefined
}

/** Whether this is an event id: `<stream>@<version>`. */
export function isEventId(value: unknown): value is EventId {
  return placeOf(value) !== undefined
}

/**
 * The id of the event that gave a stream this version.
 *
 * @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` — version 0: a stream without events
 */
export function eventId(stream: StreamId, version: StreamVersion): EventId {
  if (version < 1) throw invalid('event id', 'versions of events begin at 1', `${stream}@0`)
  return `${stream}@${version}` as EventId
}

/** Reads an event id from text. @throws {InvalidIdError} `ICE_PRIMITIVES_ID_INVALID` */
export function parseEventId(text: string): EventPlace {
  const place = placeOf(text)
  if (place === undefined) throw invalid('event id', '<stream id>@<version>', text)
  return place
}
