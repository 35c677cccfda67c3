/// <reference lib="es2024.string" />
/**
 * Encoders: closures that check a value and write its canonical JSON in one pass.
 *
 * 1. What was checked is what is written: every property is read once, so a getter cannot show one
 *    value to the check and another to the log.
 * 2. Only own properties count: what somebody put on `Object.prototype` is in no event.
 * 3. Work is bounded by the size of an event, not by the value: a container that has outgrown an
 *    event stops at once, so a small graph that unfolds for ever is refused as quickly as a large
 *    text. Depth is bounded by the walk, so a cycle ends too.
 * 4. No code is generated: the same closures run where `new Function` is forbidden.
 */

import { EVENT_BYTES_MAX, INLINE_STRING_BYTES_MAX, PAYLOAD_DEPTH_MAX } from './limits.ts'
import { isPlainText } from './plain-text.ts'

/** Why a value does not fit, and where. Keys are collected from the inside out. */
export interface Misfit {
  why: string
  path: string[]
  /** It is not of the wrong shape but too large for any event. */
  tooLarge: boolean
}

/** Returns canonical JSON, or `undefined` after having described the misfit. */
export type Encoder = (value: unknown, depth: number, misfit: Misfit) => string | undefined

/** A declared property of an object. */
export interface Property {
  readonly key: string
  /** The key as it stands in the text: quoted, with its colon. */
  readonly open: string
  readonly required: boolean
  readonly encode: Encoder
}

/** No misfit yet. */
export function noMisfit(): Misfit {
  return { why: '', path: [], tooLarge: false }
}

/** An object with exactly the declared properties, which come in canonical order. */
export function objectEncoder(properties: readonly Property[]): Encoder {
  const keys = new Set(properties.map(({ key }) => key))
  return (value, depth, misfit) => {
    if (!isPlain(value)) return fail(misfit, NOT_PLAIN)
    if (depth > PAYLOAD_DEPTH_MAX) return fail(misfit, TOO_DEEP)
    let bytes = ''
    let seen = 0
    for (const { key, open, required, encode } of properties) {
      const item = Object.hasOwn(value, key) ? value[key] : undefined
      if (item === undefined) {
        if (required) return fail(misfit, `lacks "${key}"`)
        continue
      }
      const encoded = encode(item, depth + 1, misfit)
      if (encoded === undefined) return within(misfit, key)
      bytes += seen === 0 ? open + encoded : `,${open}${encoded}`
      if (bytes.length > EVENT_BYTES_MAX) return tooLarge(misfit)
      seen += 1
    }
    const present = Object.keys(value)
    // An optional property that is there and `undefined` is none: only then do the counts differ.
    const stranger = present.length === seen ? undefined : present.find((key) => !keys.has(key))
    if (stranger !== undefined) return fail(misfit, `has "${stranger}", which is not declared`)
    return `{${bytes}}`
  }
}

/** An object with any keys that fit `name`, each with a value that fits `encode`. */
export function recordEncoder(encode: Encoder, name: Encoder = anyName): Encoder {
  return (value, depth, misfit) => {
    if (!isPlain(value)) return fail(misfit, NOT_PLAIN)
    if (depth > PAYLOAD_DEPTH_MAX) return fail(misfit, TOO_DEEP)
    let bytes = ''
    for (const key of canonicalOrder(Object.keys(value))) {
      const open = name(key, depth, misfit)
      if (open === undefined) return fail(misfit, `has a key that ${misfit.why}`)
      const encoded = encode(value[key], depth + 1, misfit)
      if (encoded === undefined) return within(misfit, key)
      bytes += bytes === '' ? `${open}:${encoded}` : `,${open}:${encoded}`
      if (bytes.length > EVENT_BYTES_MAX) return tooLarge(misfit)
    }
    return `{${bytes}}`
  }
}

/** Sorts in place by UTF-16 units (RFC 8785 §3.2.3); most objects are sorted as they come. */
function canonicalOrder(keys: string[]): readonly string[] {
  for (let at = 1; at < keys.length; at += 1) {
    if ((keys[at - 1] as string) > (keys[at] as string)) return keys.sort()
  }
  return keys
}

/** An array of items that fit `encode`. @units `min` and `max` count items */
export function arrayEncoder(encode: Encoder, min: number, max: number): Encoder {
  return (value, depth, misfit) => {
    if (!Array.isArray(value) || Object.getPrototypeOf(value) !== Array.prototype) {
      return fail(misfit, 'is not an array')
    }
    if (depth > PAYLOAD_DEPTH_MAX) return fail(misfit, TOO_DEEP)
    const { length } = value
    if (length < min || length > max) return fail(misfit, `has ${length} items`)
    let bytes = ''
    for (let at = 0; at < length; at += 1) {
      const encoded = encode(value[at], depth + 1, misfit)
      if (encoded === undefined) return within(misfit, String(at))
      bytes += at === 0 ? encoded : `,${encoded}`
      if (bytes.length > EVENT_BYTES_MAX) return tooLarge(misfit)
    }
    return `[${bytes}]`
  }
}

/** What a string must be. */
export interface StringRules {
  /** @units code points, as JSON Schema counts them */
  readonly min: number
  readonly max: number
  readonly pattern: RegExp | undefined
}

/** A string. */
export function stringEncoder({ min, max, pattern }: StringRules): Encoder {
  return (value, _depth, misfit) => {
    if (typeof value !== 'string') return fail(misfit, 'is not a string')
    // A code point is one UTF-16 unit or two: counting is needed only near a bound.
    const { length } = value
    if (length > max || length < 2 * min) {
      const points = length > 2 * max ? length : codePoints(value)
      if (points < min || points > max) return fail(misfit, `has ${points} characters`)
    }
    if (pattern !== undefined && !pattern.test(value)) {
      return fail(misfit, `does not match ${pattern.source}`)
    }
    return checkedText(value, misfit)
  }
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

function checkedText(value: string, misfit: Misfit): string | undefined {
  // A UTF-16 unit is at most three bytes of UTF-8: most strings need no count.
  if (value.length * 3 > INLINE_STRING_BYTES_MAX) {
    const { length } = value
    if (length > INLINE_STRING_BYTES_MAX || Buffer.byteLength(value) > INLINE_STRING_BYTES_MAX) {
      return fail(misfit, `is longer than ${INLINE_STRING_BYTES_MAX} bytes: keep it in a blob`)
    }
  }
  return encodeText(value) ?? fail(misfit, 'is not well-formed Unicode')
}

/** RFC 8785 §3.2.2.2, or `undefined` for a lone surrogate. */
export function encodeText(value: string): string | undefined {
  if (isPlainText(value)) return `"${value}"`
  return value.isWellFormed() ? JSON.stringify(value) : undefined
}

function anyName(value: unknown, _depth: number, misfit: Misfit): string | undefined {
  return checkedText(value as string, misfit)
}

/** What a number must be; bounds that are not given are infinite. */
export interface NumberRules {
  readonly integer: boolean
  readonly min: number
  readonly max: number
  readonly above: number
  readonly below: number
}

/** A number that JSON carries exactly. */
export function numberEncoder({ integer, min, max, above, below }: NumberRules): Encoder {
  return (value, _depth, misfit) => {
    if (typeof value !== 'number') return fail(misfit, 'is not a number')
    if (!Number.isSafeInteger(value)) {
      if (integer) return fail(misfit, 'is not a safe integer')
      if (!Number.isFinite(value) || isWrittenInFull(value)) {
        return fail(misfit, 'is not a number that JSON carries exactly')
      }
    }
    if (value < min || value > max || !(value > above && value < below)) {
      return fail(misfit, `is out of range: ${value}`)
    }
    return String(value)
  }
}

/** An integer that ECMAScript writes digit by digit: past 2^53 readers would round it. */
function isWrittenInFull(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 1e21
}

/** One of these values, given with their canonical texts. */
export function enumEncoder(texts: ReadonlyMap<unknown, string>): Encoder {
  const names = [...texts.values()].join(', ')
  return (value, _depth, misfit) => texts.get(value) ?? fail(misfit, `is none of ${names}`)
}

/** The first branch that fits; told of is the branch that came furthest. */
export function anyOfEncoder(branches: readonly Encoder[]): Encoder {
  return (value, depth, misfit) => {
    let furthest: Misfit | undefined
    for (const branch of branches) {
      const attempt = noMisfit()
      const encoded = branch(value, depth, attempt)
      if (encoded !== undefined) return encoded
      if (furthest === undefined || isFurther(attempt, furthest)) furthest = attempt
      if (attempt.tooLarge) break
    }
    return adopt(misfit, furthest ?? noMisfit())
  }
}

/** The one branch that fits; a value that fits two fits none. */
export function oneOfEncoder(branches: readonly Encoder[]): Encoder {
  const anyOf = anyOfEncoder(branches)
  return (value, depth, misfit) => {
    const fitting: string[] = []
    for (const branch of branches) {
      const encoded = branch(value, depth, noMisfit())
      if (encoded !== undefined) fitting.push(encoded)
    }
    if (fitting.length > 1) return fail(misfit, 'fits more than one of the alternatives')
    return fitting[0] ?? anyOf(value, depth, misfit)
  }
}

function isFurther(attempt: Misfit, other: Misfit): boolean {
  return attempt.tooLarge || attempt.path.length > other.path.length
}

function adopt(misfit: Misfit, from: Misfit): undefined {
  misfit.why = from.why
  misfit.tooLarge = from.tooLarge
  misfit.path.push(...from.path)
  return undefined
}

/** `true` or `false`. */
export function encodeBoolean(value: unknown, _depth: number, misfit: Misfit): string | undefined {
  return value === true ? 'true' : value === false ? 'false' : fail(misfit, 'is not a boolean')
}

/** `null`. */
export function encodeNull(value: unknown, _depth: number, misfit: Misfit): string | undefined {
  return value === null ? 'null' : fail(misfit, 'is not null')
}

/** Any JSON, by the same rules as what is declared. */
export function encodeAny(value: unknown, depth: number, misfit: Misfit): string | undefined {
  switch (typeof value) {
    case 'string':
      return checkedText(value, misfit)
    case 'number':
      return anyNumber(value, depth, misfit)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return (Array.isArray(value) ? anyArray : anyRecord)(value, depth, misfit)
    default:
      return fail(misfit, `is ${typeof value}, which JSON does not have`)
  }
}

const anyNumber: Encoder = numberEncoder({
  integer: false,
  min: Number.NEGATIVE_INFINITY,
  max: Number.POSITIVE_INFINITY,
  above: Number.NEGATIVE_INFINITY,
  below: Number.POSITIVE_INFINITY,
})
const anyArray: Encoder = arrayEncoder(encodeAny, 0, Number.MAX_SAFE_INTEGER)
const anyRecord: Encoder = recordEncoder(encodeAny)

const NOT_PLAIN = 'is not a plain object'
const TOO_DEEP: string = `is nested deeper than ${PAYLOAD_DEPTH_MAX} levels`

function fail(misfit: Misfit, why: string): undefined {
  misfit.why = why
  return undefined
}

function tooLarge(misfit: Misfit): undefined {
  misfit.tooLarge = true
  return fail(misfit, `is larger than the ${EVENT_BYTES_MAX} bytes of an event`)
}

function within(misfit: Misfit, key: string): undefined {
  misfit.path.push(key)
  return undefined
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
