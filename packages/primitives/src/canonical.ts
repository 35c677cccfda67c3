/**
 * Canonical JSON: the one text of a value, so that equal values have equal hashes (RFC 8785).
 *
 * 1. Keys stand in the order of their UTF-16 units, numbers as ECMAScript writes them, -0 as 0.
 * 2. What JSON cannot hold is refused, never dropped or bent: no `toJSON`, no `undefined` members
 *    left out, no NaN as null. An error carries the RFC 6901 pointer of the place.
 * 3. Integers are safe or refused. An integer is what would be written as one: a number from
 *    1e21 up is written with an exponent and stands.
 * 4. Every member is read once, so that a getter cannot show two faces.
 * 5. Whatever is written here `parseStrict` reads back as an equal value, size permitting.
 *
 * The place of a refusal is put together while it unwinds, so that writing keeps no books.
 *
 * The trap: JSON that two writers spell differently, or that the next reader rounds.
 */
import { CanonicalLimitError, type CanonicalReason, CanonicalUnsupportedError } from './errors.ts'
import { keyOrder } from './key-order.ts'
import { CANONICAL_NODES_MAX, JSON_DEPTH_MAX, POINTER_BYTES_MAX } from './limits.ts'
import { isUnsafeInteger } from './numbers.ts'
import { isRedacted } from './redacted.ts'
import { clip, isSpecial, isWellFormed, quoted } from './text.ts'

/** What one call has left; not global, because a getter may canonicalise something else. */
interface Budget {
  nodes: number
}

/** A refusal on its way out. Steps and containers are gathered from the inside. */
class Refusal {
  readonly reason: CanonicalReason | 'depth' | 'nodes'
  readonly steps: (string | number)[]
  readonly containers: object[]

  constructor(reason: CanonicalReason | 'depth' | 'nodes', value?: object) {
    this.reason = reason
    this.steps = []
    this.containers = value === undefined ? [] : [value]
  }
}

/**
 * The canonical text of a value.
 *
 * Takes plain objects (of this realm, or without a prototype), arrays, text, finite numbers,
 * booleans and null; of objects the own enumerable members with text keys, of arrays the elements.
 * What a getter throws passes through.
 *
 * @throws {CanonicalUnsupportedError} `ICE_PRIMITIVES_CANONICAL_UNSUPPORTED` — NaN, an infinity,
 *   an unsafe integer, a lone surrogate, `undefined`, a hole, a function, symbol, bigint, class
 *   instance, redacted value or cycle
 * @throws {CanonicalLimitError} `ICE_PRIMITIVES_CANONICAL_LIMIT` — deeper than 64 containers, or
 *   more than 1,000,000 members
 * @source RFC 8785; RFC 7493 §2.1 and §2.2
 */
export function canonicalize(value: unknown): string {
  try {
    return write(value, 0, { nodes: CANONICAL_NODES_MAX })
  } catch (error) {
    throw error instanceof Refusal ? coded(error) : error
  }
}

/** Writes one value; `depth` counts the containers around it. */
function write(value: unknown, depth: number, budget: Budget): string {
  switch (typeof value) {
    case 'string':
      return isSpecial(value) ? writeSpecial(value) : `"${value}"`
    case 'number':
      return value === (value | 0) ? `${value}` : writeNumber(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return writeArray(value, depth, budget)
      return writeObject(value as Readonly<Record<string, unknown>>, depth, budget)
    default:
      throw new Refusal(typeof value as CanonicalReason)
  }
}

function writeSpecial(text: string): string {
  if (!isWellFormed(text)) throw new Refusal('lone_surrogate')
  return quoted(text)
}

/** A number as ECMAScript writes it (RFC 8785 §3.2.2.3), for what is no 32-bit integer. */
function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new Refusal('not_finite')
  if (isUnsafeInteger(value)) throw new Refusal('unsafe_integer')
  return `${value}`
}

function writeArray(source: readonly unknown[], depth: number, budget: Budget): string {
  if (Object.getPrototypeOf(source) !== Array.prototype) throw new Refusal('not_plain')
  const { length } = source
  enter(source, depth, budget, length)
  let text = '['
  let index = 0
  try {
    for (; index < length; index += 1) {
      if (index > 0) text += ','
      text += write(source[index], depth + 1, budget)
    }
  } catch (error) {
    throw outward(error, index, source)
  }
  return `${text}]`
}

type Plain = Readonly<Record<string, unknown>>

function writeObject(source: Plain, depth: number, budget: Budget): string {
  const prototype: unknown = Object.getPrototypeOf(source)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new Refusal(isRedacted(source) ? 'redacted' : 'not_plain')
  }
  const keys = Object.keys(source)
  enter(source, depth, budget, keys.length)
  if (keys.length === 0) return '{}'
  const { sorted, heads, illFormed } = keyOrder(keys)
  if (illFormed !== undefined) throw outward(new Refusal('lone_surrogate'), illFormed, source)
  let text = ''
  let at = 0
  try {
    for (; at < sorted.length; at += 1) {
      text += heads[at] + write(source[sorted[at] as string], depth + 1, budget)
    }
  } catch (error) {
    throw outward(error, sorted[at] as string, source)
  }
  return `${text}}`
}

/** Bounds a container before its first member is read. */
function enter(container: object, depth: number, budget: Budget, nodes: number): void {
  if (depth === JSON_DEPTH_MAX) throw new Refusal('depth', container)
  budget.nodes -= nodes
  if (budget.nodes < 0) throw new Refusal('nodes')
}

/** Adds one step to a refusal; what a getter threw stays as it is. */
function outward(error: unknown, step: string | number, container: object): unknown {
  if (!(error instanceof Refusal)) return error
  error.steps.push(step)
  error.containers.push(container)
  return error
}

function coded({ reason, steps, containers }: Refusal): Error {
  const path = steps.toReversed()
  if (reason === 'nodes') {
    return new CanonicalLimitError({
      limit: 'nodes',
      max: CANONICAL_NODES_MAX,
      pointer: pointer(path),
    })
  }
  if (reason !== 'depth') return new CanonicalUnsupportedError({ reason, pointer: pointer(path) })
  // A cycle is noticed where it has become too deep: looking for it earlier would cost every call.
  const chain = containers.toReversed()
  const again = chain.findIndex((container, at) => chain.indexOf(container) < at)
  return again < 0
    ? new CanonicalLimitError({ limit: 'depth', max: JSON_DEPTH_MAX, pointer: pointer(path) })
    : new CanonicalUnsupportedError({ reason: 'cycle', pointer: pointer(path.slice(0, again)) })
}

/** RFC 6901, clipped. */
function pointer(path: readonly (string | number)[]): string {
  return clip(path.map((step) => `/${escapeStep(step)}`).join(''), POINTER_BYTES_MAX)
}

function escapeStep(step: string | number): string {
  const text = typeof step === 'number' ? `${step}` : step.slice(0, POINTER_BYTES_MAX)
  return text.replaceAll('~', '~0').replaceAll('/', '~1')
}
