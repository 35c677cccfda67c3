/**
 * Runs: what a governed run costs beside the same job in peers (P6), beside the floor under it, and
 * what its steps cost when it is long (P7), and whether a run is shown, started and resumed among
 * millions of events as fast as among few (ten-million); very many suspended runs (P8), and those
 * of a process that was killed (P9). `ICE_BENCH_ONLY=P6,P7` leaves the other parts out;
 * `ICE_BENCH_PEERS=dbos,restate` has only these measured.
 */
import type { Figure } from '../harness/figure.ts'
import { chosenParts } from '../harness/parts.ts'
import type { BenchTopic, TopicContext } from '../harness/topics.ts'
import { besidePeers } from './parts/beside-peers.ts'
import { governedRuns } from './parts/governed-runs.ts'
import { runLength } from './parts/run-length.ts'
import { runsAmongMany } from './parts/runs-among-many.ts'
import { afterKill, suspendedRuns } from './parts/suspended-runs.ts'

const PARTS: Readonly<Record<string, (context: TopicContext) => Promise<readonly Figure[]>>> = {
  P6: async (context) => [...(await besidePeers(context)), ...(await governedRuns(context))],
  P7: runLength,
  P8: suspendedRuns,
  P9: afterKill,
  'ten-million': runsAmongMany,
}

export const topic: BenchTopic = {
  summary:
    'governed runs beside Mastra, LangGraph, DBOS and Restate (P6); long runs (P7); many (P8, P9)',
  async run(context) {
    const figures: Figure[] = []
    for (const [, part] of chosenParts('ICE_BENCH_ONLY', Object.entries(PARTS))) {
      figures.push(...(await part(context)))
    }
    return figures
  },
}
