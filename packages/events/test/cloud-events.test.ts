/** Verifies: EVT-R95 */
import { leafHash } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { EVENTS_CODES } from '../src/errors.ts'
import { type CloudEventsOptions, exportCloudEvents } from '../src/exchange/cloud-events.ts'
import { memoryEventStore } from '../src/memory.ts'
import type { EventStore } from '../src/ports.ts'
import { blobRoom, filledRoom, linesOf } from './exchange-fixtures.ts'
import { at, errorOf, memoryRoom, noted, storedEvents, toStream } from './fixtures.ts'

async function textOf(store: EventStore, options?: CloudEventsOptions): Promise<string> {
  let text = ''
  for await (const part of exportCloudEvents(store, options)) text += part
  return text
}

type CloudEvent = Readonly<Record<string, unknown>>

async function eventsOf(store: EventStore, options?: CloudEventsOptions): Promise<CloudEvent[]> {
  return linesOf(await textOf(store, options)).map((line) => JSON.parse(line) as CloudEvent)
}

/** RFC 3986 §3, as far as it can be told without resolving anything. */
const URI_REFERENCE = /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/
const MEDIA_TYPE = /^[a-z]+\/[a-z0-9.+-]+$/
/** §3: a String holds no control characters, no lone surrogates, no noncharacters. */
const TEXT = /^[^\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]+$/u

/** What §2 (type system), §3 (attributes) and §4 (JSON format) ask of an event; empty if fine. */
function violations(event: CloudEvent): readonly string[] {
  const wrong: string[] = []
  const check = (name: string, holds: boolean): void => {
    if (!holds) wrong.push(`${name}: ${JSON.stringify(event[name])}`)
  }
  const isText = (value: unknown): value is string => typeof value === 'string' && TEXT.test(value)
  const matches = (name: string, pattern: RegExp): boolean =>
    !(name in event) || (isText(event[name]) && pattern.test(event[name]))
  check('specversion', event['specversion'] === '1.0')
  for (const name of ['id', 'type', 'source']) check(name, isText(event[name]))
  check('source', matches('source', URI_REFERENCE))
  check('dataschema', matches('dataschema', URI))
  check('datacontenttype', matches('datacontenttype', MEDIA_TYPE))
  check('time', matches('time', RFC_3339))
  for (const [name, value] of Object.entries(event)) {
    if (name === 'data') continue
    // Names: lower-case letters and digits; 20 at most are recommended. `data_base64` is not used.
    check(name, /^[a-z0-9]{1,20}$/.test(name))
    // Values: String, Boolean, or an Integer of 32 bits; no null, no object, no list.
    const isInteger = Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31
    check(name, isText(value) || typeof value === 'boolean' || isInteger)
  }
  return wrong
}

describe('an export as CloudEvents', () => {
  test('has every event, in order, by the rules of CloudEvents 1.0', async () => {
    for (const { store } of [await filledRoom(600), await blobRoom()]) {
      const events = await eventsOf(store)
      const stored = await storedEvents(store)
      expect(events.flatMap(violations)).toEqual([])
      expect(events.map(({ hash }) => hash)).toEqual(stored.map(({ hash }) => hash))
      expect(new Set(events.map(({ id, source }) => `${source} ${id}`)).size).toBe(stored.length)
    }
  })

  test('shows what a log knows of an event', async () => {
    const { store, log, clock } = memoryRoom()
    clock.setWall(at(1_767_225_600_123))
    await log.append(toStream('a', noted(1)))
    const more = { principal: 'os:alice', causes: ['test/a@1'], cost: { ms: 2 } }
    await log.append(toStream('b', noted(2, more as never)))
    const [first, second] = await eventsOf(store)
    const [one] = await storedEvents(store)
    expect(first).toEqual({
      ...{ specversion: '1.0', id: 'test/a@1', source: 'ice:log/memory', type: 'ice.NumberNoted' },
      ...{ subject: 'test/a', time: '2026-01-01T00:00:00.123Z', data: { n: 1 } },
      ...{ datacontenttype: 'application/json', dataschema: 'ice:schema/NumberNoted/1' },
      ...{ position: '1', version: '1', stream: 'test/a', origin: 'runtime' },
      hash: leafHash(one?.bytes ?? ''),
    })
    expect(second).toMatchObject({ principal: 'os:alice', causes: 'test/a@1', cost: '{"ms":2}' })
  })

  test('keeps the rules at the ends of what an event can hold', async () => {
    const { log, clock, store } = memoryRoom()
    const causes = Array.from({ length: 64 }, () => 'test/a@1')
    await log.append(toStream('a', noted(1, { time: at(0) })))
    await log.append(
      toStream(
        'b',
        noted(Number.MAX_SAFE_INTEGER, {
          ...{ principal: '"\\~!'.repeat(9), causes, cost: { currency: 'EUR', microMoney: 5 } },
        } as never),
      ),
    )
    await log.append(toStream('c', noted(1, { time: at(253_402_300_799_999) })))
    await log.append(toStream('c', noted(1, { time: at(253_402_300_800_000) })))
    await log.append(toStream('c', noted(1, { time: at(Number.MAX_SAFE_INTEGER) })))
    const odd = memoryEventStore({ clock, incarnation: 'a b/ü#?' })
    const events = await eventsOf({ ...store, incarnation: odd.incarnation })
    expect(events.flatMap(violations)).toEqual([])
    expect(events.map(({ time }) => time)).toEqual([
      ...['1970-01-01T00:00:00.000Z', expect.any(String), '9999-12-31T23:59:59.999Z'],
      ...[undefined, undefined],
    ])
  })

  test('may be filtered, and is a batch when asked for', async () => {
    const { store } = await filledRoom(600)
    const options = { after: 10, limit: 5, filter: { streamPrefix: 'test/s3' } }
    const events = await eventsOf(store, options)
    expect(events.map(({ position }) => position)).toEqual(['17', '24', '31', '38', '45'])
    const whole = await eventsOf(store)
    for (const [query, expected] of [
      [options, events],
      [{}, whole],
      [{ after: 604 }, []],
    ] as const) {
      expect(JSON.parse(await textOf(store, { ...query, form: 'batch' }))).toEqual(expected)
      expect(await eventsOf(store, query)).toEqual(expected)
    }
  })

  test('of bytes that are no event has a code', async () => {
    const { store } = await filledRoom()
    const spoilt: EventStore = {
      ...store,
      async *readAll() {
        yield [{ position: 1 as never, bytes: '{', hash: leafHash('{') }]
      },
    }
    expect((await errorOf(textOf(spoilt))).code).toBe(EVENTS_CODES.corrupt)
  })
})
