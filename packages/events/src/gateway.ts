/// <reference lib="es2024.string" />
/**
 * The one gateway: structure → taxonomy → authority of origin → payload, in this order.
 *
 * A stage looks at every event of the unit before the next one begins, so that the error a caller
 * sees is the earliest in the order of the law and not in the order of the list. What is left,
 * temporal and causality, depends on what stands in the log: the store judges it.
 */

import {
  type Clock,
  isBlobDigest,
  isStreamId,
  type StreamId,
  type Timestamp,
} from '@ice/primitives'
import { draftEvent, type EventDraft, shown, structural } from './draft.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { EventType } from './event-type.ts'
import {
  UNIT_BLOB_BYTES_MAX,
  UNIT_BLOBS_MAX,
  UNIT_EVENTS_MAX,
  UNIT_GUARDS_MAX,
  UNIT_STREAMS_MAX,
} from './limits.ts'
import type {
  AppendRequest,
  BlobDraft,
  ExpectedVersion,
  Guard,
  PreparedEvent,
  PreparedUnit,
  PreparedWrite,
  StagedBlob,
  StreamWrite,
  UnitConditions,
} from './ports.ts'
import { prepareEvent } from './prepare.ts'
import type { Taxonomy } from './taxonomy.ts'
import { madeOf } from './young.ts'

/** What the gateway judges by. */
export interface GatewayComponents {
  readonly taxonomy: Taxonomy
  readonly clock: Pick<Clock, 'now'>
}

/**
 * Prepares a unit for a store. The request may be changed afterwards; its blobs may not, until
 * the store has taken them.
 *
 * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION`, `ICE_EVENTS_UNIT_LIMIT`,
 * `ICE_EVENTS_TAXONOMY_VIOLATION`, `ICE_EVENTS_AUTHORITY_VIOLATION`,
 * `ICE_EVENTS_PAYLOAD_VIOLATION`, `ICE_EVENTS_EVENT_LIMIT`
 */
export function prepareUnit(request: AppendRequest, components: GatewayComponents): PreparedUnit {
  const { writes, conditions } = readRequest(request)
  const { taxonomy, clock } = components
  for (const write of writes) write.declared = madeOf(write.drafts, (one) => declare(one, taxonomy))
  for (const { drafts, declared } of writes) {
    for (let i = 0; i < drafts.length; i += 1) {
      checkOrigin(drafts[i] as EventDraft, declared[i] as EventType)
    }
  }
  const now = clock.now()
  return { ...conditions, writes: madeOf(writes, (write) => new Write(write, now)) }
}

/** A write whose events are ready. A class for the sake of where it is allocated: `young.ts`. */
class Write implements PreparedWrite {
  readonly stream: StreamId
  readonly expectedVersion: ExpectedVersion
  readonly events: readonly PreparedEvent[]

  constructor({ stream, expectedVersion, drafts, declared }: WriteDraft, now: Timestamp) {
    let at = 0
    this.stream = stream
    this.expectedVersion = expectedVersion
    this.events = madeOf(drafts, (draft) =>
      prepareEvent({ draft, stream, declared: declared[at++] as EventType, now }),
    )
  }
}

/** One stream's part of a request whose structure was checked. */
class WriteDraft {
  readonly stream: StreamId
  readonly expectedVersion: ExpectedVersion
  readonly drafts: readonly EventDraft[]
  /** The types of its events, once they were looked up. */
  declared: readonly EventType[] = NO_TYPES

  constructor(stream: StreamId, expectedVersion: ExpectedVersion, drafts: readonly EventDraft[]) {
    this.stream = stream
    this.expectedVersion = expectedVersion
    this.drafts = drafts
  }
}

const NO_TYPES: readonly EventType[] = Object.freeze([])

interface RequestDraft {
  readonly writes: readonly WriteDraft[]
  readonly conditions: UnitConditions
}

/** Structure: of the request, and of every event in it. */
function readRequest(request: AppendRequest): RequestDraft {
  try {
    const { writes } = request
    if (!Array.isArray(writes) || writes.length === 0) {
      throw structural('"writes" is a list of at least one stream')
    }
    atMost(writes.length, UNIT_STREAMS_MAX, 'streams')
    const conditions = readConditions(request)
    const drafts = madeOf(writes as readonly StreamWrite[], readWrite)
    if (drafts.length > 1) checkWrites(drafts)
    return { writes: drafts, conditions }
  } catch (error) {
    if (error instanceof EventsError) throw error
    // It is no object at all, or a getter or a proxy of the caller threw.
    throw structural('the request cannot be read', error)
  }
}

function checkWrites(writes: readonly WriteDraft[]): void {
  atMost(
    writes.reduce((sum, { drafts }) => sum + drafts.length, 0),
    UNIT_EVENTS_MAX,
    'events',
  )
  if (new Set(writes.map(({ stream }) => stream)).size < writes.length) {
    throw structural('a unit writes each stream once')
  }
}

function readWrite({ stream, expectedVersion, events }: StreamWrite): WriteDraft {
  checkStream(stream)
  if (expectedVersion !== 'any' && expectedVersion !== 'no_stream' && !isCount(expectedVersion)) {
    throw structural('"expectedVersion" is a count of events, "no_stream" or "any"')
  }
  if (!Array.isArray(events) || events.length === 0) {
    throw structural(`the write to ${stream} has no events`)
  }
  atMost(events.length, UNIT_EVENTS_MAX, 'events')
  return new WriteDraft(stream, expectedVersion, madeOf(events, draftEvent))
}

function readConditions({ guards, notAfter, blobs, signal }: AppendRequest): UnitConditions {
  if (notAfter !== undefined && !Number.isSafeInteger(notAfter)) {
    throw structural('"notAfter" is not a time in whole milliseconds')
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw structural('"signal" is not an AbortSignal')
  }
  if (guards === undefined && notAfter === undefined && blobs === undefined) {
    return signal === undefined ? NO_CONDITIONS : { signal }
  }
  return {
    ...(guards === undefined ? {} : { guards: readGuards(guards) }),
    ...(notAfter === undefined ? {} : { notAfter }),
    ...(blobs === undefined ? {} : { blobs: readBlobs(blobs) }),
    ...(signal === undefined ? {} : { signal }),
  }
}

const NO_CONDITIONS: UnitConditions = Object.freeze({})

function readGuards(guards: unknown): readonly Guard[] {
  if (!Array.isArray(guards)) throw structural('"guards" is not a list')
  atMost(guards.length, UNIT_GUARDS_MAX, 'guards')
  // Not `map`, which would step over a hole and leave it there.
  return Array.from(guards as readonly Guard[], ({ stream, version }) => {
    checkStream(stream)
    if (!isCount(version)) throw structural('the version of a guard is a count of events')
    return { stream, version }
  })
}

/** Their digests are the store's to check, on the copy it keeps. */
function readBlobs(blobs: unknown): readonly (BlobDraft | StagedBlob)[] {
  if (!Array.isArray(blobs)) throw structural('"blobs" is not a list')
  atMost(blobs.length, UNIT_BLOBS_MAX, 'blobs')
  let total = 0
  const read = Array.from(blobs as readonly Partial<BlobDraft & StagedBlob>[], (blob) => {
    const { digest, bytes, size } = blob
    if (!isBlobDigest(digest)) throw structural('the digest of a blob is 64 hex digits')
    if (bytes === undefined && isCount(size)) return { digest, size }
    if (!(bytes instanceof Uint8Array)) throw structural('the bytes of a blob are a Uint8Array')
    total += bytes.byteLength
    return { digest, bytes }
  })
  atMost(total, UNIT_BLOB_BYTES_MAX, 'bytes of blobs')
  return read
}

function checkStream(stream: unknown): asserts stream is StreamId {
  if (!isStreamId(stream)) throw structural(`${shown(stream)} is not a stream id`)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function atMost(count: number, max: number, what: string): void {
  if (count <= max) return
  throw new EventsError(
    EVENTS_CODES.unitLimit,
    `The unit has ${count} ${what}; at most ${max} fit into one`,
    { count, max, what },
  )
}

/** Taxonomy: the type exists here. */
function declare({ type }: EventDraft, taxonomy: Taxonomy): EventType {
  const declared = taxonomy.get(type)
  if (declared !== undefined) return declared
  throw unknownType(type, taxonomy)
}

/** The refusal of a type that does not exist here. */
export function unknownType(type: string, taxonomy: Pick<Taxonomy, 'digest'>): EventsError {
  return new EventsError(EVENTS_CODES.taxonomy, `${shown(type)} is not an event type of this log`, {
    type: type.slice(0, 80).toWellFormed(),
    taxonomy: taxonomy.digest,
  })
}

/** Authority of origin: law, not policy. No origin may emit what its kind may not. */
export function checkOrigin({ origin }: EventDraft, declared: EventType): void {
  const kind = origin === 'runtime' ? 'runtime' : 'agent'
  if (declared.origins.includes(kind)) return
  throw new EventsError(
    EVENTS_CODES.authority,
    `${origin} may not emit ${declared.type}; only ${declared.origins.join(' or ')} may`,
    { type: declared.type, origin, allowed: [...declared.origins] },
  )
}
