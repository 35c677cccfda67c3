/**
 * What one transaction of an eviction does: judged on what stands in the store, before anything is
 * removed.
 *
 * 1. A row goes only if it is the event of the segment that stands at its place: same stream,
 *    version and leaf hash; and only from the beginning of its stream on.
 * 2. It stands before the event that says that its segment was sealed.
 * 3. Neighbouring positions become one range, with the last range of the transaction before.
 */
import { parseStrict } from '@ice/primitives'
import { namedBlobs } from '../blob-bytes.ts'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { EventMark, EvictRequest } from '../eviction-ports.ts'
import { EVENT_BYTES_MAX } from '../limits.ts'

/** What an event may have (RFC 0001). */
const EVENT_LIMITS = { bytesMax: EVENT_BYTES_MAX, depthMax: 64 }

/** An event as the store has it. */
export interface MovableRow {
  /** The store's number of the stream. */
  readonly id: number
  readonly stream: string
  readonly version: number
  readonly hash: string
  /** @units epoch milliseconds, UTC */
  readonly time: number
  /** May be left empty when no blob is named in it. */
  readonly bytes: string
}

/** What the store knows of the segment and of its own rows. */
export interface MoveGround {
  readonly request: Pick<EvictRequest, 'segment' | 'sealed'>
  readonly blobs: ReadonlySet<string>
  /** Position of the last event that was moved to the segment; 0 for none. */
  readonly last: number
  /** First position of the range that ends with `last`. */
  readonly first: number | undefined
  readonly row: (position: number) => MovableRow | undefined
  /** The version up to which a stream was moved, by its number. */
  readonly seam: (id: number) => number
}

/** The end of what was moved of a stream. */
export interface Seam {
  readonly version: number
  readonly time: number
}

/** What is to be done in one transaction. */
export interface MovePlan {
  readonly positions: readonly number[]
  /** Ranges of the segment; the first may be one that is there, and longer now. */
  readonly ranges: readonly (readonly [first: number, last: number])[]
  /** By the store's numbers of the streams. */
  readonly seams: ReadonlyMap<number, Seam>
  /** Blobs that are named and not in the segment: they may still be brought in, and stay named. */
  readonly names: readonly (readonly [digest: string, position: number])[]
}

/** The refusal of an eviction. */
export function evictionRefusal(why: string): EventsError {
  return new EventsError(EVENTS_CODES.structural, `Nothing was moved: ${why}`, { why })
}

/** @param found - type and bytes of what stands where the log is to say that it was sealed */
export function mustBeSealed(
  { sealed, segment }: MoveGround['request'],
  found: { readonly type: string; readonly bytes: string } | undefined,
): void {
  if (found?.type === 'SegmentSealed') {
    const { data } = parseStrict(found.bytes, EVENT_LIMITS) as {
      readonly data?: { readonly segment?: unknown }
    }
    if (data?.segment === segment) return
  }
  throw evictionRefusal(`the log does not say at position ${sealed} that ${segment} was sealed`)
}

/**
 * Plans the moving of some events of a segment; of those that were moved before, nothing.
 *
 * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION`
 */
export function planMove(part: readonly EventMark[], ground: MoveGround): MovePlan {
  const left = part.filter(({ position }) => position > ground.last)
  const ranges: [first: number, last: number][] = []
  const { first, last } = ground
  if (first !== undefined) ranges.push([first, last])
  const seams = new Map<number, Seam>()
  const names: [digest: string, position: number][] = []
  let before = last
  for (const mark of left) {
    const { position, version } = mark
    if (position <= before) throw evictionRefusal(`position ${position} comes after ${before}`)
    const { id, time, bytes } = movable(mark, ground, seams)
    seams.set(id, { version, time })
    for (const digest of namedBlobs(bytes)) {
      if (!ground.blobs.has(digest)) names.push([digest, position])
    }
    const open = ranges.at(-1)
    if (open !== undefined && position === open[1] + 1) open[1] = position
    else ranges.push([position, position])
    before = position
  }
  return { positions: left.map(({ position }) => position), ranges, seams, names }
}

function movable(
  { position, stream, version, hash }: EventMark,
  { request: { segment, sealed }, row, seam }: MoveGround,
  seams: ReadonlyMap<number, Seam>,
): MovableRow {
  const found = row(position)
  const isIt = found?.stream === stream && found.version === version && found.hash === hash
  if (!isIt) throw evictionRefusal(`${segment} has another event at position ${position}`)
  const end = seams.get(found.id)?.version ?? seam(found.id)
  if (version !== end + 1) throw evictionRefusal(`${stream}@${version} is not the next to be moved`)
  if (position >= sealed) {
    throw evictionRefusal(`position ${position} stands behind its segment's seal`)
  }
  return found
}
