import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalize, hasCode, parseStrict } from '../src/index.ts'
import { failure } from './failures.ts'

const CORRUPT = 'ICE_PRIMITIVES_JSON_CORRUPT'
const UNSUPPORTED = 'ICE_PRIMITIVES_JSON_UNSUPPORTED'
const LIMIT = 'ICE_PRIMITIVES_JSON_LIMIT'

/** Verifies: PRI-R05 */
describe('parseStrict accepts', () => {
  it.each<[string, unknown]>([
    [' \t\r\n{"a" : [1 , -2.5e+3, true, false, null] } ', { a: [1, -2500, true, false, null] }],
    ['"\\u0041\\n\\/\\ud83d\\ude00😀"', 'A\n/😀😀'],
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['[1e21,-0]', [1e21, -0]],
    ['1e-400', 0],
    ['9007199254740991.4', 9007199254740991],
    ['{"a":{"a":1},"b":{"a":1}}', { a: { a: 1 }, b: { a: 1 } }],
    ['{"a":1,"A":2,"\\u0061 ":3}', { a: 1, A: 2, 'a ': 3 }],
    ['{}', {}],
    ['""', ''],
  ])('%j', (text, value) => {
    expect(parseStrict(text)).toEqual(value)
    expect(parseStrict(Buffer.from(text))).toEqual(value)
  })

  it('__proto__ as an own key of a plain object, and pollutes nothing', () => {
    const value = parseStrict('{"__proto__":{"polluted":true},"constructor":1}') as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect('polluted' in value || 'polluted' in {}).toBe(false)
  })

  it('a part of a larger buffer', () => {
    expect(parseStrict(Buffer.from('xx[1]xx').subarray(2, 5))).toEqual([1])
  })
})

/** Verifies: PRI-R05 */
describe('parseStrict refuses', () => {
  it.each<[string, string, number, string]>([
    ['', 'end', 0, CORRUPT],
    ['{"a":', 'end', 5, CORRUPT],
    ['"abc', 'end', 4, CORRUPT],
    ['[1,]', 'syntax', 3, CORRUPT],
    ['{"a":1,}', 'syntax', 7, CORRUPT],
    ["{'a':1}", 'syntax', 1, CORRUPT],
    ['[1] 2', 'syntax', 4, CORRUPT],
    ['01', 'syntax', 1, CORRUPT],
    ['-', 'end', 1, CORRUPT],
    ['1.', 'end', 2, CORRUPT],
    ['1.e3', 'syntax', 2, CORRUPT],
    ['1e+', 'end', 3, CORRUPT],
    ['.5', 'syntax', 0, CORRUPT],
    ['NaN', 'syntax', 0, CORRUPT],
    ['trux', 'syntax', 3, CORRUPT],
    ['"\\x"', 'syntax', 2, CORRUPT],
    ['"\\u12g4"', 'syntax', 5, CORRUPT],
    ['"\\ud83d\\u12g4"', 'syntax', 11, CORRUPT],
    ['"a\tb"', 'control_character', 2, CORRUPT],
    ['"a\u0000b"', 'control_character', 2, CORRUPT],
    ['[1]\u00a0', 'syntax', 3, CORRUPT],
    ['\ufeff{}', 'bom', 0, CORRUPT],
    ['9007199254740992', 'unsafe_integer', 0, UNSUPPORTED],
    ['[-9007199254740993]', 'unsafe_integer', 1, UNSUPPORTED],
    ['1000000000000000000000000000000', 'unsafe_integer', 0, UNSUPPORTED],
    ['9007199254740992.5', 'unsafe_integer', 0, UNSUPPORTED],
    ['1e16', 'unsafe_integer', 0, UNSUPPORTED],
    ['1e309', 'number_overflow', 0, UNSUPPORTED],
    ['[-1.5E400]', 'number_overflow', 1, UNSUPPORTED],
    ['{"a":1,"a":1}', 'duplicate_key', 7, UNSUPPORTED],
    ['{"a":1,"\\u0061":2}', 'duplicate_key', 7, UNSUPPORTED],
    ['{"x":[{"k\\n":1,"z":0,"k\\u000a":2}]}', 'duplicate_key', 21, UNSUPPORTED],
    ['{"__proto__":1,"__proto__":2}', 'duplicate_key', 15, UNSUPPORTED],
    ['{"1":1,"a":{"b":1,"b":2},"a":3}', 'duplicate_key', 18, UNSUPPORTED],
    ['["\\ud800"]', 'lone_surrogate', 2, UNSUPPORTED],
    ['"\\udc00\\ud800"', 'lone_surrogate', 1, UNSUPPORTED],
    ['"\\ud800\\ud800"', 'lone_surrogate', 1, UNSUPPORTED],
    ['{"\\ud83dx":1}', 'lone_surrogate', 2, UNSUPPORTED],
  ])('%j for %s at %i', (text, reason, offset, code) => {
    expect(failure(() => parseStrict(text))).toEqual({
      code,
      data: { reason, offset, unit: 'char' },
    })
  })

  it('a lone surrogate that stands in the text itself', () => {
    expect(failure(() => parseStrict('["😀","\ud83d"]'))).toEqual({
      code: UNSUPPORTED,
      data: { reason: 'lone_surrogate', offset: 7, unit: 'char' },
    })
  })

  it('with places in bytes where bytes were given', () => {
    expect(failure(() => parseStrict(Buffer.from('["é😀",x]')))).toEqual({
      code: CORRUPT,
      data: { reason: 'syntax', offset: 10, unit: 'byte' },
    })
  })

  it.each<[string, number[], number]>([
    ['a byte that begins nothing', [0x22, 0xff, 0x22], 1],
    ['a cut sequence', [0x22, 0xe2, 0x82], 1],
    ['a lone continuation', [0x22, 0x61, 0x80, 0x22], 2],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22], 1],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22], 1],
    ['past the last code point', [0x22, 0xf4, 0xbf, 0xbf, 0xbf, 0x22], 1],
    ['behind a real U+FFFD', [0x22, 0xef, 0xbf, 0xbd, 0xc3, 0xa9, 0xfe], 6],
  ])('malformed UTF-8: %s', (_, bytes, offset) => {
    expect(failure(() => parseStrict(Uint8Array.from(bytes)))).toEqual({
      code: CORRUPT,
      data: { reason: 'utf8', offset, unit: 'byte' },
    })
  })

  it('a byte order mark in bytes', () => {
    expect(failure(() => parseStrict(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)))).toEqual({
      code: CORRUPT,
      data: { reason: 'bom', offset: 0, unit: 'byte' },
    })
  })
})

/** Verifies: PRI-R06 */
describe('parseStrict bounds', () => {
  const limit = (name: string, max: number, offset: number, unit = 'char'): object => ({
    code: LIMIT,
    data: { limit: name, max, offset, unit },
  })

  it('bytes, before anything else is looked at', () => {
    const text = `${'['.repeat(2_000_000)}`
    expect(failure(() => parseStrict(text))).toEqual(limit('bytes', 1_048_576, 1_048_576))
    expect(failure(() => parseStrict(Buffer.alloc(1_048_577, 0xff)))).toEqual(
      limit('bytes', 1_048_576, 1_048_576, 'byte'),
    )
  })

  it('bytes of text as UTF-8', () => {
    const text = `"${'é'.repeat(9)}"`
    expect(parseStrict(text, { bytesMax: 20 })).toBe('é'.repeat(9))
    expect(failure(() => parseStrict(text, { bytesMax: 19 }))).toEqual(limit('bytes', 19, 11))
  })

  it('depth', () => {
    expect(parseStrict('['.repeat(64) + ']'.repeat(64))).toBeInstanceOf(Array)
    expect(failure(() => parseStrict('['.repeat(65) + ']'.repeat(65)))).toEqual(
      limit('depth', 64, 64),
    )
    expect(failure(() => parseStrict('['.repeat(1_000_000)))).toEqual(limit('depth', 64, 64))
    expect(failure(() => parseStrict('{"a":[1]}', { depthMax: 1 }))).toEqual(limit('depth', 1, 5))
  })

  it('values', () => {
    expect(parseStrict('[1,2]', { nodesMax: 3 })).toEqual([1, 2])
    expect(failure(() => parseStrict('[1,2,3]', { nodesMax: 3 }))).toEqual(limit('nodes', 3, 5))
    const text = `[${'0,'.repeat(100_000)}0]`
    expect(failure(() => parseStrict(text))).toEqual(limit('nodes', 100_000, 199_999))
  })

  it('depth before values, at one place', () => {
    const limits = { depthMax: 1, nodesMax: 1 }
    expect(failure(() => parseStrict('[[]]', limits))).toEqual(limit('depth', 1, 1))
  })

  it('depth at 64 whatever is asked for', () => {
    expect(() => parseStrict('1', { depthMax: 65 })).toThrow(TypeError)
  })
})

/** Text made of the pieces JSON is made of, mostly wrong. */
const pieces = fc
  .array(
    fc.constantFrom(
      ...['{', '}', '[', ']', ',', ':', '"', '\\', '\\u', 'd83d', '\\ude00', '0', '-', '.', '1e'],
      ...['true', 'null', '"a"', '"a":', ' ', '\n', '\u0000', 'é', '\ud800', '9007199254740992'],
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(''))

function attempt(run: () => unknown): { value: unknown } | { error: unknown } {
  try {
    return { value: run() }
  } catch (error) {
    return { error }
  }
}

function checkAgainstPeer(source: string | Uint8Array, text: string): void {
  const ours = attempt(() => parseStrict(source))
  const peer = attempt(() => JSON.parse(text))
  if ('value' in ours) {
    expect(peer).toEqual(ours)
    // Through text, because canonical text has no -0.
    const text = canonicalize(ours.value)
    expect(canonicalize(parseStrict(text))).toBe(text)
    return
  }
  const stricter = hasCode(ours.error, UNSUPPORTED) || hasCode(ours.error, LIMIT)
  expect(hasCode(ours.error, CORRUPT) || stricter).toBe(true)
  // What JSON.parse accepts is refused only for a reason JSON.parse does not know.
  if ('value' in peer && typeof source === 'string') expect(stricter).toBe(true)
}

/** Verifies: PRI-R05, PRI-R07 */
describe('parseStrict, on any input,', () => {
  it('agrees with JSON.parse where both accept, and fails with a code otherwise', () => {
    fc.assert(
      fc.property(pieces, (text) => checkAgainstPeer(text, text)),
      { numRuns: 8_000, seed: 4 },
    )
  })

  it('agrees with JSON.parse on JSON, whole and damaged', () => {
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 }))
      .map(([text, at, put]) => {
        const place = at % (text.length + 1)
        return text.slice(0, place) + put + text.slice(place + 1)
      })
    fc.assert(
      fc.property(fc.oneof(fc.json(), damaged), (text) => checkAgainstPeer(text, text)),
      { numRuns: 1_500, seed: 5 },
    )
  })

  it('takes any bytes without another failure than its own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        checkAgainstPeer(bytes, Buffer.from(bytes).toString())
      }),
      { numRuns: 3_000, seed: 6 },
    )
  })
})
