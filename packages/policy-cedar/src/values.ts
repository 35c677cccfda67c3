/**
 * JSON as Cedar has it.
 *
 *     text, true, false, a safe integer       as they are
 *     a number with up to 4 decimals          decimal("1.5")
 *     an object                               a record, without its members that are null
 *     a list                                  a set: without order, each value once
 *
 * What Cedar cannot hold (null in a list, a number of more decimals) is refused and not bent: a
 * policy would judge something else than the handler is given.
 *
 * The trap: in Cedar's JSON an object with a member `__entity` *is* an entity. Arguments are
 * written by strangers, so such a name makes them unjudgeable.
 */
import type { JsonObject, JsonValue } from '@ice/primitives'
import { CONTEXT_DEPTH_MAX } from './limits.ts'

/** A value as Cedar reads it from JSON. */
export type CedarValue =
  | string
  | number
  | boolean
  | readonly CedarValue[]
  | { readonly [name: string]: CedarValue }

/** A record of Cedar. */
export type CedarRecord = { readonly [name: string]: CedarValue }

/** Why a value is none of Cedar's. */
export class Unjudgeable extends TypeError {}

const ESCAPES: ReadonlySet<string> = new Set(['__entity', '__extn', '__expr'])
const DECIMAL = /^-?[0-9]{1,14}\.[0-9]{1,4}$/

/** @throws {Unjudgeable} Cedar cannot hold it */
export function recordOf(source: JsonObject, depth: number = 0): CedarRecord {
  if (depth > CONTEXT_DEPTH_MAX) throw new Unjudgeable('it is nested too deeply')
  // Without a prototype `__proto__` is a name like any other.
  const record: Record<string, CedarValue> = Object.create(null)
  for (const [name, value] of Object.entries(source)) {
    if (ESCAPES.has(name)) throw new Unjudgeable(`a member is called ${name}`)
    if (value !== null) record[name] = cedarOf(value, depth)
  }
  return record
}

function cedarOf(value: JsonValue, depth: number): CedarValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return numberOf(value)
    default:
      if (value === null) throw new Unjudgeable('a list holds null')
      return isList(value) ? listOf(value, depth + 1) : recordOf(value, depth + 1)
  }
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function listOf(list: readonly JsonValue[], depth: number): readonly CedarValue[] {
  if (depth > CONTEXT_DEPTH_MAX) throw new Unjudgeable('it is nested too deeply')
  return list.map((item) => cedarOf(item, depth))
}

function numberOf(value: number): CedarValue {
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value
  const text = `${value}`
  if (!DECIMAL.test(text)) throw new Unjudgeable(`a number has no exact decimal: ${text}`)
  return { __extn: { fn: 'decimal', arg: text } }
}
