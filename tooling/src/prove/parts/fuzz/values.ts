/** Values of JavaScript that nobody expects, and structures with one of them somewhere in it. */
import type { Chance } from './chance.ts'

/** What a hostile value throws; whoever lets it through has not swallowed anything. */
export class Sprung extends Error {
  override readonly name = 'Sprung'
}

const spring = (): never => {
  throw new Sprung('a trap of the value was sprung')
}

const STRINGS = ['', 'x', 'é', '\ud800', '\u0000', '__proto__', 'constructor', '-', '1', 'note/a']
const NUMBERS = [0, -0, 1, -1, 0.5, 1e21, 2 ** 53, -(2 ** 53), 1e308, NaN, Infinity, -Infinity]

type Make = (chance: Chance, depth: number) => unknown

const LEAVES: readonly Make[] = [
  (chance) => chance.pick(STRINGS),
  (chance) => chance.pick(STRINGS).repeat(chance.below(2_000)),
  (chance) => chance.pick(NUMBERS),
  (chance) => chance.below(1_000),
  () => true,
  () => null,
  () => undefined,
  () => 10n,
  () => Symbol('s'),
  () => () => 1,
  () => new Date(0),
  () => new Date(Number.NaN),
  () => new Map([['a', 1]]),
  () => new Uint8Array([1, 2]),
  () => /x/g,
  () => new String('x'),
  () => new Number(1),
  () => Promise.resolve(1),
  () => Object.create(null),
  () => new Proxy({}, { get: spring, ownKeys: spring, getPrototypeOf: spring, has: spring }),
  () => new Proxy([], { get: spring, ownKeys: spring }),
  () => ({
    get a() {
      return spring()
    },
  }),
  () => ({ toJSON: spring, toString: spring, valueOf: spring }),
  () => Object.defineProperty({}, '__proto__', { value: { polluted: 1 }, enumerable: true }),
  () => JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
  () => new Array(4),
  () => Array.from({ length: 3 }),
  () => Object.freeze([1]),
  () =>
    new (class Own {
      n = 1
    })(),
  () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    return cycle
  },
  () => {
    let deep: unknown = 1
    for (let level = 0; level < 10_000; level += 1) deep = [deep]
    return deep
  },
]

/** Any value at all. */
export const hostileValue = (chance: Chance, depth = 0): unknown => {
  if (depth > 4 || chance.once(2)) return chance.pick(LEAVES)(chance, depth)
  const count = chance.below(4)
  const item = (): unknown => hostileValue(chance, depth + 1)
  if (chance.once(2)) return Array.from({ length: count }, item)
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [keyOf(chance, at), item()]))
}

const keyOf = (chance: Chance, at: number): string =>
  chance.once(4) ? chance.pick(STRINGS) : `k${at}`

/** A copy of a structure in which something is replaced, missing, or too much. */
export const grafted = (base: unknown, chance: Chance): unknown => {
  const copy = copyOf(base)
  const places = placesIn(copy)
  for (let left = 1 + chance.below(2); left > 0; left -= 1) {
    const place = chance.pick(places)
    if (place === undefined) return hostileValue(chance)
    const { holder, key } = place
    const dice = chance.below(8)
    if (dice === 0) delete holder[key]
    else if (dice === 1) holder[`${key}x`] = holder[key]
    else if (dice === 2 && !Array.isArray(holder)) {
      define(holder, chance.pick(STRINGS), hostileValue(chance))
    } else if (dice === 3) holder[key] = [holder[key]]
    else define(holder, key, hostileValue(chance))
  }
  return chance.once(50) ? hostileValue(chance) : copy
}

/** Assignment to `__proto__` would change what the holder is. */
const define = (holder: Holder, key: string, value: unknown): void => {
  try {
    Object.defineProperty(holder, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw error
  }
}

type Holder = Record<string, unknown>

const copyOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(copyOf)
  if (value instanceof Uint8Array) return value.slice()
  if (typeof value !== 'object' || value === null || value instanceof AbortSignal) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)]))
}

const placesIn = (value: unknown): readonly { readonly holder: Holder; readonly key: string }[] => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return []
  return Object.keys(value).flatMap((key) => {
    const holder = value as Holder
    return [{ holder, key }, ...placesIn(holder[key])]
  })
}
