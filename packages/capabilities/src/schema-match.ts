/**
 * Whether arguments fit a schema, and where they do not.
 *
 * 1. Pure and bounded: every place of the schema meets every value at most once, and the whole
 *    stops after a million steps. What was not judged to its end does not fit.
 * 2. A mismatch says where (RFC 6901) and what would have been enough. It never quotes the value:
 *    a denial is recorded, the arguments are not.
 * 3. Equal is equal as JSON: `1` and `1.0` are one number, the order of members says nothing.
 *
 * The schema is one that `schemaFault` found nothing against, the value plain JSON.
 */
import { canonicalize, type JsonObject, type JsonValue } from '@ice/primitives'
import { MISMATCHES_MAX, REASON_CHARS_MAX, SCHEMA_STEPS_MAX } from './limits.ts'
import { isRecord, own } from './plain.ts'
import { clip, shownList } from './text.ts'

/** One place at which arguments do not fit. */
export interface Mismatch {
  /** RFC 6901, clipped; `''` is the arguments as a whole. */
  readonly pointer: string
  /** What would have been enough there. */
  readonly wanted: string
}

/** One judgement under way. Alternatives share `work` and `path` with it, and find on their own. */
interface Judgement {
  readonly work: { steps: number }
  readonly path: (string | number)[]
  readonly found: Mismatch[]
}

type Schema = JsonValue

/** Where the value does not fit the schema, at most 4 places; none when it fits. Pure. */
export function mismatchesOf(schema: JsonObject, value: JsonValue): readonly Mismatch[] {
  const judgement: Judgement = { work: { steps: SCHEMA_STEPS_MAX }, path: [], found: [] }
  judge(schema, value, judgement)
  if (judgement.work.steps >= 0) return judgement.found
  const wanted = `arguments and a schema that are compared in ${SCHEMA_STEPS_MAX} steps`
  return [{ pointer: '', wanted }]
}

function judge(schema: Schema, value: JsonValue, judgement: Judgement): void {
  judgement.work.steps -= 1
  // What was found suffices to refuse.
  if (judgement.work.steps < 0 || judgement.found.length >= MISMATCHES_MAX) return
  if (typeof schema === 'boolean') {
    if (!schema) miss(judgement, 'nothing here')
    return
  }
  const rules = schema as JsonObject
  judgeValue(rules, value, judgement)
  if (typeof value === 'string') judgeText(rules, value, judgement)
  else if (typeof value === 'number') judgeNumber(rules, value, judgement)
  else if (isList(value)) judgeList(rules, value, judgement)
  else if (isRecord(value)) judgeRecord(rules, value as JsonObject, judgement)
  judgeTogether(rules, value, judgement)
}

function miss({ found, path }: Judgement, wanted: string): void {
  if (found.length < MISMATCHES_MAX) found.push({ pointer: pointerOf(path), wanted })
}

function pointerOf(path: readonly (string | number)[]): string {
  const steps = path.map(
    (step) => `/${clip(String(step)).replace(/~/g, '~0').replace(/\//g, '~1')}`,
  )
  return clip(steps.join(''))
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** The rules that hold for values of any type. */
function judgeValue(rules: JsonObject, value: JsonValue, judgement: Judgement): void {
  const type = own(rules, 'type')
  if (type !== undefined) {
    const types = (typeof type === 'string' ? [type] : type) as readonly string[]
    if (!types.some((each) => isOfType(each, value))) {
      miss(judgement, `of the type ${types.join(' or ')}, not ${typeOf(value)}`)
    }
  }
  if (Object.hasOwn(rules, 'const')) {
    const wanted = rules['const'] as JsonValue
    if (!isEqual(wanted, value, judgement)) miss(judgement, `exactly ${written(wanted)}`)
  }
  const choices = own(rules, 'enum') as readonly JsonValue[] | undefined
  if (choices !== undefined && !choices.some((choice) => isEqual(choice, value, judgement))) {
    miss(judgement, clip(`one of ${choices.map(written).join(', ')}`, REASON_CHARS_MAX))
  }
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function isOfType(type: string, value: JsonValue): boolean {
  return type === 'integer' ? Number.isInteger(value) : type === typeOf(value)
}

function written(value: JsonValue): string {
  return clip(canonicalize(value))
}

function isEqual(a: JsonValue, b: JsonValue, judgement: Judgement): boolean {
  judgement.work.steps -= 1
  if (typeof a === 'string' && typeof b === 'string' && a.length === b.length) {
    judgement.work.steps -= a.length >> 5
    return a === b
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (isList(a) || isList(b)) {
    if (!isList(a) || !isList(b) || a.length !== b.length) return false
    return a.every((item, i) => isEqual(item, b[i] as JsonValue, judgement))
  }
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every(
    (name) =>
      Object.hasOwn(b, name) && isEqual(a[name] as JsonValue, b[name] as JsonValue, judgement),
  )
}

/** A bound of the rules, where they have it. */
function bound(rules: JsonObject, keyword: string): number | undefined {
  return own(rules, keyword) as number | undefined
}

/** Holds a count against `min…` and `max…` of its kind. */
function judgeCount(
  rules: JsonObject,
  of: { readonly kind: string; readonly unit: string; readonly count: number },
  judgement: Judgement,
): void {
  const [min, max] = [bound(rules, `min${of.kind}`), bound(rules, `max${of.kind}`)]
  if (min !== undefined && of.count < min) {
    miss(judgement, `at least ${min} ${of.unit}, not ${of.count}`)
  }
  if (max !== undefined && of.count > max) {
    miss(judgement, `at most ${max} ${of.unit}, not ${of.count}`)
  }
}

function judgeText(rules: JsonObject, text: string, judgement: Judgement): void {
  if (!Object.hasOwn(rules, 'minLength') && !Object.hasOwn(rules, 'maxLength')) return
  judgement.work.steps -= text.length >> 5
  const of = { kind: 'Length', unit: 'characters', count: codePoints(text) }
  judgeCount(rules, of, judgement)
}

function codePoints(text: string): number {
  let count = text.length
  for (let i = 1; i < text.length; i += 1) {
    const isLow = (text.charCodeAt(i) & 0xfc00) === 0xdc00
    if (isLow && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800) count -= 1
  }
  return count
}

function judgeNumber(rules: JsonObject, value: number, judgement: Judgement): void {
  const [least, most] = [bound(rules, 'minimum'), bound(rules, 'maximum')]
  const [above, below] = [bound(rules, 'exclusiveMinimum'), bound(rules, 'exclusiveMaximum')]
  const step = bound(rules, 'multipleOf')
  if (least !== undefined && value < least) miss(judgement, `at least ${least}`)
  if (most !== undefined && value > most) miss(judgement, `at most ${most}`)
  if (above !== undefined && value <= above) miss(judgement, `more than ${above}`)
  if (below !== undefined && value >= below) miss(judgement, `less than ${below}`)
  if (step !== undefined && value % step !== 0) miss(judgement, `a multiple of ${step}`)
}

function judgeList(rules: JsonObject, list: readonly JsonValue[], judgement: Judgement): void {
  judgeCount(rules, { kind: 'Items', unit: 'items', count: list.length }, judgement)
  const first = (own(rules, 'prefixItems') ?? []) as readonly Schema[]
  const rest = own(rules, 'items') as Schema | undefined
  const judged = rest === undefined ? Math.min(first.length, list.length) : list.length
  for (let i = 0; i < judged; i += 1) {
    within(judgement, i, first[i] ?? (rest as Schema), list[i] as JsonValue)
  }
}

function judgeRecord(rules: JsonObject, record: JsonObject, judgement: Judgement): void {
  const names = Object.keys(record)
  judgeCount(rules, { kind: 'Properties', unit: 'members', count: names.length }, judgement)
  for (const name of (own(rules, 'required') ?? []) as readonly string[]) {
    judgement.work.steps -= 1
    if (!Object.hasOwn(record, name)) miss(judgement, `a member ${shownList([name])}`)
  }
  const properties = (own(rules, 'properties') ?? {}) as Readonly<Record<string, Schema>>
  const others = own(rules, 'additionalProperties') as Schema | undefined
  for (const name of names) {
    judgement.work.steps -= 1
    const schema = own(properties, name) as Schema | undefined
    if (schema !== undefined) within(judgement, name, schema, record[name] as JsonValue)
    else if (others !== undefined) judgeOther(judgement, { name, properties, others }, record)
  }
}

/** A member that `properties` does not name. */
function judgeOther(
  judgement: Judgement,
  of: {
    readonly name: string
    readonly properties: Readonly<Record<string, Schema>>
    readonly others: Schema
  },
  record: JsonObject,
): void {
  const { name, properties, others } = of
  if (others !== false) {
    within(judgement, name, others, record[name] as JsonValue)
    return
  }
  judgement.path.push(name)
  miss(judgement, `no such member; there may be ${shownList(Object.keys(properties)) || 'none'}`)
  judgement.path.pop()
}

function within(
  judgement: Judgement,
  step: string | number,
  schema: Schema,
  value: JsonValue,
): void {
  judgement.path.push(step)
  judge(schema, value, judgement)
  judgement.path.pop()
}

/** The rules that are made of rules. */
function judgeTogether(rules: JsonObject, value: JsonValue, judgement: Judgement): void {
  for (const schema of (own(rules, 'allOf') ?? []) as readonly Schema[]) {
    judge(schema, value, judgement)
  }
  const choices = own(rules, 'anyOf') as readonly Schema[] | undefined
  if (choices !== undefined) judgeChoices(choices, value, judgement)
  const excluded = own(rules, 'not') as Schema | undefined
  if (excluded !== undefined && firstMismatch(excluded, value, judgement) === undefined) {
    miss(judgement, `anything but ${written(excluded)}`)
  }
}

function judgeChoices(choices: readonly Schema[], value: JsonValue, judgement: Judgement): void {
  const misses: string[] = []
  for (const choice of choices) {
    const found = firstMismatch(choice, value, judgement)
    if (found === undefined) return
    misses.push(`${found.wanted}${found.pointer === '' ? '' : ` at ${found.pointer}`}`)
  }
  miss(judgement, clip(`one of these: ${misses.join('; or ')}`, REASON_CHARS_MAX))
}

/** The first mismatch of a schema that is only tried. */
function firstMismatch(
  schema: Schema,
  value: JsonValue,
  { work, path }: Judgement,
): Mismatch | undefined {
  const trial: Judgement = { work, path, found: [] }
  judge(schema, value, trial)
  return trial.found[0]
}
