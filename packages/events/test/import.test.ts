/** Verifies: EVT-R91, EVT-R92, EVT-R93 */
import { leafHash, sha256Hex } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVENTS_CODES } from '../src/errors.ts'
import { createEventLog } from '../src/log.ts'
import type { EventStore } from '../src/ports.ts'
import { faultyStore } from '../src/testing/index.ts'
import {
  blobRoom,
  EMPTY,
  emptyStore,
  filledRoom,
  GONE,
  importInto,
  isEvent,
  LARGE,
  linesOf,
  MIB,
  rootOf,
  SMALL,
  taxonomy,
  textFrom,
  textOf,
  withEnd,
} from './exchange-fixtures.ts'
import { errorOf, memoryRoom, NOON, noted, storedEvents, toStream } from './fixtures.ts'

describe('an import', () => {
  test('gives the same log: positions, bytes, hashes, root', async () => {
    const { store: from } = await filledRoom(1_100)
    const store = emptyStore()
    const seen: number[] = []
    const text = await textOf(from, { taxonomy: taxonomy.digest })
    const report = await importInto(store, text, { onProgress: (at) => seen.push(at) })
    expect(await storedEvents(store)).toEqual(await storedEvents(from))
    expect(report).toEqual({
      ...{ incarnation: 'memory', taxonomy: taxonomy.digest, after: 0, to: 1_104 },
      ...{ root: await rootOf(from), appended: 1_104, blobs: 0, absent: 0 },
    })
    expect(seen).toEqual([512, 1_024, 1_104])
  })

  test('brings every blob that was there, and no other', async () => {
    const store = emptyStore()
    const report = await importInto(store, await textOf((await blobRoom()).store))
    expect(report).toMatchObject({ appended: 7, blobs: 3, absent: 2 })
    for (const { digest, bytes } of [SMALL, LARGE, EMPTY]) {
      expect(Buffer.from(bytes).equals(await store.blobs.read(digest))).toBe(true)
    }
    expect(await store.blobs.has(GONE.digest)).toBe(false)
    // They are named: no collection takes them.
    expect(await store.blobs.collect({ graceMs: 0 })).toMatchObject({ removed: 0, kept: 3 })
  })

  test('takes bytes in portions of any size', async () => {
    const { store: from } = await filledRoom()
    const bytes = Buffer.from(await textOf(from))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 900 })), async (sizes) => {
        const portions: Uint8Array[] = []
        let at = 0
        for (const size of [...sizes, bytes.length]) {
          portions.push(bytes.subarray(at, at + size))
          at += size
        }
        const store = emptyStore()
        await importInto(store, portions)
        expect(await rootOf(store)).toBe(await rootOf(from))
      }),
      { numRuns: 10 },
    )
  })

  test('done again changes nothing', async () => {
    for (const { store: from } of [await filledRoom(600), await blobRoom()]) {
      const text = await textOf(from)
      const store = emptyStore()
      await importInto(store, text)
      const before = await storedEvents(store)
      expect(await importInto(store, text)).toMatchObject({ appended: 0, blobs: 0, absent: 0 })
      expect(await storedEvents(store)).toEqual(before)
    }
  })

  test('of a longer export goes on from what is here', async () => {
    const { store: from } = await filledRoom(700)
    const store = emptyStore()
    await importInto(store, await textOf(from, { to: 77 }))
    const report = await importInto(store, await textOf(from))
    expect(report).toMatchObject({ appended: 704 - 77 })
    expect(await storedEvents(store)).toEqual(await storedEvents(from))
    // And one that is shorter than what is here is there already.
    expect(await importInto(store, await textOf(from, { to: 9 }))).toMatchObject({ appended: 0 })
  })

  test('of a part needs what comes before it, and no other log', async () => {
    const { store: from } = await filledRoom(700)
    const part = await textOf(from, { after: 600, to: 650 })
    const empty = await errorOf(importInto(emptyStore(), part))
    expect(empty).toMatchObject({ code: EVENTS_CODES.importConflict, data: { position: 0 } })
    const other = emptyStore()
    await importInto(other, await textOf((await filledRoom(800)).store))
    const store = emptyStore()
    await importInto(store, await textOf(from, { to: 600 }))
    expect(await importInto(store, part)).toMatchObject({ appended: 50, after: 600, to: 650 })
    await importInto(store, await textOf(from, { after: 650 }))
    expect(await storedEvents(store)).toEqual(await storedEvents(from))
    const foreign = memoryRoom(taxonomy)
    for (let n = 0; n < 600; n += 1) await foreign.log.append(toStream('z', noted(n)))
    expect((await errorOf(importInto(foreign.store, part))).code).toBe(EVENTS_CODES.importConflict)
  })

  test('into a log that holds something else is a conflict, and says where', async () => {
    const { store: from } = await filledRoom()
    const room = memoryRoom(taxonomy)
    await importInto(room.store, await textOf(from, { to: 12 }))
    await room.log.append(toStream('own', noted(1)))
    const error = await errorOf(importInto(room.store, await textOf(from)))
    // The header is line 1, so the event at 13 is line 14.
    const data = { position: 13, line: 14 }
    expect(error).toMatchObject({ code: EVENTS_CODES.importConflict, data })
    expect((await room.store.head()).position).toBe(13)
  })

  test('tells when somebody else writes to the log meanwhile', async () => {
    const { store: from } = await filledRoom(600)
    const room = memoryRoom(taxonomy)
    const lines = linesOf(await textOf(from))
    async function* interrupted() {
      yield textFrom(lines.slice(0, 514))
      await room.log.append(toStream('own', noted(1)))
      yield textFrom(lines.slice(514))
    }
    const error = await errorOf(importInto(room.store, interrupted()))
    const data = { position: 514, line: 515 }
    expect(error).toMatchObject({ code: EVENTS_CODES.importConflict, data })
  })

  test('tells when somebody else writes to the very stream', async () => {
    const { store: from } = await filledRoom(600)
    const room = memoryRoom(taxonomy)
    const lines = linesOf(await textOf(from))
    async function* interrupted() {
      yield textFrom(lines.slice(0, 514))
      await room.log.append(toStream('s2', noted(1)))
      yield textFrom(lines.slice(514))
    }
    const error = await errorOf(importInto(room.store, interrupted()))
    expect(error.code).toBe(EVENTS_CODES.importConflict)
    // The event that could not follow, and all after it, were turned away with it.
    expect((await room.store.head()).position).toBe(513)
  })

  test('holds the log to a root that was noted elsewhere', async () => {
    const { store: from } = await filledRoom()
    const text = await textOf(from)
    const [size, root] = [30, (await rootOf(from, 30)) as never]
    await importInto(emptyStore(), text, { noted: [{ size, root }] })
    for (const noted of [
      { size, root: sha256Hex('other') },
      { size: 31, root },
      { size: 45, root },
      { size: 0, root },
    ]) {
      const store = emptyStore()
      const { code } = await errorOf(importInto(store, text, { noted: [noted] }))
      expect(code).toBe(EVENTS_CODES.importCorrupt)
    }
  })

  test('lets the source go, and asks for no more than it takes', async () => {
    const lines = linesOf(await textOf((await filledRoom(600)).store))
    let closed = false
    async function* source() {
      try {
        yield textFrom(lines.slice(0, 20))
        yield 'no line of an export\n'.repeat(600)
        expect.unreachable('more was asked for')
      } finally {
        closed = true
      }
    }
    expect((await errorOf(importInto(emptyStore(), source()))).code).toBe(
      EVENTS_CODES.importCorrupt,
    )
    expect(closed).toBe(true)
  })
})

describe('an interrupted import', () => {
  test('leaves a beginning, and is completed by importing again', async () => {
    const { store: from } = await filledRoom(1_300)
    const text = await textOf(from)
    const [events, bytes] = [await storedEvents(from), Buffer.from(text)]
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), async (cuts) => {
        const store = emptyStore()
        for (const cut of cuts) {
          const part = bytes.subarray(0, Math.floor(cut * (bytes.length - 1)))
          const { code } = await errorOf(importInto(store, [part]))
          expect(code).toBe(EVENTS_CODES.importCorrupt)
          const here = await storedEvents(store)
          expect(here).toEqual(events.slice(0, here.length))
        }
        await importInto(store, text)
        expect(await storedEvents(store)).toEqual(events)
      }),
      { numRuns: 5 },
    )
  })

  test('by a store that fails is gone on with, whatever became of the units', async () => {
    const { store: from } = await filledRoom(1_300)
    const [text, events] = [await textOf(from), await storedEvents(from)]
    for (const kind of ['fail-before', 'fail-after'] as const) {
      const inner = emptyStore()
      const store = faultyStore(inner, manualClock(NOON))
      for (let tries = 1; ; tries += 1) {
        if (tries < 6) store.strike(store.appends + tries * 7, { kind })
        const { code } = await errorOf(importInto(store, text))
        if (code === 'fulfilled') break
        expect([code, tries < 6]).toEqual([EVENTS_CODES.unavailable, true])
        const here = await storedEvents(inner)
        expect(here).toEqual(events.slice(0, here.length))
      }
      expect(await storedEvents(inner)).toEqual(await storedEvents(from))
    }
  })

  test('by its signal stops between pages, and is gone on with', async () => {
    const { store: from } = await filledRoom(1_300)
    const store = emptyStore()
    const controller = new AbortController()
    const options = { signal: controller.signal, onProgress: () => controller.abort() }
    const { code } = await errorOf(importInto(store, await textOf(from), options))
    expect([code, (await store.head()).position]).toEqual([EVENTS_CODES.aborted, 512])
    expect(await importInto(store, await textOf(from))).toMatchObject({ appended: 792 })
  })

  test('brings a blob again that was brought and not named', async () => {
    const lines = linesOf(await textOf((await blobRoom()).store))
    const store = emptyStore()
    await errorOf(importInto(store, textFrom(lines.slice(0, 6))))
    expect([(await store.head()).position, await store.blobs.has(LARGE.digest)]).toEqual([0, true])
    await store.blobs.collect({ graceMs: 0 })
    expect(await store.blobs.has(LARGE.digest)).toBe(false)
    expect(await importInto(store, textFrom(lines))).toMatchObject({ appended: 7, blobs: 3 })
  })
})

/** What was done to the lines, where it is to be noticed, and what may be in the log then. */
interface Damage {
  readonly change: (lines: string[]) => string[]
  /** The line that is told. */
  readonly line: number
  /** Events that may have been imported. */
  readonly kept: number
}

describe('a damaged export', async () => {
  // Line 1 is the header, 2 to 513 the first page, 514 its seal, 515 to 606 the second page,
  // 607 its seal, 608 the end.
  const { store: from } = await filledRoom(600)
  const sound = linesOf(await textOf(from))
  const events = await storedEvents(from)
  const at = (number: number, change: (line: string) => string[]) => (lines: string[]) =>
    lines.flatMap((line, i) => (i === number - 1 ? change(line) : [line]))
  const swap = (a: number, b: number) => (lines: string[]) => {
    const copy = [...lines]
    ;[copy[a - 1], copy[b - 1]] = [String(lines[b - 1]), String(lines[a - 1])]
    return copy
  }
  const last = JSON.parse(String(sound[514])) as { version: number }
  const damages: Readonly<Record<string, Damage>> = {
    'a changed letter': {
      change: at(520, (l) => [l.replace('alice', 'alicf')]),
      line: 520,
      kept: 512,
    },
    'a changed number': { change: at(9, (l) => [l.replace('"n":8', '"n":9')]), line: 9, kept: 0 },
    'an event left out': { change: at(520, () => []), line: 520, kept: 512 },
    'the last event of a page left out': { change: at(513, () => []), line: 513, kept: 0 },
    'an event twice': { change: at(520, (l) => [l, l]), line: 521, kept: 512 },
    'two events exchanged': { change: swap(520, 533), line: 520, kept: 512 },
    'two pages exchanged': {
      change: (l) => [...l.slice(0, 1), ...l.slice(514, 607), ...l.slice(1, 514), ...l.slice(607)],
      line: 94,
      kept: 0,
    },
    'a page left out': { change: (l) => [...l.slice(0, 1), ...l.slice(514)], line: 94, kept: 0 },
    'a page twice': {
      change: (l) => [...l.slice(0, 514), ...l.slice(1, 514), ...l.slice(514)],
      line: 1_027,
      kept: 512,
    },
    'an event put in': {
      change: at(520, (l) => [l, JSON.stringify({ ...last, version: 99 })]),
      line: 521,
      kept: 512,
    },
    'a seal left out': { change: at(514, () => []), line: 514, kept: 0 },
    'a seal twice': { change: at(514, (l) => [l, l]), line: 515, kept: 512 },
    'a seal of another root': {
      change: at(607, (l) => [l.replace(/"root":"./, '"root":"x')]),
      line: 607,
      kept: 512,
    },
    'a seal of another place': {
      change: at(607, (l) => [l.replace('604', '605')]),
      line: 607,
      kept: 512,
    },
    'no header': { change: (l) => l.slice(1), line: 1, kept: 0 },
    'a second header': { change: at(520, (l) => [String(sound[0]), l]), line: 520, kept: 512 },
    'no end': { change: (l) => l.slice(0, -1), line: 608, kept: 604 },
    'an end too early': { change: at(515, () => [String(sound[607])]), line: 515, kept: 512 },
    'a line behind the end': { change: (l) => [...l, '{}'], line: 609, kept: 604 },
    'an end twice': { change: (l) => [...l, String(l.at(-1))], line: 609, kept: 604 },
    'an end of another digest': {
      change: at(608, (l) => [l.replace(/"digest":"./, '"digest":"0').replace('"00', '"01')]),
      line: 608,
      kept: 604,
    },
    'an end of another count': {
      change: at(608, (l) => [l.replace('"events":604', '"events":605')]),
      line: 608,
      kept: 604,
    },
    'a control line of no kind': {
      change: at(520, (l) => ['{"$ice":"more"}', l]),
      line: 520,
      kept: 512,
    },
    'a control line with more in it': {
      change: at(607, (l) => [l.replace('{"$ice"', '{"$hidden":1,"$ice"')]),
      line: 607,
      kept: 512,
    },
    'a control line in another order': {
      change: at(607, (l) => [l.replace('{"$ice":"seal",', '{"$ice":"seal", ')]),
      line: 607,
      kept: 512,
    },
    'blanks around an event': { change: at(520, (l) => [` ${l}`]), line: 520, kept: 512 },
    'ends of lines of another system': {
      change: (l) => l.map((line) => `${line}\r`),
      line: 1,
      kept: 0,
    },
    'an empty line': { change: at(520, (l) => ['', l]), line: 520, kept: 512 },
    'a byte order mark': { change: at(1, (l) => [`\ufeff${l}`]), line: 1, kept: 0 },
    'a blob that no event names in time': {
      change: at(607, (l) => [
        `{"$ice":"blob","base64":"AA==","digest":"${SMALL.digest}","last":true,"offset":0}`,
        l,
      ]),
      line: 607,
      kept: 512,
    },
  }

  test.each(Object.entries(damages))('by %s is refused', async (_, { change, line, kept }) => {
    const store = emptyStore()
    const error = await errorOf(importInto(store, textFrom(change([...sound]))))
    expect([error.code, error.data]).toMatchObject([
      expect.stringMatching(/^ICE_EVENTS_(IMPORT|BLOB)_CORRUPT$/),
      { line },
    ])
    const here = await storedEvents(store)
    expect([here.length, here]).toEqual([kept, events.slice(0, kept)])
    // What is here can be gone on with.
    await importInto(store, textFrom(sound))
    expect(await storedEvents(store)).toEqual(events)
  })

  test('by any flipped bit is refused, and what is here is a beginning', async () => {
    const bytes = Buffer.from(textFrom(sound))
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (place, bit) => {
        const spoilt = Buffer.from(bytes)
        spoilt[place] = (spoilt[place] ?? 0) ^ (1 << bit)
        const store = emptyStore()
        const { code, data } = await errorOf(importInto(store, [spoilt]))
        expect([EVENTS_CODES.importCorrupt, EVENTS_CODES.format]).toContain(code)
        if (code === EVENTS_CODES.importCorrupt) expect(data).toHaveProperty('line')
        const here = await storedEvents(store)
        expect(here).toEqual(events.slice(0, here.length))
      }),
      { numRuns: 40 },
    )
  })

  test('with its end written anew is still refused at its seal', async () => {
    const spoilt = sound.map((line) => line.replace('alice', 'mallory'))
    const store = emptyStore()
    const error = await errorOf(importInto(store, withEnd(spoilt)))
    expect(error).toMatchObject({ code: EVENTS_CODES.importCorrupt, data: { line: 2 } })
    expect((await store.head()).position).toBe(0)
  })
})

describe('a hostile export', () => {
  test('of a line without an end is refused after so many bytes', async () => {
    let given = 0
    function* endless() {
      for (;;) {
        given += MIB
        yield Buffer.alloc(MIB, 'a')
      }
    }
    const { code } = await errorOf(importInto(emptyStore(), endless()))
    expect([code, given <= 3 * MIB]).toEqual([EVENTS_CODES.importCorrupt, true])
  })

  test('that is no export at all is refused at its first line', async () => {
    const texts = ['', '\n', '[]\n', 'null\n', '{"$ice":null}\n', '{"$ice":"end"}\n', '{"$ice":\n']
    for (const text of [...texts, '\ud800\n', '{"causes":[]}\n']) {
      const error = await errorOf(importInto(emptyStore(), text))
      expect(error).toMatchObject({ code: EVENTS_CODES.importCorrupt, data: { line: 1 } })
    }
    const odd = await errorOf(importInto(emptyStore(), [7] as never))
    expect(odd.code).toBe(EVENTS_CODES.structural)
  })

  test('of a later format is told apart from a damaged one', async () => {
    const text = await textOf((await filledRoom()).store)
    const later = text.replace('"format":1', '"format":2,"more":true')
    const error = await errorOf(importInto(emptyStore(), later))
    expect(error).toMatchObject({ code: EVENTS_CODES.format, data: { format: 2, known: 1 } })
  })

  test('of portions that do not make the blob is refused, and no event names it', async () => {
    const sound = linesOf(await textOf((await blobRoom()).store))
    const part = String(sound[4])
    const parsed = JSON.parse(part) as { base64: string }
    const portion = (base64: string): string => JSON.stringify({ ...parsed, base64 })
    const changes: Readonly<Record<string, readonly string[]>> = {
      'left out': [],
      twice: [part, part],
      'of another digest': [part.replace(LARGE.digest, SMALL.digest)],
      'of other bytes': [portion(`B${parsed.base64.slice(1)}`)],
      'too short': [portion(parsed.base64.slice(4))],
      'no base64': [portion(`!${parsed.base64.slice(1)}`)],
      'an event': [String(sound.find(isEvent))],
    }
    for (const [what, lines] of Object.entries(changes)) {
      const store = emptyStore()
      const spoilt = textFrom([...sound.slice(0, 4), ...lines, ...sound.slice(5)])
      const { code } = await errorOf(importInto(store, spoilt))
      expect([what, code]).toEqual([what, expect.stringMatching(/_CORRUPT$/)])
      expect(await store.blobs.has(LARGE.digest)).toBe(false)
      expect((await store.head()).position).toBe(0)
    }
  })

  test('of a blob past the bound is refused at the portion that exceeds it', async () => {
    const text = await textOf((await blobRoom()).store)
    const error = await errorOf(importInto(emptyStore(), text, { blobBytesMax: 2 * MIB }))
    expect(error).toMatchObject({ code: EVENTS_CODES.blobLimit, data: { line: 4 } })
  })

  test('of an event that names a blob nobody brought is refused', async () => {
    const sound = linesOf(await textOf((await blobRoom()).store))
    const store = emptyStore()
    const text = textFrom(sound.filter((_, i) => i !== 1))
    const error = await errorOf(importInto(store, text))
    expect(error).toMatchObject({ code: EVENTS_CODES.importCorrupt, data: { line: 2 } })
  })

  test('of events that no log would take is refused as they would be', async () => {
    // Their hashes, seals and end are right: somebody wrote them who can.
    const foreign = (type: string, more: object = {}): Promise<string> =>
      forged({ ...plainEvent, type, ...more })
    const cases: readonly (readonly [string, Promise<string>])[] = [
      [EVENTS_CODES.taxonomy, foreign('NeverDeclared')],
      [EVENTS_CODES.futureSchema, foreign('NumberNoted', { schema: 2 })],
      [EVENTS_CODES.payload, foreign('NumberNoted', { data: { n: 'one' } })],
      [EVENTS_CODES.authority, foreign('NumberNoted', { origin: 'agent:mallory' })],
      [EVENTS_CODES.causality, foreign('NumberNoted', { causes: ['test/z@9'] })],
      [EVENTS_CODES.importConflict, foreign('NumberNoted', { version: 2 })],
      [EVENTS_CODES.format, foreign('NumberNoted', { v: 2 })],
    ]
    for (const [expected, text] of cases) {
      const store: EventStore = emptyStore()
      const { code, data } = await errorOf(importInto(store, await text))
      expect([code, data]).toMatchObject([expected, { line: 2 }])
      expect((await store.head()).position).toBe(0)
    }
    const kept = emptyStore()
    const options = { unknownTypes: 'keep' } as const
    await importInto(kept, await foreign('NeverDeclared'), options)
    expect((await kept.head()).position).toBe(1)
  })
})

const plainEvent = {
  ...{ causes: [], data: { n: 1 }, origin: 'runtime', schema: 1, stream: 'test/a' },
  ...{ time: 5, type: 'NumberNoted', v: 1, version: 1 },
}

/** The export of a log that holds one event, whatever it is. */
async function forged(event: object): Promise<string> {
  const bytes = JSON.stringify(event)
  const hash = leafHash(bytes)
  const { store } = memoryRoom(taxonomy)
  return textOf({
    ...store,
    head: async () => ({ position: 1 }),
    async *readAll() {
      yield [{ position: 1 as never, bytes, hash }]
    },
  })
}

test('an imported log goes on as any log', async () => {
  const { store: from, clock } = await filledRoom()
  const store = emptyStore()
  await importInto(store, await textOf(from))
  const log = createEventLog({ store, taxonomy, clock })
  const { writes } = await log.append(toStream('s1', noted(1, { causes: ['test/x@2' as never] })))
  expect(writes[0]?.positions).toEqual([45])
})
