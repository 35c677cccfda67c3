/**
 * Decoding: stored bytes → parsed → upcast to the current payload version.
 *
 * Nothing is validated again: what is hashed was validated when it was written. What is looked at
 * is only that the bytes are an event at all, so that damaged ones are an error of this file and
 * not of whoever folds them. A type that this program does not declare is still a fact, and is
 * handed out as it was stored.
 */

import type { EventId, JsonValue } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { RecordedEvent, StoredEvent } from './ports.ts'
import type { Taxonomy } from './taxonomy.ts'

type Writable = { -readonly [K in keyof RecordedEvent]: RecordedEvent[K] }

/** Decodes one stored event. @throws `ICE_EVENTS_CORRUPT`, `ICE_EVENTS_SCHEMA_UNSUPPORTED` */
export function decodeEvent(stored: StoredEvent, taxonomy: Pick<Taxonomy, 'get'>): RecordedEvent {
  const event = parseStored(stored)
  event.id = `${event.stream}@${event.version}` as EventId
  event.position = stored.position
  event.hash = stored.hash
  const declared = taxonomy.get(event.type)
  if (declared !== undefined && declared.schema !== event.schema) {
    event.data = declared.upcast(event.data as JsonValue, event.schema)
    event.schema = declared.schema
  }
  return event
}

function parseStored({ bytes, position }: StoredEvent): Writable {
  let parsed: unknown
  try {
    // These bytes were written by the gateway: here, where every event passes at every replay, the
    // strict parser would cost as much as all the rest and refuse nothing that was ever kept.
    parsed = JSON.parse(bytes)
  } catch (cause) {
    throw corrupt(position, 'are not JSON', cause)
  }
  if (!isEnvelope(parsed)) throw corrupt(position, 'are no event of format 1')
  return parsed
}

function isEnvelope(parsed: unknown): parsed is Writable {
  if (typeof parsed !== 'object' || parsed === null) return false
  const { v, stream, version, type, time, origin, causes, data } = parsed as Partial<Writable>
  return (
    v === 1 &&
    typeof stream === 'string' &&
    typeof type === 'string' &&
    typeof origin === 'string' &&
    Number.isSafeInteger(version) &&
    Number.isSafeInteger(time) &&
    Array.isArray(causes) &&
    data !== undefined
  )
}

function corrupt(position: number, why: string, cause?: unknown): EventsError {
  return new EventsError(
    EVENTS_CODES.corrupt,
    `The bytes at position ${position} ${why}: verify the log`,
    { position },
    cause,
  )
}

/** Decodes batches as they come. */
export async function* decodeBatches(
  batches: AsyncIterable<readonly StoredEvent[]>,
  taxonomy: Taxonomy,
): AsyncGenerator<readonly RecordedEvent[]> {
  for await (const batch of batches) yield batch.map((stored) => decodeEvent(stored, taxonomy))
}
