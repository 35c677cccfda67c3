/** Cases of what is under way when a store closes. */

import { EVENTS_CODES } from '../errors.ts'
import type { EventStore } from '../ports.ts'
import {
  bounded,
  kit,
  noted,
  range,
  refused,
  refusedRead,
  same,
  storeCase,
  toStream,
} from './bench.ts'
import { blobOf } from './blobs.ts'
import type { ContractCase } from './case.ts'
import { declared, portions } from './staging.ts'

const { notOpen } = EVENTS_CODES
const MEBIBYTE = 1_048_576

/** Takes one item, closes the store, and comes for more. */
async function refusedBehindOne(store: EventStore, items: AsyncIterable<unknown>): Promise<void> {
  let taken = 0
  const closing = async function* (): AsyncGenerator<unknown> {
    for await (const item of bounded(items)) {
      taken += 1
      if (taken === 1) await store.close()
      yield item
    }
  }
  await refusedRead(closing(), notOpen)
  same(taken, 1, 'nothing is handed out behind the close')
}

/** The cases of closing in the middle. */
export const closingCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'closing-read',
    name: 'read is refused as not open when the store closes between two batches',
    requirement: 'EVT-R58',
    async test({ append, store }) {
      await append(toStream('a', 0, ...range(1, 400).map((n) => noted(n))))
      await append(toStream('a', 400, ...range(401, 800).map((n) => noted(n))))
      await refusedBehindOne(store, store.read({ stream: kit('a') }))
    },
  }),
  storeCase({
    id: 'closing-read-all',
    name: 'readAll is refused as not open when the store closes, also when nothing was left',
    requirement: 'EVT-R58',
    async test({ append, store }) {
      await append(toStream('a', 0, noted(1), noted(2)))
      await refusedBehindOne(store, store.readAll({}))
    },
  }),
  storeCase({
    id: 'closing-blob-stream',
    name: 'the stream of a blob is refused as not open when the store closes between two portions',
    requirement: 'EVT-R58',
    async test({ store }) {
      const size = 2 * MEBIBYTE + 5
      await store.blobs.stage(portions(size, MEBIBYTE))
      await refusedBehindOne(store, store.blobs.stream(declared(size).digest))
    },
  }),
  storeCase({
    id: 'closing-stage',
    name: 'a staging is refused as not open when the store closes before its source has ended',
    requirement: 'EVT-R58',
    async test({ store }) {
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield* portions(MEBIBYTE + 5, MEBIBYTE)
        await store.close()
        yield blobOf(1).bytes
      }
      await refused(store.blobs.stage(source()), notOpen)
    },
  }),
  storeCase({
    id: 'closing-check',
    name: 'check is refused as not open when the store closes before it has come to its end',
    requirement: 'EVT-R58',
    async test({ append, store }) {
      await append({ ...toStream('a', 0, noted(1)), blobs: [blobOf(10)] })
      const closed: Promise<void>[] = []
      const onProgress = (): void => {
        closed.push(store.close())
      }
      await refusedRead(store.check({ onProgress }), notOpen)
      await Promise.all(closed)
    },
  }),
]
