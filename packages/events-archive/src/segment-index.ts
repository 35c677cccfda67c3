/**
 * The lists of a segment's index: its streams and its blobs, as they stand in the file and held
 * against what the footer says of them.
 */
import { type BlobDigest, isBlobDigest, isStreamId, type StreamId } from '@ice/primitives'
import { corrupt } from './errors.ts'
import { BLOB_MARK_BYTES, type Ending, type Octets } from './layout.ts'

/** A stream in a segment: some of its versions, without a gap. */
export interface SegmentStream {
  readonly name: StreamId
  /** The first version that is here. */
  readonly first: number
  readonly last: number
  /** Time of the last event that is here. @units epoch milliseconds, UTC */
  readonly time: number
}

/** A stream, and where its places begin. */
export interface IndexedStream extends SegmentStream {
  /** Its first place. */
  readonly at: number
}

/** A blob in a segment. */
export interface SegmentBlob {
  readonly digest: BlobDigest
  /** @units bytes from the beginning of the file */
  readonly offset: number
  /** @units bytes */
  readonly size: number
}

const STREAM_LINE = /^(\S+) ([1-9]\d{0,15}) ([1-9]\d{0,15}) (0|[1-9]\d{0,15})$/

/** Reads the list of streams. @throws `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT` */
export function readStreams(octets: Octets, { footer, layout }: Ending): readonly IndexedStream[] {
  const lines = octets.read(layout.streams, footer.streamBytes).toString('latin1').split('\n')
  if (lines.pop() !== '' || lines.length !== footer.streams) {
    throw corrupt(octets.path, 'its list of streams has another length')
  }
  const streams: IndexedStream[] = []
  let at = 0
  let before = ''
  for (const line of lines) {
    const [, name = '', ...numbers] = STREAM_LINE.exec(line) ?? []
    const [first = 0, last = 0, time = 0] = numbers.map(Number)
    const isRight = isStreamId(name) && name > before && last >= first && Number.isSafeInteger(last)
    at += last - first + 1
    if (!isRight || at > footer.events || !Number.isSafeInteger(time)) {
      throw corrupt(octets.path, 'its list of streams is out of order')
    }
    streams.push({ name, first, last, time, at: at - (last - first + 1) })
    before = name
  }
  if (at !== footer.events) throw corrupt(octets.path, 'its streams have not all of its events')
  return streams
}

/** Reads the list of blobs. @throws `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT` */
export function readBlobMarks(
  octets: Octets,
  { footer, layout }: Ending,
): ReadonlyMap<BlobDigest, SegmentBlob> {
  const marks = octets.read(layout.blobMarks, footer.blobs * BLOB_MARK_BYTES)
  const blobs = new Map<BlobDigest, SegmentBlob>()
  let before = ''
  let offset = layout.blobs
  for (let at = 0; at < marks.length; at += BLOB_MARK_BYTES) {
    const digest = marks.toString('hex', at, at + 32)
    const size = Number(marks.readBigUInt64BE(at + 40))
    const isRight =
      isBlobDigest(digest) && digest > before && marks.readBigUInt64BE(at + 32) === BigInt(offset)
    if (!isRight || offset + size > layout.marks) {
      throw corrupt(octets.path, 'its list of blobs is out of order')
    }
    blobs.set(digest, { digest, offset, size })
    offset += size
    before = digest
  }
  if (offset !== layout.marks) throw corrupt(octets.path, 'its blobs have another size')
  return blobs
}
