/** Cases of subscriptions. Every wait ends with the patience of the harness. */

import { EVENTS_CODES } from '../errors.ts'
import type { EventFilter, EventStore, StoredEvent, SubscribeQuery } from '../ports.ts'
import {
  type Bench,
  line,
  noted,
  proposed,
  range,
  refused,
  refusedRead,
  START_MS,
  same,
  storeCase,
  toStream,
} from './bench.ts'
import type { ContractCase } from './case.ts'

/** Reads from a subscription; `upTo` ends when so many events have come, or at its end. */
export interface Follower {
  readonly lines: string[]
  /** Lengths of the batches as they came. */
  readonly batches: number[]
  upTo(count: number): Promise<readonly string[]>
  /** Whether it has ended by itself. */
  end(): Promise<boolean>
}

/** Subscribes with the patience of the bench. */
export function followStore(
  bench: Bench,
  query: SubscribeQuery = {},
  store: EventStore = bench.store,
): Follower {
  const patience = bench.patience()
  const signal = query.signal === undefined ? patience : AbortSignal.any([query.signal, patience])
  const iterator = store.subscribe({ ...query, signal })[Symbol.asyncIterator]()
  const lines: string[] = []
  const batches: number[] = []
  const next = async (): Promise<boolean> => {
    const { done, value } = await within(iterator.next(), patience)
    if (done === true) return false
    batches.push(value.length)
    lines.push(...value.map(line))
    return true
  }
  return {
    lines,
    batches,
    async upTo(count) {
      while (lines.length < count && (await next()));
      return lines
    },
    async end() {
      while (await next());
      return !patience.aborted
    },
  }
}

type Next = IteratorResult<readonly StoredEvent[], unknown>

/** A subscription that does not even end when its signal fires is over for us. */
function within(next: Promise<Next>, patience: AbortSignal): Promise<Next> {
  const impatient = new Promise<Next>((resolve) => {
    const give = (): void => resolve({ done: true, value: undefined })
    if (patience.aborted) give()
    patience.addEventListener('abort', give, { once: true })
  })
  return Promise.race([next, impatient])
}

const numbered = (from: number, to: number): string[] =>
  range(from, to).map((n) => `${n} kit/a@${n} n${n}`)

/** The cases of `subscribe`. */
export const subscribeCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'subscribe-catches-up-then-follows',
    name: 'subscribe gives what is there, then what comes',
    requirement: 'EVT-R33',
    async test(bench) {
      await bench.append(toStream('a', 0, noted(1), noted(2)))
      const follower = followStore(bench)
      same(await follower.upTo(2), numbered(1, 2))
      await bench.append(toStream('a', 2, noted(3)))
      same(await follower.upTo(3), numbered(1, 3))
      const more = follower.upTo(5)
      await bench.append(toStream('a', 3, noted(4)))
      await bench.append(toStream('a', 4, noted(5)))
      same(await more, numbered(1, 5))
    },
  }),
  storeCase({
    id: 'subscribe-from-a-position',
    name: 'subscribe after a position begins behind it, also when the log is not there yet',
    requirement: 'EVT-R33',
    async test(bench) {
      await bench.append(toStream('a', 0, noted(1), noted(2), noted(3)))
      same(await followStore(bench, { after: 2 }).upTo(1), ['3 kit/a@3 n3'])
      const ahead = followStore(bench, { after: 4 })
      const next = ahead.upTo(1)
      await bench.append(toStream('a', 3, noted(4)))
      await bench.append(toStream('a', 4, noted(5)))
      same(await next, ['5 kit/a@5 n5'])
    },
  }),
  storeCase({
    id: 'subscribe-without-a-gap',
    name: 'subscribe loses and repeats nothing between catching up and following',
    requirement: 'EVT-R33',
    async test(bench) {
      const { append } = bench
      await append(toStream('a', 0, ...range(1, 500).map((n) => noted(n))))
      await append(toStream('a', 500, ...range(501, 900).map((n) => noted(n))))
      const follower = followStore(bench)
      const following = follower.upTo(1_000)
      for (const n of range(901, 1_000)) await append(toStream('a', n - 1, noted(n)))
      same(await following, numbered(1, 1_000))
    },
  }),
  storeCase({
    id: 'subscribe-slow-reader',
    name: 'subscribe serves a slow reader from the log: nothing is dropped',
    requirement: 'EVT-R33',
    async test(bench) {
      await bench.append(toStream('a', 0, noted(1)))
      const follower = followStore(bench)
      await follower.upTo(1)
      for (const n of range(2, 700)) await bench.append(toStream('a', n - 1, noted(n)))
      same(await follower.upTo(700), numbered(1, 700))
    },
  }),
  storeCase({
    id: 'subscribe-with-a-filter',
    name: 'subscribe with a filter gives what fits, caught up and live, and no empty batch',
    requirement: 'EVT-R32',
    async test(bench) {
      const { append } = bench
      const filter = { streamPrefix: 'kit/a', types: ['KitProposed'] }
      await append(toStream('a', 0, noted(1), proposed(2)))
      await append(toStream('b', 0, proposed(3)))
      const follower = followStore(bench, { filter })
      await follower.upTo(1)
      const more = follower.upTo(2)
      await append(toStream('b', 1, proposed(4)))
      await append(toStream('a', 2, noted(5)))
      await append(toStream('a', 3, proposed(6)))
      same(await more, ['2 kit/a@2 n2', '6 kit/a@4 n6'])
      same(follower.batches, [1, 1])
    },
  }),
  storeCase({
    id: 'subscribe-by-origin-and-time',
    name: 'subscribe with a filter of origins and times gives what fits, caught up and live',
    requirement: 'EVT-R32',
    async test(bench) {
      const { append } = bench
      const filter: EventFilter = { origins: ['agent:bob'], from: START_MS + 10 }
      const { clock } = bench.harness
      await append(toStream('a', 0, noted(1), proposed(2, 'bob')))
      clock.setWall(START_MS + 10)
      await append(toStream('a', 2, noted(3), proposed(4, 'bob')))
      const follower = followStore(bench, { filter })
      await follower.upTo(1)
      const more = follower.upTo(2)
      await append(toStream('a', 4, noted(5)))
      await append(toStream('a', 5, proposed(6), proposed(7, 'bob')))
      same(await more, ['4 kit/a@4 n4', '7 kit/a@7 n7'])
      same(follower.batches, [1, 1])
    },
  }),
  storeCase({
    id: 'subscribe-told-of-lag',
    name: 'a reader that falls further behind than it said is told, with a position to go on from',
    requirement: 'EVT-R39',
    async test(bench) {
      const { append } = bench
      await append(toStream('a', 0, noted(1)))
      const follower = followStore(bench, { lagMax: 5 })
      await follower.upTo(1)
      await append(toStream('a', 1, ...range(2, 6).map((n) => noted(n))))
      same(await follower.upTo(6), numbered(1, 6))
      await append(toStream('b', 0, ...range(1, 6).map((n) => noted(n))))
      const { data } = await refused(follower.upTo(7), EVENTS_CODES.lagLimit)
      same(data, { position: 6, head: 12, lag: 6, lagMax: 5 })
      const again = followStore(bench, { after: 6, lagMax: 5 })
      same((await again.upTo(6)).length, 6)
    },
  }),
  storeCase({
    id: 'subscribe-lag-while-catching-up',
    name: 'a reader is not told that it is behind while it catches up, whatever it said',
    requirement: 'EVT-R39',
    async test(bench) {
      for (const n of range(0, 2)) {
        const many = range(n * 500 + 1, n * 500 + 500).map((i) => noted(i))
        await bench.append(toStream('a', n * 500, ...many))
      }
      const follower = followStore(bench, { lagMax: 0 })
      same(await follower.upTo(1_500), numbered(1, 1_500))
      const none = bench.store.subscribe({ lagMax: -1, signal: bench.patience() })
      await refusedRead(none, EVENTS_CODES.structural)
    },
  }),
  storeCase({
    id: 'subscribe-two-readers',
    name: 'subscribe gives every reader everything',
    requirement: 'EVT-R33',
    async test(bench) {
      const first = followStore(bench)
      const second = followStore(bench)
      const both = Promise.all([first.upTo(3), second.upTo(3)])
      for (const n of [1, 2, 3]) await bench.append(toStream('a', n - 1, noted(n)))
      same(await both, [numbered(1, 3), numbered(1, 3)])
    },
  }),
  storeCase({
    id: 'subscribe-ends-on-signal',
    name: 'subscribe ends without an error when its signal fires, while it waits or before',
    requirement: 'EVT-R34',
    async test(bench) {
      const controller = new AbortController()
      const follower = followStore(bench, { signal: controller.signal })
      const end = follower.end()
      await bench.append(toStream('a', 0, noted(1)))
      controller.abort()
      same(await end, true)
      const late = followStore(bench, { signal: AbortSignal.abort() })
      same([await late.end(), late.lines], [true, []])
    },
  }),
  storeCase({
    id: 'subscribe-ends-on-close',
    name: 'subscribe ends without an error when the store closes',
    requirement: 'EVT-R34',
    async test(bench) {
      await bench.append(toStream('a', 0, noted(1)))
      const follower = followStore(bench)
      await follower.upTo(1)
      const end = follower.end()
      await bench.store.close()
      same([await end, follower.lines], [true, numbered(1, 1)])
    },
  }),
]
