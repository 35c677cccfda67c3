/** Verifies: EVT-R90 */
import { leafHash, sha256Hex } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { EVENTS_CODES } from '../src/errors.ts'
import { exportLog } from '../src/exchange/export.ts'
import type { EventStore, StoredEvent } from '../src/ports.ts'
import {
  blobRoom,
  filledRoom,
  isEvent,
  LARGE,
  linesOf,
  MIB,
  rootOf,
  taxonomy,
  textFrom,
  textOf,
} from './exchange-fixtures.ts'
import { errorOf, memoryRoom, noted, storedEvents, toStream } from './fixtures.ts'

describe('an export', () => {
  test('has every event as a line of its stored bytes, and is the same twice', async () => {
    const { store } = await filledRoom()
    const text = await textOf(store)
    const events = await storedEvents(store)
    const lines = linesOf(text).filter(isEvent)
    expect(lines).toEqual(events.map(({ bytes }) => bytes))
    expect(lines.map((line) => leafHash(line))).toEqual(events.map(({ hash }) => hash))
    expect(await textOf(store)).toBe(text)
  })

  test('says what it holds, and vouches for it', async () => {
    const { store } = await filledRoom(600)
    const { digest } = taxonomy
    const lines = linesOf(await textOf(store, { taxonomy: digest }))
    const all = await storedEvents(store)
    const leaves = (from: number, to: number): string =>
      all
        .map(({ hash }) => hash.slice(0, 8))
        .slice(from, to)
        .join('')
    const log = { $ice: 'log', after: 0, format: 1, incarnation: 'memory', root: sha256Hex('') }
    const end = { $ice: 'end', digest: sha256Hex(textFrom(lines.slice(0, -1))), events: 604 }
    const root = await rootOf(store)
    expect(lines.filter((line) => !isEvent(line)).map((line) => JSON.parse(line))).toEqual([
      { ...log, taxonomy: digest, to: 604 },
      { $ice: 'seal', at: 512, leaves: leaves(0, 512), root: await rootOf(store, 512) },
      { $ice: 'seal', at: 604, leaves: leaves(512, 604), root },
      { ...end, root, to: 604 },
    ])
  })

  test('of an empty log is a header and an end', async () => {
    const lines = linesOf(await textOf(memoryRoom().store))
    expect(lines.map((line) => JSON.parse(line).$ice)).toEqual(['log', 'end'])
  })

  test('brings a blob in portions, before the event that first names it, and once', async () => {
    const { store } = await blobRoom()
    const parsed = linesOf(await textOf(store)).map((line) => JSON.parse(line))
    expect(parsed.map((line) => line.$ice ?? `event ${line.data.n}`)).toEqual([
      ...['log', 'blob', 'event 0', 'blob', 'blob', 'blob', 'event 1', 'blob', 'event 2'],
      ...['event 3', 'event 4', 'absent', 'event 5', 'absent', 'event 6', 'seal', 'end'],
    ])
    const portions = parsed.filter(({ digest, $ice }) => $ice === 'blob' && digest === LARGE.digest)
    expect(portions.map(({ offset, last }) => [offset, last])).toEqual([
      [0, false],
      [MIB, false],
      [2 * MIB, true],
    ])
    const bytes = portions.map(({ base64 }) => Buffer.from(base64, 'base64'))
    expect(Buffer.concat(bytes).equals(LARGE.bytes)).toBe(true)
  })

  test('ends where the log ended when it began, or where it is told to', async () => {
    const { store, log } = await filledRoom()
    const [whole, part] = [await textOf(store), await textOf(store, { to: 10 })]
    const writer = exportLog(store)
    let text = (await writer.next()).value as string
    await log.append(toStream('late', noted(1)))
    for await (const more of writer) text += more
    expect(text).toBe(whole)
    expect(linesOf(part).filter(isEvent).length).toBe(10)
    for (const bounds of [{ to: 99 }, { after: 9, to: 8 }, { after: -1 }, { to: 1.5 }]) {
      const { code } = await errorOf(textOf(store, bounds))
      expect([bounds, code]).toEqual([bounds, EVENTS_CODES.structural])
    }
  })

  test('reads no more of the log than is asked for', async () => {
    const { store } = await filledRoom(2_000)
    let handedOut = 0
    const watched: EventStore = {
      ...store,
      async *readAll(query) {
        for await (const batch of store.readAll(query)) {
          handedOut += batch.length
          yield batch
        }
      },
    }
    const writer = exportLog(watched)
    await writer.next()
    await writer.next()
    expect(handedOut).toBe(512)
    await writer.return(undefined)
  })

  test('of a damaged log is refused before the damage is handed on', async () => {
    const { store } = await filledRoom()
    const events = await storedEvents(store)
    const spoil = (at: number, change: (event: StoredEvent) => readonly StoredEvent[]) => ({
      ...store,
      async *readAll() {
        yield events.flatMap((event, i) => (i === at ? change(event) : [event]))
      },
    })
    const withBytes = (event: StoredEvent, bytes: string): readonly StoredEvent[] => [
      { ...event, bytes },
    ]
    const spoilt: readonly EventStore[] = [
      spoil(3, (event) => withBytes(event, event.bytes.replace('"n":4', '"n":5'))),
      spoil(3, (event) => withBytes(event, '\ud800')),
      spoil(3, () => []),
      spoil(43, () => []),
      spoil(3, (event) => [event, event]),
      spoil(3, (event) => {
        const bytes = `${event.bytes}\n`
        return [{ ...event, bytes, hash: leafHash(bytes) }]
      }),
    ]
    for (const one of spoilt) {
      const parts: string[] = []
      const reading = (async () => {
        for await (const part of exportLog(one)) parts.push(part)
      })()
      expect((await errorOf(reading)).code).toBe(EVENTS_CODES.corrupt)
      expect(parts.length).toBe(1)
    }
  })

  test('is withdrawn by its signal, and tells how far it has come', async () => {
    const { store } = await filledRoom(1_000)
    const seen: (readonly [number, number])[] = []
    await textOf(store, { onProgress: (at, to) => seen.push([at, to]) })
    expect(seen).toEqual([
      [512, 1_004],
      [1_004, 1_004],
    ])
    const controller = new AbortController()
    const onProgress = (): void => controller.abort()
    const { code } = await errorOf(textOf(store, { signal: controller.signal, onProgress }))
    expect(code).toBe(EVENTS_CODES.aborted)
  })
})
