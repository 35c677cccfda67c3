/**
 * Words of a text, with where they stand; and words of names as programs write them.
 *
 * 1. Offsets are those of the text that is handed in: nothing is normalised here.
 * 2. A word is a run of letters, marks, digits and inner apostrophes.
 */

/** A word of a text. */
export interface Word {
  readonly text: string
  /** In lower case, straight apostrophes. */
  readonly lower: string
  readonly start: number
  readonly end: number
  /** What stands between it and the word before holds the end of a clause, or it is the first. */
  readonly opensClause: boolean
  /** The same for the end of a sentence. */
  readonly opensSentence: boolean
}

const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['’][\p{L}]+)*/gu
const CLAUSE_END = /[,;:()[\]{}!?\n—–"“”«»`]|\.(?=\s|$)|\s-+\s/u
const SENTENCE_END = /[!?\n;]|\.(?=\s|$)|:\s*$/u

/** The words of a text. */
export function wordsOf(text: string): readonly Word[] {
  const words: Word[] = []
  let before = 0
  for (const match of text.matchAll(WORD)) {
    const [found] = match
    const between = text.slice(before, match.index)
    const isFirst = words.length === 0
    words.push({
      text: found,
      lower: found.toLowerCase().replaceAll('’', "'"),
      start: match.index,
      end: match.index + found.length,
      opensClause: isFirst || CLAUSE_END.test(between),
      opensSentence: isFirst || SENTENCE_END.test(between),
    })
    before = match.index + found.length
  }
  return words
}

/** A part of a text. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The text with spaces, which end no word group, in place of these parts; parts are in order. */
export function blank(text: string, spans: readonly Span[]): string {
  const kept: string[] = []
  let at = 0
  for (const { start, end } of spans) {
    kept.push(text.slice(at, start), ' '.repeat(end - start))
    at = end
  }
  return `${kept.join('')}${text.slice(at)}`
}

/** How many words end at or before an offset. */
export function endedBefore(words: readonly Word[], offset: number): number {
  return countWhile(words, ({ end }) => end <= offset)
}

/** How many words begin before an offset. */
export function begunBefore(words: readonly Word[], offset: number): number {
  return countWhile(words, ({ start }) => start < offset)
}

/** How many words at the beginning are so; those that are stand before those that are not. */
function countWhile(words: readonly Word[], isSo: (word: Word) => boolean): number {
  let [low, high] = [0, words.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const word = words[middle]
    if (word !== undefined && isSo(word)) low = middle + 1
    else high = middle
  }
  return low
}

/** Words of `send_direct_message`, `sendDirectMessage`, `calendar.events/insert`; lower case. */
export function nameWords(name: string): readonly string[] {
  return name
    .replaceAll(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}

/** The singular of a noun, as far as its ending says; also the base of `sends`. */
export function singular(word: string): string {
  if (word.length <= 3 || !word.endsWith('s') || /(?:ss|us|is)$/.test(word)) return word
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`
  return /(?:ch|sh|x|z|ss)es$/.test(word) ? word.slice(0, -2) : word.slice(0, -1)
}
