/**
 * Naming: whether the prompt has a value of a call, so that the user chose it and nobody else.
 *
 * A value is named when the prompt has it as a whole and as a name:
 *
 *   quoted      it is all that stands between two quotation marks
 *   address     a mention of the prompt has its form: link, e-mail, file, account, long number
 *   name        it stands there, whole words, and looks like a name: it holds a digit or inner
 *               punctuation, or a capital letter inside a sentence
 *   called      it stands there beside the word for its kind: `the general channel`, `event 7`
 *   number      a number of the prompt equals it; where numbers are names, it is called so
 *   time        day and time of day are in the prompt
 *   choice      one of a schema's choices, which the prompt has as a word; `true` when it has the
 *               parameter's word, `false` when it has not
 *   nothing     `null`, an empty list, the schema's default
 *
 * Comparison is exact, in NFC: case counts but in hosts and e-mail addresses. `10` is not in `100`,
 * `GB29` is not in `GB29 NWBK …`, `Alice` is not in `Alice Cooper`, and a Cyrillic `а` is no `a`.
 */
import { isTimeNamed, isTimeValue } from './dates.ts'
import { ACT_VERBS, FUNCTION_WORDS, JOINING_WORDS, NAMING_WORDS, OBSERVE_VERBS } from './lexicon.ts'
import { NAMED_CHARS_MAX } from './limits.ts'
import { mentionForm } from './mentions.ts'
import type { ReadPrompt } from './prompt.ts'
import type { Parameter } from './tools.ts'
import { singular, type Span, type Word } from './words.ts'
import type { JsonValue } from '@ice/primitives'

/** Whether the prompt names a value of this parameter. Total over JSON. */
export function isNamed(prompt: ReadPrompt, value: JsonValue, parameter: Parameter): boolean {
  if (value === null || value === parameter.fallback) return true
  if (Array.isArray(value)) return value.every((item) => isNamed(prompt, item, parameter))
  if (typeof value === 'boolean') return isChosen(prompt, value, parameter)
  if (typeof value === 'number') return isNumberNamed(prompt, value, parameter)
  if (typeof value !== 'string') return false
  return isTextNamed(prompt, value, parameter)
}

/** Nothing that could be seen by nobody, and nothing longer than a name. */
const UNNAMEABLE = /[\p{Cf}\p{Co}\p{Cn}]|(?![\n\t])\p{Cc}/u

function isTextNamed(prompt: ReadPrompt, value: string, parameter: Parameter): boolean {
  const text = value.normalize('NFC')
  if (text === '' || text.length > NAMED_CHARS_MAX || UNNAMEABLE.test(text)) return false
  if (prompt.quotes.some((quote) => quote.text === text || quote.text.replace(/[.,!?]$/, '') === text)) {
    return true
  }
  if (isTimeValue(text)) return isTimeNamed(text, prompt.times)
  if (parameter.isChoice) return hasWord(prompt, text)
  const form = mentionForm(text)
  if (form !== undefined) return prompt.mentions.has(form)
  if (parameter.role === 'text') return isContained(prompt, text)
  if (/^\d+$/.test(text)) return isNumberNamed(prompt, Number(text), { ...parameter, isId: true })
  return occurrences(prompt.bare, text).some((span) => isName(prompt, text, { span, parameter }))
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
  const words = prompt.words.filter(({ start, end }) => start >= span.start && end <= span.end)
  const capitals = words.filter((word) => {
    const isStart = word.opensSentence && isCommon(word.lower)
    return /^\p{Lu}/u.test(word.text) && !isStart
  })
  if (capitals.length === 0) return false
  return words.length > 1 || !isPartOfName(prompt, span)
}

/** Words that begin sentences for what they do. */
function isCommon(lower: string): boolean {
  return FUNCTION_WORDS.has(lower) || ACT_VERBS.has(lower) || OBSERVE_VERBS.has(lower)
}

/** Whether another name stands right beside it: `Alice` in `Alice Cooper`. */
function isPartOfName({ words, bare }: ReadPrompt, span: Span): boolean {
  return words.some((word) => {
    const isBeside = word.end === span.start - 1 || word.start === span.end + 1
    const gap = word.end < span.start ? bare[span.start - 1] : bare[span.end]
    if (!isBeside || gap !== ' ' || !/^\p{Lu}/u.test(word.text)) return false
    return !isCommon(word.lower)
  })
}

/** Whether the word for its kind stands beside it: `channel general`, `event with the id 7`. */
function isCalled({ words }: ReadPrompt, span: Span, { nouns, isId }: Parameter): boolean {
  const isKind = (lower: string): boolean =>
    nouns.has(singular(lower)) || (isId && (lower === 'id' || lower === 'number'))
  const after = words.filter(({ start }) => start >= span.end)
  const before = words.filter(({ end }) => end <= span.start).reverse()
  return (
    kindAfter(after).some((word) => isKind(word.lower)) ||
    kindBefore(before).some((word) => isKind(word.lower))
  )
}

/** The next word; over `and` and one more name: `the random and general channels`. */
function kindAfter(words: readonly Word[]): readonly Word[] {
  const [next, , third] = words
  if (next === undefined || next.opensClause) return []
  const isJoined = JOINING_WORDS.has(next.lower) && third?.opensClause === false
  return isJoined && third !== undefined ? [next, third] : [next]
}

/** The word before, over what stands between a kind and a name; over a name and `and`. */
function kindBefore(words: readonly Word[]): readonly Word[] {
  const reached: Word[] = []
  let isJoined = false
  for (const word of words.slice(0, 5)) {
    reached.push(word)
    if (!NAMING_WORDS.has(word.lower) && !JOINING_WORDS.has(word.lower) && !isJoined) break
    isJoined = JOINING_WORDS.has(word.lower)
  }
  return reached
}

const WORD_CHARACTER = /[\p{L}\p{N}\p{M}_]/u
const JOINT = /[-.@/\\:#+%&$'’~=?]/u

/** Where a value stands in a text as a whole: nothing that it could be a part of goes on. */
function occurrences(text: string, value: string): readonly Span[] {
  const spans: Span[] = []
  if (value === '') return spans
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) {
    const end = at + value.length
    if (!goesOn(text, at - 1, -1) && !goesOn(text, end, 1)) spans.push({ start: at, end })
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
