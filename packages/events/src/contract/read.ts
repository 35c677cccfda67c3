/** Cases of reading one stream. */

import { EVENTS_CODES } from '../errors.ts'
import type { EventStore, StoredEvent } from '../ports.ts'
import {
  type Bench,
  bounded,
  gather,
  kit,
  noted,
  range,
  refusedRead,
  same,
  storeCase,
  streamLines,
  toStream,
} from './bench.ts'
import type { ContractCase } from './case.ts'

/** `kit/a` has the events 1 to 5, at odd positions; `kit/a/b` stands between them. */
async function fill({ append }: Bench): Promise<void> {
  for (const n of range(1, 5)) {
    await append(toStream('a', n - 1, noted(n)))
    await append(toStream('a/b', n - 1, noted(n * 10)))
  }
}

const FIVE = ['1 kit/a@1 n1', '3 kit/a@2 n2', '5 kit/a@3 n3', '7 kit/a@4 n4', '9 kit/a@5 n5']

/** The cases of `read`. */
export const readCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'read-in-order',
    name: 'read gives the events of one stream in order, and of no stream whose name goes on',
    requirement: 'EVT-R30',
    async test(bench) {
      await fill(bench)
      same(await streamLines(bench.store, 'a'), FIVE)
    },
  }),
  storeCase({
    id: 'read-after',
    name: 'read after a version begins behind it',
    requirement: 'EVT-R30',
    async test(bench) {
      await fill(bench)
      same(await streamLines(bench.store, 'a', { after: 3 }), FIVE.slice(3))
      same(await streamLines(bench.store, 'a', { after: 5 }), [])
      same(await streamLines(bench.store, 'a', { after: 99 }), [])
    },
  }),
  storeCase({
    id: 'read-limit',
    name: 'read gives at most as many events as its limit says',
    requirement: 'EVT-R30',
    async test(bench) {
      await fill(bench)
      same(await streamLines(bench.store, 'a', { limit: 2 }), FIVE.slice(0, 2))
      same(await streamLines(bench.store, 'a', { after: 1, limit: 2 }), FIVE.slice(1, 3))
      same(await streamLines(bench.store, 'a', { limit: 0 }), [])
      same(await streamLines(bench.store, 'a', { limit: 99 }), FIVE)
    },
  }),
  storeCase({
    id: 'read-backwards',
    name: 'read backwards gives the newest first, and none at or before its after',
    requirement: 'EVT-R30',
    async test(bench) {
      await fill(bench)
      const newest = FIVE.toReversed()
      const { store } = bench
      same(await streamLines(store, 'a', { backwards: true }), newest)
      same(await streamLines(store, 'a', { backwards: true, limit: 2 }), newest.slice(0, 2))
      same(await streamLines(store, 'a', { backwards: true, after: 2 }), newest.slice(0, 3))
      same(
        await streamLines(store, 'a', { backwards: true, after: 2, limit: 2 }),
        newest.slice(0, 2),
      )
    },
  }),
  storeCase({
    id: 'read-unknown-stream',
    name: 'read of an unknown stream gives nothing',
    requirement: 'EVT-R30',
    async test(bench) {
      await fill(bench)
      same(await streamLines(bench.store, 'nowhere'), [])
      same(await streamLines(bench.store, 'nowhere', { backwards: true }), [])
    },
  }),
  storeCase({
    id: 'read-in-batches',
    name: 'read of a long stream is complete, whatever the size of its batches',
    requirement: 'EVT-R30',
    async test({ append, store }) {
      for (const from of [1, 401, 801]) {
        await append(toStream('a', from - 1, ...range(from, from + 399).map((n) => noted(n))))
      }
      const lines = range(1, 1_200).map((n) => `${n} kit/a@${n} n${n}`)
      same(await streamLines(store, 'a'), lines)
      same(await streamLines(store, 'a', { backwards: true }), lines.toReversed())
      same(await streamLines(store, 'a', { limit: 1_100 }), lines.slice(0, 1_100))
    },
  }),
  storeCase({
    id: 'read-withdrawn',
    name: 'read is refused when its signal fires, before it or between batches',
    requirement: 'EVT-R36',
    async test(bench) {
      await fill(bench)
      const { store } = bench
      const gone = AbortSignal.abort()
      await refusedRead(store.read({ stream: kit('a'), signal: gone }), EVENTS_CODES.aborted)
      await refusedRead(store.readAll({ signal: gone }), EVENTS_CODES.aborted)
      const controller = new AbortController()
      const { signal } = controller
      const batches = store.readAll({ signal })[Symbol.asyncIterator]()
      same((await batches.next()).done, false)
      controller.abort()
      const rest: AsyncIterable<readonly StoredEvent[]> = { [Symbol.asyncIterator]: () => batches }
      await refusedRead(rest, EVENTS_CODES.aborted)
    },
  }),
  storeCase({
    id: 'read-bounds-are-counts',
    name: 'read refuses an after or a limit that is no count',
    requirement: 'EVT-R36',
    async test(bench) {
      await fill(bench)
      const { store } = bench
      for (const wrong of [
        -1,
        1.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        '1' as unknown as number,
      ]) {
        for (const bounds of [{ after: wrong }, { limit: wrong }]) {
          await refusedRead(store.read({ stream: kit('a'), ...bounds }), EVENTS_CODES.structural)
          await refusedRead(store.readAll(bounds), EVENTS_CODES.structural)
        }
        const signal = bench.patience()
        await refusedRead(store.subscribe({ after: wrong, signal }), EVENTS_CODES.structural)
      }
    },
  }),
  storeCase({
    id: 'read-batches-are-the-readers-own',
    name: 'what a reader does to a batch does not reach the log',
    requirement: 'EVT-R37',
    async test(bench) {
      await fill(bench)
      for (const reading of [bench.store.read({ stream: kit('a') }), bench.store.readAll({})]) {
        for await (const batch of bounded(reading)) {
          for (const event of batch) Reflect.set(event, 'bytes', 'changed')
          ;(batch as StoredEvent[]).length = 0
        }
      }
      same((await gather(bench.store.readAll({}))).length, 10)
      same(await streamLines(bench.store, 'a'), FIVE)
    },
  }),
]
