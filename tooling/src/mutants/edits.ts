/**
 * Mutants of one source: what each would change, and one text that holds all of them.
 *
 * Every mutant is compiled in and switched on by its number, so that sources are read, stripped of
 * types and loaded once, however many mutants there are:
 *
 *     at < until      (__m(7) ? (at <= until) : __m(8) ? (at >= until) : (at < until))
 *     causes.push(x)  { if (!__m(9)) causes.push(x) }
 *
 * Loops are counted, so that a mutant that never ends does.
 *
 * The trap: mutating by text. A `<` may be a type, a comment or a part of a regular expression.
 */
import { parseSync } from 'oxc-parser'
import { type Mutation, mutationsOf, type Node } from './mutations.ts'

/** One change to one place of a source. */
export interface Mutant {
  readonly id: number
  /** Path of the source, relative to the project. */
  readonly file: string
  readonly line: number
  readonly original: string
  readonly replacement: string
}

/** A source with all its mutants compiled in. */
export interface Instrumented {
  readonly text: string
  readonly mutants: readonly Mutant[]
}

interface Edit {
  readonly start: number
  readonly end: number
  /** The text that replaces the place, made of what it holds. */
  wrap(inner: string): string
}

/** Compiles all mutants of a source into it; the first gets the number `firstId`. */
export function instrument(file: string, source: string, firstId: number): Instrumented {
  const program = parseSync(file, source, { lang: 'ts', sourceType: 'module' }).program
  const mutants: Mutant[] = []
  const edits: Edit[] = []
  walk(program as unknown as Node, (node, parent) => {
    const guard = loopGuard(node)
    if (guard !== undefined) edits.push(guard)
    const mutations = mutationsOf(node, parent, source)
    if (mutations.length === 0) return
    const ids = mutations.map((mutation) => add(node, mutation))
    edits.push({ start: node.start, end: node.end, wrap: wrapper(mutations, ids) })
  })
  return { text: render(source, edits), mutants }

  function add(node: Node, { replacement }: Mutation): number {
    const id = firstId + mutants.length
    const line = source.slice(0, node.start).split('\n').length
    mutants.push({ id, file, line, original: source.slice(node.start, node.end), replacement })
    return id
  }
}

function wrapper(mutations: readonly Mutation[], ids: readonly number[]): Edit['wrap'] {
  if (mutations[0]?.replacement === '') return (inner) => `{ if (!__m(${ids[0]})) ${inner} }`
  const choices = mutations.map(({ replacement }, i) => `__m(${ids[i]}) ? (${replacement}) : `)
  return (inner) => `(${choices.join('')}(${inner}))`
}

const LOOPS: ReadonlySet<string> = new Set([
  'ForStatement',
  'ForOfStatement',
  'ForInStatement',
  'WhileStatement',
  'DoWhileStatement',
])

function loopGuard(node: Node): Edit | undefined {
  if (!LOOPS.has(node.type)) return undefined
  const { start, end } = node['body'] as Node
  return { start, end, wrap: (inner) => `{ __l(); ${inner} }` }
}

/** Calls `visit` for every node that is no type; a node comes before what it holds. */
function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node) {
  const isType = node.type.startsWith('TS') && !('expression' in node)
  if (isType || node.type === 'ImportDeclaration') return
  visit(node, parent)
  for (const [name, member] of Object.entries(node)) {
    if (name === 'typeAnnotation' || name === 'typeArguments' || name === 'returnType') continue
    for (const child of Array.isArray(member) ? member : [member]) {
      if (isNode(child)) walk(child, visit, node)
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

/** Applies edits that lie within each other or apart; the first of two on one place is outside. */
function render(source: string, edits: readonly Edit[]): string {
  const sorted = edits
    .map((edit, order) => ({ edit, order }))
    .sort((a, b) => a.edit.start - b.edit.start || b.edit.end - a.edit.end || a.order - b.order)
    .map(({ edit }) => edit)
  let next = 0
  const upTo = (start: number, end: number): string => {
    let text = ''
    let at = start
    for (let edit = sorted[next]; edit !== undefined && edit.start < end; edit = sorted[next]) {
      next += 1
      text += source.slice(at, edit.start) + edit.wrap(upTo(edit.start, edit.end))
      at = edit.end
    }
    return text + source.slice(at, end)
  }
  return upTo(0, source.length)
}
