/** Verifies: PRJ-R30, PRJ-R31, PRJ-R32 */
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { EVENTS_CODES } from '../../src/errors.ts'
import { createEventLog } from '../../src/log.ts'
import { memoryEventStore } from '../../src/memory.ts'
import type { EventLog } from '../../src/ports.ts'
import {
  type MemoryProcessorStore,
  type MemoryTransaction,
  memoryProcessorStore,
} from '../../src/projections/memory.ts'
import {
  type Processor,
  type ProcessorInit,
  runProcessor,
} from '../../src/projections/processor.ts'
import { testTaxonomy } from '../../src/testing/index.ts'
import { codeOf, memoryRoom, noted, toStream } from '../fixtures.ts'
import { fill, numberOf } from './sums.ts'

type Noting = Processor<MemoryTransaction>

/** Counts how often each event had its effect, and the sum of their numbers. */
const noting: Noting = {
  name: 'noting',
  version: '1',
  process(event, table) {
    table.set(event.id, Number(table.get(event.id) ?? 0) + 1)
    table.set('sum', Number(table.get('sum') ?? 0) + numberOf(event))
  },
}

async function run(
  log: EventLog,
  store: MemoryProcessorStore,
  more: Partial<ProcessorInit<MemoryTransaction>> = {},
) {
  const running = await runProcessor({ log, store, processor: noting, ...more })
  onTestFinished(() => running.stop())
  return running
}

/** What the table is to be when every event of the log has had its effect once. */
async function once(log: EventLog, upTo = Number.MAX_SAFE_INTEGER): Promise<Map<string, number>> {
  const table = new Map<string, number>()
  for await (const batch of log.readAll({ limit: upTo })) {
    for (const event of batch) {
      table.set(event.id, 1)
      table.set('sum', (table.get('sum') ?? 0) + numberOf(event))
    }
  }
  return table
}

const KEY = { name: 'noting', version: '1' }

describe('a processor', () => {
  test('has the effects of each event once, as it catches up and as it follows', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 25)
    const running = await run(log, store, { batchMax: 7 })
    await running.waitFor(25)
    expect(store.table).toEqual(await once(log))
    await fill(log, 26, 40)
    await running.waitFor(40)
    expect(store.table).toEqual(await once(log))
    expect(await running.lag()).toEqual({ head: 40, events: 0, since: undefined })
    expect(await store.checkpoint(KEY)).toMatchObject({ position: 40, incarnation: 'memory' })
  })

  test('goes on from its checkpoint, wherever it was stopped', async () => {
    const history = fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 8 })
    const check = fc.asyncProperty(history, fc.integer({ min: 1, max: 9 }), async (parts, size) => {
      const { log } = memoryRoom()
      const store = memoryProcessorStore()
      let count = 0
      for (const part of parts) {
        await fill(log, count + 1, count + part)
        count += part
        const running = await runProcessor({ log, store, processor: noting, batchMax: size })
        await running.waitFor(Math.max(1, count - 3))
        await running.stop()
      }
      const running = await runProcessor({ log, store, processor: noting })
      await running.waitFor(count)
      await running.stop()
      expect(store.table).toEqual(await once(log))
    })
    await fc.assert(check, { numRuns: 60 })
  })

  test('may work asynchronously, one event after the other', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 20)
    const processor: Noting = {
      ...noting,
      async process(event, table) {
        const before = Number(table.get('sum') ?? 0)
        await Promise.resolve()
        table.set(event.id, 1)
        table.set('sum', before + numberOf(event))
      },
    }
    const running = await run(log, store, { processor })
    await running.waitFor(20)
    expect(store.table).toEqual(await once(log))
  })

  test('means nothing by what its work returns, unless it is a promise', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 3)
    const process = (...given: Parameters<Noting['process']>): never => {
      noting.process(...given)
      return { changes: 1 } as never
    }
    const running = await run(log, store, { processor: { ...KEY, process } })
    await running.waitFor(3)
    expect(store.table).toEqual(await once(log))
  })

  test('that looks at some types only is current, and says so durably when it stops', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 12)
    const processor = { ...noting, types: ['NumberProposed'] }
    const running = await run(log, store, { processor })
    await running.waitFor(12)
    expect([...store.table.keys()].toSorted()).toEqual(['sum', 'test/a@3', 'test/b@5'])
    expect(await store.checkpoint(KEY)).toMatchObject({ position: 10 })
    await fill(log, 13, 14)
    await running.waitFor(14)
    await running.checkpoint()
    expect(await store.checkpoint(KEY)).toMatchObject({ position: 14 })
    await fill(log, 16, 16)
    await running.waitFor(15)
    await running.stop()
    expect(await store.checkpoint(KEY)).toMatchObject({ position: 15 })
    const again = await run(log, store, { processor })
    await again.waitFor(15)
    expect(store.table.get('sum')).toBe(15)
  })

  test('makes a checkpoint after many events without an effect', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    const events = Array.from({ length: 500 }, (_, n) => noted(n))
    const processor = { ...noting, types: ['NumberProposed'] }
    const running = await run(log, store, { processor })
    for (let i = 0; i < 17; i += 1) await log.append(toStream(`s${i}`, ...events))
    await running.waitFor(8_500)
    const checkpoint = await store.checkpoint(KEY)
    expect(checkpoint?.position).toBeGreaterThanOrEqual(8_192)
  })
})

describe('two processors of one name', () => {
  test('do not share the work: one goes on, the other is told', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    const both = [await run(log, store), await run(log, store)]
    await fill(log, 1, 10)
    const ends = await Promise.race(both.map((one) => codeOf(one.ended())))
    expect(ends).toBe(EVENTS_CODES.checkpointConflict)
    const winner = both.find(({ failure }) => failure === undefined)
    await winner?.waitFor(10)
    expect(store.table).toEqual(await once(log))
  })

  test('of two versions each do the whole of it', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 10)
    const first = await run(log, store)
    const second = await run(log, store, { processor: { ...noting, version: '2' } })
    await first.waitFor(10)
    await second.waitFor(10)
    expect([store.table.get('test/a@1'), store.table.get('sum')]).toEqual([2, 110])
  })
})

describe('an event whose work throws', () => {
  test('stops the processor there, and a mended one goes on', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 12)
    for (const isAsync of [false, true]) {
      const process = (...given: Parameters<Noting['process']>): void | Promise<void> => {
        noting.process(...given)
        if (numberOf(given[0]) === 7) throw new TypeError('seven')
        return isAsync ? Promise.resolve() : undefined
      }
      const running = await run(log, store, { processor: { ...KEY, process }, batchMax: 3 })
      await expect(running.ended()).rejects.toMatchObject({
        code: EVENTS_CODES.foldFailed,
        data: { name: 'noting', event: 'test/a@4', position: 7 },
      })
      expect(await codeOf(running.waitFor(7))).toBe(EVENTS_CODES.foldFailed)
      expect([running.at, (await store.checkpoint(KEY))?.position]).toEqual([6, 6])
      expect(store.table).toEqual(await once(log, 6))
      await running.stop()
    }
    const mended = await run(log, store)
    await mended.waitFor(12)
    expect(store.table).toEqual(await once(log))
  })

  test('is named when its promise rejects', async () => {
    const { log } = memoryRoom()
    await fill(log, 1, 3)
    const processor: Noting = {
      ...KEY,
      process: (e) => (e.version === 2 ? Promise.reject(1) : undefined),
    }
    const running = await run(log, memoryProcessorStore(), { processor })
    await expect(running.ended()).rejects.toMatchObject({ data: { event: 'test/a@2' } })
  })
})

describe('another history', () => {
  async function stopped() {
    const { log, clock } = memoryRoom()
    const store = memoryProcessorStore()
    await fill(log, 1, 10)
    const running = await run(log, store)
    await running.waitFor(10)
    await running.stop()
    const again = (incarnation: string): EventLog =>
      createEventLog({
        store: memoryEventStore({ clock, incarnation }),
        taxonomy: testTaxonomy(),
        clock,
      })
    return { store, again, before: new Map(store.table) }
  }

  test('of the same length, under another incarnation, is not gone on in', async () => {
    const { store, again, before } = await stopped()
    const log = again('restored')
    await fill(log, 1, 20)
    await expect(runProcessor({ log, store, processor: noting })).rejects.toMatchObject({
      code: EVENTS_CODES.incarnationConflict,
      data: { position: 10, checkpoint: 'memory', log: 'restored' },
    })
    expect(store.table).toEqual(before)
  })

  test('under the same incarnation is found by the event at the checkpoint', async () => {
    const { store, again } = await stopped()
    const other = again('memory')
    await fill(other, 101, 120)
    const shorter = again('memory')
    await fill(shorter, 1, 9)
    for (const log of [other, shorter]) {
      const refused = runProcessor({ log, store, processor: noting })
      expect(await codeOf(refused)).toBe(EVENTS_CODES.incarnationConflict)
    }
  })

  test('can be begun anew by who says so', async () => {
    const { store, again } = await stopped()
    const log = again('restored')
    await fill(log, 1, 4)
    await store.forget(KEY)
    const running = await run(log, store)
    await running.waitFor(4)
    expect(store.table.get('test/a@1')).toBe(2)
  })
})

describe('what is no processor', () => {
  test('is refused before anything is read', async () => {
    const { log } = memoryRoom()
    const store = memoryProcessorStore()
    const { structural, declaration } = EVENTS_CODES
    for (const name of ['', 'x'.repeat(201), 'a\0', 7 as never]) {
      const processor = { ...noting, name }
      expect(await codeOf(runProcessor({ log, store, processor }))).toBe(structural)
    }
    const synchronous = { ...store, supports: { ...store.supports, asyncWork: false } }
    const processor: Noting = { ...KEY, process: async () => undefined }
    const refused = runProcessor({ log, store: synchronous, processor })
    expect(await codeOf(refused)).toBe(declaration)
  })
})
