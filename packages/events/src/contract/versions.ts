/** Cases of expected versions. */

import { EVENTS_CODES } from '../errors.ts'
import type { EventStore } from '../ports.ts'
import { kit, noted, refused, same, storeCase, streamLines, toStream } from './bench.ts'
import type { ContractCase } from './case.ts'

/** The cases of expected versions. */
export const versionCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'version-number-fits',
    name: 'append with the version last seen goes on from there',
    requirement: 'EVT-R11',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1), noted(2)))
      await append(toStream('a', 2, noted(3)))
      same(await streamLines(store, 'a'), ['1 kit/a@1 n1', '2 kit/a@2 n2', '3 kit/a@3 n3'])
    },
  }),
  storeCase({
    id: 'version-stale-conflicts',
    name: 'append with a stale version conflicts, says where the stream is, and writes nothing',
    requirement: 'EVT-R11',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1), noted(2)))
      const error = await refused(append(toStream('a', 1, noted(3))), EVENTS_CODES.versionConflict)
      same(error.data, { stream: kit('a'), expected: 1, actual: 2 })
      same(await store.head(), { position: 2 })
    },
  }),
  storeCase({
    id: 'version-ahead-conflicts',
    name: 'append with a version the stream has not reached conflicts',
    requirement: 'EVT-R11',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1)))
      const error = await refused(append(toStream('a', 2, noted(2))), EVENTS_CODES.versionConflict)
      same(error.data, { stream: kit('a'), expected: 2, actual: 1 })
      await refused(append(toStream('b', 1, noted(2))), EVENTS_CODES.versionConflict)
      same(await store.head(), { position: 1 })
    },
  }),
  storeCase({
    id: 'version-no-stream',
    name: 'append that expects no stream conflicts once there is one',
    requirement: 'EVT-R11',
    async test({ append, store }) {
      await append(toStream('a', 'no_stream', noted(1)))
      await refused(append(toStream('a', 'no_stream', noted(2))), EVENTS_CODES.versionConflict)
      await refused(append(toStream('a', 0, noted(2))), EVENTS_CODES.versionConflict)
      same(await streamLines(store, 'a'), ['1 kit/a@1 n1'])
    },
  }),
  storeCase({
    id: 'version-any',
    name: 'append with any version goes to the end, each time it is called',
    requirement: 'EVT-R11',
    async test({ append, prepare, store }) {
      await append(toStream('a', 'any', noted(1)))
      const unit = prepare(toStream('a', 'any', noted(2)))
      same((await store.append(unit)).retried, false)
      same((await store.append(unit)).retried, false)
      same(await streamLines(store, 'a'), ['1 kit/a@1 n1', '2 kit/a@2 n2', '3 kit/a@3 n2'])
    },
  }),
]
