/**
 * What a tool does, read from what models are told of it: whether it acts, on what, and which of
 * its parameters say whom or what it reaches.
 *
 * 1. A tool observes only when its name and its description both say so: the first word of the
 *    name is a verb of looking, and no verb at the head of a clause is one of acts. Whatever
 *    cannot be told acts.
 * 2. A parameter is a *target* unless its name ends in a noun for words, times or quantities and
 *    its type fits. Whatever cannot be told is a target, and all that a tool is told which only
 *    removes or runs: the title of an event to cancel says which one.
 * 3. What the author declares comes before what words suggest.
 */
import type { JsonObject, JsonValue } from '@ice/primitives'
import {
  ACT_VERBS,
  ANSWER_VERBS,
  FUNCTION_WORDS,
  ID_NOUNS,
  NOUN_VERBS,
  OBSERVE_VERBS,
  OUTWARD_WORDS,
  PARTICLES,
  QUANTITY_NOUNS,
  SELECTING_GROUPS,
  TEXT_NOUNS,
  TIME_NOUNS,
} from './lexicon.ts'
import type { TaskTool } from './ports.ts'
import { nameWords, singular, wordsOf } from './words.ts'

/** What an argument says: whom or what (`target`), or in which words, when, how much. */
export type ParameterRole = 'target' | 'text' | 'time' | 'quantity'

/** A parameter as it is read. */
export interface Parameter {
  readonly name: string
  readonly role: ParameterRole
  /** Choices that the schema lists, or the two of a boolean: they name a way, not a target. */
  readonly isChoice: boolean
  readonly isBoolean: boolean
  readonly isList: boolean
  readonly isRequired: boolean
  /** What it is when it is left out; `null` without a default. */
  readonly fallback: JsonValue
  /** Words of its name, singular: what a value of it is called. For numbers, the tool's too. */
  readonly nouns: ReadonlySet<string>
  /** It calls its values by numbers: `file_id`, `account number`. */
  readonly isId: boolean
  /** A look through it reaches outside. */
  readonly isOutward: boolean
  /** A number that says how much, whether or not it has to be named. */
  readonly isAmount: boolean
}

/** A tool as it is read. */
export interface ReadTool {
  readonly name: string
  readonly acts: boolean
  /** Verbs of acts in its name, or at the head of its description when the name has none. */
  readonly verbs: readonly string[]
  readonly groups: ReadonlySet<string>
  /** What it is about: the words of its name that can be nouns. Singular. */
  readonly nouns: ReadonlySet<string>
  readonly parameters: readonly Parameter[]
  /** It is told how much of something. */
  readonly measures: boolean
}

/** Reads a tool that was checked to be one. */
export function readTool(tool: TaskTool): ReadTool {
  const words = nameWords(tool.name)
  const inName = verbsOfName(words)
  const inText = verbsOfText(tool.description ?? '')
  const acts = tool.effect === undefined ? !looksOnly(words, inText) : tool.effect === 'act'
  const verbs = inName.length > 0 ? inName : inText
  const nouns = new Set(words.map(singular).filter((word) => !isLittle(word)))
  const outward = [...words, ...wordsOf(tool.description ?? '').map(({ lower }) => lower)]
  const isOutward = outward.some((word) => OUTWARD_WORDS.has(singular(word)))
  const named = new Set(tool.named ?? [])
  const groups = new Set(verbs.flatMap((verb) => ACT_VERBS.get(verb) ?? []))
  const selects =
    acts && groups.size > 0 && [...groups].every((group) => SELECTING_GROUPS.has(group))
  const context = { nouns, named, isOutward, selects }
  const parameters = readParameters(tool.parameters ?? {}, context)
  return {
    name: tool.name,
    acts,
    verbs,
    groups,
    nouns,
    parameters,
    measures: parameters.some(({ role, isAmount }) => isAmount && role !== 'time'),
  }
}

/** A verb that is no noun, a particle, a letter; `to` in `add_to_list` is what no tool is about. */
function isLittle(word: string): boolean {
  const isVerb = OBSERVE_VERBS.has(word) || (ACT_VERBS.has(word) && !NOUN_VERBS.has(word))
  return isVerb || PARTICLES.has(word) || FUNCTION_WORDS.has(word) || word.length < 2
}

/** `get_…`, without `and_delete` behind it, and a description that begins no clause with an act. */
function looksOnly(words: readonly string[], inText: readonly string[]): boolean {
  const [first = '', second = ''] = words
  const isLook = OBSERVE_VERBS.has(first) && !ACT_VERBS.has(`${first}_${second}`)
  const goesOn = words.some((word, at) => {
    const before = words[at - 1] ?? ''
    return ['and', 'or', 'then'].includes(before) && ACT_VERBS.has(word)
  })
  return isLook && !goesOn && inText.length === 0
}

/** Verbs of acts in a name: its first word, else those that are no nouns, else all. */
function verbsOfName(words: readonly string[]): readonly string[] {
  const verbs = words.flatMap((word, at) => {
    const phrase = `${word}_${words[at + 1] ?? ''}`
    if (ACT_VERBS.has(phrase)) return [phrase]
    return ACT_VERBS.has(word) ? [word] : []
  })
  const plain = verbs.filter((verb) => !NOUN_VERBS.has(verb))
  const [first = ''] = words
  const isFirst = plain.some((verb) => verb === first || verb.startsWith(`${first}_`))
  if (isFirst) return plain.slice(0, 1)
  return plain.length > 0 ? plain : verbs
}

/** Verbs of acts at the heads of the clauses of a description: `Sends …`, `… and deletes …`. */
function verbsOfText(description: string): readonly string[] {
  const words = wordsOf(description)
  return words.flatMap(({ lower, opensClause, opensSentence }, at) => {
    const before = words[at - 1]?.lower ?? ''
    const isHead = opensSentence || (opensClause && at === 0) || ['and', 'then'].includes(before)
    const base = ACT_VERBS.has(lower) ? lower : singular(lower)
    return isHead && ACT_VERBS.has(base) && !ANSWER_VERBS.has(base) ? [base] : []
  })
}

interface ParameterContext {
  readonly nouns: ReadonlySet<string>
  readonly named: ReadonlySet<string>
  readonly isOutward: boolean
  /** The tool writes nothing: all it is told says which thing is meant. */
  readonly selects: boolean
}

function readParameters(schema: JsonObject, context: ParameterContext): readonly Parameter[] {
  const properties = recordOf(own(schema, 'properties'))
  const required = own(schema, 'required')
  return Object.keys(properties).map((name) => {
    const property = recordOf(own(properties, name))
    const words = nameWords(name).map(singular)
    const head = words.at(-1) ?? ''
    const kinds = typesOf(property)
    const text = wordsOf(textOf(own(property, 'description'))).map(({ lower }) => singular(lower))
    const format = textOf(own(property, 'format'))
    const isOut = [...words, ...text, ...nameWords(format)].some((word) => OUTWARD_WORDS.has(word))
    const isId = ID_NOUNS.has(head) || text.includes('id')
    const isBoolean = kinds.length > 0 && kinds.every((kind) => kind === 'boolean')
    const isText = kinds.every((kind) => kind === 'string')
    return {
      name,
      role:
        context.selects || context.named.has(name)
          ? 'target'
          : roleOf(property, { head, kinds, isId }),
      isBoolean,
      isChoice: isBoolean || hasChoices(property),
      isList: kinds.includes('array'),
      isRequired: Array.isArray(required) && required.includes(name),
      fallback: own(property, 'default') ?? null,
      nouns: new Set(isId ? [...words, ...context.nouns] : words),
      isId: isId && !isBoolean,
      isAmount: isNumber(kinds) && QUANTITY_NOUNS.has(head),
      isOutward: isOut || (context.isOutward && isText),
    }
  })
}

interface RoleInit {
  readonly head: string
  readonly kinds: readonly string[]
  readonly isId: boolean
}

function roleOf(property: JsonObject, { head, kinds, isId }: RoleInit): ParameterRole {
  const isString = kinds.every((kind) => kind === 'string')
  if (isId || hasChoices(property) || kinds.length === 0) return 'target'
  if (isNumber(kinds))
    return QUANTITY_NOUNS.has(head) || TIME_NOUNS.has(head) ? 'quantity' : 'target'
  if (!isString) return 'target'
  const format = own(property, 'format')
  if (format === 'date' || format === 'date-time' || format === 'time') return 'time'
  if (format !== undefined) return 'target'
  if (TIME_NOUNS.has(head)) return 'time'
  return TEXT_NOUNS.has(head) ? 'text' : 'target'
}

function isNumber(kinds: readonly string[]): boolean {
  return kinds.every((kind) => kind === 'number' || kind === 'integer')
}

function hasChoices(property: JsonObject): boolean {
  const options = [property, ...alternatives(property)]
  return options.some((option) => Object.hasOwn(option, 'enum') || Object.hasOwn(option, 'const'))
}

/** The types a schema allows, without `null`; empty when it does not say. */
function typesOf(property: JsonObject): readonly string[] {
  const alternative = alternatives(property)
  const listed = alternative.length > 0 ? alternative.map((each) => own(each, 'type')) : []
  const own1 = own(property, 'type')
  const all = listed.length > 0 ? listed : Array.isArray(own1) ? own1 : [own1]
  const kinds = all.filter((kind) => kind !== 'null')
  return kinds.every((kind) => typeof kind === 'string') ? kinds : []
}

function alternatives(property: JsonObject): readonly JsonObject[] {
  const any = own(property, 'anyOf') ?? own(property, 'oneOf')
  return Array.isArray(any) ? any.map(recordOf) : []
}

function own(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function recordOf(value: JsonValue | undefined): JsonObject {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as JsonObject) : {}
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
