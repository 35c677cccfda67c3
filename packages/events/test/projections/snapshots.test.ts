/** Verifies: PRJ-R02, PRJ-R03 */
import { sha256Hex } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENTS_CODES } from '../../src/errors.ts'
import { createEventLog } from '../../src/log.ts'
import { memoryEventStore } from '../../src/memory.ts'
import { projectLog } from '../../src/projection.ts'
import { asOf } from '../../src/projections/as-of.ts'
import { memorySnapshotStore } from '../../src/projections/memory.ts'
import type { Snapshot, SnapshotKey, SnapshotStore } from '../../src/projections/ports.ts'
import type { SnapshotOptions } from '../../src/projections/snapshots.ts'
import { testTaxonomy } from '../../src/testing/index.ts'
import { codeOf, memoryRoom, stream } from '../fixtures.ts'
import { fill, listener, type Sum, sums } from './sums.ts'

const KEY: SnapshotKey = { projection: 'sums', version: '1', source: 'log' }

/** Hands out a changed snapshot in place of the first of a key. */
function spoiling(store: SnapshotStore, change: (snapshot: Snapshot) => unknown): SnapshotStore {
  return {
    ...store,
    async latest(key, atMost) {
      const snapshot = await store.latest(key, atMost)
      return snapshot === undefined ? undefined : (change(snapshot) as Snapshot)
    },
  }
}

/** A log of 25 events and a snapshot of the first 20. */
async function cached(more: Partial<SnapshotOptions> = {}) {
  const room = memoryRoom()
  const { told, onDiscard } = listener()
  const store = memorySnapshotStore()
  const snapshots = { store, onDiscard, every: 10, ...more }
  await fill(room.log, 1, 20)
  await asOf(room.log, sums, { snapshots })
  expect(await store.list(KEY)).toEqual([20])
  await fill(room.log, 21, 25)
  const truth = await projectLog(room.log, sums)
  return { ...room, store, snapshots, told, truth }
}

function rewritten(snapshot: Snapshot, bytes: string): Snapshot {
  return { ...snapshot, bytes, digest: sha256Hex(bytes) }
}

describe('a snapshot that disagrees', () => {
  const spoilt: readonly [string, string, (snapshot: Snapshot) => unknown][] = [
    ['of another version', 'key', (s) => ({ ...s, version: '2' })],
    ['of another source', 'key', (s) => ({ ...s, source: stream('a') })],
    ['past what was asked for', 'key', (s) => ({ ...s, at: 26 })],
    ['that is none', 'key', () => ({})],
    ['whose place is no count', 'key', (s) => ({ ...s, at: Number.NaN })],
    ['of another incarnation', 'incarnation', (s) => ({ ...s, incarnation: 'other' })],
    ['with a flipped byte', 'bytes', (s) => ({ ...s, bytes: s.bytes.replace('0', '1') })],
    ['with a lone surrogate', 'bytes', (s) => ({ ...s, bytes: '"\ud800"' })],
    ['of another event', 'event', (s) => ({ ...s, hash: sha256Hex('other') })],
    ['at another place', 'event', (s) => ({ ...s, at: s.at - 1 })],
    ['that is no JSON', 'state', (s) => rewritten(s, '{"sum":')],
    ['with a key twice', 'state', (s) => rewritten(s, '{"sum":1,"sum":2}')],
    ['in other spelling', 'state', (s) => rewritten(s, ` ${s.bytes}`)],
  ]

  test.each(spoilt)('%s is dropped, told as "%s" and not used', async (_, reason, change) => {
    const { log, snapshots, told, truth, store } = await cached()
    const query = { snapshots: { ...snapshots, store: spoiling(store, change) } }
    expect(await asOf(log, sums, query)).toEqual(truth)
    expect(told[0]).toMatchObject({ code: EVENTS_CODES.snapshotCorrupt, reason, key: KEY })
    expect(told[0]?.message).toContain('sums@1')
  })

  test('in its state alone is found by a refold', async () => {
    const { log, snapshots, told, truth, store } = await cached()
    const lying = spoiling(store, (s) => rewritten(s, '{"seen":[],"sum":7}'))
    const trusting = await asOf(log, sums, { snapshots: { ...snapshots, store: lying } })
    expect(trusting).not.toEqual(truth)
    expect(told).toEqual([])
    const audited = { ...snapshots, store: lying, verify: 'refold' as const }
    expect(await asOf(log, sums, { snapshots: audited })).toEqual(truth)
    expect(told).toMatchObject([{ reason: 'refold', at: 20 }])
    expect(await store.list(KEY)).not.toContain(20)
  })

  test('gives way to the next older one', async () => {
    const { log, snapshots, told, store } = await cached()
    await fill(log, 26, 30)
    await asOf(log, sums, { snapshots })
    expect(await store.list(KEY)).toEqual([20, 30])
    await store.put({ ...((await store.latest(KEY, 30)) as Snapshot), incarnation: 'other' })
    const folded: string[] = []
    const watched = { ...sums, evolve: watching(folded) }
    expect(await asOf(log, watched, { snapshots })).toEqual(await projectLog(log, sums))
    expect(folded.length).toBe(10)
    expect(told.map(({ reason, at }) => [reason, at])).toEqual([['incarnation', 30]])
    expect((await store.latest(KEY, 30))?.incarnation).toBe(log.store.incarnation)
  })

  test('is given up after eight, and the fold begins at zero', async () => {
    const { log, snapshots, told, truth, store } = await cached()
    const endless = { ...store, latest: async (key: SnapshotKey, at: number) => ({ ...key, at }) }
    const query = { snapshots: { ...snapshots, store: endless as never } }
    expect(await asOf(log, sums, query)).toEqual(truth)
    expect(told.length).toBe(8)
  })
})

function watching(folded: string[]): typeof sums.evolve {
  return (state, event) => {
    folded.push(event.id)
    return sums.evolve(state, event)
  }
}

describe('a store of snapshots', () => {
  test('that fails is told, and costs nothing but time', async () => {
    const { log, snapshots, told, truth, store } = await cached()
    const failing = async (): Promise<never> => {
      throw new TypeError('gone')
    }
    const query = {
      snapshots: { ...snapshots, every: 1, store: { ...store, latest: failing, put: failing } },
    }
    expect(await asOf(log, sums, query)).toEqual(truth)
    expect(told.map(({ reason }) => reason)).toEqual(['unavailable', 'unavailable'])
  })

  test('may be refused to be done without: what the listener throws ends the reading', async () => {
    const { log, snapshots, store } = await cached()
    const strict = {
      ...snapshots,
      store: spoiling(store, (s) => ({ ...s, incarnation: 'other' })),
      onDiscard: () => {
        throw new TypeError('strict')
      },
    }
    await expect(asOf(log, sums, { snapshots: strict })).rejects.toThrow('strict')
  })

  test('keeps the newest few, each made when enough events have passed', async () => {
    const { log, snapshots, store } = await cached({ keep: 2 })
    for (let to = 30; to <= 100; to += 5) {
      await fill(log, to - 4, to)
      await asOf(log, sums, { snapshots })
    }
    expect(await store.list(KEY)).toEqual([90, 100])
  })

  test('is used for places of the past, and holds streams apart', async () => {
    const { log, snapshots, told, store } = await cached()
    const folded: string[] = []
    const watched = { ...sums, evolve: watching(folded) }
    const past = await asOf(log, watched, { at: 22, snapshots })
    expect(folded.length).toBe(2)
    expect(past).toEqual(await asOf(log, sums, { at: 22 }))
    const query = { stream: stream('a'), snapshots }
    expect(await asOf(log, sums, query)).toEqual(await asOf(log, sums, { stream: stream('a') }))
    expect(await store.list({ ...KEY, source: stream('a') })).toEqual([13])
    expect(await asOf(log, sums, query)).toEqual(await asOf(log, sums, { stream: stream('a') }))
    expect(told).toEqual([])
  })

  test('takes no state of a projection without a version, and none that is no JSON', async () => {
    const { log, snapshots, told, store } = await cached({ every: 1 })
    const { version: _, ...nameless } = sums
    expect(await codeOf(asOf(log, nameless, { snapshots }))).toBe(EVENTS_CODES.declaration)
    const maps = {
      name: 'maps',
      version: '1',
      initialState: () => new Map<string, number>(),
      evolve: (state: Map<string, number>) => state.set('n', state.size),
    }
    await asOf(log, maps, { snapshots })
    expect(told).toMatchObject([{ reason: 'unsupported' }])
    const coded = {
      ...maps,
      version: '2',
      encode: (state: Map<string, number>) => [...state] as never,
      decode: (value: unknown) => new Map(value as [string, number][]),
    }
    const first = await asOf(log, coded, { snapshots })
    expect(await store.list({ ...KEY, projection: 'maps', version: '2' })).toEqual([25])
    expect(await asOf(log, coded, { snapshots })).toEqual(first)
    expect(told.length).toBe(1)
  })
})

describe('whatever becomes of snapshots', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ do: fc.constant('now' as const) }),
    fc.record({
      do: fc.constant('past' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ do: fc.constant('drop' as const) }),
    fc.record({ do: fc.constant('spoil' as const), how: fc.integer({ min: 0, max: 4 }) }),
    fc.record({ do: fc.constant('restore' as const) }),
  )

  test('every state is the fold of the log', async () => {
    const check = fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      async (steps) => {
        const world = await createWorld()
        for (const one of steps) await world.take(one)
      },
    )
    await fc.assert(check, { numRuns: 150 })
  })

  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

  async function createWorld() {
    const { clock } = memoryRoom()
    const store = memorySnapshotStore()
    const { told, onDiscard } = listener()
    const snapshots = { store, onDiscard, every: 3, keep: 3 }
    let lives = 0
    let count = 0
    const begin = () => {
      lives += 1
      const events = memoryEventStore({ clock, incarnation: `life ${lives}` })
      return createEventLog({ store: events, taxonomy: testTaxonomy(), clock })
    }
    let log = begin()
    const expectFold = async (at?: number): Promise<void> => {
      const query = at === undefined ? { snapshots } : { at, snapshots }
      const truth = await asOf(log, sums, at === undefined ? {} : { at })
      expect(await asOf<Sum>(log, sums, query)).toEqual(truth)
    }
    const spoil = async (how: number): Promise<void> => {
      const snapshot = await store.latest(KEY, Number.MAX_SAFE_INTEGER)
      if (snapshot === undefined) return
      const before = told.length
      const { at } = snapshot
      const changes: Snapshot[] = [
        { ...snapshot, bytes: `${snapshot.bytes} ` },
        { ...snapshot, incarnation: 'elsewhere' },
        { ...snapshot, hash: sha256Hex('elsewhere') },
        { ...snapshot, digest: sha256Hex('elsewhere') },
        rewritten(snapshot, `${snapshot.bytes.slice(0, -1)}`),
      ]
      await store.put(changes[how] as Snapshot)
      await expectFold()
      if (at <= count) expect(told.length).toBeGreaterThan(before)
    }
    const take = async (one: Step): Promise<void> => {
      if (one.do === 'append') {
        await fill(log, count + 1, count + one.count)
        count += one.count
      } else if (one.do === 'past') await expectFold(Math.floor(one.part * count))
      else if (one.do === 'drop') await store.drop(KEY)
      else if (one.do === 'spoil') await spoil(one.how)
      else if (one.do === 'restore') {
        // Another history of the same length: other numbers at the same positions.
        log = begin()
        await fill(log, 1001, 1000 + count)
      }
      await expectFold()
    }
    return { take }
  }
})
