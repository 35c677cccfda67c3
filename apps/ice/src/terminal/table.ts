/** Tables: columns as wide as their content, the last one clipped to the terminal. */
import { clip, width } from './text.ts'

/** One cell: plain text, and how it is marked once its width is known. */
export interface Cell {
  readonly text: string
  readonly mark?: (text: string) => string
}

/** Rows of cells under a head. */
export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly (Cell | string)[])[]
  /** Columns of the terminal; nothing is clipped where there is none. */
  readonly columns?: number | undefined
  /** Marks the head. */
  readonly markHead?: (text: string) => string
}

const GAP = '  '

/** The lines of a table, without line ends. All texts must be plain. */
export function tableLines({ head, rows, columns, markHead }: Table): readonly string[] {
  const cells = [head.map((text): Cell => ({ text, ...(markHead ? { mark: markHead } : {}) }))]
  for (const row of rows) cells.push(row.map((cell) => toCell(cell)))
  const widths = head.map((_, at) => Math.max(...cells.map((row) => width(row[at]?.text ?? ''))))
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + GAP.length, 0)
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(8, columns - before)
  return cells.map((row) => line(row, widths, room))
}

function toCell(cell: Cell | string): Cell {
  return typeof cell === 'string' ? { text: cell } : cell
}

function line(row: readonly Cell[], widths: readonly number[], room: number): string {
  const parts = row.map(({ text, mark }, at) => {
    const last = at === row.length - 1
    const shown = last ? clip(text, room) : text
    const pad = last ? '' : ' '.repeat(Math.max(0, (widths[at] ?? 0) - width(shown)))
    return (mark === undefined ? shown : mark(shown)) + pad
  })
  return parts.join(GAP).trimEnd()
}
