/** Cases of blobs. */

import { type BlobDigest, sha256Hex } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { BlobDraft, EventStore } from '../ports.ts'
import { noted, refused, same, storeCase, toStream } from './bench.ts'
import type { ContractCase } from './case.ts'

/** Blobs of a megabyte are made once: they are the same in every case. */
const made = new Map<string, BlobDraft>()

/** A blob of so many bytes, which are the caller's own. */
export function blobOf(size: number, seed = 7): BlobDraft {
  const key = `${size} ${seed}`
  const { digest, bytes } = made.get(key) ?? makeBlob(size, seed)
  if (size > 65_536) made.set(key, { digest, bytes })
  return { digest, bytes: bytes.slice() }
}

function makeBlob(size: number, seed: number): BlobDraft {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i += 1) bytes[i] = i * seed + (i >>> 8)
  return { digest: sha256Hex(bytes) as string as BlobDigest, bytes }
}

/** The bytes kept under a digest, as a plain array. */
export async function bytesOf(store: EventStore, digest: BlobDigest): Promise<number[]> {
  return [...(await store.blobs.read(digest))]
}

/** The cases of blobs. */
export const blobCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'blob-kept-with-its-event',
    name: 'a blob is kept with the event that names it, whatever its size',
    requirement: 'EVT-R40',
    async test({ append, store }) {
      const blobs = [blobOf(0), blobOf(1), blobOf(70_000), blobOf(1_100_000)]
      await append({ ...toStream('a', 0, noted(1)), blobs })
      for (const { digest, bytes } of blobs) {
        const kept = await store.blobs.read(digest)
        same([kept.length, Buffer.compare(kept, bytes)], [bytes.length, 0])
        same(await store.blobs.has(digest), true)
      }
    },
  }),
  storeCase({
    id: 'blob-with-another-digest',
    name: 'a blob that has another digest refuses the unit, and nothing is written',
    requirement: 'EVT-R41',
    async test({ append, store }) {
      const good = blobOf(10)
      const wrong = { digest: blobOf(11).digest, bytes: blobOf(12).bytes }
      await refused(
        append({ ...toStream('a', 0, noted(1)), blobs: [good, wrong] }),
        EVENTS_CODES.blobCorrupt,
      )
      same(await store.head(), { position: 0 })
      same(
        [await store.blobs.has(good.digest), await store.blobs.has(wrong.digest)],
        [false, false],
      )
    },
  }),
  storeCase({
    id: 'blob-not-found',
    name: 'a blob that was never kept is not found',
    requirement: 'EVT-R41',
    async test({ append, store }) {
      await append({ ...toStream('a', 0, noted(1)), blobs: [blobOf(10)] })
      const { digest } = blobOf(11)
      same(await store.blobs.has(digest), false)
      await refused(store.blobs.read(digest), EVENTS_CODES.blobNotFound)
      for (const none of ['', digest.toUpperCase(), null, 7, {}] as never[]) {
        same(await store.blobs.has(none), false)
        await refused(store.blobs.read(none), EVENTS_CODES.blobNotFound)
      }
    },
  }),
  storeCase({
    id: 'blob-kept-once',
    name: 'a blob that is there already is no reason to refuse a unit',
    requirement: 'EVT-R40',
    async test({ append, store }) {
      const blob = blobOf(100)
      await append({ ...toStream('a', 0, noted(1)), blobs: [blob] })
      await append({ ...toStream('a', 1, noted(2)), blobs: [blob, blob] })
      same(await bytesOf(store, blob.digest), [...blob.bytes])
      same(await store.head(), { position: 2 })
    },
  }),
  storeCase({
    id: 'blob-bytes-are-copied',
    name: 'a blob is copied before append returns, and again before it is read',
    requirement: 'EVT-R42',
    async test({ append, store }) {
      const { digest, bytes } = blobOf(100)
      const expected = [...bytes]
      const appended = append({ ...toStream('a', 0, noted(1)), blobs: [{ digest, bytes }] })
      bytes.fill(0)
      await appended
      const read = await store.blobs.read(digest)
      same([...read], expected)
      read.fill(0)
      same(await bytesOf(store, digest), expected)
    },
  }),
  storeCase({
    id: 'blob-of-a-refused-unit',
    name: 'a blob of a unit that fails is not kept, for whatever reason it fails',
    requirement: 'EVT-R13',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1)))
      const blobs = [blobOf(50)]
      const guards = [{ stream: toStream('a', 0).writes[0]?.stream as never, version: 0 }]
      const conflict = append({ ...toStream('a', 0, noted(2)), blobs })
      await refused(conflict, EVENTS_CODES.versionConflict)
      const guarded = append({ ...toStream('b', 0, noted(2)), blobs, guards })
      await refused(guarded, EVENTS_CODES.guardConflict)
      same(await store.blobs.has(blobOf(50).digest), false)
    },
  }),
  storeCase({
    id: 'blob-of-a-retried-unit',
    name: 'a unit with blobs that is there already is acknowledged',
    requirement: 'EVT-R16',
    async test({ append, store }) {
      const request = { ...toStream('a', 0, noted(1)), blobs: [blobOf(20)] }
      const first = await append(request)
      same(await append(request), { ...first, retried: true })
      same(await bytesOf(store, blobOf(20).digest), [...blobOf(20).bytes])
    },
  }),
]
