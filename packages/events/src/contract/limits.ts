/** Cases of the largest things a store has to take. */

import { CAUSES_MAX, EVENT_BYTES_MAX, UNIT_EVENTS_MAX, UNIT_GUARDS_MAX } from '../limits.ts'
import type { EventStore } from '../ports.ts'
import { gather, idOf, kit, noted, range, same, storeCase, toStream, write } from './bench.ts'
import type { ContractCase } from './case.ts'

/** The cases of limits. */
export const limitCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'limit-largest-event',
    name: 'an event of almost the largest size, with text beyond ASCII, is kept byte for byte',
    requirement: 'EVT-R07',
    async test({ append, store }) {
      const texts = range(1, 7).map((i) => `${i}\u20ac\u{1f642}\u0000`.repeat(600))
      await append(toStream('a', 0, { type: 'KitNoted', data: { n: 1, texts } }))
      const [stored] = await gather(store.readAll({}))
      const bytes = stored?.bytes ?? ''
      const size = Buffer.byteLength(bytes)
      same([size > EVENT_BYTES_MAX * 0.9, size <= EVENT_BYTES_MAX], [true, true])
      same((JSON.parse(bytes) as { data: unknown }).data, { n: 1, texts })
    },
  }),
  storeCase({
    id: 'limit-largest-unit',
    name: 'a unit of 512 events over 16 streams is kept whole and in order',
    requirement: 'EVT-R23',
    async test({ append, store }) {
      const perStream = UNIT_EVENTS_MAX / 16
      const writes = range(0, 15).map((s) =>
        write(`s${s}`, 0, ...range(1, perStream).map((i) => noted(s * perStream + i))),
      )
      await append({ writes })
      const events = await gather(store.readAll({}))
      same(
        events.map(({ bytes }) => (JSON.parse(bytes) as { data: { n: number } }).data.n),
        range(1, UNIT_EVENTS_MAX),
      )
    },
  }),
  storeCase({
    id: 'limit-most-conditions',
    name: 'a unit with 64 guards whose event has 64 causes is judged and kept',
    requirement: 'EVT-R23',
    async test({ append, store }) {
      await append(toStream('c', 0, ...range(1, CAUSES_MAX).map((n) => noted(n))))
      const causes = range(1, CAUSES_MAX).map((version) => idOf('c', version))
      const guards = range(1, UNIT_GUARDS_MAX).map((i) => ({
        stream: kit(i === UNIT_GUARDS_MAX ? 'c' : `g${i}`),
        version: i === UNIT_GUARDS_MAX ? CAUSES_MAX : 0,
      }))
      await append({ ...toStream('a', 0, noted(0, { causes })), guards })
      same(await store.head(), { position: CAUSES_MAX + 1 })
    },
  }),
]
