/**
 * Where a unit would stand, and whether it may: the part of an append that depends on what is
 * already in the log. Shared by every store, so that they cannot differ in it.
 *
 * Order: already there → expected versions → guards → `notAfter` → temporal → causality → staged
 * blobs. An event
 * whose expected version is stale has no place at which its time and causes could be judged, so
 * the optimistic check comes first; the order of the five validations of the law is kept among
 * themselves.
 *
 * Before all that, what did not come through the gateway is refused, and so is an event whose
 * bytes name another stream than the one it is to stand in.
 *
 * A store calls `judge` inside its transaction with a ledger of heads that includes the units it
 * accepted earlier in the same transaction.
 */

import type {
  BlobDigest,
  EventId,
  Position,
  StreamId,
  StreamVersion,
  Timestamp,
} from '@ice/primitives'
import { blobNotFound, bringsBytes } from './blob-bytes.ts'
import { structural } from './draft.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type {
  Appended,
  AppendedWrite,
  Guard,
  PreparedEvent,
  PreparedUnit,
  PreparedWrite,
  SealedEvent,
  StoredEvent,
  StreamHead,
} from './ports.ts'
import { isPrepared } from './prepare.ts'
import { madeOf } from './young.ts'

/** The heads of streams as a store knows them at this moment of its transaction. */
export interface HeadLedger {
  /** Asked once for each stream; the answer does not change while the unit is judged. */
  head(stream: StreamId): StreamHead
  /** Whether the blob is there now. Asked of staged ones only. */
  hasBlob(digest: BlobDigest): boolean
}

/** The sealed events of one write, and the head they leave behind. */
export interface SealedWrite {
  readonly stream: StreamId
  readonly from: number
  readonly events: readonly SealedEvent[]
}

/** What a store is to do with a unit. */
export type Judgement =
  | { readonly kind: 'fits'; readonly writes: readonly SealedWrite[] }
  /** Its places are taken: by itself, if `retryAnswer` finds its bytes there. */
  | { readonly kind: 'occupied'; readonly conflict: EventsError }
  | { readonly kind: 'refused'; readonly error: EventsError }

/** Judges one unit. Pure: the ledger is only read. @param now - the store's clock, epoch ms */
export function judge(unit: PreparedUnit, ledger: HeadLedger, now: number): Judgement {
  try {
    for (const write of unit.writes) checkPrepared(write)
    const heads = madeOf(unit.writes, ({ stream }) => ledger.head(stream))
    const stale = findStale(unit, heads)
    if (stale !== undefined) return stale
    if (unit.guards !== undefined) checkGuards(unit.guards, ledger)
    if (unit.notAfter !== undefined && now > unit.notAfter) throw tooLate(unit.notAfter, now)
    for (let i = 0; i < heads.length; i += 1) checkTimes(writeAt(unit, i), headAt(heads, i))
    for (let i = 0; i < heads.length; i += 1) checkCauses(unit, i, ledger)
    if (unit.blobs !== undefined) checkStaged(unit.blobs, ledger)
    let at = 0
    const writes = madeOf(unit.writes, (write) => new Fitting(write, headAt(heads, at++)))
    return { kind: 'fits', writes }
  } catch (error) {
    if (error instanceof EventsError) return { kind: 'refused', error }
    throw error
  }
}

function writeAt(unit: PreparedUnit, index: number): PreparedWrite {
  return unit.writes[index] as PreparedWrite
}

function headAt(heads: readonly StreamHead[], index: number): StreamHead {
  return heads[index] as StreamHead
}

function checkPrepared({ stream, events }: PreparedWrite): void {
  for (const event of events) {
    if (!isPrepared(event)) throw structural('the event did not come through the gateway')
    if (event.stream !== stream) throw structural('the event was prepared for another stream')
  }
}

function findStale(unit: PreparedUnit, heads: readonly StreamHead[]): Judgement | undefined {
  let stale: EventsError | undefined
  let occupied = true
  for (let i = 0; i < heads.length; i += 1) {
    const write = writeAt(unit, i)
    const { version } = headAt(heads, i)
    const expected = expectedNumber(write, version)
    if (expected !== version) {
      stale ??= new EventsError(
        EVENTS_CODES.versionConflict,
        `${write.stream} is at version ${version}, not at ${expected}`,
        { stream: write.stream, expected, actual: version },
      )
    }
    if (write.expectedVersion === 'any' || version < expected + write.events.length) {
      occupied = false
    }
  }
  if (stale === undefined) return undefined
  return occupied ? { kind: 'occupied', conflict: stale } : { kind: 'refused', error: stale }
}

function expectedNumber(write: PreparedWrite, actual: number): number {
  if (write.expectedVersion === 'any') return actual
  return write.expectedVersion === 'no_stream' ? 0 : write.expectedVersion
}

function checkGuards(guards: readonly Guard[], ledger: HeadLedger): void {
  for (const guard of guards) {
    const { version } = ledger.head(guard.stream)
    if (version === guard.version) continue
    throw new EventsError(
      EVENTS_CODES.guardConflict,
      `${guard.stream} has moved from version ${guard.version} to ${version}`,
      { stream: guard.stream, expected: guard.version, actual: version },
    )
  }
}

function tooLate(notAfter: number, now: number): EventsError {
  return new EventsError(
    EVENTS_CODES.tooLate,
    `The unit was valid until ${notAfter}; the store's clock says ${now}`,
    { notAfter, now },
  )
}

/** A given time lies not before the event ahead of it, whether that one's time was given or not. */
function checkTimes({ stream, events }: PreparedWrite, head: StreamHead): void {
  let floor = head.time
  for (const event of events) {
    const time = event.timeAfter(floor)
    if (time < floor) {
      throw new EventsError(
        EVENTS_CODES.temporal,
        `${event.type} at ${time} lies before the event ahead of it in ${stream} at ${floor}`,
        { type: event.type, stream, time, floor },
      )
    }
    floor = time
  }
}

/** A cause stands in the log, or earlier in this unit: no event causes itself or a past one. */
function checkCauses(unit: PreparedUnit, index: number, ledger: HeadLedger): void {
  const { events } = writeAt(unit, index)
  for (let i = 0; i < events.length; i += 1) {
    const { type, causes } = events[i] as PreparedEvent
    for (const cause of causes) {
      const at = cause.indexOf('@')
      const stream = cause.slice(0, at) as StreamId
      const before = ledger.head(stream).version + aheadInUnit(unit, stream, { index, i })
      if (Number(cause.slice(at + 1)) > before) throw unknownCause(type, cause)
    }
  }
}

/** How many events of `stream` the unit has ahead of event `i` of write `index`. */
function aheadInUnit(
  { writes }: PreparedUnit,
  stream: StreamId,
  { index, i }: { readonly index: number; readonly i: number },
): number {
  const own = writes.findIndex((write) => write.stream === stream)
  if (own === -1 || own > index) return 0
  return own === index ? i : (writes[own] as PreparedWrite).events.length
}

/** What is said to be there is there, or comes with the same unit. */
function checkStaged(blobs: NonNullable<PreparedUnit['blobs']>, ledger: HeadLedger): void {
  for (const blob of blobs) {
    if (bringsBytes(blob) || ledger.hasBlob(blob.digest)) continue
    const comes = blobs.some((one) => bringsBytes(one) && one.digest === blob.digest)
    if (!comes) throw blobNotFound(blob.digest)
  }
}

function unknownCause(type: string, cause: EventId): EventsError {
  return new EventsError(
    EVENTS_CODES.causality,
    `${type} names ${cause} as a cause, which does not stand before it`,
    { type, cause },
  )
}

/** A class for the sake of where it is allocated: `young.ts`. */
class Fitting implements SealedWrite {
  readonly stream: StreamId
  readonly from: number
  readonly events: readonly SealedEvent[]

  constructor({ stream, events }: PreparedWrite, head: StreamHead) {
    let floor = head.time
    let version = head.version
    this.stream = stream
    this.from = head.version
    this.events = madeOf(events, (event) => {
      version += 1
      const sealed = event.seal(version, floor)
      floor = sealed.time
      return sealed
    })
  }
}

/** Finds a stored event by its place. */
export type StoredLookup = (stream: StreamId, version: number) => StoredEvent | undefined

/** The acknowledgement of a unit whose own events occupy its places; `undefined` if others do. */
export function retryAnswer(unit: PreparedUnit, lookup: StoredLookup): Appended | undefined {
  const writes: AppendedWrite[] = []
  for (const write of unit.writes) {
    const from = expectedNumber(write, 0)
    const positions: Position[] = []
    const times: Timestamp[] = []
    for (let i = 0; i < write.events.length; i += 1) {
      const version = from + i + 1
      const stored = lookup(write.stream, version)
      const event = write.events[i]
      if (stored === undefined || event?.matches(version, stored.bytes) !== true) return undefined
      positions.push(stored.position)
      times.push((JSON.parse(stored.bytes) as { time: Timestamp }).time)
    }
    const version = (from + write.events.length) as StreamVersion
    writes.push({ stream: write.stream, version, positions, times })
  }
  return { writes, retried: true }
}
