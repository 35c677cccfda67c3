/**
 * The proof of runs: whatever befalls the processes that drive them, every effect has the fate it
 * declares, and every run comes to one end; and what was recorded is followed by every later
 * version, on every machine.
 *
 * `ICE_PROVE_ONLY=R5` makes some parts alone, by these names.
 */
import { type Parts, proveParts } from '../harness/parts.ts'
import type { CheckRecorder } from '../harness/recorder.ts'
import type { ProveTopic, TopicContext } from '../harness/topics.ts'
import { runsDeterminism } from './parts/runs-determinism.ts'
import { runsHistories } from './parts/runs-histories.ts'
import { runsKills } from './parts/runs-kills.ts'
import { runsPostgres } from './parts/runs-postgres.ts'
import { runsSimulation } from './parts/runs-simulation.ts'

type Part = (context: TopicContext & CheckRecorder) => Promise<void>

/** What is proved, by the name that `ICE_PROVE_ONLY` takes. */
const PARTS: Parts<Part> = [
  ['R7', runsHistories],
  ['R6', runsDeterminism],
  ['R5', runsSimulation],
  ['kills', runsKills],
  ['R9', runsPostgres],
]

export const topic: ProveTopic = {
  summary: 'runs: histories, determinism, simulation under faults, kills, workers on PostgreSQL',
  run: (context) => proveParts(PARTS, context),
}
