/**
 * R5: runtime, store, clock, network and workers on one seeded scheduler, with every fault.
 *
 * Each program is simulated under as many seeds; every second seed also has aborts, revocations and
 * a third worker, and of four seeds two have supervisors, which pick what is driven by an index.
 * What is promised is judged by a witness outside of the log.
 *
 *     ICE_PROVE_SEEDS=500        so many seeds in all
 *     ICE_PROVE_SEED=…           the same seeds
 *     ICE_PROVE_CASE='waits 17'  this program under this seed alone
 */
import { randomInt } from 'node:crypto'
import { type SimulationCounts, type SimulationInit, simulate } from '@ice/runs/testing'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { projectRoot } from '../../lib/house.ts'
import { runTool } from '../../lib/tools.ts'
import { insist } from './insist.ts'
import { SIMULATED, UNSUPERVISED } from './runs-programs.ts'
import { WORLDS } from './runs-worlds.ts'

const SEEDS = 2_000
const SEEDS_FULL = 2_000_000
/** Seeds that are simulated twice: to the same log, or not. */
const TWICE = 0.01
/** At least so many of each world: of every way in which it is simulated one. */
const TWICE_MIN = 4

type Context = TopicContext & CheckRecorder

/** Simulates. */
export const runsSimulation = async (context: Context): Promise<void> => {
  const seed = process.env['ICE_PROVE_SEED'] ?? String(randomInt(2 ** 32))
  const seeds = Number(process.env['ICE_PROVE_SEEDS'] ?? (context.full ? SEEDS_FULL : SEEDS))
  const worlds = { ...SIMULATED, ...WORLDS }
  const names = Object.keys(worlds)
  const each = Math.ceil(seeds / names.length)
  const commit = await commitOf()
  context.say(
    `  R5: seed ${seed}, ${each} seeds for each of ${names.length} worlds, commit ${commit}`,
  )
  const [only, number] = process.env['ICE_PROVE_CASE']?.split(' ') ?? []
  const counts = new Map<keyof SimulationCounts, number>()
  const began = performance.now()
  let done = 0
  for (const [name, init] of Object.entries(worlds)) {
    if (only !== undefined && only !== name) continue
    const chosen =
      number === undefined ? Array.from({ length: each }, (_, n) => n) : [Number(number)]
    await context.check(`runs of "${name}" keep what is promised, under every fault`, async () => {
      for (const n of chosen) {
        add(counts, await oneSeed({ name, init, seed, n, commit, most: each }))
        done += 1
        const rate = (done * 1_000) / (performance.now() - began)
        context.progress(`R5: ${done} seeds, ${rate.toFixed(1)} a second, at "${name}"`)
      }
      return chosen.length
    })
  }
  const rate = (done * 1_000) / (performance.now() - began)
  const told = [...counts].map(([name, n]) => `${n.toLocaleString('en-US')} ${name}`).join(', ')
  context.say(`  ${done} seeds, ${rate.toFixed(1)} a second: ${told}`)
}

interface Case {
  readonly name: string
  readonly init: SimulationInit
  readonly seed: string
  readonly n: number
  readonly commit: string
  readonly most: number
}

const oneSeed = async ({ name, init, seed, n, commit, most }: Case): Promise<SimulationCounts> => {
  const isSupervised = n % 4 > 1 && !UNSUPERVISED.has(name)
  const picked = isSupervised ? { supervise: {}, ...init } : init
  const world = n % 2 === 0 ? picked : { ...picked, workers: 3, faults: { abort: 2, revoke: 2 } }
  const options = { seed: `${seed}/${name}/${n}`, commit }
  try {
    const { counts, last } = await simulate(world, options)
    if (n < Math.max(most * TWICE, TWICE_MIN)) {
      const again = await simulate(world, options)
      insist(again.last.digest === last.digest, `${options.seed} is two simulations`)
    }
    return counts
  } catch (error) {
    const again =
      `ICE_PROVE_ONLY=R5 ICE_PROVE_SEED=${seed} ICE_PROVE_CASE='${name} ${n}' ` +
      'npm run prove -- runs'
    throw new Error(`${error instanceof Error ? error.message : error}\nagain: ${again}`)
  }
}

const add = (sum: Map<keyof SimulationCounts, number>, more: SimulationCounts): void => {
  for (const [name, n] of Object.entries(more) as [keyof SimulationCounts, number][]) {
    sum.set(name, (sum.get(name) ?? 0) + n)
  }
}

const commitOf = async (): Promise<string> => {
  const { status, output } = await runTool({
    command: 'git',
    args: ['describe', '--always', '--dirty', '--abbrev=12'],
    cwd: projectRoot,
    output: 'keep',
  })
  return status === 0 ? output.trim() : 'unknown'
}
