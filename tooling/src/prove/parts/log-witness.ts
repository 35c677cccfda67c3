/**
 * What a process under proof says, outside of the log: one line for each thing it was told, written
 * by one `write(2)` after the promise had resolved. What stands there survives its death.
 */
import { existsSync, readFileSync } from 'node:fs'

/** An error as it was told. */
export interface Told {
  readonly code: string
  readonly message: string
  readonly data: Readonly<Record<string, unknown>>
}

/** One line of a witness. */
export type Line =
  | { readonly is: 'opened' | 'closed' | 'end' }
  | {
      readonly is: 'acknowledged'
      readonly lane: number
      readonly unit: number
      readonly positions: readonly number[]
      readonly retried: boolean
    }
  /** An append was refused; `by` tells the handle: the first, the same again, a new one. */
  | {
      readonly is: 'refused'
      readonly lane: number
      readonly unit: number
      readonly by: Handle
      readonly told: Told
    }
  | { readonly is: 'backed-up'; readonly head: number }
  | {
      readonly is: 'failed'
      readonly doing: 'open' | 'close' | 'backup' | 'head'
      readonly by: Handle
      readonly told: Told
    }

/** Which handle was used: the one that met the fault, the same after it, or a new one. */
export type Handle = 'first' | 'again' | 'new'

/** Lines of a kind. */
export const linesOf = <K extends Line['is']>(
  lines: readonly Line[],
  is: K,
): readonly Extract<Line, { readonly is: K }>[] =>
  lines.filter((line): line is Extract<Line, { readonly is: K }> => line.is === is)

/** Reads a witness. A line that was not finished was not said. */
export const readWitness = (path: string): readonly Line[] =>
  existsSync(path) ? parseWitness(readFileSync(path, 'utf8')) : []

/** The lines of a text. */
export const parseWitness = (text: string): readonly Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
