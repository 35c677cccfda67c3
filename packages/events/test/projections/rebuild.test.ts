/** Verifies: PRJ-R40 */
import { settled } from '@ice/primitives'
import { describe, expect, onTestFinished, test } from 'vitest'
import { EVENTS_CODES } from '../../src/errors.ts'
import { createEventLog } from '../../src/log.ts'
import { memoryEventStore } from '../../src/memory.ts'
import type { EventLog } from '../../src/ports.ts'
import { type Projection, projectLog } from '../../src/projection.ts'
import {
  type MemoryTransaction,
  memoryProcessorStore,
  memorySnapshotStore,
} from '../../src/projections/memory.ts'
import { type Processor, runProcessor } from '../../src/projections/processor.ts'
import { rebuildProcessor, serveProjection } from '../../src/projections/rebuild.ts'
import { testTaxonomy } from '../../src/testing/index.ts'
import { codeOf, memoryRoom } from '../fixtures.ts'
import { fill, listener, numberOf, type Sum, sums } from './sums.ts'

/** Appends without end until it is stopped. */
function appending(log: EventLog, from: number) {
  let isOver = false
  let n = from
  const work = (async () => {
    while (!isOver) {
      await fill(log, n, n + 2)
      n += 3
      await settled()
    }
  })()
  onTestFinished(() => {
    isOver = true
  })
  return {
    async stop() {
      isOver = true
      await work
      return n - 1
    },
  }
}

/** Sums, under a key of its own version. */
function summing(version: string, factor = 1): Processor<MemoryTransaction> {
  return {
    name: 'summing',
    version,
    process(event, table) {
      const key = `sum@${version}`
      table.set(key, Number(table.get(key) ?? 0) + factor * numberOf(event))
    },
  }
}

const sumTo = (n: number): number => (n * (n + 1)) / 2

describe('a processor', () => {
  test('is rebuilt while its old version serves and events are appended', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 300)
    const old = await rebuildProcessor({ log, store, processor: summing('1'), lagMax: 0 })
    expect(await store.serving('summing')).toBe('1')
    const appender = appending(log, 301)
    const served: (string | undefined)[] = []
    const watched: Processor<MemoryTransaction> = {
      ...summing('2'),
      async process(event, table) {
        await summing('2', 10).process(event, table)
        served.push(await store.serving('summing'))
      },
    }
    const init = { log, store, processor: watched, batchMax: 5, lagMax: 3 }
    const next = await rebuildProcessor(init)
    expect(await store.serving('summing')).toBe('2')
    const last = await appender.stop()
    await old.waitFor(last)
    await next.waitFor(last)
    expect(store.table.get('sum@1')).toBe(sumTo(last))
    expect(store.table.get('sum@2')).toBe(10 * sumTo(last))
    expect(served).toEqual(served.toSorted())
    expect(new Set(served.slice(0, 297))).toEqual(new Set(['1']))
    await old.stop()
    await next.stop()
  })

  test('goes on where its build died, and where it died after the exchange', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 50)
    const old = await rebuildProcessor({ log, store, processor: summing('1') })
    const seen: number[] = []
    const dying: Processor<MemoryTransaction> = {
      ...summing('2'),
      process(event, table) {
        if (event.position === 31) throw new TypeError('dies')
        seen.push(event.position)
        return summing('2').process(event, table)
      },
    }
    const build = { log, store, processor: dying, batchMax: 10, lagMax: 0 }
    expect(await codeOf(rebuildProcessor(build))).toBe(EVENTS_CODES.foldFailed)
    expect(await store.serving('summing')).toBe('1')
    const mended = {
      ...dying,
      process: (...given: Parameters<typeof dying.process>) => {
        seen.push(given[0].position)
        return summing('2').process(...given)
      },
    }
    const next = await rebuildProcessor({ ...build, processor: mended })
    expect([await store.serving('summing'), store.table.get('sum@2')]).toEqual(['2', sumTo(50)])
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    await next.stop()
    const again = await rebuildProcessor({ ...build, processor: mended })
    expect([await store.serving('summing'), seen.length]).toEqual(['2', 50])
    await again.stop()
    await old.stop()
  })

  test('is not taken over behind its old version, nor against another rebuild', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 20)
    const old = await rebuildProcessor({ log, store, processor: summing('1') })
    const thief = {
      ...store,
      async serve(change: Parameters<typeof store.serve>[0]) {
        await store.serve({ ...change, to: '3' })
        await store.serve(change)
      },
    }
    await (await runProcessor({ log, store, processor: summing('3') })).waitFor(20)
    const refused = rebuildProcessor({ log, store: thief, processor: summing('2'), lagMax: 0 })
    await expect(refused).rejects.toMatchObject({
      code: EVENTS_CODES.checkpointConflict,
      data: { reason: 'moved' },
    })
    expect(await store.serving('summing')).toBe('3')
    await old.stop()
  })

  test('is given up when the caller withdraws', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 20)
    const old = await rebuildProcessor({ log, store, processor: summing('1') })
    const init = { log, store, processor: summing('2'), signal: AbortSignal.abort() }
    expect(await codeOf(rebuildProcessor(init))).toBe(EVENTS_CODES.aborted)
    expect(await store.serving('summing')).toBe('1')
    await old.stop()
  })

  test('serves an empty log, and a restored one in place of the old history', async () => {
    const { log, clock } = memoryRoom()
    const store = memoryProcessorStore()
    const first = await rebuildProcessor({ log, store, processor: summing('1') })
    expect(await store.serving('summing')).toBe('1')
    await fill(log, 1, 40)
    await first.waitFor(40)
    await first.stop()
    const restored = createEventLog({
      store: memoryEventStore({ clock, incarnation: 'restored' }),
      taxonomy: testTaxonomy(),
      clock,
    })
    await fill(restored, 1, 5)
    const old = rebuildProcessor({ log: restored, store, processor: summing('1') })
    expect(await codeOf(old)).toBe(EVENTS_CODES.incarnationConflict)
    const next = await rebuildProcessor({ log: restored, store, processor: summing('2') })
    expect([await store.serving('summing'), store.table.get('sum@2')]).toEqual(['2', 15])
    await next.stop()
  })
})

describe('a served projection', () => {
  const doubled: Projection<Sum> = {
    ...sums,
    version: '2',
    evolve(state, event) {
      const next = sums.evolve(state, event)
      if (event.type === 'NumberNoted') next.sum += numberOf(event)
      return next
    },
  }

  test('is rebuilt while it is read and events are appended', async () => {
    const { log } = memoryRoom()
    await fill(log, 1, 2_000)
    const served = await serveProjection(log, sums)
    await served.waitFor(2_000)
    const appender = appending(log, 2_001)
    const far = served.waitFor(2_100)
    const seen: [string | undefined, number][] = []
    let isBuilt = false
    const reading = (async () => {
      while (!isBuilt) {
        seen.push([served.version, served.at])
        await settled()
      }
    })()
    await served.rebuild(doubled, { lagMax: 10 })
    isBuilt = true
    await reading
    expect(served.version).toBe('2')
    expect(seen.length).toBeGreaterThan(3)
    const ats = seen.map(([, at]) => at)
    expect(ats).toEqual(ats.toSorted((a, b) => a - b))
    await far
    const last = await appender.stop()
    await served.waitFor(last)
    expect(served.state).toEqual((await projectLog(log, doubled)).state)
    expect((await served.lag()).events).toBe(0)
    await served.stop()
    await served.ended()
    expect([served.failure, served.discarded]).toEqual([undefined, 0])
  })

  test('serves on when the build fails, is withdrawn, or the whole is stopped', async () => {
    const { log } = memoryRoom()
    await fill(log, 1, 20)
    const served = await serveProjection(log, sums)
    await served.waitFor(20)
    const failing: Projection<Sum> = {
      ...doubled,
      evolve: () => {
        throw new TypeError('no')
      },
    }
    expect(await codeOf(served.rebuild(failing, { lagMax: 0 }))).toBe(EVENTS_CODES.foldFailed)
    const signal = AbortSignal.abort()
    expect(await codeOf(served.rebuild(doubled, { signal }))).toBe(EVENTS_CODES.aborted)
    const stopped = codeOf(served.rebuild(doubled))
    await served.stop()
    expect(await stopped).toBe(EVENTS_CODES.aborted)
    expect([served.version, served.state.sum]).toEqual([
      '1',
      (await projectLog(log, sums)).state.sum,
    ])
  })

  test('takes the place of one that failed', async () => {
    const { log } = memoryRoom()
    await fill(log, 1, 20)
    const broken: Projection<Sum> = {
      ...sums,
      evolve(state, event) {
        if (event.position === 7) throw new TypeError('seven')
        return sums.evolve(state, event)
      },
    }
    const served = await serveProjection(log, broken)
    expect(await codeOf(served.waitFor(20))).toBe(EVENTS_CODES.foldFailed)
    expect(served.at).toBe(6)
    await served.rebuild(doubled, { lagMax: 0 })
    expect([served.failure, served.at]).toEqual([undefined, 20])
    await served.stop()
  })

  test('goes on from the snapshots of a build that died', async () => {
    const { log } = memoryRoom()
    await fill(log, 1, 1_600)
    const { onDiscard } = listener()
    const snapshots = { store: memorySnapshotStore(), onDiscard, every: 400 }
    const served = await serveProjection(log, sums, { snapshots })
    let folded = 0
    const dying: Projection<Sum> = {
      ...doubled,
      evolve(state, event) {
        folded += 1
        if (folded === 1_200) throw new TypeError('dies')
        return doubled.evolve(state, event)
      },
    }
    expect(await codeOf(served.rebuild(dying, { lagMax: 0 }))).toBe(EVENTS_CODES.foldFailed)
    folded = 2_000
    await served.rebuild(dying, { lagMax: 0 })
    expect(folded - 2_000).toBeLessThan(800)
    expect(served.state).toEqual((await projectLog(log, doubled)).state)
    await served.stop()
  })
})
