/**
 * The language of a file: by its whole name, by its ending, by the interpreter of its first line.
 *
 * A name is asked first, so that a page written by a generator counts as what it is called. What
 * none of them knows is `OTHER`. What holds a NUL near its beginning is `BINARY`, whatever its
 * name.
 */

import { ENDINGS, INTERPRETERS, NAMES } from './language-table.ts'

/** Text that no rule knows. */
export const OTHER = '(other)'

/** Bytes that are no text: a NUL near the beginning, as git decides it. */
export const BINARY = '(binary)'

function indexed(rows: readonly (readonly [string, string])[]): ReadonlyMap<string, string> {
  return new Map(rows.flatMap(([language, words]) => words.split(' ').map((w) => [w, language])))
}

const byEnding = indexed(ENDINGS)
const byName = indexed(NAMES)
const byInterpreter = indexed(INTERPRETERS)

/** What the name of a file says of its language, if it says anything. Pure. */
export function languageByName(name: string): string | undefined {
  const whole = byName.get(name)
  if (whole !== undefined) return whole
  const dot = name.lastIndexOf('.')
  if (dot < 1) return undefined
  const ending = name.slice(dot + 1)
  return byEnding.get(ending) ?? byEnding.get(ending.toLowerCase())
}

/** What the first line says: `#!/usr/bin/env -S python3 -u` is Python. Pure. */
export function languageByShebang(head: string): string | undefined {
  if (!head.startsWith('#!')) return undefined
  const line = head.slice(2, 256).split('\n', 1)[0] ?? ''
  const words = line.trim().split(/\s+/)
  const programs = words.map((word) => word.split('/').at(-1) ?? '')
  const isEnv = programs[0] === 'env'
  const named = isEnv ? programs.slice(1).find((p) => p !== '' && !/^-|=/.test(p)) : programs[0]
  if (named === undefined) return undefined
  return byInterpreter.get(named) ?? byInterpreter.get(named.replace(/[0-9.]+$/, ''))
}
