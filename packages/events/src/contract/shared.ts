/** Cases of two connections to one log, as two processes have them. */

import { EVENTS_CODES } from '../errors.ts'
import type { EventStore } from '../ports.ts'
import {
  gather,
  idOf,
  kit,
  logLines,
  naming,
  noted,
  range,
  refused,
  same,
  storeCase,
  streamLines,
  toStream,
} from './bench.ts'
import { blobOf, bytesOf } from './blobs.ts'
import type { ContractCase } from './case.ts'
import { followStore } from './subscribe.ts'

const shared = ({ supports }: EventStore): boolean => supports.sharedByProcesses

/** The cases of a log that several processes share. */
export const sharedCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'shared-sees-and-is-seen',
    name: 'each of two connections sees at once what the other has appended',
    requirement: 'EVT-R53',
    needs: shared,
    async test(bench) {
      const { append, prepare, store } = bench
      const second = await bench.second()
      const blob = blobOf(300)
      await append({ ...toStream('a', 0, noted(1)), blobs: [blob] })
      same([await second.head(), await logLines(second)], [{ position: 1 }, ['1 kit/a@1 n1']])
      same(await bytesOf(second, blob.digest), [...blob.bytes])
      await second.append(prepare(toStream('a', 1, noted(2))))
      await second.append(prepare(toStream('b', 0, noted(3, { causes: [idOf('a', 2)] }))))
      same(await streamLines(store, 'a'), ['1 kit/a@1 n1', '2 kit/a@2 n2'])
      same(await store.head(), { position: 3 })
    },
  }),
  storeCase({
    id: 'shared-versions-conflict',
    name: 'a version that another connection has taken is a conflict, and a retry is one no more',
    requirement: 'EVT-R53',
    needs: shared,
    async test(bench) {
      const { append, prepare } = bench
      const second = await bench.second()
      await append(toStream('a', 0, noted(1)))
      await second.append(prepare(toStream('a', 1, noted(2))))
      await refused(append(toStream('a', 1, noted(3))), EVENTS_CODES.versionConflict)
      same((await append(toStream('a', 1, noted(2)))).retried, true)
      await append(toStream('a', 2, noted(3)))
      same(await logLines(second), ['1 kit/a@1 n1', '2 kit/a@2 n2', '3 kit/a@3 n3'])
    },
  }),
  storeCase({
    id: 'shared-guards-conflict',
    name: 'a guarded stream that another connection has moved refuses the unit',
    requirement: 'EVT-R53',
    needs: shared,
    async test(bench) {
      const { append, prepare } = bench
      const second = await bench.second()
      const guards = [{ stream: kit('g'), version: 0 }]
      await append({ ...toStream('a', 0, noted(1)), guards })
      await second.append(prepare(toStream('g', 0, noted(2))))
      await refused(append({ ...toStream('a', 1, noted(3)), guards }), EVENTS_CODES.guardConflict)
    },
  }),
  storeCase({
    id: 'shared-appends-interleave',
    name: 'appends of two connections at once leave no gap and lose nothing',
    requirement: 'EVT-R53',
    needs: shared,
    async test(bench) {
      const { prepare, store } = bench
      const second = await bench.second()
      const appends = range(1, 60).map((n) =>
        (n % 2 === 0 ? store : second).append(prepare(toStream(`s${n % 3}`, 'any', noted(n)))),
      )
      const positions = (await Promise.all(appends)).flatMap(({ writes }) => writes[0]?.positions)
      const sorted = positions.toSorted((a, b) => Number(a) - Number(b))
      same(sorted, range(1, 60))
      same((await gather(second.readAll({}))).length, 60)
    },
  }),
  storeCase({
    id: 'shared-subscription',
    name: 'a subscription sees what another connection appends',
    requirement: 'EVT-R53',
    needs: shared,
    async test(bench) {
      const second = await bench.second()
      const follower = followStore(bench)
      const following = follower.upTo(3)
      await second.append(bench.prepare(toStream('a', 0, noted(1))))
      await bench.append(toStream('a', 1, noted(2)))
      await second.append(bench.prepare(toStream('a', 2, noted(3))))
      same(await following, ['1 kit/a@1 n1', '2 kit/a@2 n2', '3 kit/a@3 n3'])
    },
  }),
  storeCase({
    id: 'shared-blobs',
    name: 'what one connection stages the other finds, declares and keeps by naming it',
    requirement: 'EVT-R53',
    needs: shared,
    async test({ append, harness, prepare, second: openSecond, store }) {
      const second = await openSecond()
      for (const size of [10, 20, 30]) await store.blobs.stage([blobOf(size).bytes])
      same(await bytesOf(second, blobOf(10).digest), [...blobOf(10).bytes])
      const named = (size: number) => ({ digest: blobOf(size).digest, size })
      const unit = { ...toStream('a', 0, naming(1, named(10))), blobs: [named(10)] }
      await second.append(prepare(unit))
      harness.clock.setWall(harness.clock.now() + 1)
      await append({ ...toStream('b', 0, naming(2, named(20))), blobs: [named(20)] })
      same(await second.blobs.collect({ graceMs: 0 }), { removed: 1, removedBytes: 30, kept: 2 })
      const late = append({ ...toStream('c', 0, noted(3)), blobs: [named(30)] })
      await refused(late, EVENTS_CODES.blobNotFound)
      same((await store.blobs.collect({ graceMs: 0 })).kept, 2)
    },
  }),
  storeCase({
    id: 'shared-incarnation',
    name: 'connections to one log name the same incarnation',
    requirement: 'EVT-R55',
    needs: shared,
    async test(bench) {
      same((await bench.second()).incarnation, bench.store.incarnation)
    },
  }),
  storeCase({
    id: 'shared-close-is-ones-own',
    name: 'closing one connection leaves the other open',
    requirement: 'EVT-R53',
    needs: shared,
    async test(bench) {
      const second = await bench.second()
      await bench.append(toStream('a', 0, noted(1)))
      await second.close()
      await refused(second.head(), EVENTS_CODES.notOpen)
      await bench.append(toStream('a', 1, noted(2)))
      same(await bench.store.head(), { position: 2 })
    },
  }),
]
