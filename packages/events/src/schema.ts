/// <reference lib="es2024.string" />
/**
 * Payload schemas: JSON Schema compiled to a function that checks a value and writes its canonical
 * bytes in one pass.
 *
 * 1. What was checked is what is written: every property is read once, so a getter cannot show one
 *    value to the check and another to the log.
 * 2. The bytes are RFC 8785 without a sort at run time: keys are ordered when the schema is read.
 * 3. No code is generated: the same closures run where `new Function` is forbidden.
 *
 * Only the structural part of JSON Schema 2020-12 is taken. A keyword that is not understood is
 * refused when the type is declared, never ignored: a rule that nobody enforces is a lie.
 */

import { canonicalize, IceError, type JsonObject, type JsonValue } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from './errors.ts'
import { INLINE_STRING_BYTES_MAX, PAYLOAD_DEPTH_MAX } from './limits.ts'

/** Why a value does not fit, and where. Keys are collected from the inside out. */
interface Misfit {
  why: string
  path: string[]
}

/** Returns canonical JSON, or `undefined` after having described the misfit. */
type Encoder = (value: unknown, depth: number, misfit: Misfit) => string | undefined

/** Checks a payload and gives its canonical JSON. */
export type PayloadEncoder = (value: unknown) => string

/** Compiles the schema of a payload. @throws `ICE_EVENTS_DECLARATION_UNSUPPORTED` */
export function compilePayload(schema: JsonObject, type: string): PayloadEncoder {
  const encode = compile(schema, { root: schema, type, cache: new Map() }, '#')
  return (value) => {
    const misfit: Misfit = { why: '', path: [] }
    const bytes = encode(value, 1, misfit)
    if (bytes !== undefined) return bytes
    const pointer = misfit.path
      .reverse()
      .map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
      .join('')
    const where = pointer === '' ? 'the payload' : pointer
    throw new EventsError(
      EVENTS_CODES.payload,
      `${type}: ${where} ${misfit.why}`,
      { type, pointer, why: misfit.why },
    )
  }
}

interface Compilation {
  readonly root: JsonObject
  readonly type: string
  readonly cache: Map<string, Encoder>
}

const IGNORED = new Set(['$schema', 'title', 'description', 'examples', '$defs', 'format', 'id'])

function compile(schema: JsonValue | undefined, c: Compilation, at: string): Encoder {
  if (!isObject(schema)) return refuse(c, at, 'is not a schema object')
  const keys = Object.keys(schema).filter((key) => !IGNORED.has(key))
  const first = keys[0]
  if (first === undefined) return encodeAny
  const ref = schema['$ref']
  if (typeof ref === 'string') return compileRef(ref, c, at)
  if ('const' in schema) return compileEnum([schema['const'] ?? null], c, at)
  const anyOf = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(anyOf)) {
    return encodeAnyOf(anyOf.map((branch, i) => compile(branch, c, `${at}/anyOf/${i}`)))
  }
  if (Array.isArray(schema['enum'])) return compileEnum(schema['enum'], c, at)
  const compiler = COMPILERS[String(schema['type'])]
  return compiler === undefined
    ? refuse(c, at, `uses "${first}", which payload schemas do not have`)
    : compiler(schema, c, at)
}

const COMPILERS: Readonly<Record<string, (s: JsonObject, c: Compilation, at: string) => Encoder>> =
  {
    __proto__: null as never,
    object: compileObject,
    array: compileArray,
    string: compileString,
    number: compileNumber,
    integer: compileNumber,
    boolean: () => encodeBoolean,
    null: () => encodeNull,
  }

function refuse(c: Compilation, at: string, why: string): never {
  throw new EventsError(EVENTS_CODES.declaration, `${c.type}: the schema at ${at} ${why}`, {
    type: c.type,
    at,
    why,
  })
}

function allow(schema: JsonObject, names: readonly string[], c: Compilation, at: string): void {
  for (const key of Object.keys(schema)) {
    if (key === 'type' || IGNORED.has(key) || names.includes(key)) continue
    refuse(c, at, `uses "${key}", which payload schemas do not have`)
  }
}

function compileRef(ref: string, c: Compilation, at: string): Encoder {
  const name = ref === '#' ? '' : ref.startsWith('#/$defs/') ? ref.slice(8) : undefined
  const defs = c.root['$defs']
  const target =
    name === '' ? c.root : isObject(defs) && name !== undefined ? defs[name] : undefined
  if (target === undefined) return refuse(c, at, `refers to ${ref}, which is not there`)
  // Compiled on first use, so that a schema may contain itself; depth is bounded by the walk.
  return (value, depth, misfit) => {
    let encoder = c.cache.get(ref)
    if (encoder === undefined) {
      encoder = compile(target, c, ref)
      c.cache.set(ref, encoder)
    }
    return encoder(value, depth, misfit)
  }
}

interface Property {
  readonly key: string
  readonly open: string
  readonly required: boolean
  /** `Object.prototype` has such a name, so presence must be asked of the object itself. */
  readonly shadowed: boolean
  readonly encode: Encoder
}

function compileObject(schema: JsonObject, c: Compilation, at: string): Encoder {
  allow(schema, ['properties', 'required', 'additionalProperties', 'propertyNames'], c, at)
  const declared = schema['properties']
  const extra = schema['additionalProperties']
  if (!isObject(declared) || Object.keys(declared).length === 0) {
    if (extra === false) return encodeObject([])
    return encodeRecord(isObject(extra) ? compile(extra, c, `${at}/*`) : encodeAny)
  }
  if (extra !== false) refuse(c, at, 'must forbid properties it does not name (z.strictObject)')
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const properties = Object.keys(declared)
    .sort()
    .map((key) => ({
      key,
      open: `${JSON.stringify(key)}:`,
      required: required.includes(key),
      shadowed: key in Object.prototype,
      encode: compile(declared[key], c, `${at}/${key}`),
    }))
  return encodeObject(properties)
}

function encodeObject(properties: readonly Property[]): Encoder {
  return (value, depth, misfit) => {
    if (!isPlain(value)) return fail(misfit, 'is not a plain object')
    if (depth > PAYLOAD_DEPTH_MAX) return fail(misfit, tooDeep)
    let bytes = ''
    let seen = 0
    for (const property of properties) {
      const { key } = property
      const item =
        property.shadowed && !Object.hasOwn(value, key) ? undefined : (value[key] as unknown)
      if (item === undefined) {
        if (property.required) return fail(misfit, `lacks "${key}"`)
        continue
      }
      seen += 1
      const encoded = property.encode(item, depth + 1, misfit)
      if (encoded === undefined) return within(misfit, key)
      bytes += bytes === '' ? property.open + encoded : `,${property.open}${encoded}`
    }
    let present = 0
    for (const _ in value) present += 1
    if (present !== seen) {
      const stranger = findStranger(value, properties)
      if (stranger !== undefined) return fail(misfit, `has "${stranger}", which is not declared`)
    }
    return `{${bytes}}`
  }
}

/** An own key that no property declares; an optional property set to `undefined` is none. */
function findStranger(
  value: Record<string, unknown>,
  properties: readonly Property[],
): string | undefined {
  return Object.keys(value).find((key) => !properties.some((property) => property.key === key))
}

function encodeRecord(encode: Encoder): Encoder {
  return (value, depth, misfit) => {
    if (!isPlain(value)) return fail(misfit, 'is not a plain object')
    if (depth > PAYLOAD_DEPTH_MAX) return fail(misfit, tooDeep)
    const parts: string[] = []
    for (const key of Object.keys(value).sort()) {
      const name = encodeText(key)
      if (name === undefined) return fail(misfit, 'has a key that is not well-formed Unicode')
      const encoded = encode(value[key], depth + 1, misfit)
      if (encoded === undefined) return within(misfit, key)
      parts.push(`${name}:${encoded}`)
    }
    return `{${parts.join(',')}}`
  }
}

function compileArray(schema: JsonObject, c: Compilation, at: string): Encoder {
  allow(schema, ['items', 'minItems', 'maxItems'], c, at)
  const encode = 'items' in schema ? compile(schema['items'], c, `${at}/[]`) : encodeAny
  const min = numberOr(schema['minItems'], 0)
  const max = numberOr(schema['maxItems'], Number.MAX_SAFE_INTEGER)
  return (value, depth, misfit) => {
    if (!Array.isArray(value)) return fail(misfit, 'is not an array')
    if (depth > PAYLOAD_DEPTH_MAX) return fail(misfit, tooDeep)
    const { length } = value
    if (length < min || length > max) return fail(misfit, `has ${length} items`)
    let bytes = ''
    for (let i = 0; i < length; i += 1) {
      const encoded = encode(value[i], depth + 1, misfit)
      if (encoded === undefined) return within(misfit, String(i))
      bytes += i === 0 ? encoded : `,${encoded}`
    }
    return `[${bytes}]`
  }
}

function compileString(schema: JsonObject, c: Compilation, at: string): Encoder {
  allow(schema, ['minLength', 'maxLength', 'pattern'], c, at)
  const min = numberOr(schema['minLength'], 0)
  const max = numberOr(schema['maxLength'], Number.MAX_SAFE_INTEGER)
  const pattern = schema['pattern']
  const regexp = typeof pattern === 'string' ? new RegExp(pattern, 'u') : undefined
  return (value, _depth, misfit) => {
    if (typeof value !== 'string') return fail(misfit, 'is not a string')
    if (value.length < min || value.length > max) {
      return fail(misfit, `has ${value.length} characters`)
    }
    if (regexp !== undefined && !regexp.test(value)) return fail(misfit, `is not ${pattern}`)
    return checkedText(value, misfit)
  }
}

function checkedText(value: string, misfit: Misfit): string | undefined {
  // A UTF-16 unit is at most three bytes of UTF-8: most strings need no count.
  if (value.length * 3 > INLINE_STRING_BYTES_MAX) {
    if (Buffer.byteLength(value) > INLINE_STRING_BYTES_MAX) {
      return fail(misfit, `is longer than ${INLINE_STRING_BYTES_MAX} bytes: keep it in a blob`)
    }
  }
  return encodeText(value) ?? fail(misfit, 'is not well-formed Unicode')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON must escape
const NEEDS_CARE = /[\u0000-\u001f"\\\ud800-\udfff]/

/** RFC 8785 §3.2.2.2, or `undefined` for a lone surrogate. */
export function encodeText(value: string): string | undefined {
  if (!NEEDS_CARE.test(value)) return `"${value}"`
  return value.isWellFormed() ? JSON.stringify(value) : undefined
}

function compileNumber(schema: JsonObject, c: Compilation, at: string): Encoder {
  allow(schema, ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'], c, at)
  const integer = schema['type'] === 'integer'
  const min = numberOr(schema['minimum'], Number.NEGATIVE_INFINITY)
  const max = numberOr(schema['maximum'], Number.POSITIVE_INFINITY)
  const above = numberOr(schema['exclusiveMinimum'], Number.NEGATIVE_INFINITY)
  const below = numberOr(schema['exclusiveMaximum'], Number.POSITIVE_INFINITY)
  return (value, _depth, misfit) => {
    if (typeof value !== 'number') return fail(misfit, 'is not a number')
    if (!Number.isSafeInteger(value)) {
      if (integer) return fail(misfit, 'is not a safe integer')
      if (!Number.isFinite(value) || Number.isInteger(value)) {
        return fail(misfit, 'is not a number that JSON carries exactly')
      }
    }
    if (value < min || value > max || !(value > above && value < below)) {
      return fail(misfit, `is out of range: ${value}`)
    }
    return String(value)
  }
}

function compileEnum(values: readonly JsonValue[], c: Compilation, at: string): Encoder {
  const encoded = new Map<unknown, string>()
  for (const value of values) {
    if (typeof value === 'object' && value !== null) refuse(c, at, 'has a compound constant')
    encoded.set(value, canonicalize(value))
  }
  const names = [...encoded.values()].join(', ')
  return (value, _depth, misfit) => encoded.get(value) ?? fail(misfit, `is none of ${names}`)
}

function encodeAnyOf(branches: readonly Encoder[]): Encoder {
  return (value, depth, misfit) => {
    let deepest: Misfit | undefined
    for (const branch of branches) {
      const attempt: Misfit = { why: '', path: [] }
      const encoded = branch(value, depth, attempt)
      if (encoded !== undefined) return encoded
      if (deepest === undefined || attempt.path.length > deepest.path.length) deepest = attempt
    }
    misfit.why = deepest?.why ?? 'fits none of the alternatives'
    misfit.path.push(...(deepest?.path ?? []))
    return undefined
  }
}

/** Any JSON: bounded by the event's size, refused by the rules of canonical JSON. */
function encodeAny(value: unknown, depth: number, misfit: Misfit): string | undefined {
  if (!fitsWithin(value, PAYLOAD_DEPTH_MAX - depth + 1)) return fail(misfit, tooDeep)
  try {
    return canonicalize(value)
  } catch (error) {
    if (!(error instanceof IceError)) throw error
    return fail(misfit, error.message)
  }
}

/** Whether a value nests at most so many levels; stops at the first that goes deeper. */
function fitsWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels <= 0) return false
  return Object.values(value).every((item) => fitsWithin(item, levels - 1))
}

function encodeBoolean(value: unknown, _depth: number, misfit: Misfit): string | undefined {
  return value === true ? 'true' : value === false ? 'false' : fail(misfit, 'is not a boolean')
}

function encodeNull(value: unknown, _depth: number, misfit: Misfit): string | undefined {
  return value === null ? 'null' : fail(misfit, 'is not null')
}

const tooDeep = `is nested deeper than ${PAYLOAD_DEPTH_MAX} levels`

function fail(misfit: Misfit, why: string): undefined {
  misfit.why = why
  return undefined
}

function within(misfit: Misfit, key: string): undefined {
  misfit.path.push(key)
  return undefined
}

function numberOr(value: JsonValue | undefined, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
