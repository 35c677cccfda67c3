import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AbortedError,
  canonicalize,
  errorRecord,
  hasCode,
  IceError,
  invariant,
  redact,
} from '../src/index.ts'

const UNCODED = 'ICE_PRIMITIVES_UNCODED'

class LostError extends IceError {
  declare readonly code: 'ICE_TEST_LOST'

  constructor(cause?: unknown) {
    super({
      code: 'ICE_TEST_LOST',
      message: 'it is lost',
      data: { where: 'here' },
      retryable: true,
      cause,
    })
  }
}

/** Verifies: PRI-R12 */
describe('an IceError', () => {
  it('is an error with code, data, retryable and cause', () => {
    const cause = new TypeError('why')
    const error = new LostError(cause)
    expect(error).toBeInstanceOf(Error)
    expect([error.name, error.message, error.code]).toEqual([
      'LostError',
      'it is lost',
      'ICE_TEST_LOST',
    ])
    expect([error.data, error.retryable, error.cause]).toEqual([{ where: 'here' }, true, cause])
    expect(String(error)).toBe('LostError: it is lost')
    expect(Object.isFrozen(error.data)).toBe(true)
  })

  it('defaults to no data, no retry and no cause', () => {
    const error = new IceError({ code: 'ICE_TEST_PLAIN', message: 'm' })
    expect([error.data, error.retryable, 'cause' in error]).toEqual([{}, false, false])
  })

  it('keeps no hold of the data it was given', () => {
    const data = { a: 1 }
    const error = new IceError({ code: 'ICE_TEST_PLAIN', message: 'm', data })
    data.a = 2
    expect(error.data).toEqual({ a: 1 })
  })

  it('becomes a record with its causes', () => {
    expect(new LostError(new AbortedError({ cause: 'stop' })).toRecord()).toEqual({
      code: 'ICE_TEST_LOST',
      message: 'it is lost',
      data: { where: 'here' },
      retryable: true,
      cause: {
        code: 'ICE_PRIMITIVES_ABORTED',
        message: 'the wait was aborted',
        retryable: false,
        cause: { code: UNCODED, message: 'stop', retryable: false },
      },
    })
  })

  it.each(['LOST', 'ICE_LOST', 'ice_test_lost', 'ICE_TEST_', 'ICE__TEST_LOST', 'ICE_TEST_1', 'X'])(
    'has no code like %j',
    (code) => {
      expect(() => new IceError({ code, message: 'm' })).toThrow(TypeError)
    },
  )

  it('has no code longer than a record keeps', () => {
    const code = `ICE_TEST_${'X'.repeat(55)}`
    expect(new IceError({ code, message: 'm' }).toRecord().code).toBe(code)
    expect(() => new IceError({ code: `${code}X`, message: 'm' })).toThrow(TypeError)
  })
})

/** Verifies: PRI-R12 */
describe('hasCode', () => {
  it('reads the own code of any object', () => {
    expect(hasCode(new LostError(), 'ICE_TEST_LOST')).toBe(true)
    expect(hasCode(new LostError(), 'ICE_TEST_OTHER')).toBe(false)
    expect(hasCode(new LostError().toRecord(), 'ICE_TEST_LOST')).toBe(true)
    expect(hasCode(structuredClone({ code: 'ICE_TEST_LOST' }), 'ICE_TEST_LOST')).toBe(true)
    const foreign = runInNewContext('Object.assign(new Error("x"), { code: "ICE_TEST_LOST" })')
    expect(hasCode(foreign, 'ICE_TEST_LOST')).toBe(true)
  })

  it('is false for everything else, and never throws', () => {
    const throwing = Object.defineProperty({}, 'code', {
      get() {
        throw new TypeError('no')
      },
    })
    const inherited = Object.create({ code: 'ICE_TEST_LOST' })
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    for (const thing of [null, undefined, 'ICE_TEST_LOST', 1, throwing, inherited, proxy]) {
      expect(hasCode(thing, 'ICE_TEST_LOST')).toBe(false)
    }
  })
})

/** Verifies: PRI-R12 */
describe('invariant', () => {
  it('passes what holds, and throws a bug without a code otherwise', () => {
    invariant(1, 'fine')
    expect(() => invariant(0, 'zero is not')).toThrow(new TypeError('invariant: zero is not'))
  })
})

const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()
const hostile = new Proxy(
  {},
  {
    get() {
      throw new TypeError('get')
    },
    getPrototypeOf() {
      throw new TypeError('getPrototypeOf')
    },
    ownKeys() {
      throw new TypeError('ownKeys')
    },
  },
)
const cyclic: { message: string; code: string; cause?: unknown; data?: unknown } = {
  message: 'round',
  code: 'ICE_TEST_ROUND',
}
cyclic.cause = cyclic
cyclic.data = { self: cyclic, list: [cyclic] }
const throwing = Object.defineProperties(new TypeError('x'), {
  message: {
    get() {
      throw new TypeError('message')
    },
  },
  cause: {
    get() {
      throw 'cause'
    },
  },
})

/** Verifies: PRI-R13 */
describe('errorRecord', () => {
  it.each<[string, unknown, object]>([
    ['null', null, { message: 'thrown object: null' }],
    ['undefined', undefined, { message: 'thrown undefined: undefined' }],
    ['text', 'oops', { message: 'oops' }],
    ['empty text', '', { message: '' }],
    ['a number', Number.NaN, { message: 'thrown number: NaN' }],
    ['a symbol', Symbol('s'), { message: 'thrown symbol: Symbol(s)' }],
    ['a bigint', 12n, { message: 'thrown bigint: 12' }],
    ['a huge bigint', 1n << 4_000_000n, { message: 'thrown bigint' }],
    ['a function', () => 1, { message: 'thrown function' }],
    ['an empty object', {}, { message: 'thrown object' }],
    ['an object without prototype', Object.create(null), { message: 'thrown object' }],
    ['a revoked proxy', revoked, { message: 'thrown object' }],
    ['a hostile proxy', hostile, { message: 'thrown object' }],
    ['an error', new RangeError('far'), { message: 'far', data: { name: 'RangeError' } }],
    ['throwing getters', throwing, { message: 'thrown object', data: { name: 'TypeError' } }],
    ['a message that is none', { message: 7 }, { message: 'thrown object' }],
    ['control characters', 'a\u001b[2J\r\nb\tc\u0085', { message: 'a\ufffd[2J\ufffd\nb\tc\ufffd' }],
    ['lone surrogates', 'a\ud800b', { message: 'a\ufffdb' }],
  ])('records %s', (_, thrown, record) => {
    expect(errorRecord(thrown)).toEqual({ code: UNCODED, retryable: false, ...record })
  })

  it('keeps the code of a system error', () => {
    const error = Object.assign(new Error('no such file'), { code: 'ENOENT', errno: -2 })
    expect(errorRecord(error)).toEqual({
      code: 'ENOENT',
      message: 'no such file',
      retryable: false,
    })
  })

  it.each([7, '', 'lower', 'A', `A${'B'.repeat(64)}`, 'A\nB'])('keeps no code like %j', (code) => {
    expect(errorRecord({ code, message: 'm' }).code).toBe(UNCODED)
  })

  it('takes retryable only when it is true itself', () => {
    expect(errorRecord({ retryable: 1 }).retryable).toBe(false)
    expect(errorRecord({ retryable: true }).retryable).toBe(true)
  })

  it('ends a chain of causes at four records, cyclic or not', () => {
    let depth = 0
    for (let at: unknown = errorRecord(cyclic); at !== undefined; depth += 1) {
      at = (at as { cause?: unknown }).cause
    }
    expect(depth).toBe(4)
  })

  it('clips a message to 2 KiB of UTF-8', () => {
    const ascii = errorRecord('x'.repeat(10_000_000)).message
    expect([Buffer.byteLength(ascii), ascii.endsWith('x…')]).toEqual([2_048, true])
    const wide = errorRecord('😀'.repeat(5_000)).message
    expect(Buffer.byteLength(wide)).toBeLessThanOrEqual(2_048)
    expect(wide.isWellFormed()).toBe(true)
    expect(errorRecord('y'.repeat(2_048)).message).toBe('y'.repeat(2_048))
  })

  it('copies data as far as JSON can hold it', () => {
    const data = {
      text: 'a\u0000',
      big: 2 ** 60,
      nan: Number.NaN,
      date: new Date(0),
      secret: redact('s3cret', 'key'),
      run: () => 1,
      none: undefined,
      n: 1n,
      list: [1, null, [true]],
      broken: hostile,
      ['__proto__']: { a: 1 },
    }
    const record = errorRecord({ code: 'ICE_TEST_DATA', message: 'm', data })
    expect(record.data).toEqual({
      text: 'a\ufffd',
      big: '1152921504606847000',
      nan: 'NaN',
      date: '[object]',
      secret: '[object]',
      run: '[function]',
      none: '[undefined]',
      n: '[bigint]',
      list: [1, null, [true]],
      broken: '[unreadable]',
      ['__proto__']: { a: 1 },
    })
  })

  it('says when data was cut', () => {
    const record = (data: unknown): unknown =>
      errorRecord({ code: 'ICE_TEST_DATA', message: 'm', data }).data
    expect(record({ a: { b: { c: { d: { e: 1 } } } } })).toEqual({
      a: { b: { c: { d: '[deeper]' } } },
      $truncated: true,
    })
    const wide = record(Array.from({ length: 100_000 }, () => 'x'.repeat(1_000)))
    expect(wide).toEqual({
      value: Array.from({ length: 7 }, () => `${'x'.repeat(509)}…`),
      $truncated: true,
    })
  })

  it('reads nothing twice', () => {
    const reads: string[] = []
    const spy = new Proxy(new LostError(), {
      get(target, key) {
        reads.push(String(key))
        return Reflect.get(target, key)
      },
    })
    errorRecord(spy)
    expect(reads).toEqual([...new Set(reads)])
  })

  it('is bounded, canonical and total, whatever was thrown', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withTypedArray: true,
      maxDepth: 6,
      stringUnit: 'binary',
    } as fc.ObjectConstraints)
    const thrown = fc.oneof(
      anything,
      fc.record({ code: fc.constant('ICE_TEST_ANY'), message: anything, data: anything }),
      fc.record({ message: fc.string({ unit: 'binary' }), cause: anything }),
    )
    fc.assert(
      fc.property(thrown, (value) => {
        const text = canonicalize(errorRecord(value))
        expect(Buffer.byteLength(text)).toBeLessThan(34 * 1_024)
      }),
      { numRuns: 800, seed: 9 },
    )
  })

  it('stays below 34 KiB at its worst', () => {
    const quotes = '"'.repeat(5_000)
    const data = Object.fromEntries(
      Array.from({ length: 500 }, (_, at) => [`${at}${quotes}`, quotes]),
    )
    let thrown: unknown
    for (let level = 0; level < 9; level += 1) {
      thrown = { code: `ICE_${'X'.repeat(58)}_X`, message: quotes, data, cause: thrown }
    }
    const bytes = Buffer.byteLength(canonicalize(errorRecord(thrown)))
    expect(bytes).toBeGreaterThan(20 * 1_024)
    expect(bytes).toBeLessThan(34 * 1_024)
  })
})
