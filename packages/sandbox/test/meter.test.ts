/** The meter in the engine, and the engine's file. */
import { describe, expect, it } from 'vitest'
import { checkEngine, ENGINE } from '../src/engine.ts'
import { evaluate } from '../src/evaluate.ts'
import { ByteReader, ByteWriter } from '../src/wasm/bytes.ts'
import { FUEL_EXPORT, metered, STACK_EXPORT } from '../src/wasm/meter.ts'

const section = (id: number, ...bytes: readonly number[]): readonly number[] => [
  id,
  bytes.length,
  ...bytes,
]
const I32 = 0x7f

/** A module of one function `f(n)` of this body, which may call `h(n)` of the host. */
function moduleOf(body: readonly number[]): Uint8Array {
  const code = [1, 1, I32, ...body, 0x0b]
  return Uint8Array.from([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, 1, 0x60, 1, I32, 1, I32),
    ...section(2, 1, 1, 0x65, 1, 0x68, 0, 0),
    ...section(3, 1, 0),
    ...section(5, 1, 0, 1),
    ...section(6, 1, I32, 1, 0x41, 0, 0x0b),
    ...section(7, 2, 1, 0x66, 0, 1, 1, 0x67, 0, 1),
    ...section(10, 1, code.length, ...code),
  ])
}

interface Instance {
  readonly f: (n: number) => number
  readonly [FUEL_EXPORT]: { value: bigint }
  readonly [STACK_EXPORT]: { value: number }
}

const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object
    readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
    readonly RuntimeError: new () => Error
  }
}

function instance(body: readonly number[], fuel = 1_000n, stack = 10_000): Instance {
  const bytes = metered(moduleOf(body), { pagesMax: 2, exports: new Set(['f']) })
  const imports = { e: { h: (n: number) => n * 2 } }
  const { exports } = new wasm.Instance(new wasm.Module(bytes), imports)
  const made = exports as Instance
  made[FUEL_EXPORT].value = fuel
  made[STACK_EXPORT].value = stack
  return made
}

const LOCAL = { get: 0x20, set: 0x21 }
const CONST = 0x41
/** `local 1 = n; do { n -= 1 } while (n > 0); n` */
const counting = [
  0x03,
  0x40,
  LOCAL.get,
  0,
  CONST,
  1,
  0x6b,
  LOCAL.set,
  0,
  LOCAL.get,
  0,
  CONST,
  0,
  0x4a,
  0x0d,
  0,
  0x0b,
  LOCAL.get,
  0,
]
/** `n < 1 ? n : f(n - 1)`, with a return in the depth of two blocks. */
const recursive = [
  0x02,
  0x40,
  0x02,
  0x40,
  LOCAL.get,
  0,
  CONST,
  1,
  0x48,
  0x45,
  0x0d,
  0,
  LOCAL.get,
  0,
  0x0f,
  0x0b,
  0x0b,
  LOCAL.get,
  0,
  CONST,
  1,
  0x6b,
  0x10,
  1,
]

/** Verifies: SBX-R14 */
describe('a metered module', () => {
  const used = (made: Instance, n: number): readonly [number, number] => {
    const { value } = made[FUEL_EXPORT]
    return [made.f(n), Number(value - made[FUEL_EXPORT].value)]
  }

  it('is charged one for a call and one for each turn of a loop', () => {
    expect(used(instance(counting), 5)).toEqual([0, 1 + 5])
    expect(used(instance([LOCAL.get, 0]), 5)).toEqual([5, 1])
    expect(used(instance(recursive), 5)).toEqual([0, 6])
  })

  it('is charged for what it fills and copies, by its length', () => {
    const fill = [CONST, 0, CONST, 7, LOCAL.get, 0, 0xfc, 0x0b, 0, LOCAL.get, 0]
    expect(used(instance(fill), 1_600)).toEqual([1_600, 1 + 100])
    const copy = [CONST, 0, CONST, 8, LOCAL.get, 0, 0xfc, 0x0a, 0, 0, LOCAL.get, 0]
    expect(used(instance(copy), 160)).toEqual([160, 1 + 10])
    expect(() => instance(fill, 50n).f(1_600)).toThrow(wasm.RuntimeError)
  })

  it('gives back the frame of what returned, by whichever way', () => {
    const made = instance(recursive)
    expect(made.f(50)).toBe(0)
    expect(made[STACK_EXPORT].value).toBe(10_000)
  })

  it('ends where its fuel ends, and where its stack ends', () => {
    expect(instance(counting, 6n).f(5)).toBe(0)
    const short = instance(counting, 5n)
    expect(() => short.f(5)).toThrow(wasm.RuntimeError)
    expect(short[FUEL_EXPORT].value).toBe(-1n)
    const shallow = instance(recursive, 1_000n, 500)
    expect(shallow.f(3)).toBe(0)
    expect(() => shallow.f(30)).toThrow(wasm.RuntimeError)
    expect(shallow[STACK_EXPORT].value).toBeLessThan(0)
  })

  it('still calls its host by the same index', () => {
    expect(used(instance([LOCAL.get, 0, 0x10, 0]), 21)).toEqual([42, 1])
  })

  it.each([
    ['an instruction that is not known', [0xfd, 0x0c]],
    ['one that changes a table', [CONST, 0, 0xd0, 0x70, 0x26, 0]],
    ['one that drops a segment', [0xfc, 9, 0]],
  ])('is not made of a module with %s', (_name, body) => {
    expect(() => metered(moduleOf(body), { pagesMax: 2, exports: new Set() })).toThrow(
      /is not known/,
    )
  })

  it('is not made of a module that lacks what is to be kept, or that wants more memory', () => {
    const module = moduleOf([LOCAL.get, 0])
    expect(() => metered(module, { pagesMax: 2, exports: new Set(['g2']) })).toThrow(/exports/)
    expect(() => metered(module, { pagesMax: 0, exports: new Set() })).toThrow(/bound/)
  })
})

/** Verifies: SBX-R14 */
describe('the integers of a module', () => {
  it.each([0, 1, 63, 64, 127, 128, 8_191, 624_485, 2 ** 32 - 1])('%i is read as written', (n) => {
    expect(new ByteReader(new ByteWriter(1).u32(n).bytes).u32()).toBe(n)
  })

  it.each([
    [63, [0x3f]],
    [64, [0xc0, 0]],
    [-1, [0x7f]],
    [-128, [0x80, 0x7f]],
    [1_000, [0xe8, 7]],
  ])('%i is written with its sign', (n, bytes) => {
    expect([...new ByteWriter(1).signed(n).bytes]).toEqual(bytes)
  })

  it('are not read past the end', () => {
    expect(() => new ByteReader(Uint8Array.of(0x80)).u32()).toThrow(/ends/)
    expect(() => new ByteReader(Uint8Array.of(1, 2)).take(3)).toThrow(/ends/)
  })
})

/** Verifies: SBX-R11 */
describe('the file of the engine', () => {
  it('is refused when it is another', () => {
    expect(() => checkEngine(Uint8Array.of(0, 0x61, 0x73, 0x6d))).toThrow(
      expect.objectContaining({ code: 'ICE_SANDBOX_ENGINE_CORRUPT' }),
    )
    expect(ENGINE.sha256).toMatch(/^[0-9a-f]{64}$/)
  })
})

/** Verifies: SBX-R03 */
describe('the fuel of an evaluation', () => {
  it('is the same each time, to the unit, and where it ends is the same step', () => {
    const source =
      'let s = 0; for (let i = 0; i < 5000; i += 1) s += Math.sin(i); JSON.stringify([s])'
    const { fuelUsed } = evaluate(source)
    expect([evaluate(source).fuelUsed, evaluate(source).fuelUsed]).toEqual([fuelUsed, fuelUsed])
    // Exactly enough is enough, and one unit less is not.
    expect(evaluate(source, { limits: { fuel: fuelUsed } }).fuelUsed).toBe(fuelUsed)
    expect(() => evaluate(source, { limits: { fuel: fuelUsed - 1 } })).toThrow(
      expect.objectContaining({ code: 'ICE_SANDBOX_FUEL_LIMIT' }),
    )
  })
})
