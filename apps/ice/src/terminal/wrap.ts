/** Lines that fit: text is broken between words, and within a word that is too long for one. */
import { width } from './text.ts'

/** A part of a line, and what marks it; its text is plain. */
export interface Part {
  readonly text: string
  readonly mark?: (text: string) => string
}

/** A word that is narrow enough, how it is joined to the one before, and what marks it. */
interface Word {
  readonly text: string
  readonly gap: number
  readonly mark: (text: string) => string
}

/**
 * Lays parts out in so many columns, two spaces between them. What does not fit goes on in further
 * lines, indented.
 */
export function wrapped(
  parts: readonly Part[],
  { columns, indent }: { readonly columns: number; readonly indent: number },
): readonly string[] {
  const room = Math.max(columns - indent, 16)
  const lines: string[] = []
  let line = ''
  let taken = 0
  for (const { text, gap, mark } of parts.flatMap((part) => wordsOf(part, room))) {
    const size = width(text)
    const isNew = taken === 0 || (lines.length > 0 && taken === indent)
    if (!isNew && taken + gap + size > indent + room) {
      lines.push(line)
      line = ' '.repeat(indent) + mark(text)
      taken = indent + size
    } else {
      line += ' '.repeat(isNew ? 0 : gap) + mark(text)
      taken += size + (isNew ? 0 : gap)
    }
  }
  return [...lines, line]
}

function wordsOf({ text, mark = (same) => same }: Part, room: number): readonly Word[] {
  // A part that fits stays together, so that a name or a number is found again.
  const words = width(text) <= room / 2 ? [text] : text.split(' ')
  return words
    .flatMap((word) => pieces(word, room))
    .map((word, at) => ({ text: word, gap: at === 0 ? 2 : 1, mark }))
}

function pieces(word: string, room: number): readonly string[] {
  if (width(word) <= room) return [word]
  const found: string[] = []
  let piece = ''
  for (const character of word) {
    if (width(piece + character) > room) {
      found.push(piece)
      piece = ''
    }
    piece += character
  }
  return [...found, piece]
}
