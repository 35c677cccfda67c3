/**
 * Unrelated runs under one budget do not queue behind each other.
 *
 * The same runs of twenty effects, sixteen at a time, on a real file with `disk` durability: once
 * under one grant of all of them that counts uses and tokens, once under one that does not. What
 * is between the two is the price of a budget. A conflict is an append that was refused because a
 * budget had moved: its intent is decided and appended again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Caveat } from '@ice/capabilities/ports'
import {
  createIds,
  type GrantId,
  hasCode,
  type StreamId,
  systemClock,
  systemRandom,
} from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'
import { createRuntime, type Runtime } from '@ice/runtime'
import { type Figure, figure } from '../../harness/figure.ts'
import { compete } from '../../harness/rounds.ts'
import type { TopicContext } from '../../harness/topics.ts'

const EFFECTS = 20
const AT_A_TIME = 16

const any = { parse: (value: unknown): unknown => value }

const handler: EffectHandler = {
  action: 'bench.echo',
  fate: 'idempotent',
  outcome: 'EffectSucceeded',
  arguments: { parse: (value) => value as never },
  resource: () => ({ name: 'echo' }),
  bounds: () => ({ tokens: 100 }),
  perform: async (call) => ({ value: call.arguments, observed: {}, spent: { tokens: 60 } }),
}

const program = defineProgram({
  name: 'twenty',
  version: '1',
  input: any,
  output: any,
  async run(ctx) {
    for (let id = 0; id < EFFECTS; id += 1) {
      await ctx.effect(`${id}`, { action: 'bench.echo', grant: 'tool', arguments: { id } })
    }
    return 'done'
  },
})

/** A root grant that every run of this process may use. */
async function shared(ice: Runtime, caveats: readonly Caveat[]): Promise<GrantId> {
  const id = createIds({ clock: systemClock, random: systemRandom }).nextGrantId()
  const grant = ice.authority.rootGrant({
    id,
    holder: `principal/${ice.principal}`,
    actions: ['bench.echo'],
    resource: { kind: 'tool', name: 'echo' },
    caveats,
  })
  const events = [{ type: 'CapabilityGranted', data: { grant } }]
  const stream = `grant/${id}` as StreamId
  await ice.log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
  return id
}

async function rate(ice: Runtime, runs: number, tool: GrantId): Promise<number> {
  const began = performance.now()
  let left = runs
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const { stretch } = await ice.runs.execute(program, {}, { grants: { tool } })
      if (stretch.kind !== 'concluded' || stretch.result.conclusion !== 'committed') {
        throw new Error(`a run did not commit: ${JSON.stringify(stretch)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, caller))
  return runs / ((performance.now() - began) / 1_000)
}

/** Counts appends from here on, and those that were refused because something had moved. */
function counting({ log: { store } }: Runtime): { appends: number; conflicts: number } {
  const counts = { appends: 0, conflicts: 0 }
  const { append } = store
  store.append = async (unit) => {
    counts.appends += 1
    try {
      return await append.call(store, unit)
    } catch (error) {
      if (hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) counts.conflicts += 1
      throw error
    }
  }
  return counts
}

/** Measures both. */
export async function runsUnderBudget({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-authority-'))
  const path = join(folder, 'log.db')
  const ice = await createRuntime({ path, bare: true, effects: [handler] })
  try {
    const counted = await shared(ice, [
      { kind: 'count', max: 1_000_000_000 },
      { kind: 'budget', unit: 'tokens', max: 1_000_000_000_000 },
    ])
    const free = await shared(ice, [])
    const runs = full ? 1_000 : 150
    say(`${runs} runs of ${EFFECTS} effects a round, ${AT_A_TIME} at a time`)
    await rate(ice, 50, free)
    const counts = counting(ice)
    await rate(ice, runs, counted)
    const share = counts.conflicts / counts.appends
    say(`${counts.conflicts} conflicts in ${counts.appends} appends under the budget`)
    const contest = await compete({
      rounds: full ? 9 : 5,
      ours: () => rate(ice, runs, counted),
      peer: () => rate(ice, runs, free),
    })
    return [
      figure('P6-budget', {
        value: contest.ours,
        unit: 'runs/s',
        against: `${Math.round(contest.peer)} runs/s of the same without a budget`,
        ratio: contest.ratio,
      }),
      figure('P6-budget-conflicts', { value: share, unit: 'conflicts per append' }),
    ]
  } finally {
    await ice.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
