/// <reference lib="es2024.string" />
/**
 * Rules for argument vectors: which words a program may be given, place by place.
 *
 *     rule = { [words], [rest] }                 ; left out altogether: no arguments
 *     words = [ word, … ]                        ; one for each place, all of them required
 *     rest = { of: word, [min], max }            ; then from min (0) to max more, all of one kind
 *     word = "status"                            ; exactly this
 *          | { oneOf: [ "-v", … ] }              ; one of these
 *          | { text: bytes }                     ; 1 to so many bytes that do not begin with "-"
 *          | { path: bytes }                     ; a relative path in normal form, likewise
 *
 * 1. A place is judged by its own rule alone, so a vector is judged in one pass and nothing is
 *    tried twice. Alternatives are further entries of `programs`.
 * 2. A free word never begins with `-`: what a program takes for an option is written in the grant.
 *    A `path` neither climbs nor is absolute; it is still a word, and what the program reads by it
 *    is the box's concern.
 * 3. Whether one rule holds another is decided place by place: their lengths are intervals, and
 *    only so many places differ as words are written. Yes is always true; a rule that spells out
 *    every free word there is, and no other one, is not told from one that does not.
 *
 * The trap: option injection. A branch that is called `--upload-pack=…` is a branch to whoever
 * judged the vector, and an option to the program that was given it.
 */
import { relativePathFault } from './fs.ts'
import { ARGUMENT_PLACES_MAX, PATH_BYTES_MAX, RESOURCE_ENTRIES_MAX } from './limits.ts'
import { hasOnly, isRecord, own } from './plain.ts'
import { shown, shownList } from './text.ts'

/** Which words one place of an argument vector takes. */
export type ArgumentWord =
  | string
  | { readonly oneOf: readonly string[] }
  /** @units bytes of UTF-8 */
  | { readonly text: number }
  /** @units bytes of UTF-8 */
  | { readonly path: number }

/** Which argument vectors a program takes. */
export type ArgumentRule = {
  /** One for each of the first places. @defaultValue none */
  readonly words?: readonly ArgumentWord[]
  /** What may come after them. @defaultValue nothing */
  readonly rest?: {
    readonly of: ArgumentWord
    /** @defaultValue 0 */
    readonly min?: number
    readonly max: number
  }
}

/** Why this is no word of an argument vector, or `undefined`. */
export function wordFault(word: unknown): string | undefined {
  if (typeof word !== 'string') return `a word is text, not ${shown(word)}`
  if (!word.isWellFormed()) return `the word ${shown(word)} is not well-formed Unicode`
  if (word.includes('\0')) return `the word ${shown(word)} holds a NUL`
  if (isWithinBytes(word, PATH_BYTES_MAX)) return undefined
  return `a word has at most ${PATH_BYTES_MAX} bytes`
}

/** Why this is no argument rule, or `undefined`. */
export function argumentRuleFault(rule: unknown): string | undefined {
  if (!isRecord(rule) || !hasOnly(rule, ['words', 'rest'])) {
    return '"args" is { words, rest }, or is left out'
  }
  if (Object.hasOwn(rule, 'words')) {
    const fault = wordsFault(own(rule, 'words'))
    if (fault !== undefined) return fault
  }
  return Object.hasOwn(rule, 'rest') ? restFault(own(rule, 'rest')) : undefined
}

function wordsFault(words: unknown): string | undefined {
  if (!Array.isArray(words) || words.length === 0) return '"words" is a list, not empty'
  if (words.length > ARGUMENT_PLACES_MAX)
    return `"words" has more than ${ARGUMENT_PLACES_MAX} places`
  return firstFault(words, placeFault)
}

function restFault(rest: unknown): string | undefined {
  if (!isRecord(rest) || !hasOnly(rest, ['of', 'min', 'max'])) return '"rest" is { of, min, max }'
  const max = own(rest, 'max')
  if (!isCount(max, ARGUMENT_PLACES_MAX) || max === 0) {
    return `"max" of "rest" is a number from 1 to ${ARGUMENT_PLACES_MAX}`
  }
  if (Object.hasOwn(rest, 'min') && !isCount(own(rest, 'min'), max)) {
    return '"min" of "rest" is a number from 0 to its "max"'
  }
  return placeFault(own(rest, 'of'))
}

function placeFault(word: unknown): string | undefined {
  if (typeof word === 'string') return wordFault(word)
  if (!isRecord(word)) return `a place is a word, oneOf, text or path, not ${shown(word)}`
  const [form, ...more] = Object.keys(word)
  if (more.length > 0) return 'a place has one of oneOf, text and path'
  if (form === 'oneOf') return oneOfFault(own(word, 'oneOf'))
  if (form === 'text') return bytesFault(own(word, 'text'), PATH_BYTES_MAX)
  if (form === 'path') return bytesFault(own(word, 'path'), PATH_BYTES_MAX)
  return 'a place has one of oneOf, text and path'
}

function oneOfFault(words: unknown): string | undefined {
  if (!Array.isArray(words) || words.length === 0) return '"oneOf" is a list of words, not empty'
  if (words.length > RESOURCE_ENTRIES_MAX) {
    return `"oneOf" has more than ${RESOURCE_ENTRIES_MAX} words`
  }
  return firstFault(words, wordFault)
}

function bytesFault(bytes: unknown, most: number): string | undefined {
  if (isCount(bytes, most) && bytes > 0) return undefined
  return `a free word has from 1 to ${most} bytes at most`
}

function firstFault(
  list: readonly unknown[],
  fault: (entry: unknown) => string | undefined,
): string | undefined {
  for (const entry of list) {
    const why = fault(entry)
    if (why !== undefined) return why
  }
  return undefined
}

function isCount(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
}

/** A rule that was checked, in a form that is judged. */
interface Places {
  readonly words: readonly ArgumentWord[]
  readonly of: ArgumentWord | undefined
  readonly min: number
  readonly max: number
}

function placesOf(rule: ArgumentRule | undefined): Places {
  const words = (rule === undefined ? undefined : own(rule, 'words')) ?? []
  const rest = rule === undefined ? undefined : own(rule, 'rest')
  const held = words as readonly ArgumentWord[]
  if (!isRecord(rest)) return { words: held, of: undefined, min: held.length, max: held.length }
  const of = own(rest, 'of') as ArgumentWord
  const min = (own(rest, 'min') as number | undefined) ?? 0
  const max = own(rest, 'max') as number
  return { words: held, of, min: held.length + min, max: held.length + max }
}

/** What is wanted at a place before `max`. */
function placeAt({ words, of }: Places, at: number): ArgumentWord {
  return words[at] ?? (of as ArgumentWord)
}

/**
 * Why a rule does not take these arguments, or `undefined`. Pure and total on a checked rule and
 * checked words.
 *
 * @param rule - `undefined` takes no arguments
 */
export function argumentsRefusal(
  rule: ArgumentRule | undefined,
  args: readonly string[],
): string | undefined {
  const places = placesOf(rule)
  const { min, max } = places
  if (args.length < min || args.length > max) {
    const wanted = min === max ? `${min}` : `${min} to ${max}`
    return `it takes ${wanted} arguments, not ${args.length}`
  }
  for (const [at, word] of args.entries()) {
    const place = placeAt(places, at)
    if (!holdsWord(place, word)) {
      return `argument ${at + 1}, ${shown(word)}, is not ${described(place)}`
    }
  }
  return undefined
}

function holdsWord(place: ArgumentWord, word: string): boolean {
  const words = wordsOf(place)
  if (words !== undefined) return words.includes(word)
  const { bytes, isPath } = freeOf(place)
  if (word === '' || word.charCodeAt(0) === 45 || !isWithinBytes(word, bytes)) return false
  return !isPath || relativePathFault(word) === undefined
}

/** The words of a place that is not free. */
function wordsOf(place: ArgumentWord): readonly string[] | undefined {
  if (typeof place === 'string') return [place]
  return own(place, 'oneOf') as readonly string[] | undefined
}

/** How long a free word may be, and whether it is a path. */
function freeOf(place: ArgumentWord): { readonly bytes: number; readonly isPath: boolean } {
  const isPath = Object.hasOwn(place as object, 'path')
  return { bytes: own(place as object, isPath ? 'path' : 'text') as number, isPath }
}

function described(place: ArgumentWord): string {
  const words = wordsOf(place)
  if (words !== undefined)
    return words.length === 1 ? shown(words[0]) : `one of ${shownList(words)}`
  const { bytes, isPath } = freeOf(place)
  const what = isPath ? 'a relative path' : 'a word'
  return `${what} of 1 to ${bytes} bytes that does not begin with "-"`
}

/** Whether one rule takes every vector that another takes, on checked rules. */
export function ruleHolds(
  parent: ArgumentRule | undefined,
  child: ArgumentRule | undefined,
): boolean {
  const [held, asked] = [placesOf(parent), placesOf(child)]
  if (asked.min < held.min || asked.max > held.max) return false
  // Behind the words of both, every place of a rule is the same.
  const places = Math.min(asked.max, Math.max(held.words.length, asked.words.length) + 1)
  for (let at = 0; at < places; at += 1) {
    if (!holdsPlace(placeAt(held, at), placeAt(asked, at))) return false
  }
  return true
}

function holdsPlace(upper: ArgumentWord, lower: ArgumentWord): boolean {
  const words = wordsOf(lower)
  if (words !== undefined) return words.every((word) => holdsWord(upper, word))
  if (wordsOf(upper) !== undefined) return false
  const [held, asked] = [freeOf(upper), freeOf(lower)]
  return asked.bytes <= held.bytes && (asked.isPath || !held.isPath)
}

/** A UTF-16 unit is at most three bytes of UTF-8: most words need no count. */
function isWithinBytes(word: string, bytes: number): boolean {
  if (word.length > bytes) return false
  return word.length * 3 <= bytes || Buffer.byteLength(word) <= bytes
}
