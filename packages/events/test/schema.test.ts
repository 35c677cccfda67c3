/** Verifies: EVT-R05 */
import { canonicalize, type JsonObject, redact } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { EVENTS_CODES, EventsError } from '../src/errors.ts'
import { INLINE_STRING_BYTES_MAX, PAYLOAD_DEPTH_MAX } from '../src/limits.ts'
import { compilePayload } from '../src/schema.ts'
import { withCode } from './fixtures.ts'

const any = compilePayload({}, 'Anything')

function compileZod(schema: z.ZodType): (value: unknown) => string {
  const { $schema: _, ...json } = z.toJSONSchema(schema) as unknown as JsonObject
  return compilePayload(json, 'Something')
}

/** What a value is refused with: pointer and reason. */
function misfit(encode: (value: unknown) => string, value: unknown): string {
  try {
    return `taken as ${encode(value)}`
  } catch (error) {
    if (!(error instanceof EventsError)) throw error
    const { pointer, why } = error.data as { pointer: string; why: string }
    return `${error.code === EVENTS_CODES.payload ? '' : `${error.code} `}${pointer} ${why}`
  }
}

const payloadOf = (schema: z.ZodType, value: unknown): string => misfit(compileZod(schema), value)

/** JSON that both sides take: no unsafe integers, short strings. */
const json = fc.jsonValue({ maxDepth: 6 }).filter((value) => {
  try {
    return Buffer.byteLength(canonicalize(value)) < 8_000
  } catch {
    return false
  }
})

describe('any JSON', () => {
  test('is written as canonical JSON writes it', () => {
    fc.assert(
      fc.property(json, (value) => any(value) === canonicalize(value)),
      { numRuns: 500 },
    )
  })

  test('is refused exactly where canonical JSON refuses it', () => {
    const wild = fc.anything({
      withNullPrototype: true,
      withBigInt: true,
      withDate: true,
      withMap: true,
      withTypedArray: true,
      withSparseArray: true,
    })
    const outcome = (encode: (value: unknown) => string, value: unknown): string => {
      try {
        return encode(value)
      } catch {
        return 'refused'
      }
    }
    fc.assert(
      fc.property(wild, (value) => outcome(any, value) === outcome(canonicalize, value)),
      { numRuns: 500 },
    )
  })

  test('is refused with the place of what JSON does not have', () => {
    const circle: Record<string, unknown> = {}
    circle['a'] = circle
    const list = [1]
    Object.setPrototypeOf(list, null)
    const cases: readonly (readonly [unknown, string])[] = [
      [undefined, ' is undefined, which JSON does not have'],
      [{ a: [1, undefined] }, '/a/1 is undefined, which JSON does not have'],
      [{ 'a/b': { '~': () => 1 } }, '/a~1b/~0 is function, which JSON does not have'],
      [{ a: 1n }, '/a is bigint, which JSON does not have'],
      [[Symbol.iterator], '/0 is symbol, which JSON does not have'],
      [[Number.NaN], '/0 is not a number that JSON carries exactly'],
      [{ a: 2 ** 53 }, '/a is not a number that JSON carries exactly'],
      [[Number.NEGATIVE_INFINITY], '/0 is not a number that JSON carries exactly'],
      [{ a: new Date(0) }, '/a is not a plain object'],
      [{ a: new Map() }, '/a is not a plain object'],
      [redact('secret', 'token'), ' is not a plain object'],
      [list, ' is not an array'],
      [{ a: '\ud800' }, '/a is not well-formed Unicode'],
      [{ '\udc00': 1 }, ' has a key that is not well-formed Unicode'],
      [
        circle,
        `${'/a'.repeat(PAYLOAD_DEPTH_MAX)} is nested deeper than ${PAYLOAD_DEPTH_MAX} levels`,
      ],
    ]
    for (const [value, expected] of cases) expect(misfit(any, value)).toBe(expected)
  })

  test('goes down 63 levels and no further', () => {
    const nested = (levels: number): unknown =>
      levels === 0 ? 1 : levels % 2 === 0 ? [nested(levels - 1)] : { a: nested(levels - 1) }
    expect(any(nested(63))).toBe(canonicalize(nested(63)))
    expect(misfit(any, nested(64))).toContain('is nested deeper than 63 levels')
  })

  test('is bounded by the size of an event, also where a small graph unfolds for ever', () => {
    let graph: unknown = ['x']
    for (let level = 0; level < 60; level += 1) graph = [graph, graph]
    let map: unknown = { x: 1 }
    for (let level = 0; level < 60; level += 1) map = { a: map, b: map }
    const huge = new Array(1_000_000).fill('x'.repeat(8_000))
    for (const value of [graph, map, huge, new Array(2 ** 31).fill(0, 0, 100_000)]) {
      expect(misfit(any, value)).toMatch(/^ICE_EVENTS_EVENT_LIMIT .*is larger than the 61440 bytes/)
    }
  })

  test('holds strings of up to 8 KiB, in bytes', () => {
    const most = INLINE_STRING_BYTES_MAX
    expect(any('x'.repeat(most)).length).toBe(most + 2)
    expect(any('é'.repeat(most / 2)).length).toBe(most / 2 + 2)
    for (const text of ['x'.repeat(most + 1), 'é'.repeat(most / 2 + 1), '€'.repeat(most)]) {
      expect(misfit(any, { text })).toBe(`/text is longer than ${most} bytes: keep it in a blob`)
      expect(misfit(any, { [text]: 1 })).toContain('has a key that is longer')
    }
  })

  test('has __proto__ as a key like any other, and pollutes nothing', () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"a":1}}')
    expect(any(value)).toBe('{"__proto__":{"polluted":1},"constructor":{"a":1}}')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('has a coded error when it throws while it is read', () => {
    const trap = (): never => {
      throw new RangeError('gotcha')
    }
    const values = [
      {
        get a() {
          return trap()
        },
      },
      new Proxy({}, { ownKeys: trap }),
      new Proxy([], { get: trap }),
      new Proxy({}, { getPrototypeOf: trap }),
    ]
    for (const value of values) {
      expect(() => any({ deep: value })).toThrow(
        expect.objectContaining({
          code: EVENTS_CODES.payload,
          cause: expect.objectContaining({ message: 'gotcha' }),
        }),
      )
    }
  })

  test('is read once: what was checked is what is written', () => {
    const answers: unknown[] = [1, 'x","injected":"']
    const value = {
      get n() {
        return answers.shift()
      },
    }
    expect(any(value)).toBe('{"n":1}')
    expect(answers.length).toBe(1)
  })
})

describe('a declared payload', () => {
  const leaf = fc.oneof(
    fc.constant({ schema: z.string(), value: fc.string({ unit: 'grapheme', maxLength: 20 }) }),
    fc.constant({ schema: z.int(), value: fc.maxSafeInteger() }),
    fc.constant({
      schema: z.number(),
      value: fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
    }),
    fc.constant({ schema: z.boolean(), value: fc.boolean() }),
    fc.constant({ schema: z.null(), value: fc.constant(null) }),
    fc.constant({ schema: z.enum(['a', 'é"', '']), value: fc.constantFrom('a', 'é"', '') }),
    fc.constant({ schema: z.unknown(), value: json }),
  )
  interface Shape {
    readonly schema: z.ZodType
    readonly value: fc.Arbitrary<unknown>
  }
  const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
    shape: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      tie('shape').map(({ schema, value }) => ({
        schema: z.array(schema),
        value: fc.array(value, { maxLength: 3 }),
      })),
      tie('shape').map(({ schema, value }) => ({
        schema: z.record(z.string(), schema),
        value: fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 5 }), value, { maxKeys: 3 }),
      })),
      tie('shape').map(({ schema, value }) => ({
        schema: z.nullable(schema),
        value: fc.option(value),
      })),
      fc
        .dictionary(fc.string({ unit: 'grapheme', maxLength: 5 }), tie('shape'), {
          minKeys: 1,
          maxKeys: 4,
        })
        .map((members) => ({
          schema: z.strictObject(
            Object.fromEntries(
              Object.entries(members).map(([key, member]) => [key, member.schema]),
            ),
          ),
          value: fc.record(
            Object.fromEntries(Object.entries(members).map(([key, member]) => [key, member.value])),
          ),
        })),
    ),
  }))

  test('is written as canonical JSON writes it, whatever the schema', () => {
    const pairs = shape
      .filter(({ schema }) => !JSON.stringify(z.toJSONSchema(schema)).includes('__proto__'))
      .chain(({ schema, value }) => value.map((one) => ({ schema, one })))
    fc.assert(
      fc.property(pairs, ({ schema, one }) => {
        expect(compileZod(schema)(one)).toBe(canonicalize(one))
      }),
      { numRuns: 300 },
    )
  })

  test('is refused with the pointer of the misfit', () => {
    const person = z.strictObject({
      name: z.string().min(2).max(4),
      age: z.int().min(0).max(150).optional(),
      tags: z.array(z.enum(['a', 'b'])).max(2),
      more: z.record(z.string().max(3), z.number()).optional(),
    })
    const fine = { name: 'Ann', tags: [] }
    const cases: readonly (readonly [unknown, string])[] = [
      [fine, 'taken as {"name":"Ann","tags":[]}'],
      [{ ...fine, age: undefined }, 'taken as {"name":"Ann","tags":[]}'],
      [null, ' is not a plain object'],
      [[], ' is not a plain object'],
      [{ tags: [] }, ' lacks "name"'],
      [{ ...fine, nick: 'A' }, ' has "nick", which is not declared'],
      [{ ...fine, age: undefined, nick: 'A' }, ' has "nick", which is not declared'],
      [{ ...fine, name: 'A' }, '/name has 1 characters'],
      [{ ...fine, name: 'Annette' }, '/name has 7 characters'],
      [{ ...fine, age: 1.5 }, '/age is not a safe integer'],
      [{ ...fine, age: 151 }, '/age is out of range: 151'],
      [{ ...fine, age: '7' }, '/age is not a number'],
      [{ ...fine, tags: ['a', 'c'] }, '/tags/1 is none of "a", "b"'],
      [{ ...fine, tags: ['a', 'b', 'a'] }, '/tags has 3 items'],
      [{ ...fine, tags: { length: 0 } }, '/tags is not an array'],
      [{ ...fine, more: { long: 1 } }, '/more has a key that has 4 characters'],
      [{ ...fine, more: { a: '1' } }, '/more/a is not a number'],
    ]
    for (const [value, expected] of cases) expect(payloadOf(person, value)).toBe(expected)
  })

  test('counts the characters of a string as JSON Schema does: code points', () => {
    const three = z.string().length(3)
    expect(payloadOf(three, '\u{1f642}\u{1f642}\u{1f642}')).toContain('taken')
    expect(payloadOf(three, '\u{1f642}\u{1f642}')).toBe(' has 2 characters')
    expect(payloadOf(three, '\u{1f642}ab\u{1f642}')).toBe(' has 4 characters')
  })

  test('takes no property that somebody put on Object.prototype', () => {
    const encode = compileZod(z.strictObject({ a: z.int(), b: z.int().optional() }))
    const polluted = Object.prototype as Record<string, unknown>
    polluted['b'] = 7
    try {
      expect(encode({ a: 1 })).toBe('{"a":1}')
      delete polluted['b']
      polluted['a'] = 7
      expect(misfit(encode, { b: undefined })).toBe(' lacks "a"')
    } finally {
      delete polluted['a']
      delete polluted['b']
    }
  })

  test('may declare names that every object has', () => {
    const encode = compileZod(
      z.strictObject({ toString: z.int().optional(), constructor: z.int().optional() }),
    )
    expect(encode({})).toBe('{}')
    expect(encode({ constructor: 1 })).toBe('{"constructor":1}')
  })

  test('tells of the alternative that came furthest', () => {
    const schema = z.union([
      z.strictObject({ inline: z.unknown() }),
      z.strictObject({ blob: z.strictObject({ size: z.int() }) }),
    ])
    expect(payloadOf(schema, { inline: [1] })).toBe('taken as {"inline":[1]}')
    expect(payloadOf(schema, { blob: { size: '1' } })).toBe('/blob/size is not a number')
    expect(payloadOf(schema, { inline: 'x'.repeat(9_000) })).toContain('/inline is longer')
  })

  test('fits exactly one of the alternatives of a discriminated union', () => {
    const one = compilePayload({ oneOf: [{ type: 'integer' }, { type: 'number' }] }, 'One')
    expect(misfit(one, 1.5)).toBe('taken as 1.5')
    expect(misfit(one, 1)).toBe(' fits more than one of the alternatives')
    expect(misfit(one, 'x')).toBe(' is not a number')
  })

  test('may be of several types', () => {
    const encode = compilePayload({ type: ['boolean', 'null'] }, 'Something')
    expect([encode(true), encode(null), misfit(encode, 1)]).toEqual([
      'true',
      'null',
      ' is not a boolean',
    ])
  })

  test('may contain itself', () => {
    interface Tree {
      readonly value: number
      readonly children: readonly Tree[]
    }
    const tree: z.ZodType<Tree> = z.strictObject({
      value: z.int(),
      get children() {
        return z.array(tree)
      },
    })
    const leafOf = (value: number): Tree => ({ value, children: [] })
    expect(payloadOf(tree, { value: 1, children: [leafOf(2), leafOf(3)] })).toBe(
      'taken as {"children":[{"children":[],"value":2},{"children":[],"value":3}],"value":1}',
    )
    expect(payloadOf(tree, { value: 1, children: [{ value: 2 }] })).toBe(
      '/children/0 lacks "children"',
    )
  })
})

describe('a schema', () => {
  const wrong: Record<string, JsonObject> = {
    'a keyword of another vocabulary': { type: 'array', uniqueItems: true },
    'a keyword beside a reference': { $ref: '#', maxLength: 1 },
    'a keyword beside alternatives': { anyOf: [{ type: 'string' }], maxLength: 1 },
    'a keyword beside a constant': { const: 1, minimum: 2 },
    'a keyword without a type': { maxLength: 1 },
    'a keyword beside several types': { type: ['string', 'null'], maxLength: 1 },
    'an unknown type': { type: 'constructor' },
    'a reference to nothing': { $ref: '#/$defs/toString', $defs: {} },
    'a reference to elsewhere': { $ref: 'https://example.com/schema' },
    'no alternatives': { anyOf: [] },
    'a compound constant': { const: { a: 1 } },
    'a pattern that is none': { type: 'string', pattern: '(' },
    'properties it does not name': { type: 'object', properties: { a: {} } },
    'a property that is no schema': {
      type: 'object',
      properties: { a: true },
      additionalProperties: false,
    },
  }

  test.each(Object.entries(wrong))('is refused with %s', (_, schema) => {
    expect(() => compilePayload(schema, 'Something')).toThrow(
      expect.toSatisfy(withCode(EVENTS_CODES.declaration)),
    )
  })
})
