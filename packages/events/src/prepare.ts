/**
 * The first three validations — structure, taxonomy, authority of origin — and the event that has
 * passed them.
 *
 * Of the canonical bytes of an event only two things depend on its place: the time, when the log
 * assigns it, and the version, which RFC 8785 happens to sort last. So everything else is written
 * before any lock is taken, and `seal` only joins four strings and hashes them.
 *
 * The trap this closes: `store.append(anything)`. A prepared event carries a private mark that
 * nothing outside this file can make, and stores refuse what lacks it.
 */

import {
  type EventId,
  isEventId,
  isStreamId,
  leafHash,
  type StreamId,
  type Timestamp,
} from '@ice/primitives'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { EventType } from './event-type.ts'
import { CAUSES_MAX, EVENT_BYTES_MAX } from './limits.ts'
import type { Cost, NewEvent, PreparedEvent, SealedEvent } from './ports.ts'
import { encodeText } from './schema.ts'
import type { Taxonomy } from './taxonomy.ts'

class Prepared implements PreparedEvent {
  readonly #head: string
  readonly #tail: string
  readonly #proposed: Timestamp
  readonly type: string
  readonly causes: readonly EventId[]
  readonly fixedTime: Timestamp | null

  constructor(event: NewEvent, stream: StreamId, declared: EventType, now: Timestamp) {
    this.type = declared.type
    this.causes = event.causes ?? NO_CAUSES
    this.fixedTime = event.time ?? null
    this.#proposed = now
    // Keys in the order of RFC 8785 §3.2.3; `time` and `version` are filled in by `seal`.
    const data = declared.encode(event.data)
    const cost = event.cost === undefined ? '' : `,"cost":${encodeCost(event.cost)}`
    const principal =
      event.principal === undefined ? '' : `,"principal":${encodeText(event.principal)}`
    const origin = event.origin ?? 'runtime'
    this.#head =
      `{"causes":${encodeCauses(this.causes)}${cost},"data":${data},"origin":"${origin}"` +
      `${principal},"schema":${declared.schema},"stream":"${stream}","time":`
    this.#tail = `,"type":"${declared.type}","v":1,"version":`
  }

  seal(version: number, floor: number): SealedEvent {
    const time = this.fixedTime ?? (Math.max(this.#proposed, floor) as Timestamp)
    const bytes = `${this.#head}${time}${this.#tail}${version}}`
    if (bytes.length * 3 > EVENT_BYTES_MAX && Buffer.byteLength(bytes) > EVENT_BYTES_MAX) {
      throw new EventsError(
        EVENTS_CODES.eventLimit,
        `${this.type} has ${Buffer.byteLength(bytes)} bytes; an event has at most ` +
          `${EVENT_BYTES_MAX}. Keep large values in blobs`,
        { type: this.type, bytes: Buffer.byteLength(bytes), bytesMax: EVENT_BYTES_MAX },
      )
    }
    return { bytes, hash: leafHash(bytes), time }
  }

  matches(version: number, storedBytes: string): boolean {
    const tail = `${this.#tail}${version}}`
    if (!storedBytes.startsWith(this.#head) || !storedBytes.endsWith(tail)) return false
    const time = storedBytes.slice(this.#head.length, storedBytes.length - tail.length)
    return this.fixedTime === null ? /^\d+$/.test(time) : time === String(this.fixedTime)
  }

  static isOne(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #head in value
  }
}

const NO_CAUSES: readonly EventId[] = Object.freeze([])

/** Whether the gateway made this event: stores ask it of everything they are given. */
export function isPrepared(value: unknown): value is PreparedEvent {
  return Prepared.isOne(value)
}

function encodeCauses(causes: readonly EventId[]): string {
  return causes.length === 0 ? '[]' : `["${causes.join('","')}"]`
}

const COST_FIELDS = ['bytesIn', 'bytesOut', 'currency', 'microMoney', 'ms'] as const
const TOKEN_FIELDS = ['tokensIn', 'tokensOut'] as const

function encodeCost(cost: Cost): string {
  const parts: string[] = []
  for (const key of [...COST_FIELDS, ...TOKEN_FIELDS]) {
    const value = cost[key]
    if (value !== undefined) parts.push(`"${key}":${JSON.stringify(value)}`)
  }
  return `{${parts.join(',')}}`
}

const ENVELOPE = new Set(['type', 'data', 'origin', 'principal', 'causes', 'cost', 'time'])
const ORIGIN = /^(?:runtime|agent:[A-Za-z0-9._:+~-]{1,128})$/
const PRINCIPAL = /^[\u0021-\u007e]{1,128}$/

/** Structure: the envelope is of the right shape, whatever the type says of the payload. */
export function checkStructure(event: NewEvent): void {
  if (typeof event !== 'object' || event === null) throw structural('an event is an object')
  for (const key of Object.keys(event)) {
    if (!ENVELOPE.has(key)) throw structural(`an event has no "${key}"`)
  }
  if (typeof event.type !== 'string') throw structural('"type" is not a string')
  if (event.data === undefined) throw structural('"data" is missing')
  const { origin, principal, causes, cost, time } = event
  if (origin !== undefined && !(typeof origin === 'string' && ORIGIN.test(origin))) {
    throw structural('"origin" is neither "runtime" nor "agent:<id>"')
  }
  if (principal !== undefined && !(typeof principal === 'string' && PRINCIPAL.test(principal))) {
    throw structural('"principal" is not a principal id')
  }
  if (time !== undefined && !(Number.isSafeInteger(time) && time >= 0)) {
    throw structural('"time" is not a whole number of milliseconds since 1970')
  }
  if (causes !== undefined) checkCauses(causes)
  if (cost !== undefined) checkCost(cost)
}

function checkCauses(causes: readonly EventId[]): void {
  if (!Array.isArray(causes)) throw structural('"causes" is not a list of event ids')
  if (causes.length > CAUSES_MAX) throw structural(`"causes" names more than ${CAUSES_MAX}`)
  for (const cause of causes) {
    if (!isEventId(cause)) {
      throw structural('"causes" holds something that is not an event id')
    }
  }
}

function checkCost(cost: Cost): void {
  if (typeof cost !== 'object' || cost === null) throw structural('"cost" is not an object')
  for (const [key, value] of Object.entries(cost) as [string, unknown][]) {
    if (value === undefined) continue
    const currency = key === 'currency'
    const known =
      currency ||
      (COST_FIELDS as readonly string[]).includes(key) ||
      (TOKEN_FIELDS as readonly string[]).includes(key)
    if (!known) throw structural(`"cost" has no "${key}"`)
    if (currency) {
      if (typeof value !== 'string' || !/^[A-Z]{3,8}$/.test(value)) {
        throw structural('"cost.currency" is not a currency code')
      }
    } else if (!(Number.isSafeInteger(value) && (value as number) >= 0)) {
      throw structural(`"cost.${key}" is not a whole number >= 0`)
    }
  }
}

/** Structure of the place an event is meant for. */
export function checkStream(stream: unknown): asserts stream is StreamId {
  if (typeof stream !== 'string' || !isStreamId(stream)) {
    throw structural(`${JSON.stringify(stream)?.slice(0, 80)} is not a stream id`)
  }
}

/** Taxonomy: the type exists here. */
export function checkTaxonomy(event: NewEvent, taxonomy: Taxonomy): EventType {
  const declared = taxonomy.get(event.type)
  if (declared !== undefined) return declared
  const type = event.type.slice(0, 80)
  throw new EventsError(
    EVENTS_CODES.taxonomy,
    `${JSON.stringify(type)} is not an event type of this log`,
    { type, taxonomy: taxonomy.digest },
  )
}

/** Authority of origin: law, not policy. No origin may emit what its kind may not. */
export function checkAuthority(event: NewEvent, declared: EventType): void {
  const origin = event.origin ?? 'runtime'
  const kind = origin === 'runtime' ? 'runtime' : 'agent'
  if (declared.origins.includes(kind)) return
  throw new EventsError(
    EVENTS_CODES.authority,
    `${origin} may not emit ${declared.type}; only ${declared.origins.join(' or ')} may`,
    { type: declared.type, origin, allowed: [...declared.origins] },
  )
}

/** Encodes an event that has passed the three checks. The payload is held to its schema here. */
export function prepareEvent(
  event: NewEvent,
  stream: StreamId,
  declared: EventType,
  now: Timestamp,
): PreparedEvent {
  return new Prepared(event, stream, declared, now)
}

export function structural(why: string): EventsError {
  return new EventsError(EVENTS_CODES.structural, `The event is malformed: ${why}`, { why })
}
