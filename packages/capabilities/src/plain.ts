/// <reference lib="es2024.string" />
/**
 * Plain JSON copies of what a caller hands in.
 *
 * 1. Every member is read once: a getter cannot show one value to a check and another to the next.
 * 2. A copy shares nothing with its source, so changing the source later changes no decision.
 * 3. Only own members count: `constructor` is a name like any other, `__proto__` is refused.
 *
 * The trap: a table looked up by a name that a stranger chose finds what it inherits.
 */
import type { JsonObject, JsonValue } from '@ice/primitives'
import { CLAIM_CHARS_MAX, CLAIM_DEPTH_MAX, CLAIM_NODES_MAX } from './limits.ts'

/** An object's own member, or `undefined`. */
export function own(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined
}

/** Whether this is an object that is no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether the object has no other members than these. */
export function hasOnly(object: object, names: readonly string[]): boolean {
  return Object.keys(object).every((name) => names.includes(name))
}

/** What one copy may still hold. */
interface Room {
  nodes: number
}

/**
 * A copy of a claim, or `undefined` when it is not a plain object of bounded JSON.
 * What a getter or a proxy throws passes through.
 */
export function copyClaim(value: unknown): JsonObject | undefined {
  if (!isRecord(value)) return undefined
  return copyRecord(value, 1, { nodes: CLAIM_NODES_MAX })
}

function copyRecord(source: object, depth: number, room: Room): JsonObject | undefined {
  const prototype: unknown = Object.getPrototypeOf(source)
  if (prototype !== Object.prototype && prototype !== null) return undefined
  const copy: Record<string, JsonValue> = {}
  for (const name of Object.keys(source)) {
    if (name === '__proto__' || !isText(name)) return undefined
    const value = copyValue((source as Record<string, unknown>)[name], depth, room)
    if (value === undefined) return undefined
    copy[name] = value
  }
  return copy
}

function copyList(
  source: readonly unknown[],
  depth: number,
  room: Room,
): readonly JsonValue[] | undefined {
  if (source.length > room.nodes) return undefined
  const copy: JsonValue[] = []
  for (const item of source) {
    const value = copyValue(item, depth, room)
    if (value === undefined) return undefined
    copy.push(value)
  }
  return copy
}

function copyValue(value: unknown, depth: number, room: Room): JsonValue | undefined {
  room.nodes -= 1
  if (room.nodes < 0) return undefined
  if (typeof value === 'string') return isText(value) ? value : undefined
  if (typeof value === 'number') return isJsonNumber(value) ? value : undefined
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value !== 'object' || depth >= CLAIM_DEPTH_MAX) return undefined
  return Array.isArray(value)
    ? copyList(value, depth + 1, room)
    : copyRecord(value, depth + 1, room)
}

function isText(value: string): boolean {
  return value.length <= CLAIM_CHARS_MAX && value.isWellFormed()
}

/** What canonical JSON writes as it was meant: `callDigest` must not fail on a claim. */
function isJsonNumber(value: number): boolean {
  return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value))
}

/** Freezes JSON through and through, in place. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
