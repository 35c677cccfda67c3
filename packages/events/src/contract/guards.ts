/** Cases of the conditions of a unit: guards, and the time after which it no longer holds. */

import type { Timestamp } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { EventStore, Guard } from '../ports.ts'
import { kit, noted, refused, START_MS, same, storeCase, streamLines, toStream } from './bench.ts'
import type { ContractCase } from './case.ts'

const guard = (name: string, version: number): readonly Guard[] => [{ stream: kit(name), version }]
const at = (ms: number): Timestamp => ms as Timestamp

/** The cases of guards and of `notAfter`. */
export const conditionCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'guard-holds',
    name: 'a guarded stream that has not moved lets the unit pass, and is not written',
    requirement: 'EVT-R14',
    async test({ append, store }) {
      await append(toStream('z', 0, noted(0)))
      await append(toStream('g', 0, noted(1), noted(2)))
      await append({ ...toStream('a', 0, noted(3)), guards: guard('g', 2) })
      same(await streamLines(store, 'a'), ['4 kit/a@1 n3'])
      same(await streamLines(store, 'g'), ['2 kit/g@1 n1', '3 kit/g@2 n2'])
    },
  }),
  storeCase({
    id: 'guard-moved-conflicts',
    name: 'a guarded stream that has moved refuses the unit, and nothing is written',
    requirement: 'EVT-R14',
    async test({ append, store }) {
      await append(toStream('g', 0, noted(1), noted(2)))
      const error = await refused(
        append({ ...toStream('a', 0, noted(3)), guards: guard('g', 1) }),
        EVENTS_CODES.guardConflict,
      )
      same(error.data, { stream: kit('g'), expected: 1, actual: 2 })
      same(await store.head(), { position: 2 })
    },
  }),
  storeCase({
    id: 'guard-empty-stream',
    name: 'a guard of version 0 holds until the stream has an event',
    requirement: 'EVT-R14',
    async test({ append, store }) {
      await append({ ...toStream('a', 0, noted(1)), guards: guard('g', 0) })
      await append(toStream('g', 0, noted(2)))
      await refused(
        append({ ...toStream('a', 1, noted(3)), guards: guard('g', 0) }),
        EVENTS_CODES.guardConflict,
      )
      same(await streamLines(store, 'a'), ['1 kit/a@1 n1'])
    },
  }),
  storeCase({
    id: 'guard-ahead-conflicts',
    name: 'a guard of a version the stream has not reached refuses the unit',
    requirement: 'EVT-R14',
    async test({ append, store }) {
      await append(toStream('g', 0, noted(1)))
      await refused(
        append({ ...toStream('a', 0, noted(2)), guards: guard('g', 2) }),
        EVENTS_CODES.guardConflict,
      )
      same(await store.head(), { position: 1 })
    },
  }),
  storeCase({
    id: 'guard-last-of-several',
    name: 'every guard is held to, the last one too',
    requirement: 'EVT-R14',
    async test({ append, store }) {
      await append(toStream('g', 0, noted(1)))
      await append(toStream('h', 0, noted(2)))
      const guards = [...guard('g', 1), ...guard('i', 0), ...guard('h', 0)]
      const unit = { ...toStream('a', 0, noted(3)), guards }
      const error = await refused(append(unit), EVENTS_CODES.guardConflict)
      same(error.data, { stream: kit('h'), expected: 0, actual: 1 })
      same(await store.head(), { position: 2 })
    },
  }),
  storeCase({
    id: 'not-after-last-instant',
    name: 'a unit still holds at the instant its notAfter names',
    requirement: 'EVT-R15',
    async test({ append, store }) {
      await append({ ...toStream('a', 0, noted(1)), notAfter: at(START_MS) })
      same(await streamLines(store, 'a'), ['1 kit/a@1 n1'])
    },
  }),
  storeCase({
    id: 'not-after-passed',
    name: 'a unit whose notAfter has passed is refused, and nothing is written',
    requirement: 'EVT-R15',
    async test({ append, store }) {
      const error = await refused(
        append({ ...toStream('a', 0, noted(1)), notAfter: at(START_MS - 1) }),
        EVENTS_CODES.tooLate,
      )
      same(error.data, { notAfter: START_MS - 1, now: START_MS })
      same(await store.head(), { position: 0 })
    },
  }),
  storeCase({
    id: 'not-after-judged-by-the-store',
    name: 'notAfter is held against the clock of the store at the append, not at the preparation',
    requirement: 'EVT-R15',
    async test({ prepare, store, harness }) {
      const notAfter = at(START_MS + 10)
      const unit = prepare({ ...toStream('a', 0, noted(1)), notAfter })
      harness.clock.setWall(START_MS + 11)
      await refused(store.append(unit), EVENTS_CODES.tooLate)
      harness.clock.setWall(START_MS + 10)
      await store.append(unit)
      same(await streamLines(store, 'a'), ['1 kit/a@1 n1'])
    },
  }),
]
