/**
 * One parsed source file: its tree, its comments, and what it imports.
 *
 * Parsed with oxc, because TypeScript 7 offers no parser to programs. A file that does not parse
 * is the compiler's business; here it counts as empty.
 */
import { type Comment, type Program, parseSync, Visitor, type VisitorObject } from 'oxc-parser'

/** One edge of the import graph. */
export interface ImportEdge {
  readonly specifier: string
  /**
   * True when nothing of it is left at run time: `import type`, `export type … from`, `import()`
   * in a type. `import { type A }` is not, because the compiler keeps the import itself.
   */
  readonly isTypeOnly: boolean
  readonly line: number
}

/** A source file as the rules see it. */
export interface SourceFile {
  readonly path: string
  /** Which part of its package it belongs to: the folder below the package, `src` or `test`. */
  readonly area: string
  readonly text: string
  readonly lines: readonly string[]
  readonly program: Program
  readonly comments: readonly Comment[]
  readonly imports: readonly ImportEdge[]
  /** The 1-based line of an offset into `text`. */
  lineAt(offset: number): number
  visit(visitor: VisitorObject): void
}

const areaOf = (path: string): string => {
  const parts = path.split('/')
  if (parts[0] === 'examples') return 'examples'
  return (path.startsWith('packages/') || path.startsWith('apps/') ? parts[2] : parts[1]) ?? ''
}

/** Line starts, so that an offset is found by bisection. */
const lineFinder = (text: string): ((offset: number) => number) => {
  const starts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)]
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}

type RawEdge = readonly [specifier: string, isTypeOnly: boolean, offset: number]

const collectEdges = (program: Program): readonly RawEdge[] => {
  const edges: RawEdge[] = []
  const addLiteral = (node: unknown, isTypeOnly: boolean, offset: number): void => {
    const { type, value } = node as { type: string; value?: unknown }
    if (type === 'Literal' && typeof value === 'string') edges.push([value, isTypeOnly, offset])
  }
  new Visitor({
    ImportDeclaration: (node) => addLiteral(node.source, node.importKind === 'type', node.start),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) addLiteral(node.source, node.exportKind === 'type', node.start)
    },
    ExportAllDeclaration: (node) => addLiteral(node.source, node.exportKind === 'type', node.start),
    ImportExpression: (node) => addLiteral(node.source, false, node.start),
    TSImportType: (node) => addLiteral(node.source, true, node.start),
    NewExpression: (node) => {
      const [target, base] = node.arguments
      const isUrl = node.callee.type === 'Identifier' && node.callee.name === 'URL'
      if (isUrl && target !== undefined && base?.type === 'MemberExpression') {
        addLiteral(target, false, node.start)
      }
    },
  }).visit(program)
  return edges
}

/** Parses a file; the path tells its language and its place. */
export const parseSource = (path: string, text: string): SourceFile => {
  const { program, comments } = parseSync(path, text, { sourceType: 'module' })
  const lineAt = lineFinder(text)
  return {
    path,
    area: areaOf(path),
    text,
    lines: text.split('\n'),
    program,
    comments,
    imports: collectEdges(program).map(([specifier, isTypeOnly, offset]) => ({
      specifier,
      isTypeOnly,
      line: lineAt(offset),
    })),
    lineAt,
    visit: (visitor) => new Visitor(visitor).visit(program),
  }
}
