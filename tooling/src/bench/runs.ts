/**
 * Governed runs of three effects (P6, our side of it).
 *
 * Measured through the public face on a real file with `disk` durability: every run is started
 * with its grant, decided, its intents durable before their acts, and concluded. The limit beside
 * it is what the disk and SQLite allow: the same number of rows of the same size in the same number
 * of sequential group commits, with nothing around them. Peers are not measured here: their figure
 * stays open, and is not met.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineProgram } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'
import { createRuntime } from '@ice/runtime'
import { figure } from '../harness/figure.ts'
import { compete, median, percentile } from '../harness/rounds.ts'
import type { BenchTopic } from '../harness/topics.ts'
import { groupCommitFloor } from './parts/floor.ts'
import { showAmongMany } from './parts/show-among-many.ts'
import { afterKill, suspendedRuns } from './parts/suspended-runs.ts'

const EVENTS = 18
const COMMITS = 5
const EVENT_BYTES = 420

const any = { parse: (value: unknown): unknown => value }

const handler: EffectHandler = {
  action: 'bench.echo',
  fate: 'idempotent',
  outcome: 'EffectSucceeded',
  arguments: { parse: (value) => value as never },
  resource: () => ({ name: 'echo' }),
  perform: async (call) => ({ value: call.arguments, observed: {} }),
}

const program = defineProgram({
  name: 'three',
  version: '1',
  input: any,
  output: any,
  async run(ctx) {
    for (const id of ['a', 'b', 'c']) {
      await ctx.effect(id, { action: 'bench.echo', grant: 'tool', arguments: { id } })
    }
    return 'done'
  },
})

const grants = { tool: { actions: ['bench.echo'], resource: { kind: 'tool', name: 'echo' } } }

/** Calls `once` so many times, so many at a time; gives the time each call took, in ms. */
async function load(total: number, atATime: number, once: () => Promise<void>): Promise<number[]> {
  const times: number[] = []
  let begun = 0
  const caller = async (): Promise<void> => {
    while (begun < total) {
      begun += 1
      const start = performance.now()
      await once()
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: atATime }, caller))
  return times
}

async function rate(total: number, atATime: number, once: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await load(total, atATime, once)
  return total / ((performance.now() - start) / 1000)
}

export const topic: BenchTopic = {
  summary: 'governed runs of three effects: rate, latency, events and commits of a run (P6)',
  async run({ full, say }) {
    // `ICE_BENCH_ONLY=ten-million` shows a run among many events, and measures nothing else.
    if (process.env['ICE_BENCH_ONLY'] === 'ten-million') {
      return showAmongMany({ full, say }, { handler, program, grants: grants as never })
    }
    const many = process.env['ICE_BENCH_ONLY']?.split(',') ?? []
    if (many.includes('P8') || many.includes('P9')) {
      return [
        ...(many.includes('P8') ? await suspendedRuns({ full, say }) : []),
        ...(many.includes('P9') ? await afterKill({ full, say }) : []),
      ]
    }
    const folder = mkdtempSync(join(tmpdir(), 'ice-bench-runs-'))
    const ice = await createRuntime({
      path: join(folder, 'log.db'),
      bare: true,
      effects: [handler],
    })
    const floor = groupCommitFloor(join(folder, 'floor.db'), EVENT_BYTES)
    try {
      const one = async (): Promise<void> => {
        const { stretch } = await ice.runs.execute(program, {}, { grants })
        if (stretch.kind !== 'concluded' || stretch.result.conclusion !== 'committed') {
          throw new Error(`a run did not commit: ${JSON.stringify(stretch)}`)
        }
      }
      const counted = await countOne(ice, one)
      say(`one run: ${counted.events} events of its stream in ${counted.commits} appends`)
      await load(200, 16, one)
      const total = full ? 4000 : 1000
      say(`${total} runs a round, 16 at a time, beside the bare group commits`)
      const contest = await compete({
        rounds: full ? 9 : 5,
        ours: () => rate(total, 16, one),
        peer: () => rate(total, 16, () => floor.run(EVENTS, COMMITS)),
      })
      const alone = await load(full ? 2000 : 500, 1, one)
      const together = await load(total, 16, one)
      return [
        figure('P6', {
          value: contest.ours,
          unit: 'runs/s',
          against: 'peers are measured with their own topic; not here',
        }),
        figure('P6-floor', {
          value: contest.ours,
          unit: 'runs/s',
          against: `${Math.round(contest.peer)} runs/s of bare group commits of the same size`,
          ratio: contest.ratio,
        }),
        figure('P6-p99', { value: percentile(together, 0.99), unit: 'ms' }),
        figure('P6-p50', { value: median(alone), unit: 'ms' }),
        figure('P6-events', { value: counted.events, unit: 'events' }),
        figure('P6-commits', { value: counted.commits, unit: 'commits' }),
      ]
    } finally {
      floor.close()
      await ice.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** Counts one run's events in the log, and the appends it waited for one after another. */
async function countOne(
  ice: Awaited<ReturnType<typeof createRuntime>>,
  one: () => Promise<void>,
): Promise<{ readonly events: number; readonly commits: number }> {
  const { store } = ice.log
  const { append } = store
  const before = (await store.head()).position
  let commits = 0
  store.append = (unit) => {
    commits += 1
    return append.call(store, unit)
  }
  await one()
  store.append = append
  let events = 0
  const filter = { streamPrefix: 'run/' }
  for await (const batch of ice.log.readAll({ after: before, filter })) events += batch.length
  return { events, commits }
}
