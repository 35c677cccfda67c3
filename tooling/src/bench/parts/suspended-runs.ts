/**
 * Very many suspended runs, of which a thousand a second are due (P8), and what a process does
 * that opens a log of runs whose owner was killed (P9). Real files, real processes.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineProgram } from '@ice/runs'
import { createRuntime } from '@ice/runtime'
import { type Figure, figure } from '../../harness/figure.ts'
import { median, percentile } from '../../harness/rounds.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { multiply, recordOf } from './many-runs.ts'
import type { Inherited, Slept } from './many-runs-process.ts'

const PROCESS = fileURLToPath(new URL('./many-runs-process.ts', import.meta.url))
const SLEEPERS = 30_000
const WAKES_A_SECOND = 1_000
const DAY_MS = 86_400_000
const MB = 2 ** 20

type Role = 'empty' | 'heir' | 'holder' | 'sleepers'

function start(role: Role, folder: string, count: number): ChildProcess {
  return fork(PROCESS, [role, folder, `${count}`])
}

/** The one thing that a process says: long ones arrive after its exit, and before `disconnect`. */
async function told<T>(child: ChildProcess, role: Role): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T))
    child.once('disconnect', () => reject(new TypeError(`the process "${role}" said nothing`)))
  })
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'ice-bench-runs-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

async function ask<T>(role: Role, folder: string, count: number): Promise<T> {
  const child = start(role, folder, count)
  const answer = await told<T>(child, role)
  await ended(child)
  return answer
}

/** Makes the log: first those that sleep for long, then, as late as can be, those that are due. */
async function makeSleepers(folder: string, sleepers: number, wakes: number): Promise<void> {
  const any = { parse: (value: unknown): unknown => value }
  const program = defineProgram({
    ...{ name: 'sleeper', version: '1', input: any, output: any },
    run: async (ctx, input) => {
      await ctx.sleep('nap', { until: (input as { readonly until: number }).until as never })
      return null
    },
  })
  const ice = await createRuntime({ path: join(folder, 'log.db'), bare: true, programs: [program] })
  try {
    const was = Date.now() + DAY_MS
    const run = await ice.runs.start(program, { until: was }, { queue: 'bench' })
    await ice.runs.drive(run)
    const record = await recordOf(ice, run)
    await multiply(ice, record, {
      count: sleepers - wakes - 1,
      until: { was, of: (copy) => was + copy },
    })
    const index = await ice.index()
    await index.catchUp()
    const first = Date.now() + 10_000 + 2 * wakes
    const of = (copy: number): number => first + Math.floor((copy * 1_000) / WAKES_A_SECOND)
    await multiply(ice, record, { count: wakes, until: { was, of } })
    await index.catchUp()
  } finally {
    await ice.close()
  }
}

/** P8. */
export async function suspendedRuns({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const sleepers = full ? 1_000_000 : SLEEPERS
  const wakes = WAKES_A_SECOND * (full ? 30 : 5)
  const empty = await inFolder((folder) => ask<number>('empty', folder, 0))
  const count = sleepers.toLocaleString('en-US')
  say(`P8: making ${count} sleepers, ${wakes} of them due at ${WAKES_A_SECOND}/s`)
  const slept = await inFolder(async (folder) => {
    await makeSleepers(folder, sleepers, wakes)
    return ask<Slept>('sleepers', folder, wakes)
  })
  if (!slept.wasInTime) throw new RangeError('sleepers were due before anybody could wake them')
  const { asleepBytes, awakeBytes, lags } = slept
  const inMb = (bytes: number): string => `${Math.round(bytes / MB)} MiB`
  say(`P8: empty ${inMb(empty)}, asleep ${inMb(asleepBytes)}, waking ${inMb(awakeBytes)}`)
  say(`P8: lag p50 ${median(lags)} ms, greatest ${Math.max(...lags)} ms`)
  const against = `an empty runtime; ${count} suspended runs`
  const most = Math.max(asleepBytes, awakeBytes)
  return [
    figure('P8', { value: (most - empty) / MB, unit: 'MiB more', against }),
    figure('P8-asleep', { value: (asleepBytes - empty) / MB, unit: 'MiB more', against }),
    figure('P8-lag', { value: percentile(lags, 0.99), unit: 'ms', against: `${count} suspended` }),
  ]
}

/** P9. */
export async function afterKill({ full, say }: TopicContext): Promise<readonly Figure[]> {
  const runs = 10_000
  const seen: Inherited[] = []
  for (let round = 0; round < (full ? 5 : 1); round += 1) {
    await inFolder(async (folder) => {
      const holder = start('holder', folder, runs)
      await told(holder, 'holder')
      holder.kill('SIGKILL')
      await ended(holder)
      const one = await ask<Inherited>('heir', folder, runs)
      say(`P9: first after ${Math.round(one.firstMs)} ms, all after ${Math.round(one.allMs)} ms`)
      seen.push(one)
    })
  }
  const against = `${runs.toLocaleString('en-US')} unfinished runs of a process that was killed`
  return [
    figure('P9', { value: median(seen.map(({ firstMs }) => firstMs)), unit: 'ms', against }),
    figure('P9-all', {
      value: median(seen.map(({ allMs }) => allMs)) / 1_000,
      unit: 's',
      against,
    }),
  ]
}
