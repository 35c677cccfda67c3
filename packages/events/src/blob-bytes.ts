/**
 * The bytes of blobs on their way in and out: what every blob store does alike.
 *
 * In: portions of any size become copies of at most 1 MiB, counted against a cap. Out: portions
 * are hashed as they pass, and the last waits for the verdict.
 */

import { type BlobDigest, createSha256, isBlobDigest } from '@ice/primitives'
import { structural } from './draft.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import { BLOB_BYTES_MAX, BLOB_PORTION_BYTES, BLOB_READ_BYTES_MAX } from './limits.ts'
import type {
  BlobDraft,
  BlobReadOptions,
  BlobSource,
  BlobStageOptions,
  StagedBlob,
} from './ports.ts'
import { checkSignal } from './store-checks.ts'

const NAMED = /[{,]"\$blob":"([0-9a-f]{64})"/g

/**
 * The blobs that an event's canonical bytes name, each once. Exact for canonical JSON: a quote
 * inside a string or a key follows a backslash, never a comma or a brace.
 */
export function namedBlobs(bytes: string): readonly BlobDigest[] {
  if (!bytes.includes('"$blob":"')) return []
  const digests = new Set<string>()
  for (const [, digest] of bytes.matchAll(NAMED)) digests.add(String(digest))
  return [...digests] as BlobDigest[]
}

/** Whether a unit brings this blob's bytes, or says that they are there. */
export function bringsBytes(blob: BlobDraft | StagedBlob): blob is BlobDraft {
  return 'bytes' in blob
}

/** The refusal of a digest under which there is nothing. */
export function blobNotFound(digest: BlobDigest): EventsError {
  return new EventsError(
    EVENTS_CODES.blobNotFound,
    isBlobDigest(digest)
      ? `There is no blob ${digest}: it was never brought in, or was collected before it was named`
      : 'There is no blob under what is no digest',
    { digest: isBlobDigest(digest) ? digest : null },
  )
}

/** The refusal of bytes that are not the ones they are kept under. */
export function blobCorrupt(digest: BlobDigest): EventsError {
  return new EventsError(
    EVENTS_CODES.blobCorrupt,
    `The bytes of blob ${digest} have another digest`,
    { digest },
  )
}

/**
 * Cuts a source into copied portions of exactly 1 MiB, but for the last; none is empty.
 *
 * @throws `ICE_EVENTS_BLOB_LIMIT`, `ICE_EVENTS_STRUCTURAL_VIOLATION`, `ICE_EVENTS_ABORTED`, and
 * what the source throws
 */
export async function* portionsOf(
  source: BlobSource,
  { bytesMax = BLOB_BYTES_MAX, signal }: BlobStageOptions = {},
): AsyncGenerator<Uint8Array> {
  checkBytesMax(bytesMax)
  let total = 0
  let portion = new Uint8Array(BLOB_PORTION_BYTES)
  let filled = 0
  checkSignal(signal)
  for await (const given of source) {
    checkSignal(signal)
    if (!(given instanceof Uint8Array)) throw structural('a portion of a blob is a Uint8Array')
    total += given.byteLength
    if (total > bytesMax) throw tooLarge(total, bytesMax)
    for (let at = 0; at < given.byteLength; ) {
      const part = given.subarray(at, at + BLOB_PORTION_BYTES - filled)
      portion.set(part, filled)
      filled += part.byteLength
      at += part.byteLength
      if (filled < BLOB_PORTION_BYTES) continue
      yield portion
      portion = new Uint8Array(BLOB_PORTION_BYTES)
      filled = 0
    }
  }
  if (filled > 0) yield portion.subarray(0, filled)
}

/** Nothing is larger than what is no number, so such a bound would be none. */
function checkBytesMax(bytesMax: number): void {
  if (Number.isSafeInteger(bytesMax) && bytesMax >= 0) return
  throw structural('"bytesMax" is not a count of bytes')
}

function tooLarge(bytes: number, bytesMax: number): EventsError {
  return new EventsError(
    EVENTS_CODES.blobLimit,
    `The blob has at least ${bytes} bytes; ${bytesMax} were allowed for`,
    { bytes, bytesMax },
  )
}

/** Hashes portions as they pass and holds the last back until the digest of all is right. */
export async function* verifiedPortions(
  digest: BlobDigest,
  portions: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const hash = createSha256()
  let held: Uint8Array | undefined
  for await (const portion of portions) {
    if (portion.byteLength === 0) continue
    hash.update(portion)
    if (held !== undefined) yield held
    held = portion
  }
  if ((hash.hex() as string) !== (digest as string)) throw blobCorrupt(digest)
  if (held !== undefined) yield held
}

/** Gathers verified portions into one array of the caller's own. @throws `ICE_EVENTS_BLOB_LIMIT` */
export async function gatherPortions(
  portions: AsyncIterable<Uint8Array>,
  { bytesMax = BLOB_READ_BYTES_MAX }: BlobReadOptions = {},
): Promise<Uint8Array> {
  checkBytesMax(bytesMax)
  const gathered: Uint8Array[] = []
  let size = 0
  for await (const portion of portions) {
    size += portion.byteLength
    if (size > bytesMax) throw tooLarge(size, bytesMax)
    gathered.push(portion)
  }
  return joinPortions(gathered)
}

/** One array of all portions. */
export function joinPortions(portions: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(portions.reduce((sum, one) => sum + one.byteLength, 0))
  let at = 0
  for (const portion of portions) {
    bytes.set(portion, at)
    at += portion.byteLength
  }
  return bytes
}
