/**
 * The store against the in-memory one: whatever is appended, together or one after another, by one
 * connection or by two, with the log closed and opened in between, both answer alike and keep the
 * same bytes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AppendRequest,
  createEventLog,
  type EventLog,
  type EventStore,
  memoryEventStore,
} from '@ice/events'
import { type EventId, type StreamId, type StreamVersion, timestamp } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openSqliteEventStore } from '../src/index.ts'
import { gather, taxonomy } from './fixture.ts'

const START = 1_000_000

const stream = fc.constantFrom('note/a', 'note/b', 'job/c').map((name) => name as StreamId)
const version = fc.integer({ min: 0, max: 6 })
const event = fc.record(
  {
    type: fc.constant('NoteTaken'),
    data: fc.record({ text: fc.constantFrom('x', 'é', '"\n'), n: fc.integer({ min: 0, max: 2 }) }),
    time: fc.integer({ min: START - 5, max: START + 20 }).map(timestamp),
    causes: fc.array(
      fc.tuple(stream, fc.integer({ min: 1, max: 5 })).map(([s, v]) => `${s}@${v}` as EventId),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: ['type', 'data'] },
)
const write = fc.record({
  stream,
  expectedVersion: fc.oneof(
    fc.constant('any' as const),
    fc.constant('no_stream' as const),
    version.map((v) => v as StreamVersion),
  ),
  events: fc.array(event, { minLength: 1, maxLength: 3 }),
})
const request: fc.Arbitrary<AppendRequest> = fc.record(
  {
    writes: fc.uniqueArray(write, { minLength: 1, maxLength: 2, selector: (w) => w.stream }),
    guards: fc.array(fc.record({ stream, version }), { maxLength: 2 }),
    notAfter: fc.integer({ min: START - 1, max: START + 15 }).map(timestamp),
  },
  { requiredKeys: ['writes'] },
)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.array(request, { minLength: 1, maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constant('reopen' as const) },
  { weight: 1, arbitrary: fc.constant('other' as const) },
)

/** Appends together; an answer is what was acknowledged, or the code of the refusal. */
async function answers(log: EventLog, requests: readonly AppendRequest[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(requests.map((one) => log.append(one)))
  return settled.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.code))
}

/** What a store has, as the port says it: the in-memory one hands out more. */
async function kept(store: EventStore): Promise<unknown[]> {
  const all = await gather(store.readAll({}))
  return all.map(({ position, bytes, hash }) => ({ position, bytes, hash }))
}

/** Verifies: ESQ-R10, ESQ-R20 */
it('answers and keeps what the in-memory store does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ice-model-'))
  let round = 0
  const property = async (steps: readonly ('reopen' | 'other' | AppendRequest[])[]) => {
    round += 1
    const path = join(folder, `${round}.db`)
    const clock = manualClock(START)
    const open = () => openSqliteEventStore({ path, clock, durability: 'process' })
    const model = createEventLog({ store: memoryEventStore({ clock }), taxonomy, clock })
    let stores = [open(), open()]
    for (const one of steps) {
      if (one === 'other') stores = stores.toReversed()
      else if (one === 'reopen') {
        await stores[0]?.close()
        stores[0] = open()
      } else {
        const store = stores[0] as (typeof stores)[number]
        const log = createEventLog({ store, taxonomy, clock })
        expect(await answers(log, one)).toEqual(await answers(model, one))
      }
      clock.setWall(clock.now() + 1)
    }
    for (const store of stores) {
      expect(await kept(store)).toEqual(await kept(model.store))
      for await (const finding of store.check()) expect(finding).toBe('none')
      await store.close()
    }
  }
  try {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), property), {
      numRuns: 60,
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
