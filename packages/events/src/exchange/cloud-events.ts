/**
 * The log as CloudEvents 1.0 (JSON event format, structured mode): for those who read logs of
 * other makes, and want this one among them.
 *
 * One way only. What makes an event of ours provable, its stored bytes, is not in a CloudEvent, so
 * nothing is imported from one; and because nothing is, it may be filtered.
 *
 *     id = "<stream>@<version>"       unique within `source`, which names the incarnation
 *     type = "ice." name              dataschema = "ice:schema/" name "/" payload version
 *     subject = stream                time = RFC 3339, UTC (left out past the year 9999)
 *
 * Positions and versions are text: an Integer of CloudEvents has 32 bits, and ours have 53.
 */

import { canonicalize, type JsonObject, type JsonValue, parseStrict } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import { EVENT_BYTES_MAX, EVENT_DEPTH_MAX } from '../limits.ts'
import type { EventFilter, EventStore, StoredEvent } from '../ports.ts'

/** Settings of an export as CloudEvents. */
export interface CloudEventsOptions {
  /** Only events at a greater position. @defaultValue 0 */
  readonly after?: number
  /** At most so many. @defaultValue all of them */
  readonly limit?: number
  readonly filter?: EventFilter
  /**
   * `lines` is one event a line; `batch` one JSON array (`application/cloudevents-batch+json`).
   * @defaultValue `'lines'`
   */
  readonly form?: 'lines' | 'batch'
  /** Where the events come from, a URI reference. @defaultValue `ice:log/<incarnation>` */
  readonly source?: string
  readonly signal?: AbortSignal
}

/**
 * Writes a log as CloudEvents. Each text handed out holds a page of them.
 *
 * @throws `ICE_EVENTS_CORRUPT`, and what `EventStore.readAll` throws, when iterated
 * @source CloudEvents 1.0.2, JSON event format
 */
export async function* exportCloudEvents(
  store: Pick<EventStore, 'readAll' | 'incarnation'>,
  { form = 'lines', source, ...query }: CloudEventsOptions = {},
): AsyncGenerator<string> {
  const from = source ?? `ice:log/${encodeURIComponent(store.incarnation)}`
  const isBatch = form === 'batch'
  let lead = isBatch ? '[\n' : ''
  for await (const batch of store.readAll(query)) {
    const events = batch.map((stored) => cloudEvent(stored, from))
    if (events.length === 0) continue
    yield lead + events.join(isBatch ? ',\n' : '\n')
    lead = isBatch ? ',\n' : '\n'
  }
  if (isBatch) yield lead === '[\n' ? '[]\n' : '\n]\n'
  else if (lead !== '') yield lead
}

/** What stands in the stored bytes, as far as a CloudEvent tells of it. */
interface Stored {
  readonly stream: string
  readonly version: number
  readonly type: string
  readonly schema: number
  readonly time: number
  readonly origin: string
  readonly principal?: string
  readonly causes: readonly string[]
  readonly cost?: JsonObject
  readonly data: JsonValue
}

/** One stored event as the JSON of a CloudEvent. @throws `ICE_EVENTS_CORRUPT` */
export function cloudEvent({ position, bytes, hash }: StoredEvent, source: string): string {
  const event = parse(position, bytes)
  const { stream, version, type, schema, origin, principal, causes, cost, data } = event
  return canonicalize({
    specversion: '1.0',
    id: `${stream}@${version}`,
    source,
    type: `ice.${type}`,
    subject: stream,
    datacontenttype: 'application/json',
    dataschema: `ice:schema/${type}/${schema}`,
    data,
    ...timeOf(event.time),
    // Extension attributes: their names have lower-case letters and digits only.
    position: String(position),
    hash,
    stream,
    version: String(version),
    origin,
    ...(principal === undefined ? {} : { principal }),
    ...(causes.length === 0 ? {} : { causes: causes.join(' ') }),
    ...(cost === undefined ? {} : { cost: canonicalize(cost) }),
  })
}

const PARSE_LIMITS = { bytesMax: EVENT_BYTES_MAX, depthMax: EVENT_DEPTH_MAX }

function parse(position: number, bytes: string): Stored {
  try {
    return parseStrict(bytes, PARSE_LIMITS) as Stored
  } catch (cause) {
    const message = `The bytes at position ${position} are no event: verify the log`
    throw new EventsError(EVENTS_CODES.corrupt, message, { position }, cause)
  }
}

/** The last millisecond that RFC 3339 can write. @units epoch milliseconds */
const YEAR_9999_END = 253_402_300_799_999

function timeOf(time: number): { readonly time?: string } {
  return time <= YEAR_9999_END ? { time: new Date(time).toISOString() } : {}
}
