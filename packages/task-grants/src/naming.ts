/**
 * Naming: whether the prompt has a value of a call, so that the user chose it and nobody else.
 *
 * A value is named when the prompt has it as a whole and as a name:
 *
 *   quoted      it is all that stands between two quotation marks
 *   address     a mention of the prompt has its form: link, e-mail, file, account, long number
 *   name        it stands there, whole words, and looks like a name: it holds a digit or inner
 *               punctuation, or a capital letter inside a sentence
 *   called      it stands there beside the word for its kind: `the general channel`, `event 7`,
 *               `#7`, `the channel called general`
 *   number      a number of the prompt equals it; where numbers are names, it is called so
 *   time        day and time of day are in the prompt
 *   choice      one of a schema's choices, which the prompt has as a word; `true` when it has the
 *               parameter's word, `false` when it has not
 *   nothing     `null`, an empty list, the schema's default, no words where words are wanted
 *
 * Comparison is exact, in NFC: case counts but in hosts and e-mail addresses. `10` is not in `100`,
 * `GB29` is not in `GB29 NWBK …`, `Alice` is not in `Alice Cooper`, and a Cyrillic `а` is no `a`.
 */

import type { JsonValue } from '@ice/primitives'
import { isTimeNamed, isTimeValue } from './dates.ts'
import {
  ACT_VERBS,
  CALLING_WORDS,
  FUNCTION_WORDS,
  JOINING_WORDS,
  NAMING_WORDS,
  OBSERVE_VERBS,
  POINTING_WORDS,
  PREPOSITIONS,
} from './lexicon.ts'
import { NAMED_CHARS_MAX, NAMED_ITEMS_MAX, OCCURRENCES_MAX } from './limits.ts'
import { isCut, mentionForm } from './mentions.ts'
import type { ReadPrompt } from './prompt.ts'
import type { Parameter } from './tools.ts'
import { begunBefore, endedBefore, type Span, singular, type Word } from './words.ts'

/** Whether the prompt names a value of this parameter. Total over JSON. */
export function isNamed(prompt: ReadPrompt, value: JsonValue, parameter: Parameter): boolean {
  if (value === null || value === parameter.fallback) return true
  // No words are nobody's; no path may be the whole disk.
  if (value === '' && parameter.role !== 'target') return true
  if (Array.isArray(value)) {
    const isShort = value.length <= NAMED_ITEMS_MAX
    return isShort && value.every((item) => isNamed(prompt, item, parameter))
  }
  if (typeof value === 'boolean') return isChosen(prompt, value, parameter)
  if (typeof value === 'number') return isNumberNamed(prompt, value, parameter)
  return typeof value === 'string' && isTextNamed(prompt, value, parameter)
}

/** Nothing that could be seen by nobody, and nothing longer than a name. */
const UNNAMEABLE = /[\p{Cf}\p{Co}\p{Cn}]|(?![\n\t])\p{Cc}/u

function isTextNamed(prompt: ReadPrompt, value: string, parameter: Parameter): boolean {
  const text = value.normalize('NFC')
  if (text === '' || text.length > NAMED_CHARS_MAX || UNNAMEABLE.test(text)) return false
  if (prompt.quotes.some((quote) => isQuoted(quote.text, text))) return true
  if (isTimeValue(text)) return isTimeNamed(text, prompt.times)
  if (parameter.isChoice) return hasWord(prompt, text)
  const form = mentionForm(text)
  if (form !== undefined) return !isCut(form) && prompt.mentions.has(form)
  if (parameter.role === 'text') return isContained(prompt, text)
  if (prompt.mentions.has(`@${text}`) || prompt.mentions.has(`#${text}`)) return true
  const spans = occurrences(prompt.bare, text)
  if (!/[^\d.,:]/.test(text)) {
    return spans.some((span) => isCalled(prompt, span, { ...parameter, isId: true }))
  }
  return spans.some((span) => isName(prompt, text, { span, parameter }))
}

/** A full stop before the mark belongs to the sentence around it. */
function isQuoted(quoted: string, text: string): boolean {
  return quoted === text || quoted.replace(/[.,!?]$/, '') === text
}

/** Words of the user's own, whole, whatever they are. */
function isContained({ text }: ReadPrompt, value: string): boolean {
  const folds = (words: string): string => words.replaceAll(/\s+/g, ' ').toLowerCase()
  return occurrences(folds(text), folds(value.trim().replace(/[.!?]$/, ''))).length > 0
}

function isChosen(prompt: ReadPrompt, value: boolean, { nouns }: Parameter): boolean {
  const isSaid = prompt.words.some(({ lower }) => nouns.has(singular(lower)))
  return isSaid === value
}

function hasWord({ text }: ReadPrompt, value: string): boolean {
  const plain = value.toLowerCase().replaceAll(/[_-]+/g, ' ')
  return occurrences(text.toLowerCase().replaceAll(/[_-]+/g, ' '), plain).length > 0
}

function isNumberNamed(prompt: ReadPrompt, value: number, parameter: Parameter): boolean {
  const spans = prompt.numbers.filter((number) => number.value === value)
  return parameter.isId || parameter.role === 'target'
    ? spans.some((span) => isCalled(prompt, span, parameter))
    : spans.length > 0
}

interface Place {
  readonly span: Span
  readonly parameter: Parameter
}

function isName(prompt: ReadPrompt, value: string, { span, parameter }: Place): boolean {
  if (isCalled(prompt, span, parameter)) return true
  if (/\p{N}/u.test(value) || /[\p{L}\p{N}][_.@/#:+-][\p{L}\p{N}]/u.test(value)) return true
  const words = prompt.words.slice(
    endedBefore(prompt.words, span.start),
    begunBefore(prompt.words, span.end),
  )
  const hasCapital = words.some((word) => {
    const isOnlyStart = word.opensSentence && isCommon(word.lower)
    return /^\p{Lu}/u.test(word.text) && !isOnlyStart && !FUNCTION_WORDS.has(word.lower)
  })
  return hasCapital && (words.length > 1 || !isPartOfName(prompt, span))
}

/** Words that begin sentences for what they do. */
function isCommon(lower: string): boolean {
  return FUNCTION_WORDS.has(lower) || ACT_VERBS.has(lower) || OBSERVE_VERBS.has(lower)
}

/** Whether another name stands right beside it: `Alice` in `Alice Cooper`. */
function isPartOfName({ words, bare }: ReadPrompt, { start, end }: Span): boolean {
  const before = words[endedBefore(words, start) - 1]
  const after = words[begunBefore(words, end)]
  const isName = (word: Word | undefined): boolean =>
    word !== undefined && /^\p{Lu}/u.test(word.text) && !isCommon(word.lower)
  const isBefore = before?.end === start - 1 && bare[start - 1] === ' ' && isName(before)
  return isBefore || (after?.start === end + 1 && bare[end] === ' ' && isName(after))
}

const ID_WORDS: ReadonlySet<string> = new Set(['id', 'ids', 'number', 'numbers'])

/**
 * Whether the word for its kind stands beside it: `the general channel`, `the channel called
 * general`, `event 7`. Before a plain word the kind alone is not enough: in `user account` no user
 * is called so.
 */
export function isCalled(prompt: ReadPrompt, span: Span, { nouns, isId }: Parameter): boolean {
  const { bare, words } = prompt
  if (isId && bare[span.start - 1] === '#') return true
  const isKind = ({ lower }: Word): boolean =>
    (nouns.has(singular(lower)) && !FUNCTION_WORDS.has(lower)) || (isId && ID_WORDS.has(lower))
  const at = endedBefore(words, span.start)
  const next = begunBefore(words, span.end)
  const before = kindBefore(words.slice(Math.max(0, at - 5), at).reverse(), isId)
  const isSaidSo = isId || before.some(({ lower }) => CALLING_WORDS.has(lower))
  if (isSaidSo && before.some(isKind)) return true
  const value = words.slice(at, next)
  const isPlain = value.every(({ lower }) => !isCommon(lower) && !POINTING_WORDS.has(lower))
  return isPlain && kindAfter(words.slice(next, next + 3)).some(isKind)
}

/** The next word; over `and` and one more name: `the random and general channels`. */
function kindAfter(words: readonly Word[]): readonly Word[] {
  const [next, , third] = words
  if (next === undefined || next.opensClause) return []
  const isJoined = JOINING_WORDS.has(next.lower) && third?.opensClause === false
  return isJoined && third !== undefined ? [next, third] : [next]
}

/**
 * The words before, nearest first, as far as they lead to the word for a kind. For what is called
 * by numbers no preposition does: `the event at 7`, `to 7`, `of 7 May`, `with 7 guests`.
 */
function kindBefore(words: readonly Word[], isId: boolean): readonly Word[] {
  const reached: Word[] = []
  let isJoined = false
  for (const word of words) {
    reached.push(word)
    if (isId && PREPOSITIONS.has(word.lower)) break
    if (!NAMING_WORDS.has(word.lower) && !JOINING_WORDS.has(word.lower) && !isJoined) break
    isJoined = JOINING_WORDS.has(word.lower)
  }
  return reached
}

const WORD_CHARACTER = /[\p{L}\p{N}\p{M}_%]/u
const JOINT = /[-.@/\\:#+&$'’~=?]/u

/** Where a value stands in a text as a whole: nothing that it could be a part of goes on. */
function occurrences(text: string, value: string): readonly Span[] {
  const spans: Span[] = []
  if (value === '') return spans
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) {
    const end = at + value.length
    if (!goesOn(text, at - 1, -1) && !goesOn(text, end, 1)) spans.push({ start: at, end })
    if (spans.length === OCCURRENCES_MAX) break
  }
  return spans
}

function goesOn(text: string, at: number, step: 1 | -1): boolean {
  const next = text[at] ?? ' '
  if (WORD_CHARACTER.test(next) || /[\ud800-\udfff]/.test(next)) return true
  if (!JOINT.test(next) || !WORD_CHARACTER.test(text[at + step] ?? ' ')) return false
  // The genitive ends a name.
  const isGenitive = step === 1 && /^['’]s(?![\p{L}\p{N}])/u.test(text.slice(at, at + 4))
  return !isGenitive
}
