/** Cases of blobs that are brought in before a unit names them, and of streaming them out. */

import { type BlobDigest, sha256Hex } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { BlobStore, EventStore } from '../ports.ts'
import {
  bounded,
  idOf,
  kit,
  logLines,
  naming,
  noted,
  range,
  refused,
  same,
  storeCase,
  toStream,
} from './bench.ts'
import { blobOf, bytesOf } from './blobs.ts'
import type { ContractCase } from './case.ts'

const { blobCorrupt, blobLimit, blobNotFound, structural } = EVENTS_CODES

const MEBIBYTE = 1_048_576

/** A blob as a unit declares it. */
export function declared(size: number, seed?: number): { digest: BlobDigest; size: number } {
  return { digest: blobOf(size, seed).digest, size }
}

/** The bytes of `blobOf`, in portions of their own. */
export async function* portions(
  size: number,
  portion: number,
  seed?: number,
): AsyncGenerator<Uint8Array> {
  const { bytes } = blobOf(size, seed)
  for (let at = 0; at < size; at += portion) yield bytes.slice(at, at + portion)
}

/** Streams a blob: the lengths of its portions, and the digest of them all. */
async function streamed(blobs: BlobStore, digest: BlobDigest): Promise<[number[], string]> {
  const lengths: number[] = []
  const all: Uint8Array[] = []
  for await (const portion of bounded(blobs.stream(digest))) {
    lengths.push(portion.byteLength)
    all.push(portion)
  }
  return [lengths, sha256Hex(Buffer.concat(all))]
}

function drained(blobs: BlobStore, digest: BlobDigest): Promise<unknown> {
  return streamed(blobs, digest)
}

const staging: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'stage-is-found',
    name: 'what was staged is found under its digest, in whatever portions it came',
    requirement: 'EVT-R43',
    async test({ store: { blobs } }) {
      const sizes = [0, 1, MEBIBYTE, MEBIBYTE + 5]
      for (const [i, size] of sizes.entries()) {
        const portion = [1, 1, 65_536, MEBIBYTE + 77][i] as number
        const expected = declared(size)
        same(await blobs.has(expected.digest), false)
        same(await blobs.stage(portions(size, portion)), expected)
        same(await blobs.has(expected.digest), true)
        same((await streamed(blobs, expected.digest))[1], expected.digest)
      }
      const { bytes } = blobOf(100, 3)
      const listed = [bytes.subarray(0, 1), new Uint8Array(), bytes.subarray(1)]
      same(await blobs.stage(listed), declared(100, 3))
      same([...(await blobs.read(declared(100, 3).digest))], [...bytes])
    },
  }),
  storeCase({
    id: 'stage-copies-portions',
    name: 'a portion is copied before the next is asked for',
    requirement: 'EVT-R42',
    async test({ store: { blobs } }) {
      const { bytes, digest } = blobOf(3_000)
      const reused = new Uint8Array(1_000)
      const source = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += reused.length) {
          reused.set(bytes.subarray(at, at + reused.length))
          yield reused
        }
        reused.fill(0)
      }
      same(await blobs.stage(source()), { digest, size: 3_000 })
      same([...(await blobs.read(digest))], [...bytes])
    },
  }),
  storeCase({
    id: 'stage-again',
    name: 'bytes that are staged twice, also at once, are one blob',
    requirement: 'EVT-R43',
    async test({ store: { blobs } }) {
      const size = MEBIBYTE + 5
      const twice = await Promise.all([
        blobs.stage(portions(size, 300_000)),
        blobs.stage(portions(size, 500_000)),
      ])
      same(
        [...twice, await blobs.stage(portions(size, size))],
        range(1, 3).map(() => declared(size)),
      )
      same((await streamed(blobs, declared(size).digest))[1], declared(size).digest)
      same(await blobs.collect(), { removed: 0, removedBytes: 0, kept: 1 })
    },
  }),
  storeCase({
    id: 'stage-too-much',
    name: 'staging more bytes than were allowed for is refused, at the bound it is not',
    requirement: 'EVT-R44',
    async test({ store: { blobs } }) {
      let asked = 0
      const source = function* (): Generator<Uint8Array> {
        for (asked = 1; asked <= 50; asked += 1) yield new Uint8Array(1_000)
      }
      await refused(blobs.stage(source(), { bytesMax: 9_999 }), blobLimit)
      same(asked, 10)
      same(await blobs.stage(portions(5_000, 700), { bytesMax: 5_000 }), declared(5_000))
      for (const bytesMax of [Number.NaN, -1, 1.5, '9' as never]) {
        await refused(blobs.stage(portions(10, 10), { bytesMax }), structural)
        await refused(blobs.read(declared(5_000).digest, { bytesMax }), structural)
      }
    },
  }),
  storeCase({
    id: 'stage-other-bytes',
    name: 'bytes with another digest than was said are refused, and found under neither',
    requirement: 'EVT-R44',
    async test({ store: { blobs } }) {
      const size = MEBIBYTE + 5
      const { digest } = declared(size, 5)
      await refused(blobs.stage(portions(size, 400_000), { digest }), blobCorrupt)
      same([await blobs.has(digest), await blobs.has(declared(size).digest)], [false, false])
      same(await blobs.stage(portions(size, size), declared(size)), declared(size))
    },
  }),
  storeCase({
    id: 'stage-source-fails',
    name: 'what a source throws is thrown, and nothing is to be found of what it brought',
    requirement: 'EVT-R44',
    async test({ append, store: { blobs } }) {
      const failed = new Error('the source has failed')
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield* portions(MEBIBYTE + 5, 600_000)
        throw failed
      }
      const thrown = await blobs.stage(source()).catch((error: unknown) => error)
      same(thrown === failed, true)
      same(await blobs.has(declared(MEBIBYTE + 5).digest), false)
      await refused(blobs.stage([blobOf(5).bytes, 'text' as never]), structural)
      same(await blobs.has(declared(5).digest), false)
      await append(toStream('a', 0, noted(1)))
    },
  }),
  storeCase({
    id: 'stage-withdrawn',
    name: 'staging is withdrawn by its signal, before it or on the way, and leaves nothing',
    requirement: 'EVT-R44',
    async test({ store: { blobs } }) {
      const { aborted } = EVENTS_CODES
      await refused(blobs.stage([blobOf(5).bytes], { signal: AbortSignal.abort() }), aborted)
      const controller = new AbortController()
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield* portions(MEBIBYTE + 5, MEBIBYTE)
        controller.abort()
        yield blobOf(1).bytes
      }
      await refused(blobs.stage(source(), { signal: controller.signal }), aborted)
      same(await blobs.has(declared(5).digest), false)
      same(await blobs.has(declared(MEBIBYTE + 5).digest), false)
    },
  }),
]

const streaming: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'stream-in-portions',
    name: 'stream gives portions of at most 1 MiB, none empty, of blobs however they came',
    requirement: 'EVT-R45',
    async test({ append, store: { blobs } }) {
      const size = MEBIBYTE + 5
      await blobs.stage(portions(size, 300_000))
      await append({ ...toStream('a', 0, noted(1)), blobs: [blobOf(size, 3), blobOf(0)] })
      for (const { digest } of [declared(size), declared(size, 3)]) {
        const [lengths, actual] = await streamed(blobs, digest)
        same(actual, digest)
        same(
          lengths.filter((length) => length === 0 || length > MEBIBYTE),
          [],
        )
      }
      same((await streamed(blobs, declared(0).digest))[0], [])
      await refused(drained(blobs, declared(12).digest), blobNotFound)
    },
  }),
  storeCase({
    id: 'stream-portions-are-ones-own',
    name: 'a portion is the reader’s own: what is done to it does not reach the blob',
    requirement: 'EVT-R42',
    async test({ append, store: { blobs } }) {
      const { digest, bytes } = blobOf(2_000)
      await append({ ...toStream('a', 0, noted(1)), blobs: [{ digest, bytes }] })
      for await (const portion of bounded(blobs.stream(digest))) portion.fill(0)
      same((await streamed(blobs, digest))[1], digest)
    },
  }),
  storeCase({
    id: 'read-a-large-blob',
    name: 'read refuses a blob of more bytes than were allowed for, and stream gives it',
    requirement: 'EVT-R45',
    async test({ store: { blobs } }) {
      const size = MEBIBYTE + 5
      const { digest } = await blobs.stage(portions(size, size))
      await refused(blobs.read(digest, { bytesMax: MEBIBYTE }), blobLimit)
      same((await blobs.read(digest, { bytesMax: size })).byteLength, size)
      same((await streamed(blobs, digest))[1], digest)
    },
  }),
  storeCase({
    id: 'stream-withdrawn',
    name: 'reading and streaming a blob are withdrawn by their signals',
    requirement: 'EVT-R45',
    async test({ store: { blobs } }) {
      const { aborted } = EVENTS_CODES
      const { digest } = await blobs.stage(portions(2 * MEBIBYTE + 5, MEBIBYTE))
      const controller = new AbortController()
      const { signal } = controller
      const first = blobs.stream(digest, { signal })[Symbol.asyncIterator]()
      await first.next()
      controller.abort()
      const rest = async (): Promise<void> => {
        while ((await first.next()).done !== true);
      }
      await refused(rest(), aborted)
      await refused(blobs.read(digest, { signal }), aborted)
    },
  }),
]

const declaring: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'declared-and-there',
    name: 'a unit declares blobs that were staged, came with an earlier unit, or come with it',
    requirement: 'EVT-R46',
    async test({ append, store }) {
      const [staged, earlier, own] = [declared(1_000), declared(20), declared(30)]
      await store.blobs.stage(portions(1_000, 300))
      const first = append({ ...toStream('a', 0, noted(1)), blobs: [blobOf(20)] })
      const second = append({
        ...toStream('a', 1, naming(2, staged, earlier, own)),
        blobs: [staged, earlier, own, blobOf(30)],
      })
      await Promise.all([first, second])
      same(await store.head(), { position: 2 })
      same(await bytesOf(store, own.digest), [...blobOf(30).bytes])
    },
  }),
  storeCase({
    id: 'declared-and-not-there',
    name: 'a unit that declares a blob that is not there is refused, and leaves nothing',
    requirement: 'EVT-R46',
    async test({ append, store }) {
      const missing = declared(40)
      const unit = {
        ...toStream('a', 0, naming(1, missing)),
        blobs: [blobOf(50), missing],
      }
      const error = await refused(append(unit), blobNotFound)
      same(error.data, { digest: missing.digest })
      same(await store.head(), { position: 0 })
      same(await store.blobs.has(declared(50).digest), false)
      await store.blobs.stage([blobOf(40).bytes])
      await append(unit)
      same(await logLines(store), ['1 kit/a@1 n1'])
    },
  }),
  storeCase({
    id: 'declared-judged-last',
    name: 'a declared blob is asked for last: versions, guards, times and causes come first',
    requirement: 'EVT-R18',
    async test({ append, store }) {
      const { versionConflict, guardConflict, tooLate, causality } = EVENTS_CODES
      const blobs = [declared(60)]
      const guards = [{ stream: kit('g'), version: 1 }]
      const causes = [idOf('nowhere', 1)]
      await refused(append({ ...toStream('a', 3, noted(1)), blobs }), versionConflict)
      await refused(append({ ...toStream('a', 0, noted(1)), guards, blobs }), guardConflict)
      const notAfter = 1 as never
      await refused(append({ ...toStream('a', 0, noted(1)), notAfter, blobs }), tooLate)
      await refused(append({ ...toStream('a', 0, noted(1, { causes })), blobs }), causality)
      await refused(append({ ...toStream('a', 0, noted(1)), blobs }), blobNotFound)
      same(await store.head(), { position: 0 })
    },
  }),
  storeCase({
    id: 'declared-and-retried',
    name: 'a unit with staged blobs that is there already is acknowledged, its blobs gone or not',
    requirement: 'EVT-R16',
    async test({ append, store, harness }) {
      const [named, passing] = [declared(70), declared(80)]
      for (const size of [70, 80]) await store.blobs.stage([blobOf(size).bytes])
      const request = { ...toStream('a', 0, naming(1, named)), blobs: [named, passing] }
      const first = await append(request)
      harness.clock.setWall(harness.clock.now() + 1)
      await store.blobs.collect({ graceMs: 0 })
      same(
        [await store.blobs.has(named.digest), await store.blobs.has(passing.digest)],
        [true, false],
      )
      same(await append(request), { ...first, retried: true })
      same(await store.head(), { position: 1 })
    },
  }),
]

/** The cases of staging, of streaming and of declaring. */
export const stagingCases: readonly ContractCase<EventStore>[] = [
  ...staging,
  ...streaming,
  ...declaring,
]
