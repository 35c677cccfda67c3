/** The table of limits, from `src/limits.ts`: each exported number, with its comment. */
import type { Expression } from 'oxc-parser'
import type { SourceFile } from '../source.ts'
import { docBefore, row } from './doc-comments.ts'

/** The value of an expression made of numbers, earlier limits and + - * / **. */
const evaluate = (node: Expression, known: ReadonlyMap<string, number>): number | undefined => {
  if (node.type === 'Literal' && typeof node.value === 'number') return node.value
  if (node.type === 'Identifier') return known.get(node.name)
  if (node.type === 'ParenthesizedExpression') return evaluate(node.expression, known)
  if (node.type === 'TSAsExpression') return evaluate(node.expression, known)
  if (node.type !== 'BinaryExpression' || node.left.type === 'PrivateIdentifier') return undefined
  const left = evaluate(node.left, known)
  const right = evaluate(node.right, known)
  if (left === undefined || right === undefined) return undefined
  const results: Readonly<Record<string, number>> = {
    '+': left + right,
    '-': left - right,
    '*': left * right,
    '/': left / right,
    '**': left ** right,
  }
  return results[node.operator]
}

/** Digits in groups of three, as they are read; the same on every machine. */
const grouped = (value: number): string =>
  Number.isSafeInteger(value) && value < 1e15
    ? String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',')
    : String(value)

/** @returns lines of Markdown, or none when the file exports no number. */
export const limitsTable = (file: SourceFile): readonly string[] => {
  const known = new Map<string, number>()
  const rows: string[] = []
  const add = (name: string, init: Expression | null | undefined, doc: string): void => {
    if (init === null || init === undefined) return
    const value = evaluate(init, known)
    const shown = value === undefined ? file.text.slice(init.start, init.end) : grouped(value)
    if (value !== undefined) known.set(name, value)
    rows.push(row(`\`${name}\``, value === undefined ? `\`${shown}\`` : shown, doc))
  }
  for (const node of file.program.body) {
    if (node.type !== 'ExportNamedDeclaration') continue
    if (node.declaration?.type !== 'VariableDeclaration') continue
    for (const { id, init } of node.declaration.declarations) {
      if (id.type === 'Identifier') add(id.name, init, docBefore(file, node.start))
    }
  }
  if (rows.length === 0) return []
  return [row('limit', 'value', 'of what, and why'), row('---', '---:', '---'), ...rows]
}
