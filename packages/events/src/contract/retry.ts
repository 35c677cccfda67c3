/** Cases of a unit that is sent again. */

import { principalId, type Timestamp } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { EventStore, NewEvent } from '../ports.ts'
import {
  idOf,
  kit,
  logLines,
  noted,
  refused,
  START_MS,
  same,
  storeCase,
  toStream,
  write,
} from './bench.ts'
import type { ContractCase } from './case.ts'

const at = (ms: number): Timestamp => ms as Timestamp

/** The cases of retries. */
export const retryCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'retry-acknowledged',
    name: 'a unit that meets its own events is acknowledged with the places they have',
    requirement: 'EVT-R16',
    async test({ append, store }) {
      const request = toStream('a', 'no_stream', noted(1), noted(2))
      const first = await append(request)
      same(await append(request), { ...first, retried: true }, 'a retry is acknowledged')
      same(await store.head(), { position: 2 })
    },
  }),
  storeCase({
    id: 'retry-after-further-events',
    name: 'a unit is acknowledged also when its streams have moved on',
    requirement: 'EVT-R16',
    async test({ append, store }) {
      const request = toStream('a', 0, noted(1))
      const first = await append(request)
      await append(toStream('a', 1, noted(2)))
      await append(toStream('b', 0, noted(3)))
      same(await append(request), { ...first, retried: true }, 'a retry is acknowledged')
      same(await store.head(), { position: 3 })
    },
  }),
  storeCase({
    id: 'retry-with-assigned-times',
    name: 'a unit prepared anew at a later time is acknowledged with the times recorded first',
    requirement: 'EVT-R16',
    async test({ append, harness }) {
      const request = toStream('a', 0, noted(1), noted(2))
      await append(request)
      harness.clock.setWall(START_MS + 60_000)
      same((await append(request)).writes, [
        { stream: kit('a'), version: 2, positions: [1, 2], times: [START_MS, START_MS] },
      ])
    },
  }),
  storeCase({
    id: 'retry-with-given-times',
    name: 'a given time is part of what an event is: another one in its place is a conflict',
    requirement: 'EVT-R17',
    async test({ append, store }) {
      const request = toStream('a', 0, noted(1, { time: at(500) }))
      const first = await append(request)
      same(await append(request), { ...first, retried: true }, 'a retry is acknowledged')
      await refused(
        append(toStream('a', 0, noted(1, { time: at(501) }))),
        EVENTS_CODES.versionConflict,
      )
      same(await store.head(), { position: 1 })
    },
  }),
  storeCase({
    id: 'retry-of-several-streams',
    name: 'a unit of several streams is acknowledged as a whole',
    requirement: 'EVT-R16',
    async test({ append, store }) {
      await append(toStream('b', 0, noted(1)))
      const request = { writes: [write('a', 0, noted(2)), write('b', 1, noted(3), noted(4))] }
      const first = await append(request)
      await append(toStream('b', 3, noted(5)))
      same(await append(request), { ...first, retried: true }, 'a retry is acknowledged')
      same(await store.head(), { position: 5 })
    },
  }),
  storeCase({
    id: 'retry-other-content-conflicts',
    name: 'another event in the place of a unit is a conflict, whatever field differs',
    requirement: 'EVT-R17',
    async test({ append, store }) {
      const event = noted(2, { causes: [idOf('a', 1)], cost: { ms: 1 } })
      await append(toStream('a', 0, noted(1)))
      await append(toStream('a', 1, event))
      const others: NewEvent[] = [
        { ...event, data: { n: 3 } },
        { ...event, causes: [] },
        { ...event, cost: { ms: 2 } },
        { ...event, principal: principalId('os:mallory') },
        { ...event, type: 'KitProposed', origin: 'agent:alice' },
      ]
      for (const other of others) {
        await refused(append(toStream('a', 1, other)), EVENTS_CODES.versionConflict)
      }
      same(await store.head(), { position: 2 })
    },
  }),
  storeCase({
    id: 'retry-partial-streams-conflicts',
    name: 'a unit of which only one stream is there is a conflict, and the rest is not written',
    requirement: 'EVT-R17',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1)))
      await refused(
        append({ writes: [write('a', 0, noted(1)), write('b', 0, noted(2))] }),
        EVENTS_CODES.versionConflict,
      )
      same(await logLines(store), ['1 kit/a@1 n1'])
    },
  }),
  storeCase({
    id: 'retry-partial-events-conflicts',
    name: 'a unit of which only the first event is there is a conflict',
    requirement: 'EVT-R17',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1)))
      await refused(append(toStream('a', 0, noted(1), noted(2))), EVENTS_CODES.versionConflict)
      same(await logLines(store), ['1 kit/a@1 n1'])
    },
  }),
  storeCase({
    id: 'retry-before-conditions',
    name: 'a unit that is there is acknowledged though its guards have moved and it is too late',
    requirement: 'EVT-R18',
    async test({ append, harness }) {
      const guards = [{ stream: kit('g'), version: 0 }]
      const request = { ...toStream('a', 0, noted(1)), guards, notAfter: at(START_MS) }
      const first = await append(request)
      await append(toStream('g', 0, noted(2)))
      harness.clock.setWall(START_MS + 1)
      same(await append(request), { ...first, retried: true }, 'a retry is acknowledged')
    },
  }),
  storeCase({
    id: 'retry-not-with-any',
    name: 'a unit that expects any version is never taken for one that is there',
    requirement: 'EVT-R17',
    async test({ append, store }) {
      const request = { writes: [write('a', 'any', noted(1)), write('b', 0, noted(2))] }
      await append(request)
      await refused(append(request), EVENTS_CODES.versionConflict)
      same(await logLines(store), ['1 kit/a@1 n1', '2 kit/b@1 n2'])
    },
  }),
]
