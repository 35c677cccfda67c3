/**
 * Mutants that change nothing anybody could see, each by name and with its reason, in a text file:
 *
 *     # why these change nothing
 *     file | the line the change is made in | original -> replacement
 *
 * A name holds no number of a line, so that it lasts while that line does.
 *
 * 1. An exemption of which no mutant has the name is an error: its reason may hold no longer.
 * 2. So is one whose mutant is noticed: it does change something.
 */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { projectRoot } from '../lib/house.ts'
import type { Mutant } from './edits.ts'

/** The names in a file of exemptions. @throws when one stands below no reason */
export function exemptions(path: URL): readonly string[] {
  const names: string[] = []
  let why = ''
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '') why = ''
    else if (line.startsWith('# ')) why = line
    else if (why === '') throw new Error(`no reason is given for: ${line}`)
    else names.push(line)
  }
  return names
}

/** The name of every mutant; the second of one name on one line ends in ` #2`. */
export function mutantNames(mutants: readonly Mutant[]): ReadonlyMap<Mutant, string> {
  const lines = new Map<string, readonly string[]>()
  const seen = new Map<string, number>()
  const names = new Map<Mutant, string>()
  for (const mutant of mutants) {
    const { file, line, original, replacement } = mutant
    const known = lines.get(file) ?? readFileSync(join(projectRoot, file), 'utf8').split('\n')
    lines.set(file, known)
    const change = replacement === '' ? `${original} left out` : `${original} -> ${replacement}`
    const place = `${file} ${line} ${change}`
    const count = (seen.get(place) ?? 0) + 1
    seen.set(place, count)
    const parts = [basename(file), known[line - 1] ?? '', change].map(flat)
    names.set(mutant, parts.join(' | ') + (count > 1 ? ` #${count}` : ''))
  }
  return names
}

function flat(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}
