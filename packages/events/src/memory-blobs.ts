/** Blobs in memory: what a blob store has to do, complete and short. */

import { type BlobDigest, type Clock, createSha256, sha256Hex } from '@ice/primitives'
import {
  blobCorrupt,
  blobNotFound,
  gatherPortions,
  joinPortions,
  namedBlobs,
  portionsOf,
  verifiedPortions,
} from './blob-bytes.ts'
import { EVENTS_CODES } from './errors.ts'
import { BLOB_GRACE_MS, BLOB_PORTION_BYTES } from './limits.ts'
import type { BlobStore, IntegrityFinding, StoredEvent } from './ports.ts'
import { checkSignal } from './store-checks.ts'

interface Kept {
  readonly bytes: Uint8Array
  /** @units epoch milliseconds */
  broughtAt: number
}

/** What blobs in memory live on. */
export interface MemoryBlobsComponents {
  readonly clock: Pick<Clock, 'now'>
  readonly rows: readonly StoredEvent[]
  readonly mustBeOpen: () => void
}

/** The blobs of a log in memory: the port, and what only the log does with them. */
export interface MemoryBlobs extends BlobStore {
  /** Keeps bytes that have been checked, in the turn of the unit that brings them. */
  put(digest: BlobDigest, bytes: Uint8Array): void
  hasNow(digest: BlobDigest): boolean
  findings(): Iterable<IntegrityFinding>
}

/** Opens an empty keep of blobs. */
export function memoryBlobs({ clock, rows, mustBeOpen }: MemoryBlobsComponents): MemoryBlobs {
  const blobs = new Map<BlobDigest, Kept>()
  const put = (digest: BlobDigest, bytes: Uint8Array): void => {
    blobs.set(digest, { bytes, broughtAt: clock.now() })
  }
  async function* stream(digest: BlobDigest, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    mustBeOpen()
    checkSignal(signal)
    const kept = blobs.get(digest)
    if (kept === undefined) throw blobNotFound(digest)
    for await (const portion of verifiedPortions(digest, cut(kept.bytes))) {
      checkSignal(signal)
      yield portion
      mustBeOpen()
    }
  }
  return {
    put,
    hasNow: (digest) => blobs.has(digest),
    read: (digest, options) => gatherPortions(stream(digest, options?.signal), options),
    stream: (digest, options) => stream(digest, options?.signal),
    async has(digest, { signal } = {}) {
      mustBeOpen()
      checkSignal(signal)
      return blobs.has(digest)
    },
    async stage(source, options = {}) {
      mustBeOpen()
      const hash = createSha256()
      const portions: Uint8Array[] = []
      for await (const portion of portionsOf(source, options)) {
        mustBeOpen()
        hash.update(portion)
        portions.push(portion)
      }
      mustBeOpen()
      const digest = hash.hex() as string as BlobDigest
      if (options.digest !== undefined && options.digest !== digest) {
        throw blobCorrupt(options.digest)
      }
      const bytes = joinPortions(portions)
      put(digest, bytes)
      return { digest, size: bytes.byteLength }
    },
    async collect({ graceMs = BLOB_GRACE_MS, signal, onProgress } = {}) {
      mustBeOpen()
      checkSignal(signal)
      const named = new Set(rows.flatMap(({ bytes }) => namedBlobs(bytes)))
      onProgress?.(rows.length)
      mustBeOpen()
      const now = clock.now()
      // A clock that was set back leaves blobs of the future: they count as brought in now, or
      // nobody would collect them before that future has come.
      for (const one of blobs.values()) one.broughtAt = Math.min(one.broughtAt, now)
      const before = now - graceMs
      const gone = [...blobs].filter(
        ([digest, one]) => one.broughtAt <= before && !named.has(digest),
      )
      for (const [digest] of gone) blobs.delete(digest)
      const removedBytes = gone.reduce((sum, [, { bytes }]) => sum + bytes.byteLength, 0)
      return { removed: gone.length, removedBytes, kept: blobs.size }
    },
    findings: () => findingsOf(rows, blobs),
  }
}

function* findingsOf(
  rows: readonly StoredEvent[],
  blobs: ReadonlyMap<BlobDigest, Kept>,
): Generator<IntegrityFinding> {
  for (const { position, bytes } of rows) {
    for (const digest of namedBlobs(bytes)) {
      if (blobs.has(digest)) continue
      const names = `the event at position ${position} names blob ${digest}`
      const message = `${names}, which is not there`
      yield { code: EVENTS_CODES.blobNotFound, position, message }
    }
  }
  for (const [digest, { bytes }] of blobs) {
    if (sha256Hex(bytes) === (digest as string)) continue
    yield { code: EVENTS_CODES.blobCorrupt, position: 0, message: `blob ${digest} is damaged` }
  }
}

function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += BLOB_PORTION_BYTES) {
    yield bytes.slice(at, at + BLOB_PORTION_BYTES)
  }
}
