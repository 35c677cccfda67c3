/** Verifies: EVT-R01, EVT-R02, EVT-R03, EVT-R05, EVT-R07, EVT-R23 */
import { canonicalize, type EventId, principalId } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { EVENTS_CODES } from '../src/errors.ts'
import { defineEventType } from '../src/event-type.ts'
import { EVENT_BYTES_MAX } from '../src/limits.ts'
import type { AppendRequest, NewEvent } from '../src/ports.ts'
import { composeTaxonomy } from '../src/taxonomy.ts'
import {
  at,
  codeOf,
  errorOf,
  memoryRoom,
  NOON,
  noted,
  storedEvents,
  stream,
  toStream,
} from './fixtures.ts'

const { structural, taxonomy, authority, payload, temporal, causality } = EVENTS_CODES

/** One event for each stage, wrong there and nowhere before it. */
const WRONG: readonly (readonly [string, NewEvent])[] = [
  [structural, { type: 'NumberNoted', data: { n: 1 }, surprise: true } as NewEvent],
  [taxonomy, { type: 'NumberForgotten', data: { n: 1 } }],
  [authority, noted(1, { origin: 'agent:mallory' })],
  [payload, noted(0.5)],
  [temporal, noted(1, { time: at(1) })],
  [causality, noted(1, { causes: ['test/nowhere@1' as EventId] })],
]

describe('the order of validation', () => {
  test.each(WRONG)('tells of %s when nothing else is wrong', async (code, event) => {
    const { log, store } = memoryRoom()
    await log.append(toStream('a', noted(0)))
    expect(await codeOf(log.append(toStream('a', event)))).toBe(code)
    expect(await store.head()).toEqual({ position: 1 })
  })

  const pairs = WRONG.flatMap(([earlier, first], i) =>
    WRONG.slice(i + 1).map(([later, second]) => [earlier, later, first, second] as const),
  )

  test.each(pairs)('tells of %s before %s, whichever event has it', async (code, _, a, b) => {
    const { log, store } = memoryRoom()
    await log.append(toStream('a', noted(0)))
    expect(await codeOf(log.append(toStream('a', a, b)))).toBe(code)
    expect(await codeOf(log.append(toStream('a', b, a)))).toBe(code)
    const apart: AppendRequest = {
      writes: [...toStream('b', b).writes, ...toStream('a', a, b).writes],
    }
    expect(await codeOf(log.append(apart))).toBe(code)
    expect(await store.head()).toEqual({ position: 1 })
  })
})

describe('the structure of a request', () => {
  const event = noted(1)
  const write = { stream: stream('a'), expectedVersion: 'any', events: [event] }
  const wrong: Record<string, unknown> = {
    'no request': undefined,
    'a number': 7,
    'no writes': {},
    'writes that are no list': { writes: write },
    'no write': { writes: [] },
    'a write that is null': { writes: [null] },
    'a stream that is no id': { writes: [{ ...write, stream: '../etc/passwd' }] },
    'a stream that is a list': { writes: [{ ...write, stream: ['test/a'] }] },
    'a negative version': { writes: [{ ...write, expectedVersion: -1 }] },
    'a fractional version': { writes: [{ ...write, expectedVersion: 0.5 }] },
    'an unknown expectation': { writes: [{ ...write, expectedVersion: 'exists' }] },
    'no events': { writes: [{ ...write, events: [] }] },
    'one stream twice': { writes: [write, write] },
    'an event that is text': { writes: [{ ...write, events: ['NumberNoted'] }] },
    'guards that are no list': { writes: [write], guards: {} },
    'a hole among the guards': { writes: [write], guards: new Array(2) },
    'a hole among the blobs': { writes: [write], blobs: new Array(2) },
    'a guard of no stream': { writes: [write], guards: [{ stream: '', version: 0 }] },
    'a guard of no version': { writes: [write], guards: [{ stream: stream('g') }] },
    'a notAfter that is text': { writes: [write], notAfter: 'tomorrow' },
    'blobs that are no list': { writes: [write], blobs: {} },
    'a blob without bytes': { writes: [write], blobs: [{ digest: 'a'.repeat(64) }] },
    'a blob without a digest': { writes: [write], blobs: [{ digest: 'a', size: 1 }] },
    'a signal that is none': { writes: [write], signal: { aborted: false } },
  }

  test.each(Object.entries(wrong))('is refused when there is %s', async (_, request) => {
    const { log, store } = memoryRoom()
    expect(await codeOf(log.append(request as AppendRequest))).toBe(structural)
    expect(await store.head()).toEqual({ position: 0 })
  })

  const fields: Record<string, unknown> = {
    'a type that is a number': { type: 7 },
    'no data': { data: undefined },
    'an empty origin': { origin: '' },
    'an agent without an id': { origin: 'agent:' },
    'an agent with a space': { origin: 'agent:a b' },
    'an agent that closes the text': { origin: 'agent:a","type":"X' },
    'a principal with a space': { principal: 'os root' },
    'a time in the past of time': { time: -1 },
    'a time that is a fraction': { time: 1.5 },
    'causes that are no list': { causes: 'test/a@1' },
    'a cause that is no id': { causes: ['test/a'] },
    'a cause of version 0': { causes: ['test/a@0'] },
    'too many causes': { causes: Array.from({ length: 65 }, () => 'test/a@1') },
    'a cost that is a number': { cost: 7 },
    'an unknown cost': { cost: { joules: 1 } },
    'a negative cost': { cost: { ms: -1 } },
    'a cost in no currency': { cost: { microMoney: 1, currency: 'euro' } },
    'an unknown field': { id: 'test/a@1' },
    'a field called __proto__': JSON.parse('{"__proto__":{"origin":"agent:x"}}') as unknown,
  }

  test.each(Object.entries(fields))('refuses an event with %s', async (_, field) => {
    const { log } = memoryRoom()
    const made = Object.create(Object.prototype, {
      ...Object.getOwnPropertyDescriptors(event),
      ...Object.getOwnPropertyDescriptors(field),
    }) as NewEvent
    expect(await codeOf(log.append(toStream('a', made)))).toBe(structural)
  })

  test('refuses more than a unit holds, and says how many there were', async () => {
    const { log } = memoryRoom()
    const streams = Array.from({ length: 17 }, (_, i) => toStream(`s${i}`, noted(i)).writes[0])
    const events = Array.from({ length: 513 }, (_, i) => noted(i))
    const guards = Array.from({ length: 65 }, (_, i) => ({ stream: stream(`g${i}`), version: 0 }))
    const blobs = [{ digest: 'a'.repeat(64), bytes: new Uint8Array(64 * 1_048_576 + 1) }]
    const many = Array.from({ length: 513 }, () => ({ digest: 'a'.repeat(64), size: 1 }))
    const over = [
      [{ writes: streams }, { count: 17, max: 16, what: 'streams' }],
      [toStream('a', ...events), { count: 513, max: 512, what: 'events' }],
      [
        { ...toStream('a', noted(1)), guards },
        { count: 65, max: 64, what: 'guards' },
      ],
      [
        { ...toStream('a', noted(1)), blobs },
        { count: 67_108_865, max: 67_108_864, what: 'bytes of blobs' },
      ],
      [
        { ...toStream('a', noted(1)), blobs: many },
        { count: 513, max: 512, what: 'blobs' },
      ],
    ] as const
    for (const [request, data] of over) {
      const error = await errorOf(log.append(request as unknown as AppendRequest))
      expect([error.code, error.data]).toEqual([EVENTS_CODES.unitLimit, data])
    }
  })
})

describe('what is checked is what is written', () => {
  test('writes the bytes that canonical JSON has, every field of the envelope', async () => {
    const { log, store } = memoryRoom()
    await log.append(toStream('a', noted(1)))
    const event: NewEvent = {
      type: 'NumberNoted',
      data: { note: 'é"\\\n\u0001', n: -0 },
      principal: principalId('key:"\\'),
      causes: ['test/a@1' as EventId],
      cost: {
        tokensOut: 2,
        ms: 1,
        currency: 'EUR',
        microMoney: 3,
        bytesIn: 0,
        bytesOut: 1,
        tokensIn: 9,
      },
      time: at(NOON + 5),
    }
    await log.append(toStream('a', event))
    const [, stored] = await storedEvents(store)
    const whole = { ...event, v: 1, schema: 1, stream: 'test/a', version: 2, origin: 'runtime' }
    expect(stored?.bytes).toBe(canonicalize(whole))
  })

  test('reads each field once: a getter cannot change its mind', async () => {
    const { log, store } = memoryRoom()
    const answers = { type: ['NumberNoted', 'x","v":2,"x":"'], origin: ['runtime', 'x"'] }
    const event = {
      get type() {
        return answers.type.shift()
      },
      get origin() {
        return answers.origin.shift()
      },
      get data() {
        return { n: 1 }
      },
      causes: new Proxy([], {
        get: (target, key) => (key === 'length' ? 0 : Reflect.get(target, key)),
      }),
    }
    await log.append(toStream('a', event as unknown as NewEvent))
    const [stored] = await storedEvents(store)
    expect(stored?.bytes).toBe(
      '{"causes":[],"data":{"n":1},"origin":"runtime","schema":1,"stream":"test/a",' +
        `"time":${NOON},"type":"NumberNoted","v":1,"version":1}`,
    )
  })

  test('copies the causes and the request when append is called', async () => {
    const { log, store } = memoryRoom()
    await log.append(toStream('a', noted(1)))
    const causes = ['test/a@1' as EventId]
    const events = [noted(2, { causes })]
    const appended = log.append({
      writes: [{ stream: stream('a'), expectedVersion: 1 as never, events }],
    })
    causes[0] = 'test/nowhere@9' as EventId
    events.push(noted(3))
    await appended
    expect((await storedEvents(store)).map(({ bytes }) => JSON.parse(bytes).causes)).toEqual([
      [],
      ['test/a@1'],
    ])
  })

  test('takes nothing from Object.prototype', async () => {
    const { log, store } = memoryRoom()
    const polluted = Object.prototype as Record<string, unknown>
    const fields = { principal: 'os:mallory', cost: { ms: 1 }, note: 'polluted', time: 5 }
    try {
      for (const [key, value] of Object.entries(fields)) {
        Object.defineProperty(polluted, key, {
          value,
          configurable: true,
          enumerable: key === 'note',
        })
      }
      await log.append(toStream('a', noted(1)))
    } finally {
      for (const key of Object.keys(fields)) delete polluted[key]
    }
    const [stored] = await storedEvents(store)
    expect(stored?.bytes).toBe(
      '{"causes":[],"data":{"n":1},"origin":"runtime","schema":1,"stream":"test/a",' +
        `"time":${NOON},"type":"NumberNoted","v":1,"version":1}`,
    )
  })

  test('has a code for getters and proxies that throw', async () => {
    const { log } = memoryRoom()
    const trap = (): never => {
      throw new TypeError('gotcha')
    }
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const requests: unknown[] = [
      new Proxy({}, { get: trap }),
      { writes: new Proxy([], { get: trap }) },
      toStream('a', Object.defineProperty({ type: 'NumberNoted' }, 'data', { get: trap }) as never),
      toStream('a', new Proxy(noted(1), { ownKeys: trap })),
      toStream('a', revoked.proxy as never),
    ]
    for (const request of requests) {
      expect(await codeOf(log.append(request as AppendRequest))).toBe(structural)
    }
    for (const data of [
      revoked.proxy,
      {
        get n() {
          return trap()
        },
      },
      new Proxy({}, { ownKeys: trap }),
    ]) {
      expect(await codeOf(log.append(toStream('a', { type: 'NumberNoted', data })))).toBe(payload)
    }
  })
})

describe('the size of an event', () => {
  const Filled = defineEventType({
    type: 'TextsFilled',
    category: 'domain',
    description: 'Texts were filled.',
    payload: z.strictObject({ texts: z.array(z.string()) }),
  })

  /** An event of exactly so many bytes, were its time and version at their widest. */
  function filled(bytes: number): NewEvent {
    const event = (texts: readonly string[]) => ({ type: 'TextsFilled', data: { texts } })
    const widest = { time: Number.MAX_SAFE_INTEGER, version: Number.MAX_SAFE_INTEGER }
    const whole = { v: 1, schema: 1, stream: 'test/a', origin: 'runtime', causes: [], ...widest }
    const size = (texts: readonly string[]): number =>
      Buffer.byteLength(canonicalize({ ...event(texts), ...whole }))
    const full = Array.from({ length: 6 }, () => '€'.repeat(2_730))
    const rest = bytes - size([...full, '', ''])
    return event([...full, 'x'.repeat(6_000), 'x'.repeat(rest - 6_000)])
  }

  test('is bounded with time and version at their widest, wherever it comes to stand', async () => {
    const { log, store } = memoryRoom(composeTaxonomy([Filled]))
    await log.append(toStream('a', filled(EVENT_BYTES_MAX)))
    const error = await errorOf(log.append(toStream('a', filled(EVENT_BYTES_MAX + 1))))
    expect([error.code, error.data]).toEqual([
      EVENTS_CODES.eventLimit,
      { type: 'TextsFilled', bytes: EVENT_BYTES_MAX + 1, bytesMax: EVENT_BYTES_MAX },
    ])
    expect(await store.head()).toEqual({ position: 1 })
  })

  test('is told before anything that depends on the log', async () => {
    const { log } = memoryRoom(composeTaxonomy([Filled]))
    await log.append(toStream('a', filled(EVENT_BYTES_MAX - 100)))
    const large = { ...filled(EVENT_BYTES_MAX + 1), time: at(1) }
    expect(await codeOf(log.append(toStream('a', large)))).toBe(EVENTS_CODES.eventLimit)
  })
})
