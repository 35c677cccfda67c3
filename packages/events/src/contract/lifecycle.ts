/** Cases of opening and closing: the traits every operation has. */

import type { Timestamp } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { EventStore } from '../ports.ts'
import {
  type Bench,
  kit,
  logLines,
  naming,
  noted,
  range,
  refused,
  refusedRead,
  START_MS,
  same,
  storeCase,
  streamLines,
  toStream,
} from './bench.ts'
import { blobOf, bytesOf } from './blobs.ts'
import type { ContractCase } from './case.ts'
import { declared, portions } from './staging.ts'

type Operation = (bench: Bench, store: EventStore) => Promise<unknown>

const { notOpen } = EVENTS_CODES

/** Every operation of the port, as it has to answer when the store is closed. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  append: ({ prepare }, store) =>
    refused(store.append(prepare(toStream('a', 0, noted(1)))), notOpen),
  read: (_, store) => refusedRead(store.read({ stream: kit('a') }), notOpen),
  'read-all': (_, store) => refusedRead(store.readAll({}), notOpen),
  subscribe: (bench, store) => refusedRead(store.subscribe({ signal: bench.patience() }), notOpen),
  head: (_, store) => refused(store.head(), notOpen),
  check: (_, store) => refusedRead(store.check(), notOpen),
  'blob-read': (_, store) => refused(store.blobs.read(blobOf(1).digest), notOpen),
  'blob-has': (_, store) => refused(store.blobs.has(blobOf(1).digest), notOpen),
  'blob-stream': (_, store) => refusedRead(store.blobs.stream(blobOf(1).digest), notOpen),
  'blob-stage': (_, store) => refused(store.blobs.stage([blobOf(2).bytes]), notOpen),
  'blob-collect': (_, store) => refused(store.blobs.collect(), notOpen),
}

const closedCases = Object.entries(OPERATIONS).map(([id, operation]) =>
  storeCase({
    id: `closed-${id}`,
    name: `${id.replace('-', ' ')} on a closed store is refused as not open`,
    requirement: 'EVT-R50',
    async test(bench) {
      await bench.append({ ...toStream('z', 0, noted(1)), blobs: [blobOf(1)] })
      const { store } = bench
      await store.close()
      await operation(bench, store)
    },
  }),
)

const durable = ({ supports }: EventStore): boolean => supports.durable

/** The cases of `close` and of opening again. */
export const lifecycleCases: readonly ContractCase<EventStore>[] = [
  ...closedCases,
  storeCase({
    id: 'close-twice',
    name: 'closing what is closed does nothing',
    requirement: 'EVT-R51',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1)))
      await Promise.all([store.close(), store.close()])
      same(await store.close(), undefined)
    },
  }),
  storeCase({
    id: 'close-finishes-appends',
    name: 'close finishes what was appended before it',
    requirement: 'EVT-R51',
    async test({ append, store }) {
      const appended = range(1, 5).map((n) => append(toStream('a', n - 1, noted(n))))
      const [answers] = await Promise.all([Promise.all(appended), store.close()])
      same(
        answers.map(({ writes }) => writes[0]?.positions),
        [[1], [2], [3], [4], [5]],
      )
    },
  }),
  storeCase({
    id: 'reopen-everything-is-there',
    name: 'a log opened again has every event in its order, and every blob',
    requirement: 'EVT-R52',
    needs: durable,
    async test(bench) {
      const blob = blobOf(5_000)
      await bench.append({ ...toStream('a', 0, noted(1), noted(2)), blobs: [blob] })
      await bench.append(toStream('b', 0, noted(3)))
      const store = await bench.reopen()
      const lines = ['1 kit/a@1 n1', '2 kit/a@2 n2', '3 kit/b@1 n3']
      same(await logLines(store), lines, 'after reopening, the log has its events in order')
      same(await streamLines(store, 'b'), ['3 kit/b@1 n3'])
      same(
        await bytesOf(store, blob.digest),
        [...blob.bytes],
        'after reopening, a blob is still there',
      )
      same(await store.head(), { position: 3 }, 'after reopening, the head is the same')
    },
  }),
  storeCase({
    id: 'reopen-staged-blobs',
    name: 'a log opened again has the blobs that were staged, and the names that keep them',
    requirement: 'EVT-R52',
    needs: durable,
    async test(bench) {
      const size = 1_100_000
      await bench.store.blobs.stage(portions(size, 400_000))
      await bench.store.blobs.stage([blobOf(7).bytes])
      await bench.append({
        ...toStream('a', 0, naming(1, declared(size))),
        blobs: [declared(size)],
      })
      await bench.store.blobs.collect()
      const { blobs } = await bench.reopen()
      same(
        [await blobs.has(declared(7).digest), await blobs.has(declared(size).digest)],
        [true, true],
        'after reopening, a staged blob and a named one are still there',
      )
      bench.harness.clock.setWall(START_MS + 1)
      same(
        await blobs.collect({ graceMs: 0 }),
        { removed: 1, removedBytes: 7, kept: 1 },
        'after reopening, what no event names is collected, and what one names stays',
      )
      same((await blobs.read(declared(size).digest)).byteLength, size)
    },
  }),
  storeCase({
    id: 'reopen-same-incarnation',
    name: 'a log opened again is the same incarnation, and another log is another',
    requirement: 'EVT-R55',
    needs: durable,
    async test(bench) {
      const { incarnation } = bench.store
      same([typeof incarnation, incarnation.length > 0], ['string', true])
      await bench.append(toStream('a', 0, noted(1)))
      same((await bench.reopen()).incarnation, incarnation)
      const other = await bench.harness.open()
      const isOther = other.incarnation !== incarnation
      await bench.harness.close(other)
      same(isOther, true)
    },
  }),
  storeCase({
    id: 'reopen-goes-on',
    name: 'a log opened again goes on where it ended: versions, positions, times, causes',
    requirement: 'EVT-R52',
    needs: durable,
    async test(bench) {
      const late = { time: (START_MS + 500) as Timestamp }
      await bench.append(toStream('a', 0, noted(1, late)))
      await bench.reopen()
      await refused(bench.append(toStream('a', 0, noted(2))), EVENTS_CODES.versionConflict)
      same(await bench.append(toStream('a', 1, noted(2))), {
        writes: [{ stream: kit('a'), version: 2, positions: [2], times: [START_MS + 500] }],
        retried: false,
      })
    },
  }),
  storeCase({
    id: 'reopen-retry',
    name: 'a unit sent again after the log was opened again is acknowledged',
    requirement: 'EVT-R16',
    needs: durable,
    async test(bench) {
      const request = toStream('a', 0, noted(1), noted(2))
      const first = await bench.append(request)
      await bench.reopen()
      bench.harness.clock.setWall(START_MS + 1_000)
      same(await bench.append(request), { ...first, retried: true })
      same(await bench.store.head(), { position: 2 })
    },
  }),
  storeCase({
    id: 'reopen-after-unfinished-appends',
    name: 'what a closing store has acknowledged is there when the log is opened again',
    requirement: 'EVT-R51',
    needs: durable,
    async test(bench) {
      const appended = range(1, 5).map((n) => bench.append(toStream('a', n - 1, noted(n))))
      // One that is refused before anybody waits for it fails the case, and not the process.
      void Promise.allSettled(appended)
      const store = await bench.reopen()
      await Promise.all(appended)
      same(
        await logLines(store),
        range(1, 5).map((n) => `${n} kit/a@${n} n${n}`),
      )
    },
  }),
]
