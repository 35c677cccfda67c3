/**
 * Which of the costly parts of a request some policy looks at.
 *
 * A policy names a member of the context as `context.x` or `context has x`. One that uses the
 * context in any other way looks at everything.
 */
import type { Costly } from './call.ts'

const COSTLY: readonly Costly[] = ['arguments', 'labels']

/** What the policies look at; `trees` are Cedar's JSON of them. */
export function lookedAt(trees: readonly unknown[]): ReadonlySet<Costly> {
  const found = new Set<Costly>()
  for (const tree of trees) look(tree, found)
  return found
}

function look(tree: unknown, found: Set<Costly>): void {
  if (typeof tree !== 'object' || tree === null) return
  if (isContext(tree)) {
    for (const part of COSTLY) found.add(part)
    return
  }
  for (const [operator, operand] of Object.entries(tree)) {
    const attr = operator === '.' || operator === 'has' ? attributeOfContext(operand) : undefined
    if (attr === undefined) look(operand, found)
    else if (isCostly(attr)) found.add(attr)
  }
}

function isContext(tree: object): boolean {
  return (tree as { readonly Var?: unknown }).Var === 'context'
}

function attributeOfContext(operand: unknown): string | undefined {
  const { left, attr } = operand as { readonly left?: unknown; readonly attr?: unknown }
  if (typeof left !== 'object' || left === null || !isContext(left)) return undefined
  const first: unknown = Array.isArray(attr) ? attr[0] : attr
  return typeof first === 'string' ? first : undefined
}

function isCostly(name: string): name is Costly {
  return COSTLY.includes(name as Costly)
}

/**
 * What the context of each action has, where a schema declares it; `undefined` for an action
 * whose context is not written out.
 */
export function declaredParts(schema: unknown, action: string): ReadonlySet<Costly> | undefined {
  const { Ice } = schema as { readonly Ice?: Namespace }
  const context = own(Ice?.actions, action)?.appliesTo?.context
  const attributes = context?.attributes ?? own(Ice?.commonTypes, context?.type ?? '')?.attributes
  if (attributes === undefined) return undefined
  return new Set(COSTLY.filter((part) => Object.hasOwn(attributes, part)))
}

interface Shape {
  readonly type?: string
  readonly attributes?: object
}

interface Namespace {
  readonly actions?: Readonly<Record<string, { readonly appliesTo?: { readonly context?: Shape } }>>
  readonly commonTypes?: Readonly<Record<string, Shape>>
}

function own<T>(table: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
}
