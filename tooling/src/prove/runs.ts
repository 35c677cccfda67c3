/**
 * The proof of runs: whatever befalls the processes that drive them, every effect has the fate it
 * declares, and every run comes to one end; and what was recorded is followed by every later
 * version, on every machine.
 *
 * `ICE_PROVE_ONLY=R5` makes some parts alone, by these names.
 */
import type { CheckRecorder } from '../harness/recorder.ts'
import type { ProveTopic, TopicContext } from '../harness/topics.ts'
import { runsDeterminism } from './parts/runs-determinism.ts'
import { runsHistories } from './parts/runs-histories.ts'
import { runsKills } from './parts/runs-kills.ts'
import { runsSimulation } from './parts/runs-simulation.ts'

type Part = (context: TopicContext & CheckRecorder) => Promise<void>

/** What is proved, by the name that `ICE_PROVE_ONLY` takes. */
const PARTS: readonly (readonly [name: string, part: Part])[] = [
  ['R7', runsHistories],
  ['R6', runsDeterminism],
  ['R5', runsSimulation],
  ['kills', runsKills],
]

export const topic: ProveTopic = {
  summary: 'runs: recorded histories, the same state everywhere, simulation under faults, kills',
  async run(context) {
    const only = process.env['ICE_PROVE_ONLY']?.split(',')
    const names = PARTS.map(([name]) => name)
    const unknown = only?.filter((name) => !names.includes(name)) ?? []
    if (unknown.length > 0) {
      throw new Error(`there is no part ${unknown.join()}; the parts are ${names.join()}`)
    }
    for (const [name, part] of PARTS) {
      if (only?.includes(name) === false) continue
      const began = performance.now()
      await part(context)
      context.say(`  ${name}: ${((performance.now() - began) / 1_000).toFixed(1)} s`)
    }
  },
}
