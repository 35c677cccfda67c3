/**
 * One copy of what many grants have in common.
 *
 * Runs are started with the same rights again and again. Their grants share one frozen list of
 * actions and one frozen resource, so that a hundred thousand of them need a fraction of the
 * memory, and a decision finds most of what it reads where the last one left it.
 */
import { canonicalize } from '@ice/primitives'
import { INTERNED_MAX } from './limits.ts'
import { deepFreeze } from './plain.ts'

/** Gives equal JSON one frozen copy, while it is among what was seen lately. */
export type Intern = <T>(value: T) => T

/** Makes a table of its own; what it holds is bounded. */
export function createIntern(max: number = INTERNED_MAX): Intern {
  const known = new Map<string, unknown>()
  return <T>(value: T): T => {
    const text = canonicalize(value)
    const found = known.get(text)
    if (found !== undefined) return found as T
    const copy = deepFreeze(JSON.parse(text)) as T
    if (known.size >= max) known.clear()
    known.set(text, copy)
    return copy
  }
}
