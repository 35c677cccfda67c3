/** The doc comment that stands before a piece of source, as plain text. */
import type { SourceFile } from '../source.ts'

/**
 * The text of the doc comment that ends right before `offset`, in one line; empty without one.
 * `@units` and `@source` lose their sign, because a table's reader has no tags.
 */
export const docBefore = (file: SourceFile, offset: number): string => {
  const doc = file.comments.findLast(
    ({ type, value, end }) =>
      type === 'Block' &&
      value.startsWith('*') &&
      end <= offset &&
      file.text.slice(end, offset).trim() === '',
  )
  if (doc === undefined) return ''
  return doc.value
    .slice(1)
    .split('\n')
    .map((line) => line.replace(/^\s*\*?\s?/, '').trim())
    .join(' ')
    .replaceAll(/@units\s+/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** The first sentence of a text. */
export const firstSentence = (text: string): string => /^.*?[.:](?=\s|$)/.exec(text)?.[0] ?? text

/** A row of a Markdown table; a bar inside a cell would end it. */
export const row = (...cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
