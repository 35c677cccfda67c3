/**
 * A prompt, read once: its words, what it sets in quotation marks, the addresses, numbers and
 * times it has, and what it asks for.
 */

import { type PromptTimes, timesOf } from './dates.ts'
import { folded, type Mention, mentionsOf } from './mentions.ts'
import { type Quote, quotesOf } from './quotes.ts'
import { type Request, requestsOf } from './requests.ts'
import { blank, type Span, type Word, wordsOf } from './words.ts'

/** A number of a prompt. */
export interface PromptNumber extends Span {
  readonly value: number
}

/** What is known of a prompt. */
export interface ReadPrompt {
  /** In NFC. */
  readonly text: string
  /** Without quotations and addresses, which are names as a whole; spaces in their places. */
  readonly bare: string
  readonly words: readonly Word[]
  readonly quotes: readonly Quote[]
  /** The forms of its addresses. */
  readonly mentions: ReadonlySet<string>
  readonly numbers: readonly PromptNumber[]
  readonly times: PromptTimes
  readonly requests: readonly Request[]
  /** How many things it names: quotations, addresses, names in capitals. */
  readonly names: number
}

/** Reads a prompt that was checked to be one. */
export function readPrompt(prompt: string): ReadPrompt {
  const text = prompt.normalize('NFC')
  const quotes = quotesOf(text)
  const unquoted = blank(text, quotes)
  const bare = blank(unquoted, mentionsOf(unquoted))
  const mentions = new Set(mentionsOf(folded(text)).map(({ form }: Mention) => form))
  const words = wordsOf(bare)
  return {
    text,
    bare,
    words,
    quotes,
    mentions,
    numbers: numbersOf(bare),
    times: timesOf(text),
    requests: requestsOf(bare, words),
    names: quotes.length + mentions.size + capitalsOf(words),
  }
}

const NUMBER = new RegExp(
  String.raw`(?<![\p{L}\p{N}_.,:/@-])[-−]?[$€£¥]?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?` +
    String.raw`(?![\p{L}\p{N}_%:/-]|[.,]\d| ?%)`,
  'gu',
)

/** Numbers that stand alone: no part of a word, a date, a time, a percentage or a longer number. */
function numbersOf(bare: string): readonly PromptNumber[] {
  return [...bare.matchAll(NUMBER)].map((match) => {
    const [found, whole = '', fraction = ''] = match
    const size = Number(`${whole.replaceAll(',', '')}${fraction}`)
    const value = /^[-−]/.test(found) ? -size : size
    return { value, start: match.index, end: match.index + found.length }
  })
}

/** Names in capital letters, words beside each other counted once; heads of sentences are none. */
function capitalsOf(words: readonly Word[]): number {
  const isCapital = (word: Word | undefined): boolean =>
    word !== undefined && !word.opensSentence && /^\p{Lu}/u.test(word.text)
  return words.filter((word, at) => isCapital(word) && !isCapital(words[at - 1])).length
}
