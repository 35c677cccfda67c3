/**
 * The error record: what is left of anything thrown, as bounded JSON that can be stored.
 *
 * 1. Making one never throws, whatever was thrown: each property is read once, behind a guard.
 * 2. A record is bounded: `ERROR_DEPTH_MAX` records, `ERROR_MESSAGE_BYTES_MAX` of message and
 *    `ERROR_DATA_BYTES_MAX` of data in each, about 34 KiB together: it fits into an event.
 * 3. A record can always be canonicalised: no lone surrogate, no unsafe integer, no class.
 *
 * The trap: code that reports a failure and fails itself hides the first failure. Control
 * characters are replaced, so that a hostile message cannot steer the terminal that prints it.
 */
import { Buffer } from 'node:buffer'
import type { JsonArray, JsonObject, JsonValue } from './json.ts'
import {
  ERROR_DATA_BYTES_MAX,
  ERROR_DATA_DEPTH_MAX,
  ERROR_DEPTH_MAX,
  ERROR_MESSAGE_BYTES_MAX,
  ERROR_STRING_BYTES_MAX,
} from './limits.ts'
import { clip } from './text.ts'

/** A failure as plain JSON. */
export type ErrorRecord = {
  /** The code of the failure, or `ICE_PRIMITIVES_UNCODED` where it had none. */
  readonly code: string
  /** For people; may change at any time. */
  readonly message: string
  /** For programs; `$truncated: true` in it says that a bound left something out. */
  readonly data?: JsonObject
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
  /** What led to it. */
  readonly cause?: ErrorRecord
}

/** The code of a record made from something that carried none. */
export const UNCODED: 'ICE_PRIMITIVES_UNCODED' = 'ICE_PRIMITIVES_UNCODED'

const FOREIGN_CODE = /^[A-Z][A-Z0-9_]{1,63}$/
const CONTROL = /(?![\t\n])\p{Cc}/gu

/**
 * Turns anything thrown into a bounded JSON record; never throws.
 *
 * A `code` in capitals is kept whoever set it (`ENOENT` too). What has no code gets
 * `ICE_PRIMITIVES_UNCODED` and its class name under `data.name`.
 */
export function errorRecord(thrown: unknown): ErrorRecord {
  return record(thrown, 1)
}

function record(thrown: unknown, depth: number): ErrorRecord {
  if (typeof thrown !== 'object' || thrown === null) {
    return { code: UNCODED, message: message(primitiveText(thrown)), retryable: false }
  }
  const foreign = read(thrown, 'code')
  const coded = typeof foreign === 'string' && FOREIGN_CODE.test(foreign)
  const text = read(thrown, 'message')
  const data = coded ? boundedData(read(thrown, 'data')) : nameData(thrown)
  const cause = depth === ERROR_DEPTH_MAX ? undefined : read(thrown, 'cause')
  return {
    code: coded ? foreign : UNCODED,
    message: message(typeof text === 'string' ? text : 'thrown object'),
    ...(data === undefined ? {} : { data }),
    retryable: read(thrown, 'retryable') === true,
    ...(cause === undefined ? {} : { cause: record(cause, depth + 1) }),
  }
}

/** Reads one property of a hostile object; what cannot be read is not there. */
function read(source: object, key: string): unknown {
  try {
    return (source as Readonly<Record<string, unknown>>)[key]
  } catch {
    return undefined // a throwing getter or a revoked proxy: the record goes on without it
  }
}

function primitiveText(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  if (typeof thrown === 'function') return 'thrown function'
  // The decimal digits of a huge bigint take quadratic time: only small ones are written out.
  if (typeof thrown === 'bigint' && BigInt.asIntN(64, thrown) !== thrown) return 'thrown bigint'
  return `thrown ${typeof thrown}: ${String(thrown)}`
}

function message(text: string): string {
  return line(text, ERROR_MESSAGE_BYTES_MAX)
}

/** Clips first, so that a message of a gigabyte costs no more than one of a page. */
function line(text: string, bytesMax: number): string {
  return clip(text.slice(0, bytesMax + 1).replace(CONTROL, '\ufffd'), bytesMax)
}

function nameData(thrown: object): JsonObject | undefined {
  const name = read(thrown, 'name')
  return typeof name === 'string' && name !== '' ? { name: line(name, 128) } : undefined
}

/** What is left to spend while data is copied. */
interface Budget {
  bytes: number
  truncated: boolean
}

function boundedData(data: unknown): JsonObject | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const budget: Budget = { bytes: ERROR_DATA_BYTES_MAX - 32, truncated: false }
  const copy = copyValue(data, 1, budget)
  const object = isObject(copy) ? copy : { value: copy }
  if (budget.truncated) return { ...object, $truncated: true }
  return Object.keys(object).length === 0 ? undefined : object
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function copyValue(value: unknown, depth: number, budget: Budget): JsonValue {
  if (typeof value === 'string') return line(value, ERROR_STRING_BYTES_MAX)
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return copyNumber(value)
  if (typeof value !== 'object') return `[${typeof value}]`
  if (depth > ERROR_DATA_DEPTH_MAX) return truncated(budget, '[deeper]')
  try {
    if (Array.isArray(value)) return copyArray(value, depth, budget)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) return '[object]'
    return copyObject(value, depth, budget)
  } catch {
    return '[unreadable]' // a proxy whose traps throw: said so, in its place
  }
}

function copyNumber(value: number): JsonValue {
  const fine = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value)
  return fine ? value : String(value)
}

function truncated(budget: Budget, text: string): string {
  budget.truncated = true
  return text
}

function copyArray(source: readonly unknown[], depth: number, budget: Budget): JsonArray {
  const copy: JsonValue[] = []
  for (let index = 0; index < source.length; index += 1) {
    const value = copyValue(source[index], depth + 1, budget)
    if (!spend(budget, value, 1)) break
    copy.push(value)
  }
  return copy
}

function copyObject(source: object, depth: number, budget: Budget): JsonObject {
  const entries: [string, JsonValue][] = []
  for (const key of Object.keys(source)) {
    const name = line(key, 128)
    const value = copyValue(read(source, key), depth + 1, budget)
    if (!spend(budget, value, Buffer.byteLength(JSON.stringify(name)) + 2)) break
    entries.push([name, value])
  }
  return Object.fromEntries(entries) // defines its properties, so `__proto__` is a key like others
}

/** Charges a leaf, or the frame of a container whose members were charged already. */
function spend(budget: Budget, value: JsonValue, frame: number): boolean {
  const leaf = typeof value === 'object' && value !== null ? 2 : jsonBytes(value)
  budget.bytes -= leaf + frame
  if (budget.bytes < 0) budget.truncated = true
  return budget.bytes >= 0
}

function jsonBytes(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value))
}
