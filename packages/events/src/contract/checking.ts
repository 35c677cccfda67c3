/** Cases of what a store says of itself: its durability, what `check` finds, how far it is. */

import { EVENTS_CODES } from '../errors.ts'
import type { EventStore, IntegrityFinding } from '../ports.ts'
import {
  type Bench,
  bounded,
  noted,
  refused,
  refusedRead,
  same,
  storeCase,
  toStream,
} from './bench.ts'
import { blobOf } from './blobs.ts'
import type { ContractCase, Harness } from './case.ts'

const { aborted, blobCorrupt, corrupt } = EVENTS_CODES

const canDamage = (_: EventStore, harness: Harness<EventStore>): boolean =>
  harness.damage !== undefined

async function findings(store: EventStore): Promise<readonly IntegrityFinding[]> {
  const found: IntegrityFinding[] = []
  for await (const finding of bounded(store.check())) found.push(finding)
  return found
}

/** Three events, and a blob of 1,000 bytes. */
async function fill({ append }: Bench): Promise<void> {
  await append({ ...toStream('a', 0, noted(1), noted(2)), blobs: [blobOf(1_000)] })
  await append(toStream('b', 0, noted(3)))
}

const told: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'durability-is-declared',
    name: 'durability is memory, process or disk, and not memory where the state outlives close',
    requirement: 'EVT-R56',
    async test({ store: { durability, supports } }) {
      const known = ['memory', 'process', 'disk'].includes(durability)
      same(known, true, `durability is one of the three, not ${String(durability)}`)
      same(
        supports.durable && durability === 'memory',
        false,
        'what supports.durable is durable to the degree of a process or of a disk',
      )
    },
  }),
  storeCase({
    id: 'blob-has-withdrawn',
    name: 'asking whether a blob is there is withdrawn by its signal',
    requirement: 'EVT-R41',
    async test(bench) {
      await fill(bench)
      const signal = AbortSignal.abort()
      await refused(bench.store.blobs.has(blobOf(1_000).digest, { signal }), aborted)
    },
  }),
  storeCase({
    id: 'check-withdrawn',
    name: 'check is withdrawn by its signal',
    requirement: 'EVT-R54',
    async test(bench) {
      await fill(bench)
      await refusedRead(bench.store.check({ signal: AbortSignal.abort() }), aborted)
    },
  }),
  storeCase({
    id: 'check-tells-progress',
    name: 'check tells how far it has come, and at the end the head',
    requirement: 'EVT-R54',
    async test(bench) {
      await fill(bench)
      const positions: number[] = []
      const onProgress = (position: number): void => {
        positions.push(position)
      }
      for await (const finding of bounded(bench.store.check({ onProgress }))) same(finding, null)
      same(Math.max(...positions), 3, 'the head is the furthest that was told')
    },
  }),
  storeCase({
    id: 'collect-tells-progress',
    name: 'collect tells how far it has come, and at the end the head',
    requirement: 'EVT-R54',
    async test(bench) {
      await fill(bench)
      const positions: number[] = []
      const onProgress = (position: number): void => {
        positions.push(position)
      }
      await bench.store.blobs.collect({ onProgress })
      same(Math.max(...positions), 3, 'the head is the furthest that was told')
    },
  }),
]

const damage: readonly ContractCase<EventStore>[] = [
  storeCase({
    id: 'check-finds-a-changed-event',
    name: 'check finds an event whose bytes have changed, and tells its position',
    requirement: 'EVT-R59',
    needs: canDamage,
    async test(bench) {
      await fill(bench)
      await bench.harness.damage?.(bench.store, { kind: 'event', position: 2 })
      const found = await findings(bench.store)
      const isFound = found.some(({ code, position }) => code === corrupt && position === 2)
      same(isFound, true, `of position 2 there is a finding ${corrupt}; found: ${listed(found)}`)
    },
  }),
  storeCase({
    id: 'check-finds-a-changed-blob',
    name: 'check finds a blob whose bytes have changed',
    requirement: 'EVT-R59',
    needs: canDamage,
    async test(bench) {
      await fill(bench)
      const { digest } = blobOf(1_000)
      await bench.harness.damage?.(bench.store, { kind: 'blob', digest })
      const found = await findings(bench.store)
      const isFound = found.some(
        ({ code, message }) => code === blobCorrupt && message.includes(digest),
      )
      same(
        isFound,
        true,
        `there is a finding ${blobCorrupt} with the digest; found: ${listed(found)}`,
      )
    },
  }),
  storeCase({
    id: 'changed-blob-is-not-handed-out',
    name: 'a blob whose bytes have changed is refused, read and streamed',
    requirement: 'EVT-R59',
    needs: canDamage,
    async test(bench) {
      await fill(bench)
      const { digest } = blobOf(1_000)
      await bench.harness.damage?.(bench.store, { kind: 'blob', digest })
      await refused(bench.store.blobs.read(digest), blobCorrupt)
      await refusedRead(bench.store.blobs.stream(digest), blobCorrupt)
    },
  }),
]

function listed(found: readonly IntegrityFinding[]): string {
  return JSON.stringify(found)
}

/** The cases of what a store says of itself. */
export const checkingCases: readonly ContractCase<EventStore>[] = [...told, ...damage]
