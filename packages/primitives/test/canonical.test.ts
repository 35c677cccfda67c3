import { runInNewContext } from 'node:vm'
import peer from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalize, type JsonValue, parseStrict, redact } from '../src/index.ts'
import { failure } from './failures.ts'

const UNSUPPORTED = 'ICE_PRIMITIVES_CANONICAL_UNSUPPORTED'
const LIMIT = 'ICE_PRIMITIVES_CANONICAL_LIMIT'

function unsupported(reason: string, pointer: string): object {
  return { code: UNSUPPORTED, data: { reason, pointer } }
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

/** Verifies: PRI-R01, PRI-R02 */
describe('canonicalize writes', () => {
  it.each<[string, unknown, string]>([
    ['-0 as 0', [-0, 0], '[0,0]'],
    ['literals', [null, true, false], '[null,true,false]'],
    ['large safe integers', [2 ** 53 - 1, -(2 ** 53 - 1)], '[9007199254740991,-9007199254740991]'],
    ['numbers from 1e21 up with an exponent', [1e21, 1e30], '[1e+21,1e+30]'],
    ['fractions', [0.1, 1e-7, 1 / 3], '[0.1,1e-7,0.3333333333333333]'],
    [
      'keys by UTF-16 units',
      { '\ufb33': 1, '😂': 2, ö: 3, 1: 4 },
      '{"1":4,"ö":3,"😂":2,"\ufb33":1}',
    ],
    ['index keys as text', { 10: 1, 9: 2, a: 3 }, '{"10":1,"9":2,"a":3}'],
    ['an empty key', { '': 0, a: [{}] }, '{"":0,"a":[{}]}'],
    ['control characters', '\b\t\n\f\r\u0000\u001f"\\', '"\\b\\t\\n\\f\\r\\u0000\\u001f\\"\\\\"'],
    ['other characters as they are', 'é/€\u007f\u2028😀', '"é/€\u007f\u2028😀"'],
    ['escaped keys', { 'a"\n': 1 }, '{"a\\"\\n":1}'],
    [
      'objects without a prototype',
      Object.assign(Object.create(null), { b: 1, a: 2 }),
      '{"a":2,"b":1}',
    ],
  ])('%s', (_, value, text) => {
    expect(canonicalize(value)).toBe(text)
  })

  it('own __proto__ keys', () => {
    expect(canonicalize(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe(
      '{"__proto__":{"a":2},"b":1}',
    )
  })

  it('only own enumerable members with text keys', () => {
    const value = Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'hidden', { value: 3 })
    expect(canonicalize(value)).toBe('{"a":1}')
  })

  it('what toJSON would hide', () => {
    expect(failure(() => canonicalize({ a: 1, toJSON: () => 2 }))).toEqual(
      unsupported('function', '/toJSON'),
    )
  })

  it('many keys in order', () => {
    const keys = Array.from({ length: 300 }, (_, at) => `k${(at * 7919) % 300}`)
    const object = Object.fromEntries(keys.map((key) => [key, 0]))
    expect(Object.keys(parseStrict(canonicalize(object)) as object)).toEqual(keys.toSorted())
  })

  it('one value twice, where it is no cycle', () => {
    const shared = { a: 1 }
    expect(canonicalize([shared, shared])).toBe('[{"a":1},{"a":1}]')
  })

  it('64 levels', () => {
    expect(parseStrict(canonicalize(nested(64)))).toEqual(nested(64))
  })
})

/** Verifies: PRI-R02 */
describe('canonicalize refuses', () => {
  class Point {
    x = 1
  }
  const hole = [1, 2]
  delete hole[0]

  it.each<[string, unknown, string, string]>([
    ['NaN', { a: [1, Number.NaN] }, 'not_finite', '/a/1'],
    ['infinity', Number.NEGATIVE_INFINITY, 'not_finite', ''],
    ['2^53', [2 ** 53], 'unsafe_integer', '/0'],
    ['-2^53', [-(2 ** 53)], 'unsafe_integer', '/0'],
    ['just below 1e21', 999999999999999900000, 'unsafe_integer', ''],
    ['a lone surrogate', { a: 'x\ud800' }, 'lone_surrogate', '/a'],
    ['swapped surrogates', '\udc00\ud800', 'lone_surrogate', ''],
    ['a lone surrogate in a key', { a: { '\udfff': 1 } }, 'lone_surrogate', '/a/\ufffd'],
    ['undefined', { a: undefined }, 'undefined', '/a'],
    ['holes', hole, 'undefined', '/0'],
    ['functions', [() => 1], 'function', '/0'],
    ['symbols', Symbol('s'), 'symbol', ''],
    ['bigint', { n: 1n }, 'bigint', '/n'],
    ['dates', { at: new Date(0) }, 'not_plain', '/at'],
    ['maps', new Map(), 'not_plain', ''],
    ['class instances', [new Point()], 'not_plain', '/0'],
    ['boxed text', Object('a'), 'not_plain', ''],
    ['bytes', new Uint8Array(2), 'not_plain', ''],
    ['arrays of a subclass', new (class extends Array {})(), 'not_plain', ''],
    ['objects of another realm', runInNewContext('({})'), 'not_plain', ''],
    ['redacted values', { key: redact('s3cret') }, 'redacted', '/key'],
    ['and escapes its pointer', { 'a/b~c': [Number.NaN] }, 'not_finite', '/a~1b~0c/0'],
  ])('%s', (_, value, reason, pointer) => {
    expect(failure(() => canonicalize(value))).toEqual(unsupported(reason, pointer))
  })

  it('cycles, at the second time round', () => {
    const a: Record<string, unknown> = {}
    a['b'] = [1, a]
    expect(failure(() => canonicalize(a))).toEqual(unsupported('cycle', '/b/1'))
  })

  it('65 levels', () => {
    expect(failure(() => canonicalize(nested(65)))).toEqual({
      code: LIMIT,
      data: { limit: 'depth', max: 64, pointer: '/0/a'.repeat(32) },
    })
  })

  it('a hundred thousand levels without overflowing the stack', () => {
    expect(failure(() => canonicalize(nested(100_000))).code).toBe(LIMIT)
  })

  it('shared values that unfold for ever', () => {
    let value: unknown = 1
    for (let level = 0; level < 60; level += 1) value = [value, value]
    const { code, data } = failure(() => canonicalize(value))
    expect({ code, limit: data?.['limit'], max: data?.['max'] }).toEqual({
      code: LIMIT,
      limit: 'nodes',
      max: 1_000_000,
    })
  })

  it('hostile keys with a bounded pointer', () => {
    const key = '/'.repeat(100_000)
    const { data } = failure(() => canonicalize({ [key]: { [key]: undefined } }))
    expect(Buffer.byteLength(String(data?.['pointer']))).toBeLessThanOrEqual(1_024)
  })
})

/** Verifies: PRI-R03 */
describe('canonicalize reads', () => {
  it('each member once', () => {
    let reads = 0
    const value = {
      get a(): number {
        reads += 1
        return reads
      },
    }
    expect([canonicalize(value), reads]).toEqual(['{"a":1}', 1])
  })

  it('getters that canonicalise something else', () => {
    const inner = {
      get b(): string {
        return canonicalize([{ c: 1 }])
      },
    }
    expect(canonicalize({ a: inner })).toBe('{"a":{"b":"[{\\"c\\":1}]"}}')
  })

  it('getters that throw, whose error passes', () => {
    const broken = {
      get a(): number {
        throw new RangeError('mine')
      },
    }
    expect(() => canonicalize([broken])).toThrow(new RangeError('mine'))
  })

  it('arrays that grow while they are read only as far as they were', () => {
    const list: unknown[] = [1]
    Object.defineProperty(list, 0, { get: () => list.push(1) - 1 })
    expect(canonicalize(list)).toBe('[1]')
  })
})

const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, max: 1e15, min: -1e15 }),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value')),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('value')),
  ),
})).value

/** Verifies: PRI-R01, PRI-R04 */
describe('canonicalize, on any JSON,', () => {
  it('agrees with an independent implementation', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalize(value)).toBe(peer(value))
      }),
      { numRuns: 1_000, seed: 1 },
    )
  })

  it('is read back as an equal value, and written alike again', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalize(value)
        expect(canonicalize(parseStrict(text))).toBe(text)
        expect(canonicalize(parseStrict(Buffer.from(text)))).toBe(text)
        expect(canonicalize(JSON.parse(text))).toBe(text)
      }),
      { numRuns: 500, seed: 2 },
    )
  })

  it('does not depend on the order of keys', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string(), json), { selector: ([key]) => key })
    fc.assert(
      fc.property(entries, (pairs) => {
        const text = canonicalize(Object.fromEntries(pairs))
        expect(canonicalize(Object.fromEntries(pairs.toReversed()))).toBe(text)
      }),
      { numRuns: 300, seed: 3 },
    )
  })

  it('does not depend on what was written before', () => {
    const shapes = Array.from({ length: 5_000 }, (_, at) => ({ [`k${at % 300}`]: 1, b: at, a: 2 }))
    const twice = [...shapes, ...shapes]
    expect(twice.map((shape) => canonicalize(shape))).toEqual(twice.map((shape) => peer(shape)))
  })
})
