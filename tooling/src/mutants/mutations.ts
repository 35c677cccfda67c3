/**
 * What can be changed about one node of a program.
 *
 *     a < b              a <= b, a >= b            and so on for all comparisons
 *     a === b            a !== b
 *     a + b, a * b       a - b, a / b              and the other way round
 *     a && b, a || b     a || b, a && b
 *     a ?? b             a, b
 *     !a                 a
 *     a ? b : c, if (a)  with true and with false in the place of a
 *     true, 7, 'x', [a]  false, 8, '', []
 *     every, min, …      some, max, …
 *     f(x), a = b        left out, where it stands as a statement
 *
 * Prose is left alone (text with a space, templates): messages are no part of a decision.
 */

/** A node of the syntax tree, as far as it is looked at here. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [member: string]: unknown
}

/** A change: the text that would stand in the place of the node; `''` leaves a statement out. */
export interface Mutation {
  readonly replacement: string
}

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '==': ['!='],
  '!=': ['=='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&': ['|'],
  '>>': ['<<'],
}

const LOGIC: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' }

const METHODS: ReadonlyMap<string, string> = new Map([
  ['every', 'some'],
  ['some', 'every'],
  ['min', 'max'],
  ['max', 'min'],
  ['floor', 'ceil'],
  ['startsWith', 'endsWith'],
  ['push', 'unshift'],
])

/** Calls that give their object back when they are left out. */
const REMOVED: ReadonlySet<string> = new Set(['filter', 'sort', 'toSorted', 'slice'])

/** All changes to a node; none for most. */
export function mutationsOf(
  node: Node,
  parent: Node | undefined,
  source: string,
): readonly Mutation[] {
  const of = (part: unknown): string => source.slice((part as Node).start, (part as Node).end)
  const all = (...replacements: string[]): readonly Mutation[] =>
    replacements.map((replacement) => ({ replacement }))
  switch (node.type) {
    case 'BinaryExpression': {
      if (isProse(node['left'] as Node) || isProse(node['right'] as Node)) return []
      const operators = OPERATORS[String(node['operator'])] ?? []
      return all(...operators.map((each) => `${of(node['left'])} ${each} ${of(node['right'])}`))
    }
    case 'LogicalExpression': {
      const [left, right] = [of(node['left']), of(node['right'])]
      const other = LOGIC[String(node['operator'])]
      return other === undefined ? all(left, right) : all(`(${left}) ${other} (${right})`)
    }
    case 'UnaryExpression':
      return node['operator'] === '!' ? all(of(node['argument'])) : []
    case 'ConditionalExpression':
      return all(of(node['consequent']), of(node['alternate']))
    case 'Literal':
      return isPlain(node, parent) ? all(...literal(node['value'])) : []
    case 'ArrayExpression':
      return (node['elements'] as readonly unknown[]).length > 0 ? all('[]') : []
    case 'CallExpression':
      return all(...calls(node, of))
    case 'ExpressionStatement':
      return node['directive'] == null ? all('') : []
    case 'ContinueStatement':
      return all('')
    default:
      return parent?.type === 'IfStatement' && parent['test'] === node ? all('true', 'false') : []
  }
}

/** Whether this is a part of a text that is put together. */
function isProse({ type, value }: Node): boolean {
  if (type === 'TemplateLiteral') return true
  return type === 'Literal' && typeof value === 'string' && value.includes(' ')
}

/** Whether a literal is a value: no key, no name of a module, no part of a type. */
function isPlain(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined || parent.type.startsWith('TS')) return parent?.type === 'TSAsExpression'
  if (parent.type === 'Property' && parent['key'] === node) return false
  return !/^(Import|Export)/.test(parent.type)
}

function literal(value: unknown): readonly string[] {
  if (typeof value === 'boolean') return [String(!value)]
  if (typeof value === 'number') return [String(value + 1)]
  return typeof value === 'string' && value !== '' && !value.includes(' ') ? ["''"] : []
}

function calls(node: Node, of: (part: unknown) => string): readonly string[] {
  const callee = node['callee'] as Node
  if (callee.type !== 'MemberExpression' || callee['computed'] === true) return []
  const name = of(callee['property'])
  if (REMOVED.has(name)) return [of(callee['object'])]
  const other = METHODS.get(name)
  if (other === undefined) return []
  const given = (node['arguments'] as readonly Node[]).map(of).join(', ')
  return [`${of(callee['object'])}.${other}(${given})`]
}
