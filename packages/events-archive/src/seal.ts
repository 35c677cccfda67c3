/**
 * Sealing: the way of a segment from events in the store to a file that the log names.
 *
 *     write under another name → read back → hold against the log → rename → record
 */

import { EVENTS_CODES } from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import { type Hash, hasCode, type StreamVersion } from '@ice/primitives'
import type { Batch } from './batch.ts'
import { corrupt, EVENTS_ARCHIVE_CODES, EventsArchiveError } from './errors.ts'
import { type SegmentFolder, segmentName } from './folder.ts'
import { fileOctets } from './octets.ts'
import type { ArchivedEventStore, SegmentRecord } from './ports.ts'
import { SEGMENT_SEALED, SEGMENTS_STREAM } from './records.ts'
import { Segment } from './segment.ts'
import { type VerifiedSegment, verifySegment } from './verify-segment.ts'
import { writeSegment } from './write-segment.ts'

/** What sealing works with. */
export interface Sealing {
  readonly log: EventLog
  readonly archive: ArchivedEventStore
  readonly folder: SegmentFolder
  readonly signal?: AbortSignal | undefined
}

/**
 * Seals a batch, as the segment after so many others.
 *
 * @param known - segments that the log has named when the batch was begun
 */
export async function sealBatch(
  sealing: Sealing,
  batch: Batch,
  known: number,
): Promise<SegmentRecord> {
  const { archive, folder, signal } = sealing
  const { events } = batch
  const draft = folder.draft(events[0]?.position ?? 0)
  try {
    const blobs = []
    // An event may name what was never there: a check of the log tells of it, here and there.
    for (const digest of batch.blobs) if (await archive.blobs.has(digest)) blobs.push(digest)
    const written = await writeSegment(draft, {
      incarnation: archive.incarnation,
      events,
      blobs,
      blob: (digest) => archive.blobs.stream(digest),
      signal,
    })
    const verified = await verifySegment(draft, signal)
    if (verified.digest !== written.digest) throw corrupt(draft, 'it reads otherwise than written')
    await holdAgainstLog(draft, sealing)
    const name = segmentName(verified.footer.firstPosition, verified.digest)
    folder.publish(draft, name)
    return await record(sealing, { name, verified, known })
  } catch (error) {
    folder.remove(draft.slice(folder.path.length + 1))
    if (!hasCode(error, EVENTS_ARCHIVE_CODES.segmentNotFound)) throw error
    throw retentionConflict(error)
  }
}

/** What is recorded. */
export interface Sealed {
  readonly name: string
  readonly verified: VerifiedSegment
  readonly known: number
}

/** Tells the log of a segment. @throws `ICE_EVENTS_ARCHIVE_RETENTION_CONFLICT` */
export async function record(
  { log }: Sealing,
  { name, verified, known }: Sealed,
): Promise<SegmentRecord> {
  const { footer, digest, bytes } = verified
  const { root, incarnation, events, streams, blobs } = footer
  const { firstPosition, lastPosition, firstTime, lastTime } = footer
  const data = {
    ...{ segment: name, digest, root, incarnation, bytes, events, streams, blobs },
    ...{ firstPosition, lastPosition, firstTime, lastTime },
  }
  try {
    const { writes } = await log.append({
      writes: [
        {
          stream: SEGMENTS_STREAM,
          expectedVersion: known === 0 ? 'no_stream' : (known as StreamVersion),
          events: [{ type: SEGMENT_SEALED, data }],
        },
      ],
    })
    const [sealed] = writes[0]?.positions ?? []
    return { ...data, digest: digest as Hash, sealed: sealed as SegmentRecord['sealed'] }
  } catch (error) {
    if (!hasCode(error, EVENTS_CODES.versionConflict)) throw error
    throw retentionConflict(error)
  }
}

function retentionConflict(cause: unknown): EventsArchiveError {
  return new EventsArchiveError(
    EVENTS_ARCHIVE_CODES.conflict,
    'Another process retains in this log and has sealed a segment meanwhile. Nothing was lost: ' +
      'retain again.',
    {},
    cause,
  )
}

/**
 * Holds every event of a file against the one that stands in the store.
 *
 * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT` — an event is another one, or
 * is not in the store any more
 */
export async function holdAgainstLog(path: string, { archive, signal }: Sealing): Promise<void> {
  const octets = fileOctets(path)
  try {
    const segment = new Segment(octets)
    const { liveStream } = bound(archive)
    for (const { name, first, last } of segment.streams) {
      for (let after = first - 1; after < last; ) {
        const range = { after, upTo: last, limit: last, backwards: false, signal }
        const page = await liveStream({ stream: name, ...range })
        const { events } = page
        if (events.length === 0) throw corrupt(path, `the log has no ${name}@${after + 1}`)
        const sealed = segment.ofStream(name, after + 1, after + events.length)
        for (const [i, event] of events.entries()) {
          const own = sealed[i]
          const isSame =
            own?.position === event.position && own.hash === event.hash && own.bytes === event.bytes
          if (!isSame) throw corrupt(path, `the log has another ${name}@${after + i + 1}`)
        }
        after += events.length
      }
    }
  } finally {
    octets.close()
  }
}

function bound({ live: { eviction } }: ArchivedEventStore): Pick<typeof eviction, 'liveStream'> {
  return { liveStream: (query) => eviction.liveStream(query) }
}
