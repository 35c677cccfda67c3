/**
 * Schemas of arguments: the part of JSON Schema 2020-12 that is decided in bounded time.
 *
 *     schema  = true | false | { keyword: value, … }
 *     any     = type  enum  const  allOf  anyOf  not
 *     object  = properties  required  additionalProperties  minProperties  maxProperties
 *     list    = prefixItems  items  minItems  maxItems
 *     text    = minLength  maxLength                          ; code points
 *     number  = minimum  maximum  exclusiveMinimum  exclusiveMaximum  multipleOf
 *     note    = $schema  $comment  title  description         ; say nothing
 *
 * 1. A keyword that is not in this list makes the whole schema unusable. JSON Schema would ignore
 *    it; a caveat was written to narrow, and ignoring a part of it would widen.
 * 2. No `pattern` and no `format`: nobody can say how long a regular expression takes. No `$ref`:
 *    a schema is a tree, so it meets each value at most once for each of its places.
 * 3. `multipleOf` takes integers: the remainder of two doubles is exact for these.
 * 4. Names of members are own ones only: `constructor` and `__proto__` are names like any other.
 *
 * The trap: a keyword speaks of values of its own type alone. `{ "required": ["path"] }` holds for
 * every text and list; `{ "type": "object", "required": ["path"] }` is what is meant.
 */
import { SCHEMA_DEPTH_MAX, SCHEMA_NODES_MAX } from './limits.ts'
import { isRecord, own } from './plain.ts'
import { clip, shown } from './text.ts'

/** The names of types, as `type` has them. */
export const SCHEMA_TYPES: readonly string[] = Object.freeze([
  'null',
  'boolean',
  'object',
  'array',
  'number',
  'integer',
  'string',
])

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** Where in a schema a check is. */
interface Place {
  readonly pointer: string
  readonly depth: number
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isText = (value: unknown): boolean => typeof value === 'string'
const isStep = (value: unknown): boolean => isCount(value) && value !== 0
const isUnique = (values: readonly unknown[]): boolean => new Set(values).size === values.length

/** What the value of a keyword is that holds no schema. */
interface Plain {
  readonly wanted: string
  isRight(value: unknown): boolean
}

const COUNT: Plain = { wanted: 'a count', isRight: isCount }
const NUMBER: Plain = { wanted: 'a number', isRight: Number.isFinite }
const TEXT: Plain = { wanted: 'text', isRight: isText }

const PLAIN: ReadonlyMap<string, Plain> = new Map<string, Plain>([
  ['type', { wanted: `of ${SCHEMA_TYPES.join(', ')}`, isRight: isTypeList }],
  ['enum', { wanted: 'a list of values, not empty', isRight: isFilled }],
  ['const', { wanted: 'a value', isRight: () => true }],
  ['required', { wanted: 'a list of names, each once', isRight: isNameList }],
  ['minProperties', COUNT],
  ['maxProperties', COUNT],
  ['minItems', COUNT],
  ['maxItems', COUNT],
  ['minLength', COUNT],
  ['maxLength', COUNT],
  ['minimum', NUMBER],
  ['maximum', NUMBER],
  ['exclusiveMinimum', NUMBER],
  ['exclusiveMaximum', NUMBER],
  ['multipleOf', { wanted: 'an integer above 0', isRight: isStep }],
  ['$schema', { wanted: shown(DIALECT), isRight: (value) => value === DIALECT }],
  ['$comment', TEXT],
  ['title', TEXT],
  ['description', TEXT],
])

const NESTED: ReadonlyMap<string, (value: unknown, at: Place) => string | undefined> = new Map([
  ['allOf', schemasFault],
  ['anyOf', schemasFault],
  ['not', faultAt],
  ['properties', propertiesFault],
  ['additionalProperties', faultAt],
  ['prefixItems', schemasFault],
  ['items', faultAt],
])

/** Why this is no schema of the part that is decided here, or `undefined`. Total over JSON. */
export function schemaFault(schema: unknown): string | undefined {
  if (!isRecord(schema)) return `it is an object, not ${shown(schema)}`
  if (sizeOf(schema, SCHEMA_NODES_MAX) > SCHEMA_NODES_MAX) {
    return `it has at most ${SCHEMA_NODES_MAX} values`
  }
  return faultAt(schema, { pointer: '', depth: 0 })
}

function faultAt(schema: unknown, { pointer, depth }: Place): string | undefined {
  if (typeof schema === 'boolean') return undefined
  if (!isRecord(schema)) return wrong(pointer, 'a schema')
  if (depth > SCHEMA_DEPTH_MAX) return `it has at most ${SCHEMA_DEPTH_MAX} schemas within schemas`
  for (const keyword of Object.keys(schema)) {
    const at = `${pointer}/${clip(keyword)}`
    const value = own(schema, keyword)
    const [plain, nested] = [PLAIN.get(keyword), NESTED.get(keyword)]
    if (plain === undefined && nested === undefined) {
      return `the keyword at ${shown(at)} is not decided here`
    }
    if (plain?.isRight(value) === false) return wrong(at, plain.wanted)
    const fault = nested?.(value, { pointer: at, depth: depth + 1 })
    if (fault !== undefined) return fault
  }
  return undefined
}

function wrong(pointer: string, wanted: string): string {
  return `what stands at ${shown(pointer)} is not ${wanted}`
}

function isFilled(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0
}

function isTypeList(value: unknown): boolean {
  const types = typeof value === 'string' ? [value] : value
  const isKnown = (type: unknown): boolean => SCHEMA_TYPES.includes(type as string)
  return isFilled(types) && types.every(isKnown) && isUnique(types)
}

function isNameList(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText) && isUnique(value)
}

function schemasFault(value: unknown, { pointer, depth }: Place): string | undefined {
  if (!isFilled(value)) return wrong(pointer, 'a list of schemas, not empty')
  return firstFault(
    value.map((schema, i) => [`${pointer}/${i}`, schema]),
    depth,
  )
}

function propertiesFault(value: unknown, { pointer, depth }: Place): string | undefined {
  if (!isRecord(value)) return wrong(pointer, 'an object of schemas')
  const named = Object.entries(value)
  return firstFault(
    named.map(([name, schema]) => [`${pointer}/${clip(name)}`, schema]),
    depth,
  )
}

function firstFault(
  schemas: readonly (readonly [pointer: string, schema: unknown])[],
  depth: number,
): string | undefined {
  for (const [pointer, schema] of schemas) {
    const fault = faultAt(schema, { pointer, depth })
    if (fault !== undefined) return fault
  }
  return undefined
}

/** How many values there are, containers and members counted; stops soon after `max`. */
function sizeOf(value: unknown, max: number): number {
  let size = 0
  const pending: unknown[] = [value]
  for (let next = pending.pop(); next !== undefined && size <= max; next = pending.pop()) {
    size += 1
    if (typeof next === 'object' && next !== null) {
      for (const member of Object.values(next)) pending.push(member)
    }
  }
  return size
}
