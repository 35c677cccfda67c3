/** Cases of `append`: what a unit leaves behind, and what it does not. */

import { canonicalize, leafHash } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { EventStore, PreparedEvent } from '../ports.ts'
import {
  gather,
  idOf,
  kit,
  logLines,
  noted,
  proposed,
  refused,
  START_MS,
  same,
  storeCase,
  streamLines,
  toStream,
  write,
} from './bench.ts'
import type { ContractCase } from './case.ts'

/** The cases of `append` itself. */
export const appendCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'append-acknowledges-places',
    name: 'append acknowledges streams, versions, positions and times',
    requirement: 'EVT-R10',
    async test({ append }) {
      same(await append(toStream('a', 'no_stream', noted(1), noted(2))), {
        writes: [{ stream: kit('a'), version: 2, positions: [1, 2], times: [START_MS, START_MS] }],
        retried: false,
      })
      same(await append({ writes: [write('b', 0, noted(3)), write('a', 2, noted(4))] }), {
        writes: [
          { stream: kit('b'), version: 1, positions: [3], times: [START_MS] },
          { stream: kit('a'), version: 3, positions: [4], times: [START_MS] },
        ],
        retried: false,
      })
    },
  }),
  storeCase({
    id: 'append-writes-several-streams',
    name: 'append writes several streams as one, in the order of the request',
    requirement: 'EVT-R10',
    async test({ append, store }) {
      await append({
        writes: [
          write('c', 0, noted(1)),
          write('a', 0, noted(2), noted(3)),
          write('b', 0, noted(4)),
        ],
      })
      same(await logLines(store), ['1 kit/c@1 n1', '2 kit/a@1 n2', '3 kit/a@2 n3', '4 kit/b@1 n4'])
    },
  }),
  storeCase({
    id: 'append-keeps-the-sealed-bytes',
    name: 'append keeps canonical bytes with their leaf hash',
    requirement: 'EVT-R06',
    async test({ append, store }) {
      await append(toStream('a', 'no_stream', noted(1)))
      const event = noted(2, { causes: [idOf('a', 1)], cost: { ms: 5 }, origin: 'runtime' })
      await append(toStream('a', 1, event))
      const bytes = canonicalize({
        v: 1,
        stream: kit('a'),
        version: 2,
        type: 'KitNoted',
        schema: 1,
        time: START_MS,
        origin: 'runtime',
        causes: [idOf('a', 1)],
        cost: { ms: 5 },
        data: { n: 2 },
      })
      const [stored] = await gather(store.readAll({ after: 1 }))
      same([stored?.position, stored?.bytes, stored?.hash], [2, bytes, leafHash(bytes)])
    },
  }),
  storeCase({
    id: 'append-failing-write-leaves-nothing',
    name: 'append writes nothing of a unit whose last write fails',
    requirement: 'EVT-R13',
    async test({ append, store }) {
      await append(toStream('b', 'no_stream', noted(1)))
      await refused(
        append({ writes: [write('a', 0, noted(2)), write('b', 0, noted(3))] }),
        EVENTS_CODES.versionConflict,
      )
      same(await streamLines(store, 'a'), [])
      same(await streamLines(store, 'b'), ['1 kit/b@1 n1'])
      same(await store.head(), { position: 1 })
    },
  }),
  storeCase({
    id: 'append-refused-unit-takes-no-place',
    name: 'append gives the places of a refused unit to the next one',
    requirement: 'EVT-R12',
    async test({ append, store }) {
      await append(toStream('a', 'no_stream', noted(1)))
      await refused(append(toStream('a', 0, noted(2))), EVENTS_CODES.versionConflict)
      await append(toStream('a', 1, noted(3)))
      await append(toStream('b', 0, noted(4)))
      same(await logLines(store), ['1 kit/a@1 n1', '2 kit/a@2 n3', '3 kit/b@1 n4'])
    },
  }),
  storeCase({
    id: 'append-counts-without-gap',
    name: 'append counts positions over the log and versions within a stream, without a gap',
    requirement: 'EVT-R12',
    async test({ append, store }) {
      await append(toStream('a', 'any', noted(1)))
      await append(toStream('b', 'any', noted(2)))
      await append(toStream('a', 'any', noted(3), noted(4)))
      await append(toStream('b', 'any', proposed(5)))
      same(await streamLines(store, 'a'), ['1 kit/a@1 n1', '3 kit/a@2 n3', '4 kit/a@3 n4'])
      same(await streamLines(store, 'b'), ['2 kit/b@1 n2', '5 kit/b@2 n5'])
    },
  }),
  storeCase({
    id: 'append-refuses-what-is-not-prepared',
    name: 'append refuses an event that did not come through the gateway',
    requirement: 'EVT-R08',
    async test({ prepare, store }) {
      const unit = prepare(toStream('a', 'no_stream', noted(1)))
      const real = unit.writes[0]?.events[0] as PreparedEvent
      const forged: PreparedEvent = {
        stream: real.stream,
        type: real.type,
        causes: real.causes,
        fixedTime: null,
        size: 100,
        timeAfter: (floor) => real.timeAfter(floor),
        seal: (version, floor) => real.seal(version, floor),
        matches: () => true,
      }
      const writes = [{ stream: kit('a'), expectedVersion: 'no_stream' as const, events: [forged] }]
      await refused(store.append({ writes }), EVENTS_CODES.structural)
      same(await store.head(), { position: 0 })
    },
  }),
  storeCase({
    id: 'append-refuses-what-is-no-unit',
    name: 'append refuses what is no unit at all as structural, and goes on',
    requirement: 'EVT-R08',
    async test({ append, prepare, store }) {
      const unit = prepare(toStream('a', 'no_stream', noted(1)))
      const [one] = unit.writes
      for (const wrong of [
        undefined,
        null,
        7,
        {},
        { ...unit, writes: 'kit/a' },
        { ...unit, writes: [] },
        { ...unit, writes: [null] },
        { ...unit, writes: [{ ...one, events: [] }] },
        { ...unit, writes: [{ ...one, events: [null] }] },
        { ...unit, writes: [{ ...one, expectedVersion: -1 }] },
        { ...unit, notAfter: 'never' },
        { ...unit, guards: [null] },
        { ...unit, blobs: [null] },
        { ...unit, blobs: [{}] },
        { ...unit, blobs: [{ digest: 'a', bytes: 'text' }] },
      ] as never[]) {
        await refused(store.append(wrong), EVENTS_CODES.structural)
      }
      await append(toStream('a', 'no_stream', noted(1)))
      same(await store.head(), { position: 1 })
    },
  }),
  storeCase({
    id: 'append-refuses-another-streams-event',
    name: 'append refuses an event that was prepared for another stream',
    requirement: 'EVT-R08',
    async test({ prepare, store }) {
      const unit = prepare(toStream('a', 'no_stream', noted(1)))
      const moved = unit.writes.map((one) => ({ ...one, stream: kit('b') }))
      await refused(store.append({ writes: moved }), EVENTS_CODES.structural)
      same(await store.head(), { position: 0 })
    },
  }),
  storeCase({
    id: 'append-withdrawn-before-it-begins',
    name: 'append writes nothing of a unit whose signal has fired',
    requirement: 'EVT-R24',
    async test({ append, store }) {
      const signal = AbortSignal.abort()
      await refused(append({ ...toStream('a', 0, noted(1)), signal }), EVENTS_CODES.aborted)
      same(await logLines(store), [])
    },
  }),
  storeCase({
    id: 'append-withdrawn-meanwhile',
    name: 'append of a unit withdrawn after the call is refused, or kept as acknowledged',
    requirement: 'EVT-R24',
    async test({ append, store }) {
      const controller = new AbortController()
      const { signal } = controller
      const outcome = append({ ...toStream('a', 0, noted(1)), signal }).then(
        () => ['1 kit/a@1 n1'],
        () => [],
      )
      controller.abort()
      const expected = await outcome
      await append(toStream('b', 0, noted(2)))
      same(await streamLines(store, 'a'), expected)
    },
  }),
]
