/** Simulates programs, many times, each time another way. */
import { shrink, simulateOnce, simulationFailure } from './failure.ts'
import type {
  Simulated,
  SimulateOptions,
  SimulationCounts,
  SimulationInit,
  SimulationReport,
} from './simulation-ports.ts'
import { noCounts } from './world.ts'

const SEEDS = 100
const SHRINKS = 150

/**
 * Runs programs in processes that die, freeze and come back, over a network that loses, repeats and
 * delays, on one scheduler and in virtual time; and judges each simulation by what a witness
 * outside of the log saw. The same seed gives the same simulation, to the last byte of its log.
 *
 * @throws `ICE_RUNS_SIMULATION_CONFLICT` — a seed broke a promise: of runs, or of yours; the
 * message has the seed, the shortest trace that was found, and how to repeat both
 */
export async function simulate(
  init: SimulationInit,
  options: SimulateOptions = {},
): Promise<SimulationReport> {
  const { seeds = SEEDS, from = '', seed, choices = null, shrinks = SHRINKS, commit } = options
  const chosen = seed === undefined ? seeds : 1
  const counts = noCounts()
  let last: Simulated | undefined
  for (let n = 0; n < chosen; n += 1) {
    const ended = await simulateOnce(init, seed ?? `${from}${n}`, choices)
    const { broken, ...simulated } = ended
    if (broken !== null) {
      throw simulationFailure(ended, await shrink(init, ended, shrinks), commit)
    }
    last = simulated
    add(counts, ended.counts)
    options.onSeed?.(n + 1, counts)
  }
  return { seeds: chosen, counts, last: last ?? (await simulateOnce(init, from, null)) }
}

function add(sum: SimulationCounts, more: SimulationCounts): void {
  for (const name of Object.keys(sum) as (keyof SimulationCounts)[]) sum[name] += more[name]
}
