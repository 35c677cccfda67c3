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

/** The words of a text, outside of the spans that are left out. */
export function wordsOf(text: string, leftOut: readonly Span[] = []): readonly Word[] {
  const kept = blank(text, leftOut)
  const words: Word[] = []
  let before = 0
  for (const match of kept.matchAll(WORD)) {
    const [found] = match
    const between = kept.slice(before, match.index)
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

/** The text with spaces, which end no word group, in place of these parts. */
export function blank(text: string, spans: readonly Span[]): string {
  let kept = text
  for (const { start, end } of spans) {
    kept = `${kept.slice(0, start)}${' '.repeat(end - start)}${kept.slice(end)}`
  }
  return kept
}

/** The words of `send_direct_message`, `sendDirectMessage`, `calendar.events/insert`; lower case. */
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
