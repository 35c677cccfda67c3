/** Cases of stores of snapshots. */

import { ok } from 'node:assert/strict'
import { type StreamId, sha256Hex } from '@ice/primitives'
import { EVENTS_CODES } from '../../errors.ts'
import type { Snapshot, SnapshotKey, SnapshotStore } from '../../projections/ports.ts'
import { refused, same } from '../bench.ts'
import type { ContractCase } from '../case.ts'
import { type Opened, openedCase } from './opened.ts'

const KEY: SnapshotKey = { projection: 'sums', version: '1', source: 'log' }

/** A snapshot of so many events. */
function snapshotOf(at: number, more: Partial<Snapshot> = {}): Snapshot {
  const bytes = more.bytes ?? `{"sum":${at}}`
  const hash = sha256Hex(`event ${at}`)
  return { ...KEY, at, incarnation: 'one', hash, bytes, digest: sha256Hex(bytes), ...more }
}

interface Init extends Omit<ContractCase<SnapshotStore>, 'run'> {
  readonly test: (opened: Opened<SnapshotStore>) => Promise<void>
}

const snapshotCase = (init: Init): ContractCase<SnapshotStore> => openedCase(init)

async function ats(store: SnapshotStore, key: SnapshotKey): Promise<number[]> {
  return [...(await store.list(key))]
}

/** Every case of the `SnapshotStore` contract. */
export const snapshotStoreCases: readonly ContractCase<SnapshotStore>[] = [
  snapshotCase({
    id: 'snapshot-none',
    name: 'there is no snapshot of what was never put',
    requirement: 'PRJ-R10',
    async test({ subject }) {
      same(await subject.latest(KEY, Number.MAX_SAFE_INTEGER), undefined)
      same(await subject.list(KEY), [])
      await subject.drop(KEY)
      await subject.drop(KEY, 7)
    },
  }),
  snapshotCase({
    id: 'snapshot-handed-out-as-put',
    name: 'a snapshot is handed out as it was put, member for member',
    requirement: 'PRJ-R10',
    async test({ subject }) {
      const far = snapshotOf(Number.MAX_SAFE_INTEGER, { bytes: '{"é":"\\u0000 ☃ 🙂"}' })
      await subject.put(far)
      same({ ...(await subject.latest(KEY, far.at)) }, far)
    },
  }),
  snapshotCase({
    id: 'snapshot-large',
    name: 'a snapshot of four megabytes is kept whole',
    requirement: 'PRJ-R10',
    async test({ subject }) {
      const large = snapshotOf(3, { bytes: `"${'☃x'.repeat(1_000_000)}"` })
      await subject.put(large)
      const kept = await subject.latest(KEY, 3)
      ok(kept?.bytes === large.bytes && kept.digest === large.digest, 'its bytes are others')
    },
  }),
  snapshotCase({
    id: 'snapshot-latest-at-most',
    name: 'the latest one is the greatest that is not past what was asked for',
    requirement: 'PRJ-R10',
    async test({ subject }) {
      for (const at of [20, 9, 100, 10]) await subject.put(snapshotOf(at))
      const found: (number | undefined)[] = []
      for (const atMost of [8, 9, 10, 19, 20, 99, 100, 101]) {
        found.push((await subject.latest(KEY, atMost))?.at)
      }
      same(found, [undefined, 9, 10, 10, 20, 20, 100, 100])
    },
  }),
  snapshotCase({
    id: 'snapshot-listed-ascending',
    name: 'places are listed in their order as numbers',
    requirement: 'PRJ-R10',
    async test({ subject }) {
      for (const at of [20, 9, 100, 10]) await subject.put(snapshotOf(at))
      same(await ats(subject, KEY), [9, 10, 20, 100])
    },
  }),
  snapshotCase({
    id: 'snapshot-keys-apart',
    name: 'projections, versions and sources do not meet each other',
    requirement: 'PRJ-R10',
    async test({ subject }) {
      const keys: readonly SnapshotKey[] = [
        KEY,
        { ...KEY, projection: 'sum' },
        { ...KEY, version: '11' },
        { ...KEY, source: 'note/a' as StreamId },
      ]
      for (const [i, key] of keys.entries()) await subject.put({ ...snapshotOf(i + 1), ...key })
      for (const [i, key] of keys.entries()) {
        same(await ats(subject, key), [i + 1])
        same((await subject.latest(key, 100))?.at, i + 1)
      }
    },
  }),
  snapshotCase({
    id: 'snapshot-replaced',
    name: 'a snapshot takes the place of another at the same place',
    requirement: 'PRJ-R10',
    async test({ subject }) {
      await subject.put(snapshotOf(5))
      const other = snapshotOf(5, { incarnation: 'two', bytes: '[]' })
      await subject.put(other)
      same({ ...(await subject.latest(KEY, 5)) }, other)
      same(await ats(subject, KEY), [5])
    },
  }),
  snapshotCase({
    id: 'snapshot-dropped',
    name: 'one is dropped, or all of a key, and no other',
    requirement: 'PRJ-R10',
    async test({ subject }) {
      const other = { ...KEY, version: '2' }
      for (const at of [1, 2, 3]) await subject.put(snapshotOf(at))
      await subject.put({ ...snapshotOf(2), ...other })
      await subject.drop(KEY, 2)
      same(await ats(subject, KEY), [1, 3])
      await subject.drop(KEY)
      same([await ats(subject, KEY), await ats(subject, other)], [[], [2]])
      same(await subject.latest(KEY, 3), undefined)
    },
  }),
  snapshotCase({
    id: 'snapshot-copied',
    name: 'what is put is copied: its owner may change it',
    requirement: 'PRJ-R10',
    async test({ subject }) {
      const mine = { ...snapshotOf(4) }
      const put = subject.put(mine)
      mine.bytes = 'changed'
      await put
      same((await subject.latest(KEY, 4))?.bytes, '{"sum":4}')
    },
  }),
  snapshotCase({
    id: 'snapshot-hostile',
    name: 'what is no key and no snapshot is refused',
    requirement: 'PRJ-R14',
    async test({ subject }) {
      const code = EVENTS_CODES.structural
      for (const projection of ['', 'x'.repeat(201), 'a\0b', '\ud800', 7 as never]) {
        await refused(subject.list({ ...KEY, projection }), code)
        await refused(subject.latest({ ...KEY, projection }, 1), code)
        await refused(subject.put(snapshotOf(1, { projection })), code)
      }
      for (const at of [0, -1, 1.5, Number.NaN, '1' as never]) {
        await refused(subject.put(snapshotOf(1, { at })), code)
      }
      await refused(subject.put(snapshotOf(1, { hash: 'x' as never })), code)
      same(await ats(subject, KEY), [])
    },
  }),
  snapshotCase({
    id: 'snapshot-reopened',
    name: 'snapshots are there when the store is opened again',
    requirement: 'PRJ-R10',
    needs: ({ supports }) => supports.durable,
    async test(opened) {
      await opened.subject.put(snapshotOf(6))
      const again = await opened.reopen()
      same({ ...(await again.latest(KEY, 6)) }, snapshotOf(6))
    },
  }),
  snapshotCase({
    id: 'snapshot-shared',
    name: 'one connection sees at once what the other has put and dropped',
    requirement: 'PRJ-R10',
    needs: ({ supports }) => supports.sharedByProcesses,
    async test(opened) {
      const second = await opened.second()
      await opened.subject.put(snapshotOf(6))
      same((await second.latest(KEY, 6))?.bytes, '{"sum":6}')
      await opened.subject.put(snapshotOf(6, { bytes: '[]' }))
      same((await second.latest(KEY, 6))?.bytes, '[]')
      await second.drop(KEY, 6)
      same(await opened.subject.latest(KEY, 6), undefined)
    },
  }),
  snapshotCase({
    id: 'snapshot-closed',
    name: 'everything is refused by a store that is closed, and closing it again does nothing',
    requirement: 'PRJ-R14',
    async test({ subject }) {
      await subject.close()
      await subject.close()
      const code = EVENTS_CODES.notOpen
      await refused(subject.put(snapshotOf(1)), code)
      await refused(subject.latest(KEY, 1), code)
      await refused(subject.list(KEY), code)
      await refused(subject.drop(KEY), code)
    },
  }),
]
