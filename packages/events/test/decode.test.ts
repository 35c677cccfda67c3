/** Verifies: EVT-R60, EVT-R61, EVT-R62 */
import { canonicalize, type EventId, leafHash } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { decodeEvent } from '../src/decode.ts'
import { EVENTS_CODES } from '../src/errors.ts'
import { defineEventType } from '../src/event-type.ts'
import type { StoredEvent } from '../src/ports.ts'
import { composeTaxonomy } from '../src/taxonomy.ts'
import { testTaxonomy } from '../src/testing/index.ts'
import { errorOf, memoryRoom, NOON, noted, toStream, withCode } from './fixtures.ts'

const sound = {
  v: 1,
  stream: 'test/a',
  version: 1,
  type: 'PersonGreeted',
  schema: 3,
  time: NOON,
  origin: 'runtime',
  causes: [],
  data: {},
}

function stored(event: unknown): StoredEvent {
  const bytes = typeof event === 'string' ? event : canonicalize(event)
  return { position: 7 as never, bytes, hash: leafHash(bytes) }
}

describe('decoding', () => {
  test('gives the event with its id, its position and its hash', async () => {
    const { log, store } = memoryRoom()
    await log.append(toStream('a', noted(1, { cost: { ms: 2 } })))
    for await (const [event] of log.readAll({})) {
      expect(event).toEqual({
        v: 1,
        id: 'test/a@1',
        position: 1,
        hash: leafHash((await store.readAll({})[Symbol.asyncIterator]().next()).value[0].bytes),
        stream: 'test/a',
        version: 1,
        type: 'NumberNoted',
        schema: 1,
        time: NOON,
        origin: 'runtime',
        causes: [],
        cost: { ms: 2 },
        data: { n: 1 },
      })
    }
  })

  test('brings every older payload to the current version, step by step', () => {
    const taxonomy = testTaxonomy()
    const older = [
      { ...sound, schema: 1, data: { name: 'Ada King Lovelace' } },
      { ...sound, schema: 2, data: { first: 'Ada', last: 'King Lovelace' } },
      { ...sound, schema: 3, data: { first: 'Ada', last: 'King Lovelace', language: 'en' } },
    ]
    for (const event of older) {
      const { schema, data } = decodeEvent(stored(event), taxonomy)
      expect([schema, data]).toEqual([3, { first: 'Ada', last: 'King Lovelace', language: 'en' }])
    }
  })

  test('refuses a payload of a later version, or of none', () => {
    for (const schema of [4, 0, -1, 1.5, '1', null]) {
      expect(() => decodeEvent(stored({ ...sound, schema }), testTaxonomy())).toThrow(
        expect.toSatisfy(withCode(EVENTS_CODES.futureSchema)),
      )
    }
  })

  test('refuses what is no envelope', () => {
    const { schema: _, ...needed } = sound
    const spoilt = [
      null,
      [],
      ...Object.keys(needed).map((field) => ({ ...sound, [field]: undefined })),
      { ...sound, version: 1.5 },
      { ...sound, time: '1' },
      { ...sound, causes: {} },
      { ...sound, stream: 1 },
    ]
    for (const event of spoilt) {
      expect(() => decodeEvent(stored(JSON.stringify(event)), testTaxonomy())).toThrow(
        expect.toSatisfy(withCode(EVENTS_CODES.corrupt)),
      )
    }
  })

  test('hands out a type it does not know as it was stored', () => {
    const event = { ...sound, type: 'SomethingElse', schema: 9, data: { a: [1] } }
    expect(decodeEvent(stored(event), testTaxonomy())).toMatchObject(event)
  })

  test('calls corrupt what is no event', () => {
    for (const bytes of ['', '{', 'null', '7', '"x"', '{}', canonicalize({ ...sound, v: 2 })]) {
      expect(() => decodeEvent(stored(bytes), testTaxonomy())).toThrow(
        expect.toSatisfy(withCode(EVENTS_CODES.corrupt)),
      )
    }
  })
})

describe('one event by its id', () => {
  test('is found, or has a code', async () => {
    const { log } = memoryRoom()
    await log.append(toStream('a', noted(1), noted(2)))
    expect((await log.event('test/a@2' as EventId)).data).toEqual({ n: 2 })
    const wrong: unknown[] = ['test/a@3', 'test/b@1', 'test/a@0', 'test/a', '', 7, undefined, {}]
    for (const id of [...wrong, `test/${'a'.repeat(9_000)}@1`, Symbol('a')]) {
      const error = await errorOf(log.event(id as EventId))
      expect(error.code).toBe(EVENTS_CODES.eventNotFound)
      expect(error.message?.length).toBeLessThan(200)
    }
  })
})

test('an upcast that throws is told as it is: it is a bug of the program', () => {
  const Broken = defineEventType({
    type: 'PersonGreeted',
    category: 'domain',
    description: '',
    schema: 2,
    payload: z.null(),
    upcasts: {
      1: () => {
        throw new TypeError('a bug')
      },
    },
  })
  const event = stored({ ...sound, schema: 1 })
  expect(() => decodeEvent(event, composeTaxonomy([Broken]))).toThrow('a bug')
})
