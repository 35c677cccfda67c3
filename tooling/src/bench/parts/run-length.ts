/**
 * What a step costs in a long run (P7): time and bytes, at 100, 1,000 and 10,000 steps.
 *
 * The same number of steps is made each time, in many short runs or in one long one, one step
 * after another, in turns on one log. Bytes are those of the file, its log of changes written back.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Runtime } from '@ice/runtime'
import Database from 'better-sqlite3'
import { type Figure, figure } from '../../harness/figure.ts'
import { median } from '../../harness/rounds.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { echoes, echoRuntime, runOnce } from './echoes.ts'
import { load } from './load.ts'

const LENGTHS = [100, 1_000, 10_000] as const
const [SHORT, , LONG] = LENGTHS

interface Cost {
  /** @units ms */
  readonly ms: number
  readonly bytes: number
}

export async function runLength({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-length-'))
  const path = join(folder, 'log.db')
  const ice = await echoRuntime(path)
  const costs = new Map<number, Cost[]>(LENGTHS.map((length) => [length, []]))
  try {
    for (let round = -1; round < (full ? 7 : 3); round += 1) {
      const order = round % 2 === 0 ? LENGTHS : [...LENGTHS].reverse()
      for (const steps of order) {
        // A short first round: the code is compiled, and the file has its pages.
        const calls = round < 0 ? 1 : LONG / steps
        const cost = await costOf(ice, { path, steps, calls })
        if (round >= 0) costs.get(steps)?.push(cost)
      }
    }
    for (const [steps, all] of costs) {
      const ms = median(all.map((cost) => cost.ms)).toFixed(3)
      const bytes = Math.round(median(all.map((cost) => cost.bytes)))
      say(`P7: ${steps} steps: ${ms} ms and ${bytes} bytes a step`)
    }
    const of = (what: keyof Cost) => ratioOf(costs, what)
    return [
      figure('P7', { ...of('ms'), unit: 'ms a step' }),
      figure('P7-bytes', { ...of('bytes'), unit: 'bytes a step' }),
    ]
  } finally {
    await ice.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a step of so many runs of so many steps costs. */
async function costOf(
  ice: Runtime,
  { path, steps, calls }: { readonly path: string; readonly steps: number; readonly calls: number },
): Promise<Cost> {
  const program = echoes(steps)
  const before = bytesOf(path)
  const { seconds } = await load({ atATime: 1, calls }, () => runOnce(ice, program))
  const made = steps * calls
  return { ms: (seconds * 1_000) / made, bytes: (bytesOf(path) - before) / made }
}

/** Pages of the file that are in use. */
function bytesOf(path: string): number {
  const db = new Database(path, { readonly: true })
  const pragma = (name: string): number => Number(db.pragma(name, { simple: true }))
  const pages = pragma('page_count') - pragma('freelist_count')
  const bytes = pages * pragma('page_size')
  db.close()
  return bytes
}

/** The long run's cost, and the median of the rounds' ratios to the short one's. */
function ratioOf(costs: ReadonlyMap<number, readonly Cost[]>, what: keyof Cost) {
  const at = (steps: number): readonly number[] => costs.get(steps)?.map((c) => c[what]) ?? []
  const short = at(SHORT)
  return {
    value: median(at(LONG)),
    against: `${Number(median(short).toPrecision(3))} at ${SHORT} steps; the long run had ${LONG}`,
    ratio: median(at(LONG).map((cost, round) => cost / (short[round] ?? Number.NaN))),
  }
}
