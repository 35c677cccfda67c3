/** Whether a segment is what it says, from its own octets, without the log it came from. */
import { createHash } from 'node:crypto'
import { createSha256, type Hash, settled } from '@ice/primitives'
import { corrupt } from './errors.ts'
import { type Octets, TRAILER_BYTES } from './layout.ts'
import { HASH_STEP_BYTES } from './limits.ts'
import { fileOctets, memoryOctets } from './octets.ts'
import type { SegmentFooter } from './ports.ts'
import { Segment } from './segment.ts'

/** A segment that was read from end to end. */
export interface VerifiedSegment {
  readonly footer: SegmentFooter
  /** SHA-256 of the whole file. */
  readonly digest: Hash
  /** @units bytes */
  readonly bytes: number
}

/**
 * Hashes all of a file, and holds it to what its trailer says.
 *
 * @returns SHA-256 of the whole file
 * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT`
 */
export async function digestOf(octets: Octets, signal?: AbortSignal): Promise<Hash> {
  const whole = createHash('sha256')
  const end = octets.size - TRAILER_BYTES
  if (end < 0) throw corrupt(octets.path, 'it is cut off')
  for (let at = 0; at < end; at += HASH_STEP_BYTES) {
    signal?.throwIfAborted()
    whole.update(octets.read(at, Math.min(HASH_STEP_BYTES, end - at)))
    await settled()
  }
  const trailer = octets.read(end, TRAILER_BYTES)
  const sealed = whole.copy().digest('hex')
  if (trailer.toString('latin1', 9, 73) !== sealed) {
    throw corrupt(octets.path, 'its octets are not those that were sealed')
  }
  return whole.update(trailer).digest('hex') as Hash
}

/**
 * Verifies a segment's file alone: its seal, its index, the leaf and place of every event, the
 * digest of every blob. That it is the segment a *log* means is told by the digest it has.
 *
 * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_SEGMENT_NOT_FOUND`,
 * `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT`, `ICE_EVENTS_ARCHIVE_FORMAT_UNSUPPORTED`,
 * `ICE_EVENTS_ARCHIVE_UNAVAILABLE`
 */
export async function verifySegment(path: string, signal?: AbortSignal): Promise<VerifiedSegment> {
  const octets = fileOctets(path)
  try {
    return await verifyOctets(octets, signal)
  } finally {
    octets.close()
  }
}

/** As `verifySegment`, of octets in memory. Whatever they are, it ends and throws nothing else. */
export function verifySegmentBytes(bytes: Uint8Array): Promise<VerifiedSegment> {
  return verifyOctets(memoryOctets(bytes, 'the segment'))
}

async function verifyOctets(octets: Octets, signal?: AbortSignal): Promise<VerifiedSegment> {
  const segment = new Segment(octets)
  const digest = await digestOf(octets, signal)
  for (const why of segment.findings()) throw corrupt(octets.path, why)
  for (const blob of segment.blobs) {
    const hash = createSha256()
    for (let at = 0; at < blob.size; at += HASH_STEP_BYTES) {
      hash.update(segment.blobPortion(blob, at, HASH_STEP_BYTES))
      await settled()
    }
    if ((hash.hex() as string) !== blob.digest) {
      throw corrupt(octets.path, `the bytes of blob ${blob.digest} have another digest`)
    }
  }
  return { footer: segment.footer, digest, bytes: octets.size }
}
