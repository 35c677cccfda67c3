/** Values as events carry them: inline while small, as a content-addressed blob otherwise. */

import type { BlobDraft, BlobStore, ValueRef } from '@ice/events/ports'
import {
  type BlobDigest,
  canonicalize,
  type Hash,
  type JsonValue,
  parseStrict,
  sha256Hex,
} from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { INLINE_VALUE_BYTES_MAX, VALUE_BYTES_MAX } from './limits.ts'

/** A value ready to be recorded. */
export interface SealedValue {
  readonly ref: ValueRef
  /** SHA-256 of the canonical JSON, whether inline or not. */
  readonly digest: Hash
  /** What the append of the event has to carry, when the value is not inline. */
  readonly blob: BlobDraft | null
}

/** @throws `ICE_RUNS_VALUE_UNSUPPORTED`, `ICE_RUNS_VALUE_LIMIT` */
export function sealValue(value: unknown): SealedValue {
  let text: string
  try {
    text = canonicalize(value)
  } catch (cause) {
    throw new RunsError(RUNS_CODES.valueUnsupported, 'JSON cannot hold the value', {}, cause)
  }
  const digest = sha256Hex(text)
  if (text.length <= INLINE_VALUE_BYTES_MAX && Buffer.byteLength(text) <= INLINE_VALUE_BYTES_MAX) {
    return { ref: { inline: value as JsonValue }, digest, blob: null }
  }
  const bytes = Buffer.from(text)
  if (bytes.byteLength > VALUE_BYTES_MAX) {
    throw new RunsError(
      RUNS_CODES.valueLimit,
      `A value of ${bytes.byteLength} bytes is larger than the ${VALUE_BYTES_MAX} a blob holds`,
      { bytes: bytes.byteLength, bytesMax: VALUE_BYTES_MAX },
    )
  }
  const address = digest as unknown as BlobDigest
  const ref = { blob: { $blob: address, size: bytes.byteLength } }
  return { ref, digest, blob: { digest: address, bytes } }
}

/** The digest of a recorded value, whether inline or not. */
export function digestOfRef(ref: ValueRef): Hash {
  return 'inline' in ref ? sealValue(ref.inline).digest : (ref.blob.$blob as unknown as Hash)
}

/** Reads a recorded value back. */
export async function openValue(ref: ValueRef, blobs: BlobStore): Promise<JsonValue> {
  if ('inline' in ref) return ref.inline
  const bytes = await blobs.read(ref.blob.$blob)
  return parseStrict(bytes, {
    bytesMax: VALUE_BYTES_MAX,
    nodesMax: Number.MAX_SAFE_INTEGER,
  }) as JsonValue
}

/** A value as the log gives it back: what a program is given must not differ from its replay, not
 * even in the order of members. */
export function asRecorded<T>(value: T): T {
  return JSON.parse(canonicalize(value)) as T
}

/** @units bytes of blobs that one append will carry */
export function bytesOf(blobs: readonly BlobDraft[]): number {
  return blobs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
}
