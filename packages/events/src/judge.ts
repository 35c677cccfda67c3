/**
 * Where a unit would stand, and whether it may: the part of an append that depends on what is
 * already in the log. Shared by every store, so that they cannot differ in it.
 *
 * Order: already there → expected versions → guards → `notAfter` → temporal → causality. An event
 * whose expected version is stale has no place at which its time and causes could be judged, so
 * the optimistic check comes first; the order of the five validations of the law is kept among
 * themselves.
 *
 * A store calls `judge` inside its transaction with a ledger of heads that includes the units it
 * accepted earlier in the same transaction.
 */

import {
  type EventId,
  parseEventId,
  type Position,
  type StreamId,
  type StreamVersion,
  type Timestamp,
} from '@ice/primitives'
import { EVENTS_CODES, EventsError } from './errors.ts'
import { isPrepared, structural } from './prepare.ts'
import type {
  Appended,
  AppendedWrite,
  PreparedUnit,
  PreparedWrite,
  SealedEvent,
  StoredEvent,
  StreamHead,
} from './ports.ts'

/** The heads of streams as a store knows them at this moment of its transaction. */
export interface HeadLedger {
  head(stream: StreamId): StreamHead
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
    const stale = findStale(unit, ledger)
    if (stale !== undefined) return stale
    checkGuards(unit, ledger)
    if (unit.notAfter !== undefined && now > unit.notAfter) throw tooLate(unit.notAfter, now)
    return { kind: 'fits', writes: place(unit, ledger) }
  } catch (error) {
    if (error instanceof EventsError) return { kind: 'refused', error }
    throw error
  }
}

function findStale(unit: PreparedUnit, ledger: HeadLedger): Judgement | undefined {
  let stale: EventsError | undefined
  let occupied = true
  for (const write of unit.writes) {
    const { version } = ledger.head(write.stream)
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

function checkGuards(unit: PreparedUnit, ledger: HeadLedger): void {
  for (const guard of unit.guards ?? []) {
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

function place(unit: PreparedUnit, ledger: HeadLedger): readonly SealedWrite[] {
  for (const write of unit.writes) checkTimes(write, ledger.head(write.stream))
  for (let i = 0; i < unit.writes.length; i += 1) checkCauses(unit, i, ledger)
  return unit.writes.map((write) => sealWrite(write, ledger.head(write.stream)))
}

function checkTimes(write: PreparedWrite, head: StreamHead): void {
  let floor = head.time
  for (const event of write.events) {
    if (!isPrepared(event)) throw structural('it did not come through the gateway')
    const { fixedTime } = event
    if (fixedTime === null) continue
    if (fixedTime < floor) {
      throw new EventsError(
        EVENTS_CODES.temporal,
        `${event.type} at ${fixedTime} lies before the last event of ${write.stream} at ${floor}`,
        { type: event.type, stream: write.stream, time: fixedTime, floor },
      )
    }
    floor = fixedTime
  }
}

/** A cause stands in the log, or earlier in this unit: no event causes itself or a past one. */
function checkCauses(unit: PreparedUnit, index: number, ledger: HeadLedger): void {
  const write = unit.writes[index] as PreparedWrite
  for (let i = 0; i < write.events.length; i += 1) {
    const event = write.events[i]
    if (event === undefined || event.causes.length === 0) continue
    for (const cause of event.causes) {
      const at = parseEventId(cause)
      if (at.version > reached(unit, index, i, at.stream, ledger)) {
        throw unknownCause(event.type, cause)
      }
    }
  }
}

/** The version `stream` has just before event `i` of write `index`. */
function reached(
  unit: PreparedUnit,
  index: number,
  i: number,
  stream: StreamId,
  ledger: HeadLedger,
): number {
  const own = unit.writes.findIndex((write) => write.stream === stream)
  const { version } = ledger.head(stream)
  if (own === -1 || own > index) return version
  return version + (own === index ? i : (unit.writes[own] as PreparedWrite).events.length)
}

function unknownCause(type: string, cause: EventId): EventsError {
  return new EventsError(
    EVENTS_CODES.causality,
    `${type} names ${cause} as a cause, which does not stand before it`,
    { type, cause },
  )
}

function sealWrite(write: PreparedWrite, head: StreamHead): SealedWrite {
  let floor = head.time
  let version = head.version
  const events: SealedEvent[] = []
  for (const event of write.events) {
    version += 1
    const sealed = event.seal(version, floor)
    floor = sealed.time
    events.push(sealed)
  }
  return { stream: write.stream, from: head.version, events }
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
