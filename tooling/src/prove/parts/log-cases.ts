/** Cases of a part: chosen over everything there is, made two at a time, each with its command. */
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Random, seededRandom } from '@ice/primitives'
import { quickFolder } from '../../lib/quick-folder.ts'

/** Cases at a time: while one starts its process another is judged. */
export const LANES = 2

/** A folder for a part, in memory where there is such a thing: the power is not really cut. */
export const scratch = (name: string): string => {
  process.env['NODE_COMPILE_CACHE'] ??= compiled()
  return realpathSync(quickFolder(`ice-log-${name}-`))
}

/**
 * Half of what a process under proof takes is reading its own program: that is kept until the
 * proof ends. Not in the folder of a part, which a late process would make again.
 */
const compiled = (): string => {
  const folder = quickFolder('ice-log-compiled-')
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const shuffled = <T>(items: readonly T[], random: Random): T[] => {
  const copy = [...items]
  for (let at = copy.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random.float() * (at + 1))
    const [a, b] = [copy[at] as T, copy[other] as T]
    copy[at] = b
    copy[other] = a
  }
  return copy
}

/** Chooses items so that each kind has its turn, and rare ones are all there. */
export const choose = <T>(
  items: readonly T[],
  kindOf: (item: T) => string,
  { count, seed }: { readonly count: number; readonly seed: string },
): readonly T[] => {
  const random = seededRandom(seed)
  const kinds = new Map<string, T[]>()
  for (const item of shuffled(items, random)) {
    const kind = kindOf(item)
    kinds.set(kind, [...(kinds.get(kind) ?? []), item])
  }
  const chosen: T[] = []
  for (let round = 0; chosen.length < Math.min(count, items.length); round += 1) {
    for (const ofKind of kinds.values()) {
      const item = ofKind[round]
      if (item !== undefined && chosen.length < count) chosen.push(item)
    }
  }
  return chosen
}

/** How cases are made. */
export interface CasesInit<C, R> {
  readonly cases: readonly C[]
  readonly nameOf: (each: C) => string
  /** Makes one case in a folder that it makes itself. @throws when it falls short */
  readonly make: (each: C, folder: string) => Promise<R>
  /** Where folders are made. */
  readonly base: string
  /** The command that repeats a case. */
  readonly again: (name: string) => string
  readonly progress: (status: string) => void
}

/** Failures that are shown in full; of one kind there may be hundreds. */
const FAILURES_SHOWN = 8

interface Failure {
  readonly name: string
  readonly why: string
  readonly kept: string | undefined
}

/** One failure of each reason first, then the others. */
const shownOf = (failures: readonly Failure[]): readonly Failure[] => {
  const reasons = new Set<string>()
  const isFirst = ({ why }: Failure): boolean => {
    const reason = why.replaceAll(/\d+/g, '')
    const isNew = !reasons.has(reason)
    reasons.add(reason)
    return isNew
  }
  const first = failures.filter(isFirst)
  return [...first, ...failures.filter((each) => !first.includes(each))].slice(0, FAILURES_SHOWN)
}

/** Makes all cases. @throws when some fall short, with the command that repeats each */
export const makeCases = async <C, R>(init: CasesInit<C, R>): Promise<readonly R[]> => {
  const { cases, nameOf, make, base, again, progress } = init
  const results: R[] = []
  const failures: Failure[] = []
  const waiting = cases.entries()
  const lane = async (): Promise<void> => {
    for (const [at, each] of waiting) {
      const folder = join(base, `case-${at}`)
      const name = nameOf(each)
      progress(`case ${at + 1} of ${cases.length}: ${name}`)
      try {
        results.push(await make(each, folder))
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        const kept = failures.length < FAILURES_SHOWN ? keep(folder) : undefined
        failures.push({ name, why, kept })
      }
      rmSync(folder, { recursive: true, force: true })
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  if (failures.length === 0) return results
  const shown = shownOf(failures).map(({ name, why, kept }) => {
    const left = kept === undefined ? '' : `\n  what it left: ${kept}`
    return `${name}: ${why}${left}\n  again: ${again(name)}`
  })
  throw new Error(`${failures.length} of ${cases.length} cases fall short\n${shown.join('\n')}`)
}

/** Keeps what a case left, for whoever looks into it. */
export const keep = (folder: string): string => {
  if (!existsSync(folder)) return 'nothing'
  const kept = join(mkdtempSync(join(tmpdir(), 'ice-log-evidence-')), basename(folder))
  cpSync(folder, kept, { recursive: true })
  return kept
}

/** Sums up a count over results. */
export const total = <R>(results: readonly R[], of: (result: R) => number): number =>
  results.reduce((sum, each) => sum + of(each), 0)
