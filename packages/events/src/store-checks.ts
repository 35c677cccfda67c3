/// <reference lib="es2024.string" />
/** Checks that every store makes alike, on what it is given and on what it has kept. */

import { type Hash, leafHash, sha256Hex } from '@ice/primitives'
import { structural } from './draft.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type {
  BlobDraft,
  EventFilter,
  IntegrityFinding,
  PreparedUnit,
  ReadAllQuery,
  ReadQuery,
  StagedBlob,
  SubscribeQuery,
} from './ports.ts'
import { isPrepared } from './prepare.ts'

/**
 * What every `append` does first, once the store is open: it refuses what is no unit of the
 * gateway, then one that its caller has withdrawn, then blobs whose bytes have another digest.
 *
 * @returns the unit with blobs of the store's own: the caller may change its bytes from here on
 * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION`, `ICE_EVENTS_ABORTED`, `ICE_EVENTS_BLOB_CORRUPT`
 */
export function takeUnit(unit: PreparedUnit): PreparedUnit {
  checkUnit(unit)
  checkSignal(unit.signal)
  return unit.blobs === undefined ? unit : { ...unit, blobs: checkBlobs(unit) }
}

/** What is given here is anything: a store has callers without types. */
function checkUnit(unit: unknown): asserts unit is PreparedUnit {
  if (!isObject(unit)) throw structural('a unit is an object')
  const { writes, guards, blobs, notAfter } = unit
  if (!Array.isArray(writes) || writes.length === 0) throw structural('a unit has no "writes"')
  for (const write of writes as readonly unknown[]) checkWrite(write)
  if (notAfter !== undefined && typeof notAfter !== 'number') {
    throw structural('"notAfter" is no time')
  }
  if (guards !== undefined && !isListOf(guards, isGuard)) {
    throw structural('"guards" is no list of streams and their versions')
  }
  if (blobs !== undefined && !isListOf(blobs, isBlob)) {
    throw structural('"blobs" is no list of digests with their bytes or their size')
  }
}

function checkWrite(write: unknown): void {
  if (!isObject(write)) throw structural('a write of a unit is an object')
  const { stream, expectedVersion, events } = write
  if (typeof stream !== 'string') throw structural('a write of a unit names no stream')
  const isExpected = ['any', 'no_stream'].includes(expectedVersion as string)
  if (!isExpected && !isCount(expectedVersion)) throw structural('"expectedVersion" is no version')
  if (!Array.isArray(events) || events.length === 0) throw structural('a write has no "events"')
  for (const event of events as readonly unknown[]) {
    if (!isPrepared(event)) throw structural('the event did not come through the gateway')
    if (event.stream !== stream) throw structural('the event was prepared for another stream')
  }
}

function isGuard(guard: unknown): boolean {
  return isObject(guard) && typeof guard['stream'] === 'string' && isCount(guard['version'])
}

function isBlob(blob: unknown): boolean {
  if (!isObject(blob) || typeof blob['digest'] !== 'string') return false
  return 'bytes' in blob ? blob['bytes'] instanceof Uint8Array : isCount(blob['size'])
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isListOf(list: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(list) && list.every(isOne)
}

/**
 * Takes the blobs of a unit over: copied first and checked then, so that nobody can change them
 * in between, however long the unit waits for its commit.
 *
 * @throws `ICE_EVENTS_BLOB_CORRUPT` for bytes that have another digest
 */
export function checkBlobs(unit: PreparedUnit): readonly (BlobDraft | StagedBlob)[] {
  return (unit.blobs ?? []).map((blob) => {
    if (!('bytes' in blob)) return blob
    const { digest, bytes } = blob
    const copy = Uint8Array.prototype.slice.call(bytes)
    if (sha256Hex(copy) === (digest as string)) return { digest, bytes: copy }
    throw new EventsError(
      EVENTS_CODES.blobCorrupt,
      'The bytes given for a blob have another digest than it is to be found under',
      { digest: String(digest).slice(0, 64).toWellFormed() },
    )
  })
}

/**
 * Refuses a read whose bounds are no counts. Without it `after: -1` means "the last one" to an
 * array and "everything" to a database.
 *
 * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION`
 */
export function checkQuery(query: Omit<ReadAllQuery, 'signal'> & LagQuery): void {
  const { after, limit, lagMax, filter } = query
  if (after !== undefined && !isCount(after)) throw structural('"after" is not a count of events')
  if (limit !== undefined && !isCount(limit)) throw structural('"limit" is not a count of events')
  if (lagMax !== undefined && !isCount(lagMax)) {
    throw structural('"lagMax" is not a count of events')
  }
  if (filter !== undefined) checkFilter(filter)
}

/** The same for a read of one stream: what is no text has no stream of that name. */
export function checkStreamQuery(query: ReadQuery): void {
  const { stream, backwards } = query
  if (typeof stream !== 'string') throw structural('"stream" is no text')
  if (backwards !== undefined && typeof backwards !== 'boolean') {
    throw structural('"backwards" is neither true nor false')
  }
  checkQuery(query)
}

type LagQuery = Pick<SubscribeQuery, 'lagMax'>

/** What is no filter would let everything through, or nothing, and say neither. */
function checkFilter(filter: EventFilter): void {
  if (typeof filter !== 'object' || filter === null) throw structural('"filter" is no object')
  const { streamPrefix, types, origins, from, before } = filter
  if (streamPrefix !== undefined && typeof streamPrefix !== 'string') {
    throw structural('"streamPrefix" is no text')
  }
  if (types !== undefined && !isTexts(types)) throw structural('"types" is no list of names')
  if (origins !== undefined && !isTexts(origins)) throw structural('"origins" is no list of names')
  for (const [name, time] of [
    ['from', from],
    ['before', before],
  ] as const) {
    if (time !== undefined && !isCount(time)) throw structural(`"${name}" is no time`)
  }
}

function isTexts(list: unknown): boolean {
  return Array.isArray(list) && list.every((one) => typeof one === 'string')
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Ends a read whose caller has withdrawn it. @throws `ICE_EVENTS_ABORTED` */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw new EventsError(EVENTS_CODES.aborted, 'Withdrawn by its caller', {}, signal.reason)
}

/** What is wrong with an event's bytes, if its leaf hash does not hold. */
export function leafFinding(
  position: number,
  bytes: string | Uint8Array,
  hash: Hash,
): IntegrityFinding | undefined {
  const actual = leafHash(bytes)
  if (actual === hash) return undefined
  return {
    code: EVENTS_CODES.corrupt,
    position,
    message: `the bytes at position ${position} hash to ${actual}, but ${hash} was recorded`,
  }
}
