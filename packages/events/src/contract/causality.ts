/** Cases of causes. */

import { EVENTS_CODES } from '../errors.ts'
import type { EventStore, NewEvent } from '../ports.ts'
import { idOf, noted, refused, same, storeCase, toStream, write } from './bench.ts'
import type { ContractCase } from './case.ts'

const because = (n: number, name: string, version: number): NewEvent =>
  noted(n, { causes: [idOf(name, version)] })

/** The cases of causality. */
export const causalityCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'cause-in-the-log',
    name: 'a cause may stand anywhere in the log, in another stream too',
    requirement: 'EVT-R20',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1), noted(2)))
      await append(toStream('b', 0, because(3, 'a', 2)))
      await append(toStream('b', 1, because(4, 'b', 1)))
      same(await store.head(), { position: 4 })
    },
  }),
  storeCase({
    id: 'cause-unknown',
    name: 'a cause that does not stand in the log refuses the unit, and nothing is written',
    requirement: 'EVT-R20',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1)))
      await refused(append(toStream('b', 0, because(2, 'a', 2))), EVENTS_CODES.causality)
      await refused(append(toStream('b', 0, because(2, 'nowhere', 1))), EVENTS_CODES.causality)
      const causes = [idOf('a', 1), idOf('a', 3)]
      const error = await refused(
        append(toStream('b', 0, noted(2, { causes }))),
        EVENTS_CODES.causality,
      )
      same(error.data, { type: 'KitNoted', cause: idOf('a', 3) })
      same(await store.head(), { position: 1 })
    },
  }),
  storeCase({
    id: 'cause-itself',
    name: 'no event is its own cause',
    requirement: 'EVT-R20',
    async test({ append, store }) {
      await refused(append(toStream('a', 0, because(1, 'a', 1))), EVENTS_CODES.causality)
      same(await store.head(), { position: 0 })
    },
  }),
  storeCase({
    id: 'cause-later-in-the-unit',
    name: 'no event is caused by a later one of its unit',
    requirement: 'EVT-R20',
    async test({ append, store }) {
      await refused(append(toStream('a', 0, because(1, 'a', 2), noted(2))), EVENTS_CODES.causality)
      const writes = [write('a', 0, because(1, 'b', 1)), write('b', 0, noted(2))]
      await refused(append({ writes }), EVENTS_CODES.causality)
      same(await store.head(), { position: 0 })
    },
  }),
  storeCase({
    id: 'cause-earlier-in-the-unit',
    name: 'an event may be caused by an earlier one of its unit',
    requirement: 'EVT-R20',
    async test({ append, store }) {
      await append({
        writes: [
          write('a', 0, noted(1), because(2, 'a', 1)),
          write('b', 0, because(3, 'a', 2), because(4, 'b', 1)),
        ],
      })
      same(await store.head(), { position: 4 })
    },
  }),
]
