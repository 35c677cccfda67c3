/**
 * A prepared event: one that has passed structure, taxonomy and authority of origin, and whose
 * payload fits its schema.
 *
 * Of the canonical bytes of an event only two things depend on its place: the time, when the log
 * assigns it, and the version, which RFC 8785 happens to sort last. So everything else is written
 * before any lock is taken, and `seal` only joins four strings and hashes them.
 *
 *     {"causes":[…],"cost":{…},"data":{…},"origin":"…","principal":"…","schema":1,"stream":"…",
 *      "time": T ,"type":"…","v":1,"version": V }
 *
 * The trap this closes: `store.append(anything)`. A prepared event carries a private mark that
 * nothing outside this file can make, and stores refuse what lacks it.
 */

import {
  type EventId,
  type Hash,
  invariant,
  leafHash,
  type StreamId,
  type Timestamp,
} from '@ice/primitives'
import { type EventDraft, structural } from './draft.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { EventType } from './event-type.ts'
import { EVENT_BYTES_MAX, PLACE_BYTES_MAX } from './limits.ts'
import type { PreparedEvent, SealedEvent } from './ports.ts'

/** What an event's bytes are made of. */
export interface PrepareInit {
  readonly draft: EventDraft
  readonly stream: StreamId
  readonly declared: Pick<EventType, 'type' | 'schema' | 'encode'>
  /** The time it gets when none was given. */
  readonly now: Timestamp
}

/** Where an event stands that was stored before, and what it is there. */
interface StoredPlace {
  readonly version: number
  readonly sealed: SealedEvent
}

/** A class for the sake of where it is allocated: `young.ts`. */
class Sealed implements SealedEvent {
  readonly bytes: string
  readonly hash: Hash
  readonly time: Timestamp

  constructor(bytes: string, hash: Hash, time: Timestamp) {
    this.bytes = bytes
    this.hash = hash
    this.time = time
  }
}

class Prepared implements PreparedEvent {
  readonly #head: string
  readonly #tail: string
  readonly #proposed: Timestamp
  readonly stream: StreamId
  readonly type: string
  readonly causes: readonly EventId[]
  readonly fixedTime: Timestamp | null
  /** The only place it fits, of an event that was stored before; `null` of one that is new. */
  #kept: StoredPlace | null = null

  constructor({ draft, stream, declared, now }: PrepareInit) {
    const { causes, cost, principal, origin } = draft
    this.stream = stream
    this.type = declared.type
    this.causes = causes
    this.fixedTime = draft.time
    this.#proposed = now
    // Keys in the order of RFC 8785 §3.2.3; ids, origins and types need no escaping.
    const named = causes.length === 0 ? '' : `"${causes.join('","')}"`
    this.#head = flat(
      `{"causes":[${named}]${cost === '' ? '' : `,"cost":${cost}`}` +
        `,"data":${declared.encode(draft.data)},"origin":"${origin}"` +
        `${principal === '' ? '' : `,"principal":${principal}`}` +
        `,"schema":${declared.schema},"stream":"${stream}","time":`,
    )
    this.#tail = `,"type":"${declared.type}","v":1,"version":`
    this.#checkSize()
  }

  /** Time and version are counted at their widest: whether an event fits is not up to its place. */
  #checkSize(): void {
    const room = EVENT_BYTES_MAX - PLACE_BYTES_MAX - this.#tail.length
    if (this.#head.length * 3 <= room) return
    const bytes = Buffer.byteLength(this.#head)
    if (bytes <= room) return
    throw new EventsError(
      EVENTS_CODES.eventLimit,
      `${this.type} is larger than the ${EVENT_BYTES_MAX} bytes of an event: keep large values ` +
        'in blobs',
      { type: this.type, bytes: bytes + EVENT_BYTES_MAX - room, bytesMax: EVENT_BYTES_MAX },
    )
  }

  get size(): number {
    return this.#head.length + this.#tail.length
  }

  timeAfter(floor: number): Timestamp {
    return this.fixedTime ?? (Math.max(this.#proposed, floor) as Timestamp)
  }

  seal(version: number, floor: number): SealedEvent {
    if (this.#kept !== null) return this.#sealAgain(this.#kept, version, floor)
    const time = this.timeAfter(floor)
    const bytes = `${this.#head}${time}${this.#tail}${version}}`
    return new Sealed(bytes, leafHash(bytes), time)
  }

  #sealAgain(kept: StoredPlace, version: number, floor: number): SealedEvent {
    if (version === kept.version && floor <= kept.sealed.time) return kept.sealed
    const data = { stream: this.stream, version: kept.version, place: version }
    throw new EventsError(
      EVENTS_CODES.structural,
      `${this.stream}@${kept.version} was stored with its place, and fits at no other`,
      data,
    )
  }

  matches(version: number, storedBytes: string): boolean {
    const kept = this.#kept
    if (kept !== null) return version === kept.version && storedBytes === kept.sealed.bytes
    const tail = `${this.#tail}${version}}`
    if (!storedBytes.startsWith(this.#head) || !storedBytes.endsWith(tail)) return false
    const time = storedBytes.slice(this.#head.length, storedBytes.length - tail.length)
    return this.fixedTime === null ? /^\d+$/.test(time) : time === String(this.fixedTime)
  }

  /** Holds an event to the bytes it was stored with. */
  static keep(event: Prepared, version: number, bytes: string): SealedEvent {
    const sealed = event.seal(version, 0)
    if (sealed.bytes !== bytes) throw structural('its bytes would be written otherwise')
    event.#kept = { version, sealed }
    return sealed
  }

  static isOne(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #head in value
  }
}

/**
 * The same text as one piece. V8 keeps a concatenation as a tree of its parts until somebody looks
 * at a character of it. Events that wait for their commit as trees were seen to survive every
 * minor collection, dead ones too, until a major one.
 */
function flat(text: string): string {
  // In the middle: the first character is found without joining anything.
  invariant(text.charCodeAt(text.length >> 1) !== 0, 'JSON holds no NUL')
  return text
}

/**
 * Writes the bytes of an event that has passed the first three validations.
 *
 * @throws `ICE_EVENTS_PAYLOAD_VIOLATION`, `ICE_EVENTS_EVENT_LIMIT`
 */
export function prepareEvent(init: PrepareInit): PreparedEvent {
  return new Prepared(init)
}

/**
 * Writes the bytes of an event anew that was stored before, and holds it to them.
 *
 * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` — they come out otherwise —, and as `prepareEvent`
 */
export function prepareKept(
  init: PrepareInit,
  { version, bytes }: { readonly version: number; readonly bytes: string },
): { readonly event: PreparedEvent; readonly sealed: SealedEvent } {
  const event = new Prepared(init)
  return { event, sealed: Prepared.keep(event, version, bytes) }
}

/** Whether the gateway made this event: stores ask it of everything they are given. */
export function isPrepared(value: unknown): value is PreparedEvent {
  return Prepared.isOne(value)
}
