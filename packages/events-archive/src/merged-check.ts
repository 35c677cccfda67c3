/**
 * What is wrong with the segments of a log: files that are not there, or are not what was sealed.
 *
 * Every file is read from end to end: its digest is the one that the log has of it, each event has
 * its leaf and stands in its place, each blob has its digest, and each blob that an event names is
 * in the segment or still in the store.
 */
import type { CheckOptions, IntegrityFinding } from '@ice/events'
import { namedBlobs } from '@ice/events/adapter'
import type { BlobStore, EvictableStore, SegmentProgress } from '@ice/events/ports'
import { type BlobDigest, errorRecord, settled, UNCODED } from '@ice/primitives'
import { EVENTS_ARCHIVE_CODES } from './errors.ts'
import type { SegmentFolder } from './folder.ts'
import type { SegmentRecord } from './ports.ts'
import type { SegmentRecords } from './records.ts'
import { verifySegment } from './verify-segment.ts'

/** What is checked. */
export interface MergedCheckComponents {
  readonly live: EvictableStore
  readonly blobs: BlobStore
  readonly folder: SegmentFolder
  readonly records: SegmentRecords
}

/** Checks the live part of a log, and then every segment it has let go of. */
export async function* checkArchived(
  components: MergedCheckComponents,
  options: CheckOptions = {},
): AsyncGenerator<IntegrityFinding> {
  yield* components.live.check(options)
  const records = new Map<string, SegmentRecord>()
  for (const record of await components.records.all(options.signal)) {
    records.set(record.segment, record)
  }
  for (const progress of await components.live.eviction.segments()) {
    const record = records.get(progress.segment)
    if (record === undefined) {
      yield corruptAt(progress.sealed, `the log does not say that ${progress.segment} was sealed`)
    } else {
      yield* checkSegment(components, { record, progress, options })
      options.onProgress?.(record.lastPosition)
    }
  }
}

interface Checked {
  readonly record: SegmentRecord
  readonly progress: SegmentProgress
  readonly options: CheckOptions
}

async function* checkSegment(
  { folder, blobs }: MergedCheckComponents,
  { record, progress, options: { signal } }: Checked,
): AsyncGenerator<IntegrityFinding> {
  const { segment: name, firstPosition } = record
  try {
    const { digest } = await verifySegment(folder.pathOf(name), signal)
    if (digest !== record.digest) {
      yield corruptAt(firstPosition, `${name} has another digest than the log has of it`)
      return
    }
    const named = new Map<BlobDigest, number>()
    const segment = await folder.use(record)
    for (let number = 0; number < segment.footer.events; number += 1) {
      const { bytes, position } = (await folder.use(record)).event(number)
      for (const blob of namedBlobs(bytes)) {
        if (segment.blob(blob) === undefined) named.set(blob, position)
      }
      if (number % 512 === 511) await settled()
    }
    for (const [blob, position] of named) {
      if (await blobs.has(blob)) continue
      yield {
        code: 'ICE_EVENTS_BLOB_NOT_FOUND',
        position,
        message: `the event at position ${position} names blob ${blob}, which is not there`,
      }
    }
    if (progress.events > record.events) {
      yield corruptAt(firstPosition, `more events were moved to ${name} than it has`)
    }
  } catch (error) {
    const { code, message } = errorRecord(error)
    if (code === UNCODED || !code.startsWith('ICE_EVENTS_ARCHIVE_')) throw error
    yield { code, position: firstPosition, message }
  }
}

function corruptAt(position: number, message: string): IntegrityFinding {
  return { code: EVENTS_ARCHIVE_CODES.segmentCorrupt, position, message }
}
