/**
 * Governed runs beside the floor under them (P6-floor), and what a run puts into the log.
 *
 * The limit is what the disk and SQLite allow: the same number of rows of the same size in the same
 * number of sequential group commits, with nothing around them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Runtime } from '@ice/runtime'
import { type Figure, figure } from '../../harness/figure.ts'
import { compete } from '../../harness/rounds.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { echoes, echoRuntime, runOnce } from './echoes.ts'
import { groupCommitFloor } from './floor.ts'
import { load, rateOf } from './load.ts'

const EVENTS = 18
const COMMITS = 5
const EVENT_BYTES = 420

const three = echoes(3)

export async function governedRuns({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-runs-'))
  const ice = await echoRuntime(join(folder, 'log.db'))
  const floor = groupCommitFloor(join(folder, 'floor.db'), EVENT_BYTES)
  try {
    const counted = await countOne(ice)
    const calls = full ? 4_000 : 1_000
    say(`${calls} runs a round, 16 at a time, beside the bare group commits`)
    const side = (once: () => Promise<void>) => async () =>
      rateOf(await load({ atATime: 16, calls }, once))
    const contest = await compete({
      rounds: full ? 9 : 5,
      ours: side(async () => void (await runOnce(ice, three))),
      peer: side(() => floor.run(EVENTS, COMMITS)),
    })
    return [
      figure('P6-floor', {
        value: contest.ours,
        unit: 'runs/s',
        against: `${Math.round(contest.peer)} runs/s of bare group commits of the same size`,
        ratio: contest.ratio,
      }),
      figure('P6-events', { value: counted.events, unit: 'events' }),
      figure('P6-commits', { value: counted.commits, unit: 'commits' }),
    ]
  } finally {
    floor.close()
    await ice.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Counts one run's events in the log, and the appends it waited for one after another. */
async function countOne(
  ice: Runtime,
): Promise<{ readonly events: number; readonly commits: number }> {
  const { store } = ice.log
  const { append } = store
  const before = (await store.head()).position
  let commits = 0
  store.append = (unit) => {
    commits += 1
    return append.call(store, unit)
  }
  await runOnce(ice, three)
  store.append = append
  let events = 0
  const filter = { streamPrefix: 'run/' }
  for await (const batch of ice.log.readAll({ after: before, filter })) events += batch.length
  return { events, commits }
}
