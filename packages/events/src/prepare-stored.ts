/**
 * The gateway of events that were stored before: the way in for an import.
 *
 * The bytes are read, judged in the order of the law, and written anew from what was read; only
 * when that gives the same bytes are they an event. So nothing comes in here that `append` would
 * not have let in, and what comes in is what stood in the other log, byte for byte.
 *
 * 1. An older payload stays as it is: it is upcast to be judged, not to be kept.
 * 2. The event has one place, the version its bytes name, and the time they name.
 *
 * The trap this closes: an import that trusts what it reads because "it was validated once".
 */

import {
  canonicalize,
  errorRecord,
  type Hash,
  isStreamId,
  isStreamVersion,
  isTimestamp,
  type JsonValue,
  parseStrict,
  type StreamId,
  type StreamVersion,
  type Timestamp,
  UNCODED,
} from '@ice/primitives'
import { draftEvent, type EventDraft, shown, structural } from './draft.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { EventType } from './event-type.ts'
import { checkOrigin, unknownType } from './gateway.ts'
import { EVENT_BYTES_MAX, EVENT_DEPTH_MAX } from './limits.ts'
import type { NewEvent, PreparedEvent } from './ports.ts'
import { prepareKept } from './prepare.ts'
import { compilePayload, type PayloadEncoder } from './schema.ts'
import type { Taxonomy } from './taxonomy.ts'

/** What stored bytes are judged by. */
export interface StoredRules {
  readonly taxonomy: Pick<Taxonomy, 'get' | 'digest'>
  /**
   * What becomes of an event whose type the taxonomy does not hold. Kept ones are judged by the
   * envelope alone: who may emit such a type, and what it carries, nobody here knows.
   * @defaultValue `'refuse'`
   */
  readonly unknownTypes?: 'refuse' | 'keep'
}

/** A stored event that was judged again, and can be appended at its place. */
export interface PreparedStored {
  readonly event: PreparedEvent
  readonly stream: StreamId
  /** The version the event gives its stream. */
  readonly version: StreamVersion
  readonly time: Timestamp
  /** RFC 9162 leaf hash of the bytes. */
  readonly hash: Hash
}

const MEMBERS: ReadonlySet<string> = new Set([
  ...['causes', 'cost', 'data', 'origin', 'principal', 'schema'],
  ...['stream', 'time', 'type', 'v', 'version'],
])
const PARSE_LIMITS = { bytesMax: EVENT_BYTES_MAX, depthMax: EVENT_DEPTH_MAX }

/**
 * Prepares an event from the bytes it was stored with.
 *
 * @throws `ICE_EVENTS_EVENT_LIMIT`, `ICE_EVENTS_STRUCTURAL_VIOLATION` (no canonical event),
 * `ICE_EVENTS_FORMAT_UNSUPPORTED`, `ICE_EVENTS_TAXONOMY_VIOLATION`,
 * `ICE_EVENTS_AUTHORITY_VIOLATION`, `ICE_EVENTS_SCHEMA_UNSUPPORTED`,
 * `ICE_EVENTS_PAYLOAD_VIOLATION`
 */
export function prepareStored(bytes: string, rules: StoredRules): PreparedStored {
  const { draft, stream, version, time, schema } = readEnvelope(parse(bytes))
  const declared = declare(draft, schema, rules)
  const init = { draft, stream, declared, now: time }
  const { event, sealed } = prepareKept(init, { version, bytes })
  return { event, stream, version, time, hash: sealed.hash }
}

function parse(bytes: string): unknown {
  try {
    return parseStrict(bytes, PARSE_LIMITS)
  } catch (error) {
    const { code, data } = errorRecord(error)
    if (code === UNCODED) throw error
    if (data?.['limit'] === 'bytes') {
      const message = `An event has at most ${EVENT_BYTES_MAX} bytes`
      throw new EventsError(EVENTS_CODES.eventLimit, message, { bytesMax: EVENT_BYTES_MAX }, error)
    }
    throw structural('it is no strict JSON', error)
  }
}

interface Envelope {
  readonly draft: EventDraft
  readonly stream: StreamId
  readonly version: StreamVersion
  readonly time: Timestamp
  readonly schema: number
}

function readEnvelope(parsed: unknown): Envelope {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw structural('an event is an object')
  }
  const event = parsed as Readonly<Record<string, unknown>>
  const stranger = Object.keys(event).find((key) => !MEMBERS.has(key))
  const { v, type, data, origin, causes, schema, stream, time, version } = event
  if (v !== 1) {
    if (Number.isSafeInteger(v) && (v as number) > 1) throw futureFormat(v as number)
    throw structural('it is no event of format 1')
  }
  if (stranger !== undefined) throw structural(`an event has no ${shown(stranger)}`)
  if (!isStreamId(stream)) throw structural(`${shown(stream)} is not a stream id`)
  if (!isStreamVersion(version) || version < 1) throw structural('"version" is no count from 1')
  if (!isTimestamp(time)) throw structural('"time" is no time')
  if (!isStreamVersion(schema) || schema < 1) throw structural('"schema" is no count from 1')
  if (origin === undefined || causes === undefined) throw structural('"origin" or "causes" lacks')
  const { principal, cost } = event
  const given = {
    ...{ type, data, origin, causes, time },
    ...(principal === undefined ? {} : { principal }),
    ...(cost === undefined ? {} : { cost }),
  }
  return { draft: draftEvent(given as NewEvent), stream, version, time, schema }
}

function futureFormat(v: number): EventsError {
  const message = `The event is of format ${v}; this program knows format 1`
  return new EventsError(EVENTS_CODES.format, message, { format: v, known: 1 })
}

/** The type as it was when the event was stored. */
function declare(
  draft: EventDraft,
  stored: number,
  { taxonomy, unknownTypes }: StoredRules,
): Pick<EventType, 'type' | 'schema' | 'encode'> {
  const { type } = draft
  const declared = taxonomy.get(type)
  if (declared === undefined) {
    if (unknownTypes !== 'keep' || !TYPE.test(type)) throw unknownType(type, taxonomy)
    return { type, schema: stored, encode: encodeAnything }
  }
  checkOrigin(draft, declared)
  if (stored === declared.schema) return declared
  const encode = (data: unknown): string => {
    declared.encode(raised(declared, data as JsonValue, stored))
    return encodeAnything(data)
  }
  return { type, schema: stored, encode }
}

const TYPE = /^[A-Z][A-Za-z0-9]{2,63}$/

let anything: PayloadEncoder | undefined

/** Writes any payload, within the bounds of every payload. */
function encodeAnything(data: unknown): string {
  anything ??= compilePayload({}, 'the event')
  return anything(data)
}

/** The current form of an older payload. */
function raised(declared: EventType, data: JsonValue, stored: number): unknown {
  try {
    // A copy: an upcaster that changes what it is given must not change what is kept.
    return declared.upcast(JSON.parse(canonicalize(data)) as JsonValue, stored)
  } catch (cause) {
    if (cause instanceof EventsError) throw cause
    // An upcaster is total on what its version allowed: this payload is none of that version.
    const { type } = declared
    const message = `${type}: the payload does not fit version ${stored}, from which it is raised`
    throw new EventsError(EVENTS_CODES.payload, message, { type, schema: stored }, cause)
  }
}
