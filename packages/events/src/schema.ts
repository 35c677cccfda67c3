/// <reference lib="es2024.string" />
/**
 * Payload schemas: JSON Schema compiled to an encoder.
 *
 * Only the structural part of JSON Schema 2020-12 is taken. A keyword that is not understood is
 * refused, never ignored: a rule that nobody enforces is a lie, and the log is read by programs
 * that have only the schema. So what an encoder accepts is exactly what the schema says, and the
 * bytes are RFC 8785 without a sort at run time: keys are ordered when the schema is read.
 */

import { canonicalize, type JsonObject, type JsonValue } from '@ice/primitives'
import {
  anyOfEncoder,
  arrayEncoder,
  type Encoder,
  encodeAny,
  encodeBoolean,
  encodeNull,
  encodeText,
  enumEncoder,
  type Misfit,
  noMisfit,
  numberEncoder,
  objectEncoder,
  oneOfEncoder,
  recordEncoder,
  stringEncoder,
} from './encoders.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import { COUNT_MAX } from './limits.ts'

/** Checks a payload and gives its canonical JSON. */
export type PayloadEncoder = (value: unknown) => string

/**
 * Compiles the schema of a payload.
 *
 * The encoder throws `ICE_EVENTS_PAYLOAD_VIOLATION` with the JSON pointer of the first misfit, or
 * `ICE_EVENTS_EVENT_LIMIT` for a payload that no event can hold.
 *
 * @throws `ICE_EVENTS_DECLARATION_UNSUPPORTED` — a keyword or a form that is not taken
 */
export function compilePayload(schema: JsonObject, type: string): PayloadEncoder {
  const encode = compile(schema, { root: schema, type, refs: new Map() }, '#')
  return (value) => {
    const misfit = noMisfit()
    let bytes: string | undefined
    try {
      bytes = encode(value, 1, misfit)
    } catch (cause) {
      // A getter or a proxy of the caller threw: whatever it was, the payload cannot be read.
      throw payloadError(type, { ...misfit, why: 'threw while it was read' }, cause)
    }
    if (bytes === undefined) throw payloadError(type, misfit)
    return bytes
  }
}

function payloadError(type: string, misfit: Misfit, cause?: unknown): EventsError {
  const steps = misfit.path.toReversed().map((key) => key.slice(0, STEP_CHARACTERS_MAX))
  const pointer = steps
    .map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('')
    .toWellFormed()
  const where = pointer === '' ? 'the payload' : pointer
  const code = misfit.tooLarge ? EVENTS_CODES.eventLimit : EVENTS_CODES.payload
  const why = misfit.why.slice(0, WHY_CHARACTERS_MAX).toWellFormed()
  return new EventsError(code, `${type}: ${where} ${why}`, { type, pointer, why }, cause)
}

/** What a hostile key may take of an error: enough to find the place. */
const STEP_CHARACTERS_MAX = 128
const WHY_CHARACTERS_MAX = 512

interface Compilation {
  readonly root: JsonObject
  readonly type: string
  /** Compiled references, so that a schema may contain itself. */
  readonly refs: Map<string, Encoder>
}

type Compiler = (schema: JsonObject, c: Compilation, at: string) => Encoder

/** Keywords that say nothing about values. */
const ANNOTATIONS = new Set(['$schema', 'title', 'description', 'examples', '$comment', 'id'])

function compile(schema: JsonValue | undefined, c: Compilation, at: string): Encoder {
  if (!isObject(schema)) return refuse(c, at, 'is not a schema object')
  if (typeof schema['$ref'] === 'string') return compileRef(schema, c, at)
  if ('const' in schema) return compileEnum(schema, [schema['const'] ?? null], c, at)
  if ('anyOf' in schema) return anyOfEncoder(branches(schema, 'anyOf', c, at))
  if ('oneOf' in schema) return oneOfEncoder(branches(schema, 'oneOf', c, at))
  if (Array.isArray(schema['enum'])) return compileEnum(schema, schema['enum'], c, at)
  if (!('type' in schema)) {
    allow(schema, [], c, at)
    return encodeAny
  }
  const { type } = schema
  if (Array.isArray(type)) {
    allow(schema, ['type'], c, at)
    return anyOfEncoder(type.map((one) => compile({ type: one }, c, at)))
  }
  const compiler = COMPILERS.get(type)
  return compiler === undefined
    ? refuse(c, at, `has the type ${JSON.stringify(type)}`)
    : compiler(schema, c, at)
}

const COMPILERS: ReadonlyMap<unknown, Compiler> = new Map<unknown, Compiler>([
  ['object', compileObject],
  ['array', compileArray],
  ['string', compileString],
  ['number', compileNumber],
  ['integer', compileNumber],
  ['boolean', plain(encodeBoolean)],
  ['null', plain(encodeNull)],
])

function plain(encoder: Encoder): Compiler {
  return (schema, c, at) => {
    allow(schema, ['type'], c, at)
    return encoder
  }
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
    if (ANNOTATIONS.has(key) || names.includes(key) || (key === '$defs' && at === '#')) continue
    refuse(c, at, `uses "${key}", which payload schemas do not have there`)
  }
}

function branches(
  schema: JsonObject,
  keyword: 'anyOf' | 'oneOf',
  c: Compilation,
  at: string,
): readonly Encoder[] {
  allow(schema, [keyword], c, at)
  const list = schema[keyword]
  if (!Array.isArray(list) || list.length === 0) return refuse(c, at, `has no list in "${keyword}"`)
  return list.map((branch: JsonValue, i) => compile(branch, c, `${at}/${keyword}/${i}`))
}

function compileRef(schema: JsonObject, c: Compilation, at: string): Encoder {
  allow(schema, ['$ref'], c, at)
  const ref = schema['$ref'] as string
  const defs = c.root['$defs']
  const name = ref.startsWith('#/$defs/') ? ref.slice(8) : ''
  const target =
    ref === '#' ? c.root : isObject(defs) && Object.hasOwn(defs, name) ? defs[name] : undefined
  if (target === undefined) return refuse(c, at, `refers to ${ref}, which is not there`)
  // Entered before it is compiled: a reference within it finds the way back to itself.
  if (!c.refs.has(ref)) {
    c.refs.set(ref, (value, depth, misfit) => encoder(value, depth, misfit))
    const encoder = compile(target, c, ref)
    c.refs.set(ref, encoder)
  }
  return c.refs.get(ref) as Encoder
}

function compileObject(schema: JsonObject, c: Compilation, at: string): Encoder {
  const declared = schema['properties']
  const extra = schema['additionalProperties']
  if (!isObject(declared) || Object.keys(declared).length === 0) {
    if (extra === false) {
      allow(schema, ['type', 'properties', 'additionalProperties'], c, at)
      return objectEncoder([])
    }
    return compileRecord(schema, c, at)
  }
  allow(schema, ['type', 'properties', 'required', 'additionalProperties'], c, at)
  if (extra !== false) refuse(c, at, 'must forbid properties it does not name (z.strictObject)')
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const properties = Object.keys(declared)
    .sort()
    .map((key) => ({
      key,
      open: `${encodeText(key) ?? refuse(c, at, 'names a property in ill-formed Unicode')}:`,
      required: required.includes(key),
      encode: compile(declared[key], c, `${at}/${key}`),
    }))
  return objectEncoder(properties)
}

function compileRecord(schema: JsonObject, c: Compilation, at: string): Encoder {
  allow(schema, ['type', 'properties', 'additionalProperties', 'propertyNames'], c, at)
  const extra = schema['additionalProperties']
  const names = schema['propertyNames']
  const values = isObject(extra) ? compile(extra, c, `${at}/*`) : encodeAny
  if (names === undefined || isAnyString(names)) return recordEncoder(values)
  return recordEncoder(values, compile(names, c, `${at}/propertyNames`))
}

function isAnyString(schema: JsonValue): boolean {
  return isObject(schema) && schema['type'] === 'string' && Object.keys(schema).length === 1
}

function compileArray(schema: JsonObject, c: Compilation, at: string): Encoder {
  allow(schema, ['type', 'items', 'minItems', 'maxItems'], c, at)
  const encode = 'items' in schema ? compile(schema['items'], c, `${at}/[]`) : encodeAny
  return arrayEncoder(
    encode,
    numberOr(schema['minItems'], 0),
    numberOr(schema['maxItems'], COUNT_MAX),
  )
}

function compileString(schema: JsonObject, c: Compilation, at: string): Encoder {
  allow(schema, ['type', 'minLength', 'maxLength', 'pattern', 'format'], c, at)
  const { pattern } = schema
  if ('format' in schema && typeof pattern !== 'string') {
    refuse(c, at, `uses "format": ${JSON.stringify(schema['format'])} without a pattern`)
  }
  return stringEncoder({
    min: numberOr(schema['minLength'], 0),
    max: numberOr(schema['maxLength'], COUNT_MAX),
    pattern: typeof pattern === 'string' ? regexp(pattern, c, at) : undefined,
  })
}

function regexp(pattern: string, c: Compilation, at: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch (cause) {
    return refuse(c, at, `has a pattern that is none: ${String(cause)}`)
  }
}

function compileNumber(schema: JsonObject, c: Compilation, at: string): Encoder {
  const bounds = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']
  allow(schema, ['type', ...bounds], c, at)
  return numberEncoder({
    integer: schema['type'] === 'integer',
    min: numberOr(schema['minimum'], Number.NEGATIVE_INFINITY),
    max: numberOr(schema['maximum'], Number.POSITIVE_INFINITY),
    above: numberOr(schema['exclusiveMinimum'], Number.NEGATIVE_INFINITY),
    below: numberOr(schema['exclusiveMaximum'], Number.POSITIVE_INFINITY),
  })
}

function compileEnum(
  schema: JsonObject,
  values: readonly JsonValue[],
  c: Compilation,
  at: string,
): Encoder {
  allow(schema, ['type', 'const', 'enum'], c, at)
  if (values.some((value) => typeof value === 'object' && value !== null)) {
    return refuse(c, at, 'has a compound constant')
  }
  return enumEncoder(new Map(values.map((value) => [value, canonicalize(value)])))
}

function numberOr(value: JsonValue | undefined, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
