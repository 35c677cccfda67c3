/**
 * Sealed segments that are not there: what a test says to the log so that its store may let go of
 * events, without an archive that would write a file.
 */
import { type Position, type StreamId, streamId, systemClock } from '@ice/primitives'
import { decodeEvent } from '../decode.ts'
import { createEventLog } from '../log.ts'
import type { EventMark, EventStore, EvictRequest, StoredEvent } from '../ports.ts'
import { composeTaxonomy } from '../taxonomy.ts'
import { standardTypes } from '../types/index.ts'
import { gather } from './notes.ts'

/** A name as the archive gives them. */
export const SEGMENT_NAME = 'segment-1-0123456789abcdef.ice'

/** What tells one event from all others. */
export function markOf(stored: StoredEvent): EventMark {
  const { position, stream, version, hash } = decodeEvent(stored, { get: () => undefined })
  return { position, stream, version, hash }
}

/** Says that a segment was sealed, whatever is in it. @returns where the log says so */
export async function seal(
  { store }: { readonly store: EventStore },
  segment: string = SEGMENT_NAME,
): Promise<Position> {
  const zero = '0'.repeat(64)
  const counts = { bytes: 1, events: 1, streams: 1, blobs: 0, firstPosition: 1, lastPosition: 1 }
  const data = {
    ...{ segment, digest: zero, root: zero, incarnation: 'x', firstTime: 0, lastTime: 0 },
    ...counts,
  }
  const taxonomy = composeTaxonomy(standardTypes)
  const log = createEventLog({ store, taxonomy, clock: systemClock })
  const events = [{ type: 'SegmentSealed', data }]
  const stream = streamId('archive/segments')
  const { writes } = await log.append({ writes: [{ stream, expectedVersion: 'any', events }] })
  return writes[0]?.positions[0] as Position
}

/** Seals all that a stream has, and asks for it to be let go of. */
export async function sealed(
  opened: { readonly store: EventStore },
  stream: StreamId,
): Promise<EvictRequest> {
  const events = (await gather(opened.store.read({ stream }))).map(markOf)
  return { sealed: await seal(opened), segment: SEGMENT_NAME, events, blobs: [] }
}
