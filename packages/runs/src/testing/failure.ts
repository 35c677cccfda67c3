/**
 * A failing simulation, made as short as it can be and told in full.
 *
 * A simulation is the list of its choices, and zero is the calm one. So a list with a part set to
 * zero, or cut off, is a simpler simulation; one that still fails is taken instead. What is left at
 * the end is little more than what it takes.
 */
import { RUNS_CODES, RunsError } from '../errors.ts'
import { createChoices, type SparseChoices, sparse } from './choices.ts'
import type { SimulationInit } from './simulation-ports.ts'
import { type Ended, World } from './world.ts'

const LINES_MAX = 400

/** One simulation, from a seed or from choices. */
export function simulateOnce(
  init: SimulationInit,
  seed: string,
  choices: SparseChoices | null,
): Promise<Ended> {
  return new World(init, seed, createChoices(seed, choices)).run()
}

/** @returns a shorter simulation that breaks the same promise, or the same one */
export async function shrink(
  init: SimulationInit,
  failed: Ended,
  simulations: number,
): Promise<Ended> {
  let best = failed
  let left = simulations
  const attempt = async (choices: readonly number[]): Promise<boolean> => {
    left -= 1
    const ended = await simulateOnce(init, failed.seed, sparse(choices))
    if (kindOf(ended) !== kindOf(failed) || measure(ended) >= measure(best)) return false
    best = ended
    return true
  }
  let size = best.choices.length
  while (size >= 1 && left > 0) {
    let at = best.choices.length
    let hasShrunk = false
    while (at > 0 && left > 0) {
      const from = Math.max(0, at - size)
      const { choices } = best
      const isCalm = choices.slice(from, at).every((choice) => choice === 0)
      if (!isCalm) {
        const calmer = choices.map((choice, i) => (i >= from && i < at ? 0 : choice))
        if (await attempt(calmer)) hasShrunk = true
      }
      at = Math.min(from, best.choices.length)
    }
    if (!hasShrunk || size === 1) size = Math.floor(size / 2)
  }
  return best
}

/** Which promise was broken, whoever broke it: another one is another failure. */
function kindOf({ broken }: Ended): string | null {
  return broken === null
    ? null
    : broken.replaceAll(/"[^"]*"|[\d.#@-]+|[0-9a-f-]{36}/g, '').slice(0, 48)
}

/** How long a simulation is for whoever has to read it: first what befell, then how many steps. */
function measure({ choices, counts }: Ended): number {
  return choices.filter((choice) => choice !== 0).length * 1_000 + counts.steps
}

/** The error of a simulation that broke a promise. */
export function simulationFailure(
  failed: Ended,
  shortest: Ended,
  commit: string | undefined,
): RunsError {
  const { seed } = failed
  const names = new Map<string, string>()
  const lines = shortest.trace.slice(-LINES_MAX).map((line) => named(line, names))
  const choices = JSON.stringify(sparse(shortest.choices)).replaceAll('"', '')
  const text = [
    `Seed ${seed} breaks a promise: ${failed.broken}`,
    `commit ${commit ?? 'not told'}; ${failed.counts.steps} steps; log ${failed.digest}`,
    `Repeat it with simulate(…, { seed: ${JSON.stringify(seed)} }).`,
    `The shortest simulation that was found has ${shortest.counts.steps} steps: ` +
      `${named(shortest.broken ?? '', names)}`,
    `Repeat that with simulate(…, { seed: ${JSON.stringify(seed)}, choices: ${choices} }):`,
    ...lines.map((line) => `  ${line}`),
  ]
  const data = { seed, broken: failed.broken ?? '', digest: failed.digest, choices }
  return new RunsError(RUNS_CODES.simulation, text.join('\n'), data)
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g

/** A line with a short name for each id: `r1`. */
function named(line: string, names: Map<string, string>): string {
  return line.replaceAll(UUID, (id) => {
    const name = names.get(id) ?? `#${names.size + 1}`
    names.set(id, name)
    return name
  })
}
