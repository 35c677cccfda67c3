/**
 * The one gateway of a log, and its decoded view.
 *
 * Appending: structure → taxonomy → authority of origin → (payload and bytes) → the store, which
 * judges temporal → causality and commits. A stage looks at every event of the unit before the
 * next one begins, so that the error a caller sees is the earliest in the order of the law and not
 * in the order of the list.
 *
 * Reading: stored bytes → parsed → upcast to the current payload version. Nothing is validated
 * again: what is hashed was validated when it was written.
 */

import {
  type Clock,
  type EventId,
  isEventId,
  type JsonValue,
  parseEventId,
} from '@ice/primitives'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { EventType } from './event-type.ts'
import {
  UNIT_BLOB_BYTES_MAX,
  UNIT_EVENTS_MAX,
  UNIT_GUARDS_MAX,
  UNIT_STREAMS_MAX,
} from './limits.ts'
import type {
  AppendRequest,
  EventLog,
  EventStore,
  Guard,
  NewEvent,
  PreparedUnit,
  PreparedWrite,
  RecordedEvent,
  StoredEvent,
  StreamWrite,
} from './ports.ts'
import {
  checkAuthority,
  checkStream,
  checkStructure,
  checkTaxonomy,
  prepareEvent,
  structural,
} from './prepare.ts'
import type { Taxonomy } from './taxonomy.ts'

/** What a log is made of. The log takes the store over: `store.close()` closes both. */
export interface EventLogComponents {
  readonly store: EventStore
  readonly taxonomy: Taxonomy
  readonly clock: Clock
}

/** Opens the gateway over a store. */
export function createEventLog({ store, taxonomy, clock }: EventLogComponents): EventLog {
  return {
    taxonomy,
    store,
    // Not `async`: what is wrong with the request must reject, but a good request should cost one
    // promise, the store's.
    append: (request) => {
      let unit: PreparedUnit
      try {
        unit = prepareUnit(request, taxonomy, clock)
      } catch (error) {
        return Promise.reject(error)
      }
      return store.append(unit)
    },
    read: (query) => decodeBatches(store.read(query), taxonomy),
    readAll: (query) => decodeBatches(store.readAll(query), taxonomy),
    subscribe: (query) => decodeBatches(store.subscribe(query), taxonomy),
    event: (id) => readEvent(store, taxonomy, id),
  }
}

function prepareUnit(request: AppendRequest, taxonomy: Taxonomy, clock: Clock): PreparedUnit {
  checkRequest(request)
  for (const write of request.writes) {
    for (const event of write.events) checkStructure(event)
  }
  const declared = new Map<NewEvent, EventType>()
  for (const write of request.writes) {
    for (const event of write.events) declared.set(event, checkTaxonomy(event, taxonomy))
  }
  for (const [event, type] of declared) checkAuthority(event, type)
  const now = clock.now()
  const writes: PreparedWrite[] = request.writes.map((write) => ({
    stream: write.stream,
    expectedVersion: write.expectedVersion,
    events: write.events.map((event) =>
      prepareEvent(event, write.stream, declared.get(event) as EventType, now),
    ),
  }))
  const { guards, notAfter, blobs, signal } = request
  return {
    writes,
    ...(guards === undefined ? {} : { guards: guards.map((guard) => ({ ...guard })) }),
    ...(notAfter === undefined ? {} : { notAfter }),
    ...(blobs === undefined ? {} : { blobs }),
    ...(signal === undefined ? {} : { signal }),
  }
}

/** Structure of the request itself. */
function checkRequest(request: AppendRequest): void {
  if (!Array.isArray(request?.writes)) throw structural('"writes" is not a list')
  const { writes, guards = [], blobs = [], notAfter } = request
  if (writes.length === 0) throw structural('a unit writes at least one stream')
  atMost(writes.length, UNIT_STREAMS_MAX, 'streams')
  atMost(guards.length, UNIT_GUARDS_MAX, 'guards')
  atMost(
    blobs.reduce((sum, blob) => sum + blob.bytes.byteLength, 0),
    UNIT_BLOB_BYTES_MAX,
    'bytes of blobs',
  )
  let events = 0
  for (const write of writes) {
    checkWrite(write)
    events += write.events.length
  }
  atMost(events, UNIT_EVENTS_MAX, 'events')
  if (writes.length > 1 && new Set(writes.map((write) => write.stream)).size < writes.length) {
    throw structural('a unit writes each stream once')
  }
  for (const guard of guards) checkGuard(guard)
  if (notAfter !== undefined && !Number.isSafeInteger(notAfter)) {
    throw structural('"notAfter" is not a time in whole milliseconds')
  }
}

function checkWrite({ stream, expectedVersion, events }: StreamWrite): void {
  checkStream(stream)
  if (!Array.isArray(events) || events.length === 0) {
    throw structural(`the write to ${stream} has no events`)
  }
  if (expectedVersion === 'any' || expectedVersion === 'no_stream') return
  if (!Number.isSafeInteger(expectedVersion) || expectedVersion < 0) {
    throw structural('"expectedVersion" is a count of events, "no_stream" or "any"')
  }
}

function checkGuard({ stream, version }: Guard): void {
  checkStream(stream)
  if (!Number.isSafeInteger(version) || version < 0) {
    throw structural('the version of a guard is a count of events')
  }
}

function atMost(count: number, max: number, what: string): void {
  if (count <= max) return
  throw new EventsError(
    EVENTS_CODES.unitLimit,
    `The unit has ${count} ${what}; at most ${max} fit into one`,
    { count, max, what },
  )
}

/** What stored bytes parse to. */
interface ParsedEvent extends Omit<RecordedEvent, 'id' | 'position' | 'hash' | 'data'> {
  readonly data: JsonValue
}

/** Decodes one stored event. @throws `ICE_EVENTS_CORRUPT`, `ICE_EVENTS_SCHEMA_UNSUPPORTED` */
export function decodeEvent(stored: StoredEvent, taxonomy: Taxonomy): RecordedEvent {
  let parsed: ParsedEvent & Partial<RecordedEvent>
  try {
    parsed = JSON.parse(stored.bytes) as ParsedEvent
  } catch (cause) {
    throw new EventsError(
      EVENTS_CODES.corrupt,
      `The bytes at position ${stored.position} are not JSON: verify the log`,
      { position: stored.position },
      cause,
    )
  }
  const event = parsed as Writable
  event.id = `${parsed.stream}@${parsed.version}` as EventId
  event.position = stored.position
  event.hash = stored.hash
  const declared = taxonomy.get(parsed.type)
  // A type that this program does not declare is still a fact: it is handed out as it was stored.
  if (declared !== undefined && declared.schema !== parsed.schema) {
    event.data = declared.upcast(parsed.data, parsed.schema) as JsonValue
    event.schema = declared.schema
  }
  return event
}

type Writable = { -readonly [K in keyof RecordedEvent]: RecordedEvent[K] }

async function* decodeBatches(
  batches: AsyncIterable<readonly StoredEvent[]>,
  taxonomy: Taxonomy,
): AsyncGenerator<readonly RecordedEvent[]> {
  for await (const batch of batches) yield batch.map((stored) => decodeEvent(stored, taxonomy))
}

async function readEvent(
  store: EventStore,
  taxonomy: Taxonomy,
  id: EventId,
): Promise<RecordedEvent> {
  if (isEventId(id)) {
    const at = parseEventId(id)
    const query = { stream: at.stream, after: at.version - 1, limit: 1 }
    for await (const [stored] of store.read(query)) {
      if (stored !== undefined) return decodeEvent(stored, taxonomy)
    }
  }
  throw new EventsError(EVENTS_CODES.eventNotFound, `No event has the id ${id}`, { id })
}

