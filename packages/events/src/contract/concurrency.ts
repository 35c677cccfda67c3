/** Cases of units that arrive together. */

import { EVENTS_CODES } from '../errors.ts'
import type { EventStore } from '../ports.ts'
import {
  gather,
  idOf,
  kit,
  logLines,
  noted,
  range,
  same,
  storeCase,
  streamLines,
  toStream,
} from './bench.ts'
import { blobOf } from './blobs.ts'
import type { ContractCase } from './case.ts'

/** `ok`, or the code a promise is rejected with. */
async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'ok'
  } catch (error) {
    return String((error as { readonly code?: unknown }).code)
  }
}

/** The cases of concurrency within one process. */
export const concurrencyCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'together-in-arrival-order',
    name: 'units that arrive together each see the earlier ones',
    requirement: 'EVT-R21',
    async test({ append, store }) {
      await Promise.all([
        append(toStream('a', 0, noted(1))),
        append(toStream('a', 1, noted(2))),
        append(toStream('b', 0, noted(3, { causes: [idOf('a', 2)] }))),
        append({ ...toStream('c', 0, noted(4)), guards: [{ stream: kit('b'), version: 1 }] }),
      ])
      same(await logLines(store), ['1 kit/a@1 n1', '2 kit/a@2 n2', '3 kit/b@1 n3', '4 kit/c@1 n4'])
    },
  }),
  storeCase({
    id: 'together-each-its-own-outcome',
    name: 'of units that arrive together each has its own success or refusal',
    requirement: 'EVT-R21',
    async test({ append, store }) {
      const outcomes = await Promise.all(
        [
          append(toStream('a', 0, noted(1))),
          append(toStream('a', 0, noted(2))),
          append(toStream('b', 0, noted(3))),
          append({ ...toStream('c', 0, noted(4)), guards: [{ stream: kit('b'), version: 0 }] }),
          append(toStream('c', 0, noted(5, { causes: [idOf('c', 1)] }))),
          append(toStream('c', 0, noted(6))),
        ].map(outcome),
      )
      same(outcomes, [
        'ok',
        EVENTS_CODES.versionConflict,
        'ok',
        EVENTS_CODES.guardConflict,
        EVENTS_CODES.causality,
        'ok',
      ])
      same(await logLines(store), ['1 kit/a@1 n1', '2 kit/b@1 n3', '3 kit/c@1 n6'])
    },
  }),
  storeCase({
    id: 'together-the-same-unit',
    name: 'of one unit that arrives twice at once the second is a retry, with the same places',
    requirement: 'EVT-R16',
    async test({ append, store }) {
      const request = toStream('a', 0, noted(1), noted(2))
      const [first, second] = await Promise.all([append(request), append(request)])
      same([first.retried, second.retried], [false, true], 'the second alone is a retry')
      same(second.writes, first.writes, 'both have the same places')
      same(await logLines(store), ['1 kit/a@1 n1', '2 kit/a@2 n2'])
    },
  }),
  storeCase({
    id: 'together-refused-leaves-no-blob',
    name: 'a unit that is refused among accepted ones leaves no blob, and theirs are kept',
    requirement: 'EVT-R13',
    async test({ append, store }) {
      const blobs = [blobOf(51), blobOf(52), blobOf(53)]
      const outcomes = await Promise.all(
        ['a', 'a', 'b']
          .map((name, i) =>
            append({ ...toStream(name, 0, noted(i)), blobs: blobs.slice(i, i + 1) }),
          )
          .map(outcome),
      )
      same(outcomes, ['ok', EVENTS_CODES.versionConflict, 'ok'])
      same(
        await Promise.all(blobs.map(({ digest }) => store.blobs.has(digest))),
        [true, false, true],
        'the blobs of accepted units are there, and no other',
      )
    },
  }),
  storeCase({
    id: 'together-one-winner-per-version',
    name: 'of many callers who expect one version exactly one wins',
    requirement: 'EVT-R22',
    async test({ append, store }) {
      const winners: number[] = []
      for (const version of range(0, 7)) {
        const callers = range(0, 15).map(async (caller) => {
          const n = version * 100 + caller
          if ((await outcome(append(toStream('a', version, noted(n))))) === 'ok') winners.push(n)
        })
        await Promise.all(callers)
      }
      const expected = winners.map((n, i) => `${i + 1} kit/a@${i + 1} n${n}`)
      same([winners.length, await streamLines(store, 'a')], [8, expected])
    },
  }),
  storeCase({
    id: 'together-refold-and-retry',
    name: 'callers who refold and try again after a conflict all get through, once each',
    requirement: 'EVT-R22',
    async test({ append, store }) {
      // In every round one of those who try gets through, so nobody needs more rounds than callers.
      const insist = async (n: number): Promise<void> => {
        for (let round = 1; round <= 12; round += 1) {
          const { length } = await gather(store.read({ stream: kit('a') }))
          if ((await outcome(append(toStream('a', length, noted(n))))) === 'ok') return
        }
      }
      await Promise.all(range(1, 12).map(insist))
      const numbers = (await streamLines(store, 'a')).map((text) => Number(text.split(' n')[1]))
      same(
        numbers.toSorted((a, b) => a - b),
        range(1, 12),
      )
    },
  }),
  storeCase({
    id: 'together-any-version',
    name: 'units that arrive together and expect any version are all kept, without a gap',
    requirement: 'EVT-R12',
    async test({ append, store }) {
      await Promise.all(range(1, 40).map((n) => append(toStream(`s${n % 4}`, 'any', noted(n)))))
      const events = await gather(store.readAll({}))
      same(
        events.map(({ position }) => position),
        range(1, 40),
      )
      same(
        (await streamLines(store, 's1')).map((text) => text.replace(/^\d+ kit/, '')),
        range(1, 10).map((version) => `/s1@${version} n${version * 4 - 3}`),
      )
    },
  }),
]
