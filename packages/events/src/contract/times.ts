/** Cases of the times of events. */

import type { Timestamp } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { Appended, EventStore } from '../ports.ts'
import { noted, refused, START_MS, same, storeCase, toStream, write } from './bench.ts'
import type { ContractCase } from './case.ts'

const at = (ms: number): Timestamp => ms as Timestamp
const timesOf = ({ writes }: Appended): readonly number[] => writes.flatMap(({ times }) => times)

/** The cases of times. */
export const timeCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'time-assigned-by-the-clock',
    name: 'an event without a time gets the one it was prepared at',
    requirement: 'EVT-R19',
    async test({ prepare, store, harness }) {
      const unit = prepare(toStream('a', 0, noted(1)))
      harness.clock.setWall(START_MS + 5)
      same(timesOf(await store.append(unit)), [START_MS])
    },
  }),
  storeCase({
    id: 'time-assigned-is-clamped',
    name: 'an assigned time never lies before the last event of the stream',
    requirement: 'EVT-R19',
    async test({ append, harness }) {
      await append(toStream('a', 0, noted(1, { time: at(START_MS + 100) })))
      same(timesOf(await append(toStream('a', 1, noted(2)))), [START_MS + 100])
      harness.clock.setWall(START_MS - 5_000)
      same(timesOf(await append(toStream('a', 2, noted(3), noted(4)))), [
        START_MS + 100,
        START_MS + 100,
      ])
    },
  }),
  storeCase({
    id: 'time-given-too-early',
    name: 'a given time before the last event of the stream is refused, and nothing is written',
    requirement: 'EVT-R19',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1, { time: at(1_000) })))
      const error = await refused(
        append({ writes: [write('b', 0, noted(2)), write('a', 1, noted(3, { time: at(999) }))] }),
        EVENTS_CODES.temporal,
      )
      same((error.data as { readonly floor: number }).floor, 1_000)
      same(await store.head(), { position: 1 })
    },
  }),
  storeCase({
    id: 'time-given-equal',
    name: 'a given time equal to that of the last event is kept',
    requirement: 'EVT-R19',
    async test({ append }) {
      await append(toStream('a', 0, noted(1, { time: at(1_000) })))
      same(timesOf(await append(toStream('a', 1, noted(2, { time: at(1_000) })))), [1_000])
    },
  }),
  storeCase({
    id: 'time-given-behind-assigned',
    name: 'a given time is held against the event ahead of it in the unit, given or assigned',
    requirement: 'EVT-R19',
    async test({ append, store }) {
      for (const first of [noted(1, { time: at(2_000) }), noted(1)]) {
        await refused(
          append(toStream('a', 0, first, noted(2, { time: at(1_999) }))),
          EVENTS_CODES.temporal,
        )
      }
      same(await store.head(), { position: 0 })
    },
  }),
  storeCase({
    id: 'time-of-other-streams',
    name: 'the time of one stream binds no other',
    requirement: 'EVT-R19',
    async test({ append }) {
      await append(toStream('a', 0, noted(1, { time: at(2_000) })))
      same(timesOf(await append(toStream('b', 0, noted(2, { time: at(1_000) })))), [1_000])
    },
  }),
]
