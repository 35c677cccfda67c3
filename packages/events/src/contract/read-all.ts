/** Cases of reading the whole log, and of its head. */

import type { Timestamp } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { EventFilter, EventStore } from '../ports.ts'
import {
  type Bench,
  bounded,
  kit,
  logLines,
  noted,
  proposed,
  range,
  refusedRead,
  START_MS,
  same,
  storeCase,
  toStream,
  write,
} from './bench.ts'
import { blobOf } from './blobs.ts'
import type { ContractCase } from './case.ts'

const SIX = [
  '1 kit/a@1 n1',
  '2 kit/b@1 n2',
  '3 kit/a@2 n3',
  '4 kit/a/x@1 n4',
  '5 kit/b@2 n5',
  '6 kit/a@3 n6',
]

/** Six events in three streams; 3 and 5 are an agent's. */
async function fill({ append }: Bench): Promise<void> {
  await append({ writes: [write('a', 0, noted(1)), write('b', 0, noted(2))] })
  await append(toStream('a', 1, proposed(3)))
  await append({ writes: [write('a/x', 0, noted(4)), write('b', 1, proposed(5))] })
  await append(toStream('a', 2, noted(6)))
}

function pick(...positions: number[]): (string | undefined)[] {
  return positions.map((position) => SIX[position - 1])
}

async function filtered({ store }: Bench, filter: EventFilter): Promise<string[]> {
  return logLines(store, { filter })
}

/** The cases of `readAll` and `head`. */
export const readAllCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'read-all-in-order',
    name: 'readAll gives every event in the one order of the log',
    requirement: 'EVT-R31',
    async test(bench) {
      same(await logLines(bench.store), [])
      await fill(bench)
      same(await logLines(bench.store), SIX)
    },
  }),
  storeCase({
    id: 'read-all-after',
    name: 'readAll after a position begins behind it',
    requirement: 'EVT-R31',
    async test(bench) {
      await fill(bench)
      same(await logLines(bench.store, { after: 2 }), SIX.slice(2))
      same(await logLines(bench.store, { after: 6 }), [])
      same(await logLines(bench.store, { after: 99 }), [])
    },
  }),
  storeCase({
    id: 'read-all-limit',
    name: 'readAll gives at most as many events as its limit says, counted behind the filter',
    requirement: 'EVT-R31',
    async test(bench) {
      await fill(bench)
      const { store } = bench
      same(await logLines(store, { limit: 2 }), pick(1, 2))
      same(await logLines(store, { after: 1, limit: 3 }), pick(2, 3, 4))
      same(await logLines(store, { limit: 0 }), [])
      const filter = { types: ['KitProposed'] }
      same(await logLines(store, { limit: 2, filter }), pick(3, 5))
      same(await logLines(store, { after: 3, limit: 1, filter }), pick(5))
    },
  }),
  storeCase({
    id: 'read-all-by-prefix',
    name: 'readAll by prefix gives the streams whose ids begin so',
    requirement: 'EVT-R32',
    async test(bench) {
      await fill(bench)
      same(await filtered(bench, { streamPrefix: 'kit/a' }), pick(1, 3, 4, 6))
      same(await filtered(bench, { streamPrefix: 'kit/a/' }), pick(4))
      same(await filtered(bench, { streamPrefix: '' }), SIX)
      same(await filtered(bench, { streamPrefix: 'it/' }), [])
    },
  }),
  storeCase({
    id: 'read-all-prefix-is-literal',
    name: 'readAll takes a prefix letter by letter: no wildcards, no other case',
    requirement: 'EVT-R32',
    async test(bench) {
      const { append } = bench
      await append(toStream('x_1', 0, noted(1)))
      await append(toStream('xy1', 0, noted(2)))
      await append(toStream('X_1', 0, noted(3)))
      same(await filtered(bench, { streamPrefix: 'kit/x_' }), ['1 kit/x_1@1 n1'])
      same(await filtered(bench, { streamPrefix: 'kit/X' }), ['3 kit/X_1@1 n3'])
      for (const streamPrefix of ['kit/%', 'kit/*', 'kit/?', 'kit/[xX]', "kit/x' or 1=1 --"]) {
        same(await filtered(bench, { streamPrefix }), [])
      }
    },
  }),
  storeCase({
    id: 'read-all-by-type',
    name: 'readAll by types gives the events of any of them',
    requirement: 'EVT-R32',
    async test(bench) {
      await fill(bench)
      same(await filtered(bench, { types: ['KitProposed'] }), pick(3, 5))
      same(await filtered(bench, { types: ['KitProposed', 'KitNoted'] }), SIX)
      same(await filtered(bench, { types: ['Nothing'] }), [])
      same(await filtered(bench, { types: [] }), [])
    },
  }),
  storeCase({
    id: 'read-all-by-prefix-and-type',
    name: 'readAll by prefix and types gives what fits both',
    requirement: 'EVT-R32',
    async test(bench) {
      await fill(bench)
      const filter = { streamPrefix: 'kit/a', types: ['KitProposed'] }
      same(await filtered(bench, filter), pick(3))
    },
  }),
  storeCase({
    id: 'read-all-by-origin',
    name: 'readAll by origins gives what any of them emitted; `agent` is every agent',
    requirement: 'EVT-R32',
    async test(bench) {
      await fill(bench)
      const bob = '7 kit/b@3 n7'
      await bench.append(toStream('b', 2, proposed(7, 'bob')))
      same(await filtered(bench, { origins: ['runtime'] }), pick(1, 2, 4, 6))
      same(await filtered(bench, { origins: ['agent'] }), [...pick(3, 5), bob])
      same(await filtered(bench, { origins: ['agent:bob'] }), [bob])
      same(await filtered(bench, { origins: ['agent:alice', 'runtime'] }), SIX)
      same(await filtered(bench, { origins: ['agent:ali' as never] }), [])
      same(await filtered(bench, { origins: [] }), [])
    },
  }),
  storeCase({
    id: 'read-all-by-time',
    name: 'readAll by time gives what is not earlier than `from`, and earlier than `before`',
    requirement: 'EVT-R32',
    async test(bench) {
      for (const n of range(1, 4)) {
        const time = (START_MS + n * 10) as Timestamp
        await bench.append(toStream('a', n - 1, noted(n, { time })))
      }
      const at = (n: number): string => `${n} kit/a@${n} n${n}`
      same(await filtered(bench, { from: START_MS + 20 }), [at(2), at(3), at(4)])
      same(await filtered(bench, { from: START_MS + 21 }), [at(3), at(4)])
      same(await filtered(bench, { before: START_MS + 20 }), [at(1)])
      same(await filtered(bench, { from: START_MS + 20, before: START_MS + 40 }), [at(2), at(3)])
      same(await filtered(bench, { from: START_MS + 20, before: START_MS + 20 }), [])
      same(await filtered(bench, { from: 0, before: 0 }), [])
    },
  }),
  storeCase({
    id: 'read-all-by-everything',
    name: 'readAll joins origin, time, stream and type, and counts its limit behind them all',
    requirement: 'EVT-R32',
    async test(bench) {
      await fill(bench)
      const filter: EventFilter = {
        origins: ['agent'],
        from: START_MS,
        types: ['KitProposed', 'KitNoted'],
      }
      same(await filtered(bench, { ...filter, streamPrefix: 'kit/b' }), pick(5))
      same(await filtered(bench, { ...filter, types: ['KitNoted'] }), [])
      same(await filtered(bench, { ...filter, before: START_MS }), [])
      same(await logLines(bench.store, { filter, limit: 1 }), pick(3))
      same(await logLines(bench.store, { filter, limit: 1, after: 3 }), pick(5))
    },
  }),
  storeCase({
    id: 'filter-that-is-none',
    name: 'what is no filter is refused, and is not taken for one that lets everything through',
    requirement: 'EVT-R38',
    async test(bench) {
      await fill(bench)
      const none: readonly object[] = [
        { origins: 'runtime' },
        { origins: [1] },
        { types: 'KitNoted' },
        { types: [null] },
        { streamPrefix: 7 },
        { from: -1 },
        { from: '2026-01-01' },
        { before: Number.NaN },
        { before: 1.5 },
      ]
      for (const filter of none as readonly EventFilter[]) {
        await refusedRead(bench.store.readAll({ filter }), EVENTS_CODES.structural)
        const signal = bench.patience()
        await refusedRead(bench.store.subscribe({ filter, signal }), EVENTS_CODES.structural)
      }
    },
  }),
  storeCase({
    id: 'read-all-up-to-the-head',
    name: 'readAll ends at the head as it was when the reading began',
    requirement: 'EVT-R31',
    async test({ append, store }) {
      const many = range(1, 700)
      await append(toStream('a', 0, ...many.slice(0, 350).map((n) => noted(n))))
      await append(toStream('a', 350, ...many.slice(350).map((n) => noted(n))))
      let seen = 0
      for await (const batch of bounded(store.readAll({}))) {
        if (seen === 0) await append(toStream('b', 0, noted(0)))
        seen += batch.length
      }
      same([seen, await store.head()], [700, { position: 701 }])
    },
  }),
  storeCase({
    id: 'head-is-the-last-position',
    name: 'head is the position of the last event, and 0 of an empty log',
    requirement: 'EVT-R35',
    async test(bench) {
      same(await bench.store.head(), { position: 0 })
      await fill(bench)
      same(await bench.store.head(), { position: 6 })
    },
  }),
  storeCase({
    id: 'check-of-a-sound-log',
    name: 'check finds nothing in a sound log, blobs included',
    requirement: 'EVT-R54',
    async test(bench) {
      await fill(bench)
      await bench.append({ ...toStream('c', 0, noted(7)), blobs: [blobOf(9), blobOf(1_100_000)] })
      await bench.store.blobs.stage([blobOf(1_200_000).bytes])
      const findings: unknown[] = []
      for await (const finding of bounded(bench.store.check())) findings.push(finding)
      same(findings, [])
      same(await logLines(bench.store, { filter: { streamPrefix: kit('b') } }), pick(2, 5))
    },
  }),
]
