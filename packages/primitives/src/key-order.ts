/**
 * The key order: how the keys of one shape of object stand in canonical text, remembered.
 *
 * Programs write few shapes of object very often. Sorting and escaping the keys of one is half the
 * cost of canonicalising it, and depends on its keys alone, so the result is kept, bounded by
 * `limits.ts`, and looked up by comparing every key. A lookup that fails costs speed, not truth.
 */
import {
  KEY_ORDER_CHARS_MAX,
  KEY_ORDER_KEYS_MAX,
  KEY_ORDERS_MAX,
  KEY_SHAPES_MAX,
} from './limits.ts'
import { isWellFormed, quoted } from './text.ts'

/** Below this many keys a sort by insertion is faster than the engine's. */
const INSERTION_MAX = 24

/** The keys of one shape, in canonical order. */
export interface KeyOrder {
  /** The keys, sorted by UTF-16 units (RFC 8785 §3.2.3). */
  readonly sorted: readonly string[]
  /** For each sorted key the text before its value: `{"a":` for the first, `,"b":` for others. */
  readonly heads: readonly string[]
  /** The first key with a lone surrogate, which has no canonical text. */
  readonly illFormed: string | undefined
}

interface Shape extends KeyOrder {
  /** The keys in the order in which the object has them. */
  readonly keys: readonly string[]
}

/** Shapes by their first key. */
const shapes: Map<string, Shape[]> = new Map()

/** The order of keys as `Object.keys` gives them; at least one. */
export function keyOrder(keys: readonly string[]): KeyOrder {
  const first = keys[0] as string
  const known = shapes.get(first)
  if (known !== undefined) {
    for (let at = 0; at < known.length; at += 1) {
      const shape = known[at] as Shape
      if (sameKeys(shape.keys, keys)) return shape
    }
  }
  const shape = orderOf(keys)
  if (isKept(shape)) keep(first, known, shape)
  return shape
}

function sameKeys(known: readonly string[], keys: readonly string[]): boolean {
  const { length } = keys
  if (known.length !== length) return false
  // From the end: shapes of one length that begin alike mostly end differently.
  for (let at = length - 1; at >= 0; at -= 1) if (known[at] !== keys[at]) return false
  return true
}

function isKept({ keys, heads, illFormed }: Shape): boolean {
  if (illFormed !== undefined || keys.length > KEY_ORDER_KEYS_MAX) return false
  return heads.every((head) => head.length <= KEY_ORDER_CHARS_MAX)
}

/** Forgets what stood longest where there is no room. */
function keep(first: string, known: Shape[] | undefined, shape: Shape): void {
  if (known !== undefined) {
    if (known.length === KEY_SHAPES_MAX) known.shift()
    known.push(shape)
    return
  }
  if (shapes.size === KEY_ORDERS_MAX) shapes.clear()
  shapes.set(first, [shape])
}

function orderOf(keys: readonly string[]): Shape {
  const sorted = sort([...keys])
  const illFormed = sorted.find((key) => !isWellFormed(key))
  const heads = sorted.map((key, at) => `${at === 0 ? '{' : ','}${quoted(key)}:`)
  return { keys, sorted, heads, illFormed }
}

/** Sorts in place; ECMAScript compares text by UTF-16 units. */
function sort(keys: string[]): string[] {
  if (keys.length > INSERTION_MAX) return keys.sort()
  for (let end = 1; end < keys.length; end += 1) {
    const key = keys[end] as string
    let at = end
    for (; at > 0 && (keys[at - 1] as string) > key; at -= 1) keys[at] = keys[at - 1] as string
    keys[at] = key
  }
  return keys
}
