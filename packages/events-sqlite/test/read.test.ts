import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEventLog, EVENTS_CODES, type EventLog, type StoredEvent } from '@ice/events'
import { type StreamId, streamId, systemClock } from '@ice/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { timeOf } from '../src/heads.ts'
import { openSqliteEventStore, type SqliteEventStore } from '../src/index.ts'
import { alice, gather, notes, open, raw, taxonomy } from './fixture.ts'

const EVENTS = 12_000
const RARE = streamId('rare/one')

/** Verifies: ESQ-R15 */
describe('reading a log of many pages', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'ice-sqlite-')), 'log.db')
  let store: SqliteEventStore
  let log: EventLog

  beforeAll(async () => {
    store = openSqliteEventStore({ path, clock: systemClock, durability: 'process' })
    log = createEventLog({ store, taxonomy, clock: systemClock })
    for (let from = 0; from < EVENTS; from += 500) {
      await log.append(notes(streamId(`note/${(from / 500) % 4}`), 499))
      await log.append(notes(from === 0 || from === 11_500 ? RARE : alice))
    }
  })

  afterAll(async () => {
    await store.close()
    rmSync(join(path, '..'), { recursive: true })
  })

  const positions = (events: readonly { readonly position: number }[]): number[] =>
    events.map(({ position }) => position)

  it('gives every event once, in order, in pages that are never empty', async () => {
    const sizes: number[] = []
    const all: StoredEvent[] = []
    for await (const page of store.readAll({})) {
      sizes.push(page.length)
      all.push(...page)
    }
    expect(positions(all)).toEqual(Array.from({ length: EVENTS }, (_, i) => i + 1))
    expect(new Set(sizes)).toEqual(new Set([512, EVENTS % 512]))
  })

  it('gives a part of the log by position and count', async () => {
    const part = await gather(store.readAll({ after: 1000, limit: 700 }))
    expect(positions(part)).toEqual(Array.from({ length: 700 }, (_, i) => 1001 + i))
    expect(await gather(store.readAll({ after: EVENTS }))).toEqual([])
    expect(await gather(store.readAll({ after: EVENTS * 9, limit: 5 }))).toEqual([])
    expect(await gather(store.readAll({ limit: 0 }))).toEqual([])
  })

  it('gives a stream of many pages forwards and backwards', async () => {
    const stream = 'note/0' as StreamId
    const forwards = await gather(log.read({ stream }))
    expect(forwards.map(({ version }) => version)).toEqual(
      Array.from({ length: 2994 }, (_, i) => i + 1),
    )
    const backwards = await gather(log.read({ stream, backwards: true }))
    expect(backwards).toEqual(forwards.toReversed())
    const part = await gather(log.read({ stream, after: 1000, limit: 600, backwards: true }))
    expect(part.map(({ version }) => version)).toEqual(
      Array.from({ length: 600 }, (_, i) => 2994 - i),
    )
    const end = await gather(log.read({ stream, after: 2990, backwards: true }))
    expect(end.map(({ version }) => version)).toEqual([2994, 2993, 2992, 2991])
  })

  it('finds what a filter names, however far apart it lies', async () => {
    const rare = await gather(log.readAll({ filter: { streamPrefix: 'rare/' } }))
    expect(positions(rare)).toEqual([500, EVENTS])
    const first = await gather(log.readAll({ filter: { streamPrefix: 'rare/' }, limit: 1 }))
    expect(positions(first)).toEqual([500])
    const both = { streamPrefix: 'note/1', types: ['NoteTaken', 'Unheard'] }
    expect((await gather(log.readAll({ filter: both }))).length).toBe(2994)
    expect(await gather(log.readAll({ filter: { types: ['Unheard'] } }))).toEqual([])
    expect(await gather(log.readAll({ filter: { types: [] } }))).toEqual([])
    expect((await gather(log.readAll({ filter: {} }))).length).toBe(EVENTS)
    expect((await gather(log.readAll({ filter: { streamPrefix: '' } }))).length).toBe(EVENTS)
  })

  it('does not take the marks of SQL patterns for such', async () => {
    for (const streamPrefix of ['%', 'note/_', 'n%', '\u{10ffff}', "'", '\ud800']) {
      expect(await gather(log.readAll({ filter: { streamPrefix } }))).toEqual([])
    }
  })

  it('ends at the head it began with', async () => {
    let count = 0
    for await (const page of store.readAll({ after: EVENTS - 600 })) {
      count += page.length
      if (count === 512) await log.append(notes(alice))
    }
    expect(count).toBe(600)
  })
})

/** Verifies: ESQ-R15 */
describe('a damaged log', () => {
  it('is read past gaps, however wide, and past what is no event', async () => {
    const { path, log, store } = open()
    await log.append(notes(alice, 20))
    const db = raw(path)
    db.exec('DELETE FROM events WHERE position BETWEEN 5 AND 9')
    db.exec('UPDATE events SET position = 9007199254740000 WHERE position = 20')
    db.exec("UPDATE events SET bytes = 'nonsense' WHERE position = 3")
    db.exec("UPDATE events SET hash = 'short' WHERE position = 4")
    const events = await gather(store.readAll({}))
    const there = [1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 9_007_199_254_740_000]
    expect(events.map(({ position }) => position)).toEqual(there)
    expect(events[2]).toMatchObject({ bytes: 'nonsense' })
    expect(events[3]).toMatchObject({ hash: 'short' })
    const types = await gather(store.readAll({ filter: { types: ['NoteTaken'] } }))
    expect(types.length).toBe(there.length)
  })
})

/** Verifies: ESQ-R16 */
describe('a reader that stops half-way', () => {
  it('neither blocks a writer nor keeps the WAL from being cut', async () => {
    const { path, log, store } = open()
    await log.append(notes(alice, 512))
    await log.append(notes(alice, 512))
    const reader = store.readAll({})[Symbol.asyncIterator]()
    await reader.next()
    await log.append(notes(alice, 512))
    const other = raw(path)
    const [checkpoint] = other.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }]
    expect(checkpoint.busy).toBe(0)
    expect(statSync(`${path}-wal`).size).toBe(0)
    await reader.next()
  })
})

/** Verifies: ESQ-R17 */
describe('a subscription', () => {
  it('ends when its signal fires and when the store closes', async () => {
    const { log, store } = open()
    await log.append(notes(alice, 3))
    const controller = new AbortController()
    const seen: number[] = []
    for await (const page of log.subscribe({ signal: controller.signal })) {
      seen.push(page.length)
      controller.abort()
    }
    expect(seen).toEqual([3])
    const until = gather(log.subscribe({ after: 3 }))
    await new Promise((resolve) => setImmediate(resolve))
    await store.close()
    expect(await until).toEqual([])
  })

  it('hears other connections of the same file', async () => {
    const { path, log } = open()
    const other = open({ path })
    const heard = (async () => {
      for await (const [event] of log.subscribe({ filter: { streamPrefix: 'rare/' } })) return event
      return undefined
    })()
    await new Promise((resolve) => setTimeout(resolve, 30))
    await other.log.append(notes(alice))
    await other.log.append(notes(RARE))
    expect(await heard).toMatchObject({ id: 'rare/one@1', position: 2 })
  })
})

describe('the time of an event', () => {
  it('is read from its last fields, and not from what its payload looks like', () => {
    const tail = '"time":7,"type":"NoteTaken","v":1,"version":3}'
    const like = JSON.stringify(`"time":9,"type":"NoteTaken","v":1,"version":3}`)
    expect(timeOf(`{"data":{"text":${like}},${tail}`)).toBe(7)
    for (const damaged of ['{"time":8,"version":1}', '{}', 'no JSON', '']) {
      expect(() => timeOf(damaged)).toThrow(expect.objectContaining({ code: EVENTS_CODES.corrupt }))
    }
  })
})

it('refuses bounds that are no counts', async () => {
  const { store } = open()
  for (const after of [-1, 1.5, Number.NaN]) {
    await expect(gather(store.readAll({ after }))).rejects.toMatchObject({
      code: EVENTS_CODES.structural,
    })
  }
})
