/**
 * A page of imported events as units for a store, so that positions come out as they were.
 *
 * A store gives positions in the order of a unit, stream by stream; so a unit ends where a stream
 * would come a second time. Units are sent without waiting for each other, and a store judges them
 * in the order in which they come. What keeps them together is a guard: each names the stream that
 * the one before it wrote last, at the version it left it with. When one is refused, all after it
 * are refused too, and what is in the log is a beginning of what was to be imported.
 *
 * The trap this closes: a unit that gets in after the one before it was turned away.
 */

import type { BlobDigest, Position, StreamId, StreamVersion } from '@ice/primitives'
import { UNIT_BLOBS_MAX, UNIT_EVENTS_MAX, UNIT_STREAMS_MAX } from '../limits.ts'
import type {
  Appended,
  Guard,
  PreparedEvent,
  PreparedUnit,
  PreparedWrite,
  StagedBlob,
} from '../ports.ts'
import type { PreparedStored } from '../prepare-stored.ts'

/** An event on its way in. */
export interface IncomingEvent extends PreparedStored {
  /** Of the export. */
  readonly line: number
  readonly position: number
  /** Blobs it names that were brought before it in its page. */
  readonly blobs: readonly StagedBlob[]
}

/** A unit, and where its events come from. */
export interface IncomingUnit {
  readonly unit: PreparedUnit
  readonly first: IncomingEvent
  readonly last: IncomingEvent
  readonly count: number
}

interface Draft {
  readonly writes: { readonly first: IncomingEvent; readonly events: PreparedEvent[] }[]
  readonly streams: Set<StreamId>
  readonly blobs: Map<BlobDigest, StagedBlob>
  first: IncomingEvent
  last: IncomingEvent
  count: number
}

/** Cuts a page into units, in order. */
export function unitsOf(
  events: readonly IncomingEvent[],
  signal: AbortSignal | undefined,
): readonly IncomingUnit[] {
  const units: IncomingUnit[] = []
  let draft: Draft | null = null
  let guard: Guard | null = null
  for (const event of events) {
    if (draft !== null && !fits(draft, event)) {
      units.push(finish(draft, guard, signal))
      guard = { stream: draft.last.stream, version: draft.last.version }
      draft = null
    }
    draft = add(draft, event)
  }
  if (draft !== null) units.push(finish(draft, guard, signal))
  return units
}

function fits({ streams, last, blobs, count }: Draft, event: IncomingEvent): boolean {
  const continues = last.stream === event.stream && last.version + 1 === event.version
  const fresh = !streams.has(event.stream) && streams.size < UNIT_STREAMS_MAX
  const blobsFit = blobs.size + event.blobs.length <= UNIT_BLOBS_MAX
  return (continues || fresh) && count < UNIT_EVENTS_MAX && blobsFit
}

function add(draft: Draft | null, event: IncomingEvent): Draft {
  const into: Draft = draft ?? {
    ...{ writes: [], streams: new Set(), blobs: new Map() },
    ...{ first: event, last: event, count: 0 },
  }
  if (into.count > 0 && into.last.stream === event.stream) {
    into.writes.at(-1)?.events.push(event.event)
  } else {
    into.writes.push({ first: event, events: [event.event] })
    into.streams.add(event.stream)
  }
  for (const blob of event.blobs.slice(0, UNIT_BLOBS_MAX)) into.blobs.set(blob.digest, blob)
  into.last = event
  into.count += 1
  return into
}

function finish(
  { writes, blobs, first, last, count, streams }: Draft,
  guard: Guard | null,
  signal: AbortSignal | undefined,
): IncomingUnit {
  const prepared = writes.map(
    ({ first: { stream, version }, events }): PreparedWrite => ({
      stream,
      expectedVersion: (version - 1) as StreamVersion,
      events,
    }),
  )
  // A unit that writes the stream itself expects its version, which says the same.
  const guards = guard === null || streams.has(guard.stream) ? [] : [guard]
  const unit: PreparedUnit = {
    writes: prepared,
    ...(guards.length === 0 ? {} : { guards }),
    ...(blobs.size === 0 ? {} : { blobs: [...blobs.values()] }),
    ...(signal === undefined ? {} : { signal }),
  }
  return { unit, first, last, count }
}

/** The first position that is not the one its event had, or `null`. */
export function strayPosition(incoming: IncomingUnit, { writes }: Appended): Position | null {
  let expected = incoming.first.position
  for (const { positions } of writes) {
    for (const position of positions) {
      if (position !== expected) return position
      expected += 1
    }
  }
  return null
}
