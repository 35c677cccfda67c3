/**
 * Canonical JSON: the one text of a value, so that equal values have equal hashes (RFC 8785).
 *
 * 1. Keys stand in the order of their UTF-16 units, numbers as ECMAScript writes them, -0 as 0.
 * 2. What JSON cannot hold is refused, never dropped or bent: no `toJSON`, no `undefined` members
 *    left out, no NaN as null. An error carries the RFC 6901 pointer of the place.
 * 3. Integers are safe or refused. An integer is what would be written as one: a number from
 *    1e21 up is written with an exponent and stands.
 * 4. Every member is read once, so that a getter cannot show two faces.
 * 5. Whatever is written here, `parseStrict` reads back as an equal value, and the reverse.
 *
 * The trap: JSON that two writers spell differently, or that the next reader rounds.
 */
import { CanonicalLimitError, type CanonicalReason, CanonicalUnsupportedError } from './errors.ts'
import {
  CANONICAL_NODES_MAX,
  INTEGER_TEXT_MIN,
  JSON_DEPTH_MAX,
  POINTER_BYTES_MAX,
} from './limits.ts'
import { isRedacted } from './redacted.ts'
import { clip, isWellFormed } from './text.ts'

/** Below this many keys a sort by insertion is faster than the engine's. */
const INSERTION_MAX = 24

/** Anything but printable text outside the surrogates, the quote and the backslash. */
const SPECIAL = /[^ !#-[\]-\ud7ff\ue000-\uffff]/

/** Where the walk is; kept for each call, because a getter may canonicalise something else. */
interface Walk {
  /** Keys and indexes from the outermost container to here. */
  readonly path: (string | number)[]
  /** The containers themselves. */
  readonly containers: object[]
  nodes: number
}

/**
 * The canonical text of a value.
 *
 * Takes plain objects (of this realm, or without a prototype), arrays, text, finite numbers,
 * booleans and null; own enumerable members with text keys. An error thrown by a getter passes.
 *
 * @throws {CanonicalUnsupportedError} `ICE_PRIMITIVES_CANONICAL_UNSUPPORTED` — NaN, an infinity,
 *   an unsafe integer, a lone surrogate, `undefined`, a hole, a function, symbol, bigint, class
 *   instance, redacted value or cycle
 * @throws {CanonicalLimitError} `ICE_PRIMITIVES_CANONICAL_LIMIT` — deeper than 64 containers, or
 *   more than 1,000,000 members
 * @source RFC 8785; RFC 7493 §2.1 and §2.2
 */
export function canonicalize(value: unknown): string {
  return write(value, 0, { path: [], containers: [], nodes: 0 })
}

/** Writes one value; `depth` counts the containers around it. */
function write(value: unknown, depth: number, walk: Walk): string {
  switch (typeof value) {
    case 'string':
      return SPECIAL.test(value) ? quote(value, depth, walk) : `"${value}"`
    case 'number':
      return value === (value | 0) ? `${value}` : writeNumber(value, depth, walk)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? writeArray(value, depth, walk) : writeObject(value, depth, walk)
    default:
      throw unsupported(typeof value as CanonicalReason, depth, walk)
  }
}

/** `JSON.stringify` escapes well-formed text just as RFC 8785 §3.2.2.2 asks. */
function quote(text: string, depth: number, walk: Walk): string {
  if (!isWellFormed(text)) throw unsupported('lone_surrogate', depth, walk)
  return JSON.stringify(text)
}

/** A number as ECMAScript writes it (RFC 8785 §3.2.2.3), for what is no 32-bit integer. */
function writeNumber(value: number, depth: number, walk: Walk): string {
  if (!Number.isFinite(value)) throw unsupported('not_finite', depth, walk)
  if (isUnsafeInteger(value)) throw unsupported('unsafe_integer', depth, walk)
  return `${value}`
}

/** Whether a number would be written as an integer that readers may round. */
export function isUnsafeInteger(value: number): boolean {
  const size = Math.abs(value)
  return size > Number.MAX_SAFE_INTEGER && size < INTEGER_TEXT_MIN
}

function writeArray(source: readonly unknown[], depth: number, walk: Walk): string {
  if (Object.getPrototypeOf(source) !== Array.prototype) throw unsupported('not_plain', depth, walk)
  enter(source, depth, walk, source.length)
  let text = '['
  for (let index = 0; index < source.length; index += 1) {
    walk.path[depth] = index
    if (index > 0) text += ','
    text += write(source[index], depth + 1, walk)
  }
  return `${text}]`
}

function writeObject(source: object, depth: number, walk: Walk): string {
  const prototype: unknown = Object.getPrototypeOf(source)
  if (prototype !== Object.prototype && prototype !== null) {
    throw unsupported(isRedacted(source) ? 'redacted' : 'not_plain', depth, walk)
  }
  const keys = sorted(Object.keys(source))
  enter(source, depth, walk, keys.length)
  let text = '{'
  let comma = ''
  for (const key of keys) {
    walk.path[depth] = key
    const name = SPECIAL.test(key) ? quote(key, depth + 1, walk) : `"${key}"`
    const value = write((source as Readonly<Record<string, unknown>>)[key], depth + 1, walk)
    text += `${comma}${name}:${value}`
    comma = ','
  }
  return `${text}}`
}

/** Sorts in place by UTF-16 units (RFC 8785 §3.2.3), which is how ECMAScript compares text. */
function sorted(keys: string[]): string[] {
  if (keys.length > INSERTION_MAX) return keys.sort()
  for (let end = 1; end < keys.length; end += 1) {
    const key = keys[end] as string
    let at = end
    for (; at > 0 && (keys[at - 1] as string) > key; at -= 1) keys[at] = keys[at - 1] as string
    keys[at] = key
  }
  return keys
}

function enter(container: object, depth: number, walk: Walk, nodes: number): void {
  if (depth === JSON_DEPTH_MAX) throw tooDeep(container, walk)
  walk.containers[depth] = container
  walk.nodes += nodes
  if (walk.nodes > CANONICAL_NODES_MAX) {
    const at = pointer(walk.path, depth)
    throw new CanonicalLimitError({ limit: 'nodes', max: CANONICAL_NODES_MAX, pointer: at })
  }
}

/** A cycle is noticed where it has become too deep: looking for it earlier would cost every call. */
function tooDeep(container: object, walk: Walk): Error {
  const chain = [...walk.containers.slice(0, JSON_DEPTH_MAX), container]
  const again = chain.findIndex((member, depth) => chain.indexOf(member) < depth)
  if (again >= 0) return unsupported('cycle', again, walk)
  const at = pointer(walk.path, JSON_DEPTH_MAX)
  return new CanonicalLimitError({ limit: 'depth', max: JSON_DEPTH_MAX, pointer: at })
}

function unsupported(reason: CanonicalReason, depth: number, walk: Walk): Error {
  return new CanonicalUnsupportedError({ reason, pointer: pointer(walk.path, depth) })
}

/** RFC 6901, clipped: the first `depth` steps of a path. */
function pointer(path: readonly (string | number)[], depth: number): string {
  const steps = path.slice(0, depth).map((step) => `/${escapeStep(step)}`)
  return clip(steps.join(''), POINTER_BYTES_MAX)
}

function escapeStep(step: string | number): string {
  const text = typeof step === 'number' ? `${step}` : step.slice(0, POINTER_BYTES_MAX)
  return text.replaceAll('~', '~0').replaceAll('/', '~1')
}
