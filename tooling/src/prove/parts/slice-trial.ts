/** One trial: a survey is killed at random moments and resumed until it has come to its end. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withoutTimes } from '@ice/cli/survey'
import type { Random } from '@ice/primitives'
import {
  actsSoFar,
  type Judged,
  judge,
  openedFiles,
  readLog,
  repeatedActs,
  settledEffects,
} from './slice-judge.ts'
import { type Ending, start } from './slice-process.ts'

/** What a trial is made with. */
export interface TrialInit {
  /** A folder of its own, made and removed by the trial. */
  readonly folder: string
  readonly source: string
  /** The reports of a survey that nobody disturbed, without times. */
  readonly wanted: readonly string[]
  /** How long such a survey takes from its first event. @units ms */
  readonly durationMs: number
  readonly random: Random
  /** Whether the last process, which is not killed, is traced. */
  readonly traced: boolean
  readonly killsMax: number
}

/** What a trial came to. */
export interface Trial extends Judged {
  readonly kills: number
  /** Kills after which the run was not at its end. */
  readonly interrupted: number
  /** Recorded reads that the system was asked about, and did not see. */
  readonly tracedReads: number
  readonly replayed: number
}

/** How far beyond a quick survey's end a signal may come: with two at a time none is quick. */
const LATE = 1.3

/** One more kill after the first, this often. */
const AGAIN = 0.25

/** Runs one trial. @throws when anything is not as it must be */
export const trial = async (init: TrialInit): Promise<Trial> => {
  const { folder, source, random, durationMs, traced } = init
  const output = join(folder, 'out')
  mkdirSync(output, { recursive: true })
  const job = { store: folder, source, output }
  let kills = 0
  let interrupted = 0
  do {
    const { child, begun, ended } = start(job)
    // Once in a while before the run is recorded, so that its start is killed too.
    if (random.float() < 0.9) await begun
    await sleep(random.float() * durationMs * LATE)
    child.kill('SIGKILL')
    const { signal } = await ended
    kills += 1
    if (signal === 'SIGKILL') interrupted += 1
  } while (kills < init.killsMax && random.float() < AGAIN)
  const settled = settledEffects((await readLog(folder)).events)
  const acts = actsSoFar(folder)
  const trace = join(folder, 'trace')
  const ending = await start(job, traced ? trace : undefined).ended
  insistConcluded(ending)
  const judged = await judge(folder)
  insistNone(repeatedActs(folder, acts, settled), 'recorded effects were performed again')
  const tracedReads = traced ? judgeTrace(trace, source, settled) : 0
  for (const [at, text] of reportsIn(output).entries()) {
    if (text === init.wanted[at]) continue
    writeFileSync(join(output, `wanted-${at}`), init.wanted[at] ?? '')
    throw new Error('the report differs from an undisturbed one')
  }
  rmSync(folder, { recursive: true })
  return { ...judged, kills, interrupted, tracedReads, replayed: settled.size }
}

/** Both reports, without times. */
export const reportsIn = (output: string): readonly string[] =>
  ['survey.json', 'survey.md'].map((name) => withoutTimes(readFileSync(join(output, name), 'utf8')))

const insistConcluded = ({ stretch, code, signal, stderr }: Ending): void => {
  if (stretch?.result?.conclusion === 'committed') return
  throw new Error(
    `the resumed survey ended with ${signal ?? code}: ${JSON.stringify(stretch)} ${stderr}`,
  )
}

const insistNone = (found: readonly string[], why: string): void => {
  if (found.length > 0) throw new Error(`${why}: ${found.slice(0, 5).join(', ')}`)
}

const judgeTrace = (trace: string, source: string, settled: ReadonlySet<string>): number => {
  const opened = openedFiles(trace, source)
  const recorded = [...settled].filter((effect) => effect.startsWith('read/'))
  insistNone(
    recorded.filter((effect) => opened.has(effect.slice('read/'.length))),
    'files whose reading is recorded were opened again',
  )
  return recorded.length
}

/** Keeps what a failed trial left, for whoever looks into it. */
export const keepEvidence = (folder: string, to: string): void => {
  cpSync(folder, join(to, basename(folder)), { recursive: true })
}
