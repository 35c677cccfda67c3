/** Verifies: EVT-R08, EVT-R94 */
import { canonicalize, leafHash } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { EVENTS_CODES } from '../src/errors.ts'
import { defineEventType } from '../src/event-type.ts'
import { judge } from '../src/judge.ts'
import { EVENT_BYTES_MAX, PLACE_BYTES_MAX } from '../src/limits.ts'
import { isPrepared } from '../src/prepare.ts'
import { type PreparedStored, prepareStored } from '../src/prepare-stored.ts'
import { composeTaxonomy } from '../src/taxonomy.ts'
import { filledRoom, taxonomy } from './exchange-fixtures.ts'
import { NOON, storedEvents } from './fixtures.ts'

const sound = {
  ...{ causes: [], data: { n: 1 }, origin: 'runtime', schema: 1, stream: 'test/a' },
  ...{ time: NOON, type: 'NumberNoted', v: 1, version: 3 },
}

function codeOf(bytes: string, unknownTypes: 'refuse' | 'keep' = 'refuse'): string {
  try {
    prepareStored(bytes, { taxonomy, unknownTypes })
    return 'taken'
  } catch (error) {
    return String((error as { readonly code?: unknown }).code)
  }
}

const bytesOf = (change: object): string => canonicalize({ ...sound, ...change })

describe('a stored event', () => {
  test('is prepared with the bytes, hash, time and place it had', async () => {
    for (const { bytes, hash } of await storedEvents((await filledRoom()).store)) {
      const { event, stream, version, time, ...rest } = prepareStored(bytes, { taxonomy })
      const parsed = JSON.parse(bytes) as typeof sound
      expect([stream, version, time]).toEqual([parsed.stream, parsed.version, parsed.time])
      expect(rest).toEqual({ hash })
      expect(event.seal(version, 0)).toEqual({ bytes, hash, time })
      expect([event.stream, event.type, event.causes, event.fixedTime]).toEqual([
        ...[stream, parsed.type, parsed.causes, time],
      ])
      expect([isPrepared(event), event.matches(version, bytes)]).toEqual([true, true])
    }
  })

  test('fits at its own place and at no other', () => {
    const { event }: PreparedStored = prepareStored(bytesOf({}), { taxonomy })
    const at = (version: number, time: number) =>
      judge(
        { writes: [{ stream: event.stream, expectedVersion: 'any', events: [event] }] },
        { head: () => ({ version, time }), hasBlob: () => false },
        NOON,
      )
    expect(at(2, NOON)).toMatchObject({ kind: 'fits' })
    for (const version of [0, 1, 3]) {
      const error = { code: EVENTS_CODES.structural }
      expect(at(version, NOON)).toMatchObject({ kind: 'refused', error })
    }
    expect(at(2, NOON + 1)).toMatchObject({ error: { code: EVENTS_CODES.temporal } })
    expect(event.matches(4, bytesOf({ version: 4 }))).toBe(false)
    expect(event.matches(3, bytesOf({ time: NOON + 1 }))).toBe(false)
  })

  const refused: Readonly<Record<string, readonly [string, string]>> = {
    'no JSON': ['{', EVENTS_CODES.structural],
    'a text': ['"x"', EVENTS_CODES.structural],
    nothing: ['null', EVENTS_CODES.structural],
    'a list': ['[]', EVENTS_CODES.structural],
    'a blank more': [`${bytesOf({})} `, EVENTS_CODES.structural],
    'another order': [
      JSON.stringify(Object.fromEntries(Object.entries(sound).reverse())),
      EVENTS_CODES.structural,
    ],
    'a key twice': [bytesOf({}).replace('"n":1', '"n":1,"n":1'), EVENTS_CODES.structural],
    'another spelling of a number': [
      bytesOf({}).replace('"n":1', '"n":1.0'),
      EVENTS_CODES.structural,
    ],
    'another spelling of a letter': [
      bytesOf({}).replace('"n":1', '"\\u006e":1'),
      EVENTS_CODES.structural,
    ],
    'a lone surrogate': [
      bytesOf({}).replace('"n":1', '"n":1,"note":"\ud800"'),
      EVENTS_CODES.structural,
    ],
    'a member that no event has': [bytesOf({ id: 'x' }), EVENTS_CODES.structural],
    'a prototype': [bytesOf({}).replace('"v":1', '"v":1,"__proto__":{}'), EVENTS_CODES.structural],
    'a time as text': [bytesOf({ time: '5' }), EVENTS_CODES.structural],
    'a time before 1970': [bytesOf({ time: -5 }), EVENTS_CODES.structural],
    'version 0': [bytesOf({ version: 0 }), EVENTS_CODES.structural],
    'half a version': [bytesOf({ version: 1.5 }), EVENTS_CODES.structural],
    'schema 0': [bytesOf({ schema: 0 }), EVENTS_CODES.structural],
    'no stream': [bytesOf({ stream: 'a' }), EVENTS_CODES.structural],
    'causes that are none': [bytesOf({ causes: ['x'] }), EVENTS_CODES.structural],
    'a cost that is none': [bytesOf({ cost: { ms: -1 } }), EVENTS_CODES.structural],
    'a principal that is none': [bytesOf({ principal: '' }), EVENTS_CODES.structural],
    'an origin that is none': [bytesOf({ origin: 'me' }), EVENTS_CODES.structural],
    'a type that is no text': [bytesOf({ type: 7 }), EVENTS_CODES.structural],
    'a later format': [bytesOf({ v: 2, more: true }), EVENTS_CODES.format],
    'no format': [bytesOf({ v: '1' }), EVENTS_CODES.structural],
    'a later payload': [bytesOf({ schema: 2 }), EVENTS_CODES.futureSchema],
    'an unknown type': [bytesOf({ type: 'NeverDeclared' }), EVENTS_CODES.taxonomy],
    'another origin': [bytesOf({ origin: 'agent:a' }), EVENTS_CODES.authority],
    'a payload that does not fit': [bytesOf({ data: {} }), EVENTS_CODES.payload],
    'a string too long': [
      bytesOf({ data: { n: 1, note: 'x'.repeat(8_193) } }),
      EVENTS_CODES.payload,
    ],
    'too many bytes': [
      bytesOf({ data: { n: 1, note: 'x'.repeat(61_440) } }),
      EVENTS_CODES.eventLimit,
    ],
    'too many levels': [
      bytesOf({}).replace('"n":1', `"n":${'['.repeat(99)}`),
      EVENTS_CODES.structural,
    ],
  }

  test.each(Object.entries(refused))('is refused with %s', (_, [bytes, code]) => {
    expect(codeOf(bytes)).toBe(code)
  })

  test.each(['causes', 'data', 'origin', 'schema', 'stream', 'time', 'type', 'v', 'version'])(
    'is refused without "%s"',
    (member) => {
      const { [member as 'v']: _, ...rest } = sound
      expect(codeOf(canonicalize(rest))).toBe(EVENTS_CODES.structural)
    },
  )

  test('of the largest size is taken, and none that is larger by a byte', () => {
    const filling = (size: number): string => {
      const texts = Array.from({ length: 7 }, () => 'x'.repeat(8_000))
      const data = (last: number) => ({ a: [...texts, 'x'.repeat(last)] })
      const change = {
        type: 'AnyNoted',
        time: 9_007_199_254_740_991,
        version: 9_007_199_254_740_991,
      }
      const short = bytesOf({ ...change, data: data(0) })
      return bytesOf({ ...change, data: data(size - short.length) })
    }
    expect(codeOf(filling(EVENT_BYTES_MAX + 32 - PLACE_BYTES_MAX + 1))).toBe('taken')
    expect(codeOf(filling(EVENT_BYTES_MAX + 1))).toBe(EVENTS_CODES.eventLimit)
  })

  test('of an unknown type is kept when asked for, by its envelope', () => {
    const strange = { type: 'NeverDeclared', schema: 7, data: { anything: [1, 'two', null] } }
    expect(codeOf(bytesOf(strange), 'keep')).toBe('taken')
    expect(codeOf(bytesOf({ ...strange, origin: 'agent:a' }), 'keep')).toBe('taken')
    expect(codeOf(bytesOf({ ...strange, type: 'not a name' }), 'keep')).toBe(EVENTS_CODES.taxonomy)
    const long = { ...strange, data: { note: 'x'.repeat(8_193) } }
    expect(codeOf(bytesOf(long), 'keep')).toBe(EVENTS_CODES.payload)
  })

  test('of an older payload keeps its bytes, and is judged in its current form', () => {
    const greeted = { type: 'PersonGreeted', schema: 1, data: { name: 'Ada King' } }
    const { event, version } = prepareStored(bytesOf(greeted), { taxonomy })
    expect(event.seal(version, 0).bytes).toBe(bytesOf(greeted))
    expect(codeOf(bytesOf({ ...greeted, schema: 2 }))).toBe(EVENTS_CODES.payload)
    // Its upcaster throws on what no version 1 ever held: that is the payload's fault.
    expect(codeOf(bytesOf({ ...greeted, data: { name: 7 } }))).toBe(EVENTS_CODES.payload)
    expect(codeOf(bytesOf({ ...greeted, data: null }))).toBe(EVENTS_CODES.payload)
  })

  test('is not changed by an upcaster that changes what it is given', () => {
    const Moved = defineEventType({
      type: 'ThingMoved',
      category: 'domain',
      description: '',
      schema: 2,
      payload: z.strictObject({ to: z.string(), by: z.null() }),
      upcasts: { 1: (data) => Object.assign(data as object, { by: null }) as never },
    })
    const bytes = bytesOf({ type: 'ThingMoved', data: { to: 'x' } })
    const { hash } = prepareStored(bytes, { taxonomy: composeTaxonomy([Moved]) })
    expect(hash).toBe(leafHash(bytes))
  })

  test('is taken or refused with a code, whatever the text', () => {
    const spoilt = fc
      .tuple(fc.nat(bytesOf({}).length), fc.nat(3), fc.string({ unit: 'binary', maxLength: 4 }))
      .map(([at, cut, put]) => {
        const bytes = bytesOf({})
        return bytes.slice(0, at) + put + bytes.slice(at + cut)
      })
    const codes = new Set<string>([...Object.values(EVENTS_CODES), 'taken'])
    fc.assert(
      fc.property(fc.oneof(spoilt, fc.json(), fc.string()), (bytes) => {
        const code = codeOf(bytes)
        expect(codes.has(code)).toBe(true)
        if (code === 'taken') expect(canonicalize(JSON.parse(bytes))).toBe(bytes)
      }),
      { numRuns: 500 },
    )
  })
})
