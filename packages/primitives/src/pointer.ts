/// <reference lib="es2024.string" />
/**
 * JSON pointers (RFC 6901): the name of a place in a JSON value.
 *
 *     pointer = *( "/" *( unescaped / "~0" / "~1" ) )
 *
 * 1. Bounded: a pointer that is longer, or goes deeper, than `limits.ts` says is none.
 * 2. Own members only: `/constructor` leads to nothing unless it was written there.
 * 3. An index of a list is written in one way: no sign, no leading zero; `-` is past its end.
 *
 * The trap: a walk that stops at a text or a number has not found *nothing*. What stands there may
 * be read as the thing that was looked for (one address, where a list of them was expected), so a
 * search says where it stopped.
 */
import { JSON_DEPTH_MAX, JSON_POINTER_CHARS_MAX } from './limits.ts'

/** What stands at a pointer. */
export type Found =
  /** It is there. */
  | { readonly kind: 'value'; readonly value: unknown }
  /** The list or object that would hold it does not. */
  | { readonly kind: 'nothing' }
  /**
   * The walk ended after so many steps, at a value that can hold no such member: a text, a number,
   * a list that is asked for a name.
   */
  | { readonly kind: 'blocked'; readonly steps: number }

/** The steps of a pointer, unescaped; `undefined` when the text is no pointer within bounds. */
export function readPointer(text: unknown): readonly string[] | undefined {
  if (typeof text !== 'string' || text.length > JSON_POINTER_CHARS_MAX) return undefined
  if (text === '') return []
  if (!text.startsWith('/') || /~(?![01])/.test(text) || !text.isWellFormed()) return undefined
  const steps = text.slice(1).split('/')
  if (steps.length > JSON_DEPTH_MAX) return undefined
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The pointer of these steps. */
export function writePointer(steps: readonly string[]): string {
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Walks into a value. What a getter or a proxy throws passes through. */
export function findAt(root: unknown, steps: readonly string[]): Found {
  let value = root
  for (const [taken, step] of steps.entries()) {
    if (typeof value !== 'object' || value === null) return { kind: 'blocked', steps: taken }
    if (Array.isArray(value) && !INDEX.test(step)) return { kind: 'blocked', steps: taken }
    if (!Object.hasOwn(value, step)) return { kind: 'nothing' }
    value = (value as Readonly<Record<string, unknown>>)[step]
  }
  return { kind: 'value', value }
}

const INDEX = /^(?:0|[1-9][0-9]*)$/
