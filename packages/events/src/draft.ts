/**
 * The first validation, structure: the envelope is of the right shape, whatever its type says of
 * the payload. What comes out is a draft of its own, so that nothing the caller does to the event
 * afterwards, and no getter that changes its mind, reaches the log.
 *
 * Each field is read once, and only if it is the event's own: a `principal` that somebody put on
 * `Object.prototype` is nobody's command.
 */

import {
  type EventId,
  isEventId,
  isPrincipalId,
  isTimestamp,
  type Timestamp,
} from '@ice/primitives'
import { encodeText } from './encoders.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import { CAUSES_MAX } from './limits.ts'
import type { Cost, NewEvent, Origin } from './ports.ts'

/** An event whose structure was checked. */
export interface EventDraft {
  readonly type: string
  /** Not looked at yet. */
  readonly data: unknown
  readonly origin: Origin
  readonly causes: readonly EventId[]
  readonly time: Timestamp | null
  /** Canonical JSON; empty when there is none. */
  readonly principal: string
  readonly cost: string
}

const NO_CAUSES: readonly EventId[] = Object.freeze([])

/** A class for the sake of where it is allocated (see `young.ts`). */
class Draft implements EventDraft {
  readonly type: string
  readonly data: unknown
  readonly time: Timestamp | null
  origin: Origin = 'runtime'
  causes: readonly EventId[] = NO_CAUSES
  principal = ''
  cost = ''

  constructor(type: string, data: unknown, time: Timestamp | null) {
    this.type = type
    this.data = data
    this.time = time
  }
}

const ENVELOPE = new Set(['type', 'data', 'origin', 'principal', 'causes', 'cost', 'time'])
const AGENT = /^agent:[A-Za-z0-9._:+~-]{1,128}$/

/** Checks the structure of an event. @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` */
export function draftEvent(event: NewEvent): EventDraft {
  if (typeof event !== 'object' || event === null) throw structural('an event is an object')
  for (const key of Object.keys(event)) {
    if (!ENVELOPE.has(key)) throw structural(`an event has no ${shown(key)}`)
  }
  const type: unknown = Object.hasOwn(event, 'type') ? event.type : undefined
  if (typeof type !== 'string') throw structural('"type" is not a string')
  const data: unknown = Object.hasOwn(event, 'data') ? event.data : undefined
  if (data === undefined) throw structural('"data" is missing')
  const time: unknown = Object.hasOwn(event, 'time') ? event.time : undefined
  if (time !== undefined && !isTimestamp(time)) {
    throw structural('"time" is not a whole number of milliseconds since 1970')
  }
  const draft = new Draft(type, data, time ?? null)
  if (Object.hasOwn(event, 'origin')) draft.origin = readOrigin(event.origin)
  if (Object.hasOwn(event, 'causes')) draft.causes = readCauses(event.causes)
  if (Object.hasOwn(event, 'principal')) draft.principal = encodePrincipal(event.principal)
  if (Object.hasOwn(event, 'cost')) draft.cost = encodeCost(event.cost)
  return draft
}

function readOrigin(origin: unknown): Origin {
  if (origin === undefined || origin === 'runtime') return 'runtime'
  if (typeof origin === 'string' && AGENT.test(origin)) return origin as Origin
  throw structural('"origin" is neither "runtime" nor "agent:<id>"')
}

function encodePrincipal(principal: unknown): string {
  if (principal === undefined) return ''
  if (!isPrincipalId(principal)) throw structural('"principal" is not a principal id')
  return encodeText(principal) as string
}

function readCauses(causes: unknown): readonly EventId[] {
  if (causes === undefined) return NO_CAUSES
  if (!Array.isArray(causes)) throw structural('"causes" is not a list of event ids')
  const { length } = causes
  if (length > CAUSES_MAX) throw structural(`"causes" names more than ${CAUSES_MAX}`)
  const read: EventId[] = []
  for (let at = 0; at < length; at += 1) {
    const cause: unknown = causes[at]
    if (!isEventId(cause)) throw structural('"causes" holds something that is not an event id')
    read.push(cause)
  }
  return read
}

/** The fields of a cost in canonical order. */
const COST_FIELDS = [
  'bytesIn',
  'bytesOut',
  'currency',
  'microMoney',
  'ms',
  'tokensIn',
  'tokensOut',
] as const satisfies readonly (keyof Cost)[]

function encodeCost(cost: unknown): string {
  if (cost === undefined) return ''
  if (typeof cost !== 'object' || cost === null) throw structural('"cost" is not an object')
  const stranger = Object.keys(cost).find(
    (key) => !(COST_FIELDS as readonly string[]).includes(key),
  )
  if (stranger !== undefined) throw structural(`"cost" has no ${shown(stranger)}`)
  const parts: string[] = []
  for (const key of COST_FIELDS) {
    const value: unknown = Object.hasOwn(cost, key) ? (cost as Cost)[key] : undefined
    if (value !== undefined) parts.push(`"${key}":${encodeCostField(key, value)}`)
  }
  return `{${parts.join(',')}}`
}

function encodeCostField(key: keyof Cost, value: unknown): string {
  if (key === 'currency') {
    if (typeof value === 'string' && /^[A-Z]{3,8}$/.test(value)) return `"${value}"`
    throw structural('"cost.currency" is not a currency code')
  }
  if (Number.isSafeInteger(value) && (value as number) >= 0) return String(value)
  throw structural(`"cost.${key}" is not a whole number >= 0`)
}

/** What is wrong with the form of a request. */
export function structural(why: string, cause?: unknown): EventsError {
  return new EventsError(EVENTS_CODES.structural, `Malformed: ${why}`, { why }, cause)
}

/** A value in an error: short, and without what would steer a terminal. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : `a ${typeof value}`
}
