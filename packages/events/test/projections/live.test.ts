/** Verifies: PRJ-R20, PRJ-R21 */
import { settled } from '@ice/primitives'
import { describe, expect, onTestFinished, test } from 'vitest'
import { EVENTS_CODES } from '../../src/errors.ts'
import type { EventLog } from '../../src/ports.ts'
import { type Projection, projectLog } from '../../src/projection.ts'
import { asOf } from '../../src/projections/as-of.ts'
import { type LiveOptions, liveProjection } from '../../src/projections/live.ts'
import { memorySnapshotStore } from '../../src/projections/memory.ts'
import { codeOf, memoryRoom, NOON, noted, toStream } from '../fixtures.ts'
import { fill, listener, numberOf, type Sum, sums } from './sums.ts'

async function open<S>(log: EventLog, projection: Projection<S>, options: LiveOptions = {}) {
  const live = await liveProjection(log, projection, options)
  onTestFinished(() => live.stop())
  return live
}

/** Fails at number 7, when it has already changed its state. */
const brittle: Projection<Sum> = {
  ...sums,
  evolve(state, event) {
    const next = sums.evolve(state, event)
    if (numberOf(event) === 7) throw new TypeError('seven')
    return next
  },
}

describe('a live projection', () => {
  test('catches up, follows, and waits for what a writer has written', async () => {
    const { log } = memoryRoom()
    await fill(log, 1, 12)
    const live = await open(log, sums)
    await live.waitFor(12)
    expect(live.state).toEqual((await projectLog(log, sums)).state)
    const appended = await log.append(toStream('a', noted(100)))
    const position = appended.writes[0]?.positions[0] ?? 0
    await live.waitFor(position)
    expect([live.at, live.state.seen.at(-1)]).toEqual([13, 'test/a@7'])
    await live.waitFor(0)
  })

  test('says where it is, and since when it is behind', async () => {
    const { log, clock } = memoryRoom()
    const live = await open(log, sums)
    expect(await live.lag()).toEqual({ head: 0, events: 0, since: undefined })
    await fill(log, 1, 3)
    await live.waitFor(3)
    expect(await live.lag()).toEqual({ head: 3, events: 0, since: undefined })
    await live.stop()
    clock.setWall(NOON + 5_000)
    await fill(log, 4, 6)
    clock.setWall(NOON + 9_000)
    await fill(log, 7, 7)
    expect(await live.lag()).toEqual({ head: 7, events: 4, since: NOON + 5_000 })
  })

  test('is current though nothing it looks at was appended', async () => {
    const { log } = memoryRoom()
    await fill(log, 1, 12)
    const folded: number[] = []
    const proposals: Projection<number> = {
      name: 'proposals',
      types: ['NumberProposed'],
      initialState: () => 0,
      evolve(state, event) {
        folded.push(event.position)
        return state + numberOf(event)
      },
    }
    const live = await open(log, proposals)
    await live.waitFor(12)
    await fill(log, 13, 14)
    await live.waitFor(14)
    expect([live.at, live.state]).toEqual([14, 15])
    await fill(log, 15, 16)
    await live.waitFor(16)
    expect([live.at, live.state, folded]).toEqual([16, 30, [5, 10, 15]])
  })

  test('lets others have their turn while it catches up', async () => {
    const { log } = memoryRoom()
    const events = Array.from({ length: 500 }, (_, n) => noted(n))
    for (let i = 0; i < 8; i += 1) await log.append(toStream(`s${i}`, ...events))
    for (const types of [undefined, ['NumberNoted']]) {
      const live = await open(log, { ...sums, ...(types && { types }) })
      const seen: number[] = []
      while (live.at < 4_000) {
        await settled()
        seen.push(live.at)
      }
      expect(new Set(seen).size).toBeGreaterThan(4)
    }
  })

  test('ends when it is told to, and its state stays', async () => {
    const { log } = memoryRoom()
    await fill(log, 1, 3)
    const controller = new AbortController()
    const live = await open(log, sums, { signal: controller.signal })
    await live.waitFor(3)
    const waiting = codeOf(live.waitFor(4))
    controller.abort()
    await live.ended()
    await live.stop()
    expect([await waiting, live.failure]).toEqual([EVENTS_CODES.notOpen, undefined])
    expect([live.state.sum, await codeOf(live.waitFor(3))]).toEqual([6, 'fulfilled'])
    const withdrawn = live.waitFor(9, { signal: AbortSignal.abort() })
    expect(await codeOf(withdrawn)).toBe(EVENTS_CODES.aborted)
    const never = await open(log, sums, { signal: AbortSignal.abort() })
    await never.ended()
    expect(never.at).toBe(0)
  })

  test('stops waiting when the caller withdraws, and when the log closes', async () => {
    const { log, store } = memoryRoom()
    const live = await open(log, sums)
    const controller = new AbortController()
    const waiting = codeOf(live.waitFor(1, { signal: controller.signal }))
    controller.abort()
    expect(await waiting).toBe(EVENTS_CODES.aborted)
    const other = codeOf(live.waitFor(1))
    await store.close()
    expect(await other).toBe(EVENTS_CODES.notOpen)
    expect(await codeOf(liveProjection(log, sums))).toBe(EVENTS_CODES.notOpen)
  })

  test('begins at its newest snapshot, and leaves others behind', async () => {
    const { log } = memoryRoom()
    const { told, onDiscard } = listener()
    const store = memorySnapshotStore()
    const snapshots = { store, onDiscard, every: 10 }
    await fill(log, 1, 25)
    const first = await open(log, sums, { snapshots })
    await first.waitFor(25)
    await first.stop()
    expect(await store.list({ projection: 'sums', version: '1', source: 'log' })).toEqual([25])
    let folded = 0
    const counting: Projection<Sum> = {
      ...sums,
      evolve(state, event) {
        folded += 1
        return sums.evolve(state, event)
      },
    }
    await fill(log, 26, 30)
    const second = await open(log, counting, { snapshots })
    await second.waitFor(30)
    expect([folded, second.discarded, told]).toEqual([5, 0, []])
    expect(second.state).toEqual((await projectLog(log, sums)).state)
  })

  test('counts what it discards', async () => {
    const { log } = memoryRoom()
    const { told, onDiscard } = listener()
    const store = memorySnapshotStore()
    const snapshots = { store, onDiscard, every: 10 }
    await fill(log, 1, 25)
    await asOf(log, sums, { snapshots })
    const key = { projection: 'sums', version: '1', source: 'log' } as const
    const [snapshot] = [await store.latest(key, 25)]
    if (snapshot !== undefined) await store.put({ ...snapshot, incarnation: 'other' })
    const live = await open(log, sums, { snapshots })
    await live.waitFor(25)
    expect([live.discarded, told.length]).toEqual([1, 1])
    expect(live.state).toEqual((await projectLog(log, sums)).state)
  })
})

describe('a fold that throws', () => {
  test('stops it with the event named, and the state before it is whole', async () => {
    const { log } = memoryRoom()
    await fill(log, 1, 12)
    const live = await open(log, brittle)
    const told = { code: EVENTS_CODES.foldFailed, data: { event: 'test/a@4', position: 7 } }
    await expect(live.waitFor(12)).rejects.toMatchObject(told)
    await expect(live.ended()).rejects.toMatchObject(told)
    expect(live.failure).toMatchObject(told)
    expect([live.at, live.state]).toEqual([6, (await asOf(log, sums, { at: 6 })).state])
    expect((await live.lag()).events).toBe(6)
    await live.stop()
  })

  test('leaves a state that is folded from a snapshot, where there is one', async () => {
    const { log } = memoryRoom()
    const { told, onDiscard } = listener()
    const snapshots = { store: memorySnapshotStore(), onDiscard, every: 5 }
    await fill(log, 1, 6)
    const live = await open(log, brittle, { snapshots })
    await live.waitFor(6)
    await fill(log, 7, 9)
    expect(await codeOf(live.waitFor(9))).toBe(EVENTS_CODES.foldFailed)
    expect([live.at, live.state, told]).toEqual([6, (await asOf(log, sums, { at: 6 })).state, []])
  })

  test('shows no half-changed state, not even where none can be folded anew', async () => {
    const { log, store } = memoryRoom()
    await fill(log, 1, 6)
    const live = await open(log, {
      ...brittle,
      evolve(state, event) {
        if (numberOf(event) === 7) void store.close()
        return brittle.evolve(state, event)
      },
    })
    await live.waitFor(6)
    await fill(log, 7, 7)
    expect(await codeOf(live.waitFor(7))).toBe(EVENTS_CODES.foldFailed)
    expect(() => live.state).toThrow('no state could be restored')
  })
})
