/**
 * The choices of a simulation: each a small number, drawn from the seed and kept in order.
 *
 * All that is not the program's own doing comes from here, so a seed repeats a simulation, and so
 * does the list of what was chosen. Zero is always the calm choice: the oldest thing first, and no
 * fault. So a list is told by what is not zero in it, and one with more zeros is a simpler
 * simulation: that is what shrinking goes by.
 */
import { type Random, seededRandom } from '@ice/primitives'

/** Where a simulation takes its choices from. */
export interface Choices {
  /** What was chosen so far. */
  readonly made: readonly number[]
  /** One of `n`, from 0. With one to choose from nothing is drawn. */
  pick(n: number): number
  /** Whether something befalls, so often of a thousand times. */
  chance(perMille: number): boolean
}

/** What was chosen at which place, where it was not zero. */
export type SparseChoices = Readonly<Record<number, number>>

/** Choices drawn from a seed, or those that were made before. */
export function createChoices(seed: string, list: SparseChoices | null): Choices {
  const made: number[] = []
  const next = list === null ? drawn(seed) : listed(list)
  const keep = (choice: number): number => {
    made.push(choice)
    return choice
  }
  return {
    made,
    pick: (n) => (n <= 1 ? 0 : keep(next.pick(n))),
    chance: (perMille) => perMille > 0 && keep(next.chance(perMille)) === 1,
  }
}

interface Source {
  pick(n: number): number
  chance(perMille: number): number
}

/** Some seeds are calm, and some take nothing in its turn: both find what the other does not. */
function drawn(seed: string): Source {
  const random: Random = seededRandom(`simulation/${seed}`)
  const calm = (random.uint32() % 4) * 300
  return {
    pick: (n) => (random.uint32() % 1_000 < calm ? 0 : random.uint32() % n),
    chance: (perMille) => (random.uint32() % 1_000 < perMille ? 1 : 0),
  }
}

function listed(list: SparseChoices): Source {
  let at = 0
  const next = (): number => {
    at += 1
    return Object.hasOwn(list, at - 1) ? (list[at - 1] ?? 0) : 0
  }
  return { pick: (n) => Math.min(next(), n - 1), chance: () => Math.min(next(), 1) }
}

/** Says a list by what is not zero in it. */
export function sparse(list: readonly number[]): SparseChoices {
  return Object.fromEntries(list.flatMap((choice, at) => (choice === 0 ? [] : [[at, choice]])))
}
