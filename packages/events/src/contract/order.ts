/**
 * Cases of the order in which a unit is judged. Each unit is wrong in two ways; the one that comes
 * first in the order is the one told.
 */

import { type BlobDigest, sha256Hex, type Timestamp } from '@ice/primitives'
import { EVENTS_CODES } from '../errors.ts'
import type { AppendRequest, EventStore, NewEvent } from '../ports.ts'
import {
  type Bench,
  idOf,
  kit,
  noted,
  refused,
  START_MS,
  same,
  storeCase,
  toStream,
} from './bench.ts'
import type { ContractCase } from './case.ts'

const MOVED = [{ stream: kit('g'), version: 0 }]
const PASSED = (START_MS - 1) as Timestamp
const EARLY: Partial<NewEvent> = { time: 1 as Timestamp }
const ORPHAN: Partial<NewEvent> = { causes: [idOf('nowhere', 1)] }
const WRONG_BLOB = [
  { digest: sha256Hex('other') as string as BlobDigest, bytes: new Uint8Array([1, 2, 3]) },
]

/** A log in which `kit/a` and `kit/g` have one event each. */
async function refusedFirst(bench: Bench, request: AppendRequest, code: string): Promise<void> {
  await bench.append(toStream('a', 0, noted(1)))
  await bench.append(toStream('g', 0, noted(2)))
  await refused(bench.append(request), code)
  same(await bench.store.head(), { position: 2 })
}

/** The cases of the order of judgement. */
export const orderCases: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'order-structure-before-blobs',
    name: 'what is no unit of the gateway is told before a blob with another digest',
    requirement: 'EVT-R18',
    async test({ prepare, store }) {
      const unit = prepare({ ...toStream('a', 0, noted(1)), blobs: WRONG_BLOB })
      const writes = unit.writes.map((one) => ({ ...one, stream: kit('b') }))
      await refused(store.append({ ...unit, writes }), EVENTS_CODES.structural)
      same(await store.head(), { position: 0 })
    },
  }),
  storeCase({
    id: 'order-blobs-before-versions',
    name: 'a blob with another digest is told before a stale version',
    requirement: 'EVT-R18',
    test: (bench) =>
      refusedFirst(
        bench,
        { ...toStream('a', 0, noted(3)), blobs: WRONG_BLOB },
        EVENTS_CODES.blobCorrupt,
      ),
  }),
  storeCase({
    id: 'order-versions-before-guards',
    name: 'a stale version is told before a moved guard',
    requirement: 'EVT-R18',
    test: (bench) =>
      refusedFirst(
        bench,
        { ...toStream('a', 0, noted(3)), guards: MOVED },
        EVENTS_CODES.versionConflict,
      ),
  }),
  storeCase({
    id: 'order-versions-before-times',
    name: 'a stale version is told before a time that lies too early',
    requirement: 'EVT-R18',
    test: (bench) =>
      refusedFirst(bench, toStream('a', 0, noted(3, EARLY)), EVENTS_CODES.versionConflict),
  }),
  storeCase({
    id: 'order-guards-before-not-after',
    name: 'a moved guard is told before a notAfter that has passed',
    requirement: 'EVT-R18',
    test: (bench) =>
      refusedFirst(
        bench,
        { ...toStream('a', 1, noted(3)), guards: MOVED, notAfter: PASSED },
        EVENTS_CODES.guardConflict,
      ),
  }),
  storeCase({
    id: 'order-not-after-before-times',
    name: 'a notAfter that has passed is told before a time that lies too early',
    requirement: 'EVT-R18',
    test: (bench) =>
      refusedFirst(
        bench,
        { ...toStream('a', 1, noted(3, EARLY)), notAfter: PASSED },
        EVENTS_CODES.tooLate,
      ),
  }),
  storeCase({
    id: 'order-times-before-causes',
    name: 'a time that lies too early is told before a cause that is not there',
    requirement: 'EVT-R18',
    test: (bench) =>
      refusedFirst(
        bench,
        toStream('a', 1, noted(3, ORPHAN), noted(4, EARLY)),
        EVENTS_CODES.temporal,
      ),
  }),
]
