/** Cases of collecting blobs that no event names. */

import { EVENTS_CODES } from '../errors.ts'
import type { BlobCollection, EventStore } from '../ports.ts'
import { type Bench, naming, noted, range, refused, same, storeCase, toStream } from './bench.ts'
import { blobOf, bytesOf } from './blobs.ts'
import type { ContractCase } from './case.ts'
import { declared } from './staging.ts'

const HOUR_MS = 3_600_000

async function stageAll({ store }: Bench, ...sizes: number[]): Promise<void> {
  for (const size of sizes) await store.blobs.stage([blobOf(size).bytes])
}

/** Lets an hour pass, and collects what was brought in before it. */
async function collectAll({ store, harness }: Bench): Promise<BlobCollection> {
  harness.clock.setWall(harness.clock.now() + HOUR_MS)
  return store.blobs.collect({ graceMs: HOUR_MS })
}

/** Which of the blobs of these sizes are there. */
async function there({ store }: Bench, ...sizes: number[]): Promise<number[]> {
  const found: number[] = []
  for (const size of sizes) if (await store.blobs.has(declared(size).digest)) found.push(size)
  return found
}

/** The cases of `collect`. */
export const collectingCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'collect-what-nobody-names',
    name: 'collect removes blobs that no event names, staged or brought by a unit, and counts them',
    requirement: 'EVT-R47',
    async test(bench) {
      await stageAll(bench, 100, 1_100_000)
      const blobs = [blobOf(300), blobOf(400)]
      await bench.append({ ...toStream('a', 0, naming(1, declared(300))), blobs })
      same(await collectAll(bench), { removed: 3, removedBytes: 1_100_500, kept: 1 })
      same(await there(bench, 100, 1_100_000, 300, 400), [300])
      await refused(bench.store.blobs.read(declared(100).digest), EVENTS_CODES.blobNotFound)
      same(await collectAll(bench), { removed: 0, removedBytes: 0, kept: 1 })
    },
  }),
  storeCase({
    id: 'collect-leaves-the-young',
    name: 'collect leaves alone what was brought in within the time of grace',
    requirement: 'EVT-R47',
    async test(bench) {
      const { store, harness } = bench
      const start = harness.clock.now()
      await stageAll(bench, 100)
      harness.clock.setWall(start + 10)
      await stageAll(bench, 200)
      same(await store.blobs.collect(), { removed: 0, removedBytes: 0, kept: 2 })
      harness.clock.setWall(start + HOUR_MS - 1)
      same((await store.blobs.collect({ graceMs: HOUR_MS })).removed, 0)
      harness.clock.setWall(start + HOUR_MS)
      same(await store.blobs.collect({ graceMs: HOUR_MS }), {
        removed: 1,
        removedBytes: 100,
        kept: 1,
      })
      same(await there(bench, 100, 200), [200])
    },
  }),
  storeCase({
    id: 'collect-brought-again',
    name: 'bytes that are brought again count as brought in now, staged or with a unit',
    requirement: 'EVT-R47',
    async test(bench) {
      const { append, harness, store } = bench
      await stageAll(bench, 100, 200, 300)
      harness.clock.setWall(harness.clock.now() + HOUR_MS)
      await stageAll(bench, 100)
      await append({ ...toStream('a', 0, noted(1)), blobs: [blobOf(200)] })
      const { removed } = await store.blobs.collect({ graceMs: HOUR_MS })
      same([removed, await there(bench, 100, 200, 300)], [1, [100, 200]])
    },
  }),
  storeCase({
    id: 'collect-keeps-what-is-named',
    name: 'collect never removes what an event names, first or again, early or late',
    requirement: 'EVT-R47',
    async test(bench) {
      const { append, store } = bench
      // Named before it is there.
      await append(toStream('a', 0, naming(1, declared(10), declared(20))))
      await stageAll(bench, 10, 20, 30)
      same((await collectAll(bench)).removed, 1)
      await stageAll(bench, 40)
      await append({ ...toStream('b', 0, naming(2, declared(40))), blobs: [declared(40)] })
      await append({ ...toStream('b', 1, naming(3, declared(40))), blobs: [blobOf(40)] })
      for (const n of range(4, 6)) {
        same(await collectAll(bench), { removed: 0, removedBytes: 0, kept: 3 })
        await append(toStream('c', n - 4, noted(n)))
      }
      same(await bytesOf(store, declared(40).digest), [...blobOf(40).bytes])
    },
  }),
  storeCase({
    id: 'collect-looks-at-every-event',
    name: 'collect sees the names of every event, however many there are in between',
    requirement: 'EVT-R47',
    async test(bench) {
      const { append } = bench
      await stageAll(bench, 10, 20, 30)
      await append(toStream('a', 0, naming(0, declared(10))))
      for (const n of range(0, 3)) {
        const many = range(1, 400).map((i) => noted(i))
        await append(toStream('b', n * 400, ...many))
      }
      await append(toStream('a', 1, naming(1, declared(20))))
      same((await collectAll(bench)).removed, 1)
      same(await there(bench, 10, 20, 30), [10, 20])
    },
  }),
  storeCase({
    id: 'collect-text-is-no-name',
    name: 'a text that only looks like a name of a blob keeps nothing',
    requirement: 'EVT-R47',
    async test(bench) {
      await stageAll(bench, 10)
      const texts = [`{"$blob":"${declared(10).digest}"}`, declared(10).digest]
      await bench.append(toStream('a', 0, noted(1, { data: { n: 1, texts } })))
      same(await collectAll(bench), { removed: 1, removedBytes: 10, kept: 0 })
    },
  }),
  storeCase({
    id: 'collect-and-bring-back',
    name: 'what was collected can be brought back; a unit that declares it is refused till then',
    requirement: 'EVT-R48',
    async test(bench) {
      const { append, store } = bench
      await stageAll(bench, 500)
      await collectAll(bench)
      const unit = { ...toStream('a', 0, naming(1, declared(500))), blobs: [declared(500)] }
      await refused(append(unit), EVENTS_CODES.blobNotFound)
      await stageAll(bench, 500)
      await append(unit)
      same((await collectAll(bench)).kept, 1)
      same(await bytesOf(store, declared(500).digest), [...blobOf(500).bytes])
    },
  }),
  storeCase({
    id: 'collect-beside-appends',
    name: 'of units that declare blobs while they are collected, each has its blob or is refused',
    requirement: 'EVT-R48',
    async test(bench) {
      const { append, harness, store } = bench
      const sizes = range(1, 24)
      await stageAll(bench, ...sizes)
      harness.clock.setWall(harness.clock.now() + 1)
      const appended: Promise<number>[] = []
      const collected: Promise<BlobCollection>[] = []
      for (const size of sizes) {
        if (size % 8 === 1) collected.push(store.blobs.collect({ graceMs: 0 }))
        const unit = { ...toStream(`s${size}`, 0, naming(size, declared(size))) }
        const kept = append({ ...unit, blobs: [declared(size)] }).then(
          () => size,
          (error: { readonly code?: string }) => {
            same(error.code, EVENTS_CODES.blobNotFound)
            return 0
          },
        )
        appended.push(kept)
        if (size % 5 === 0) await kept
      }
      const removed = (await Promise.all(collected)).reduce((sum, one) => sum + one.removed, 0)
      const kept = (await Promise.all(appended)).filter((size) => size > 0)
      same(await there(bench, ...sizes), kept)
      same(removed, sizes.length - kept.length)
      same((await store.head()).position, kept.length)
    },
  }),
  storeCase({
    id: 'collect-withdrawn',
    name: 'collect is withdrawn by its signal',
    requirement: 'EVT-R48',
    async test(bench) {
      const { store } = bench
      await stageAll(bench, 10)
      const signal = AbortSignal.abort()
      await refused(store.blobs.collect({ graceMs: 0, signal }), EVENTS_CODES.aborted)
      same((await store.blobs.collect()).kept, 1)
    },
  }),
]
