import { seededRandom, timestamp } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../src/evaluate.ts'
import { conceal, HandleTable, isHandle, reveal } from '../src/handles.ts'
import { VALUE_DEPTH_MAX } from '../src/limits.ts'
import type { GuestValue } from '../src/ports.ts'
import { evaluated } from './world.ts'

/** Verifies: SBX-R02 */
describe('an evaluation', () => {
  it.each([
    null,
    true,
    'text with \u0000 and \u2028 and 𝄞',
    -1.5e-300,
    [],
    { a: [{ b: null }], '': 0, $: 1, $handle: 0, $$handle: 1, constructor: 2 },
  ] as GuestValue[])('gives back what it is given: %j', (value) => {
    expect(evaluate('given', { globals: { given: value } }).value).toEqual(value)
  })

  it('has undefined members left out, and undefined as null', () => {
    expect(evaluated('({ a: undefined, b: 1 })')).toEqual({ value: { b: 1 } })
    expect(evaluated('undefined')).toEqual({ value: null })
  })

  it('gives copies: what the guest changes, the host does not see', () => {
    const list = [1]
    expect(evaluate('list.push(2); list', { globals: { list } }).value).toEqual([1, 2])
    expect(list).toEqual([1])
  })

  it.each([
    ['a function', () => 1],
    ['a lone surrogate', '\ud800'],
    ['no number', Number.NaN],
    ['an integer two readers read differently', 2 ** 60],
    ['a date', new Date(0)],
    ['undefined', undefined],
  ])('is not given %s', (_name, value) => {
    const globals = { given: value as unknown as GuestValue }
    expect(evaluated('1', { globals })).toEqual({ code: 'ICE_SANDBOX_VALUE_UNSUPPORTED' })
  })

  it('is not given what holds itself, or is too deep', () => {
    const self: unknown[] = []
    self.push(self)
    const globals = { given: self as unknown as GuestValue }
    expect(evaluated('1', { globals })).toEqual({ code: 'ICE_SANDBOX_VALUE_LIMIT' })
    let deep: GuestValue = 0
    for (let level = 0; level < VALUE_DEPTH_MAX; level += 1) deep = [deep]
    expect(evaluated('given', { globals: { given: deep } })).toEqual({ value: deep })
  })

  it.each(['Array', 'undefined', 'a b', '', '__proto__', 'globalThis', 'a'.repeat(65)])(
    'has no global called "%s"',
    (name) => {
      const globals = Object.fromEntries([[name, 1]])
      expect(evaluated('1', { globals })).toEqual({ code: 'ICE_SANDBOX_GLOBALS_UNSUPPORTED' })
    },
  )

  it('has the clock and the randomness it is given', () => {
    const now = timestamp(1_700_000_000_000)
    const { value } = evaluate('[Date.now(), Math.random()]', { now, random: seededRandom('s') })
    expect(value).toEqual([now, seededRandom('s').float()])
  })
})

/** Verifies: SBX-R05 */
describe('the limits of an evaluation', () => {
  it('are those that were asked for', () => {
    const over = { code: 'ICE_SANDBOX_VALUE_LIMIT' }
    expect(evaluated('"x".repeat(100)', { limits: { valueBytes: 50 } })).toEqual(over)
    const globals = { given: 'x'.repeat(100) }
    expect(evaluated('1', { globals, limits: { valueBytes: 50 } })).toEqual(over)
    expect(evaluated('1 + 1', { limits: { sourceBytes: 4 } })).toEqual({
      code: 'ICE_SANDBOX_SOURCE_LIMIT',
    })
    expect(evaluated('1 + 1', { limits: { fuel: 100 } })).toEqual({
      code: 'ICE_SANDBOX_FUEL_LIMIT',
    })
  })

  it('clip what a guest says of itself', () => {
    const thrown = (source: string): { readonly data: Record<string, string> } => {
      try {
        evaluate(source)
      } catch (error) {
        return error as { readonly data: Record<string, string> }
      }
      return expect.unreachable()
    }
    const { data } = thrown(
      'throw Object.assign(new Error("m".repeat(1e5)), { name: "n".repeat(1e5), stack: ' +
        '"\\ud834\\udd1e".repeat(1e5) })',
    )
    expect([data['name']?.length, data['message']?.length, data['stack']?.length]).toEqual([
      128, 1024, 2048,
    ])
    expect(thrown('throw "\\ud800".repeat(3)').data).toEqual({ message: '\ufffd'.repeat(3) })
  })
})

/** Verifies: SBX-R13 */
describe('one guest after another', () => {
  it('finds nothing of the one before', () => {
    evaluate(
      'globalThis.left = 1; Array.prototype.left = 2; Math.random = () => 4; Date.now = 1; 0',
    )
    const random = seededRandom('s')
    const look = '[typeof left, typeof [].left, Math.random(), typeof Date.now]'
    const found = ['undefined', 'undefined', seededRandom('s').float(), 'function']
    expect(evaluate(look, { random }).value).toEqual(found)
  })

  it('uses the same fuel, whoever was there before', () => {
    const look = 'let s = 0; for (let i = 0; i < 1000; i += 1) s += i; JSON.stringify({ s })'
    const { fuelUsed } = evaluate(look)
    for (const before of ['1', 'throw 1', 'while (true);', '"x".repeat(4e6).length']) {
      evaluated(before, { limits: { fuel: 50_000_000 } })
      expect(evaluate(look).fuelUsed).toBe(fuelUsed)
    }
  })
})

/** Verifies: SBX-R09 */
describe('a handle', () => {
  it('comes back as the same handle, and as nothing else', () => {
    const handle = conceal({ secret: 1 })
    const { value } = evaluate('({ a: [held], b: JSON.stringify(held) })', {
      globals: { held: handle },
    })
    expect(value).toEqual({ a: [handle], b: '{}' })
    expect((value as { a: unknown[] }).a[0]).toBe(handle)
    expect(isHandle(handle) && reveal(handle)).toEqual({ secret: 1 })
    expect(Reflect.ownKeys(handle)).toEqual([])
    expect([{}, null, 1, Object.create(handle as object)].some(isHandle)).toBe(false)
  })

  it('of another guest is not to be had by its number', () => {
    const mine = new HandleTable()
    expect(mine.give(conceal(1))).toBe(0)
    expect(() => new HandleTable().take(0)).toThrow(
      expect.objectContaining({ code: 'ICE_SANDBOX_HANDLE_NOT_FOUND' }),
    )
    for (const number of [-1, 1, 0.5, '0', null, '__proto__']) {
      expect(() => mine.take(number)).toThrow(
        expect.objectContaining({ code: 'ICE_SANDBOX_HANDLE_NOT_FOUND' }),
      )
    }
  })
})
