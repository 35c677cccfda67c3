/** Checks that every store makes alike, on what it is given and on what it has kept. */

import { type Hash, leafHash, sha256Hex } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { IntegrityFinding, PreparedUnit } from './ports.ts'

/** A blob has the digest it is to be found under. @throws `ICE_EVENTS_BLOB_CORRUPT` */
export function checkBlobs(unit: PreparedUnit): void {
  for (const { digest, bytes } of unit.blobs ?? []) {
    if (sha256Hex(bytes) === (digest as string)) continue
    throw new EventsError(
      EVENTS_CODES.blobCorrupt,
      `The bytes given for blob ${digest} have another digest`,
      { digest },
    )
  }
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
