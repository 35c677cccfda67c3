/**
 * Records scenarios and judges every state in which a failing power may leave them: a process of
 * its own for each core, told which rounds to make.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LOG_FILE, type Stage, setStage, stageOf } from './log-base.ts'
import { placesIn } from './log-calls.ts'
import type { ChildJob } from './log-child.ts'
import { type CrashState, endOf, type Recorded, statesOf } from './log-crash-states.ts'
import { judgeLog } from './log-judge.ts'
import { play } from './log-process.ts'
import type { ScenarioName } from './log-scenarios.ts'
import { opsOf, readTrace } from './log-trace.ts'

/** One scenario to record and to judge. */
export interface Round {
  readonly name: string
  readonly scenario: ScenarioName
  readonly seed: string
  /** A folder of its own. */
  readonly folder: string
  readonly durability?: 'process'
  /** This state alone. */
  readonly only?: string
}

/** What was found of it. */
export interface RoundFound {
  readonly name: string
  readonly derived: number
  readonly digests: readonly number[]
  readonly acknowledged: number
  /** Units that were there, or not, without anybody knowing. */
  readonly unacknowledged: number
  readonly failures: readonly { readonly state: string; readonly why: string }[]
  readonly failed: number
}

const FAILURES_TOLD = 3

const record = async (stage: Stage, round: Round): Promise<Recorded> => {
  const { store, witness, trace } = placesIn(round.folder)
  const path = setStage(stage, store)
  const files = filesIn(store)
  const { scenario, seed, durability } = round
  const job: ChildJob = { path, witness, scenario, seed, ...(durability && { durability }) }
  const { code, stderr } = await play(job, { trace, withBytes: true })
  if (code !== 0) throw new Error(`${scenario} does not run: ${stderr}`)
  const calls = readTrace(trace, store)
  const ops = opsOf(calls, { folder: store, witness, files: new Set(files.keys()) })
  const recorded = { ops, files, seed }
  checkModel(endOf(recorded), filesIn(store))
  return recorded
}

const filesIn = (folder: string): ReadonlyMap<string, Buffer> =>
  new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]))

/** What the trace says the files are at its end must be what they are. */
const checkModel = (
  modelled: ReadonlyMap<string, Buffer>,
  real: ReadonlyMap<string, Buffer>,
): void => {
  for (const file of new Set([...modelled.keys(), ...real.keys()])) {
    const [a, b] = [modelled.get(file), real.get(file)]
    if (a !== undefined && b !== undefined && a.equals(b)) continue
    throw new Error(`the trace does not lead to ${file} as it is`)
  }
}

/** A map of the WAL that a crash left is not believed; this one is nothing but noise. */
const NOISE = Buffer.alloc(32_768, 0xa5)

const judge = async (
  state: CrashState,
  { stage, folder }: { readonly stage: Stage; readonly folder: string },
) => {
  mkdirSync(folder)
  for (const [file, bytes] of state.files) writeFileSync(join(folder, file), bytes)
  const hasMap = state.files.has(LOG_FILE) && state.digest % 2 === 0
  if (hasMap) writeFileSync(join(folder, `${LOG_FILE}-shm`), NOISE)
  const { expected } = stage
  const path = join(folder, LOG_FILE)
  const { witness } = state
  return judgeLog({ path, expected, witness, goOn: 'one-unit' })
}

/** The state is written anew: to judge it has changed it. */
const keepState = (state: CrashState): string => {
  const kept = mkdtempSync(join(tmpdir(), 'ice-log-evidence-'))
  for (const [file, bytes] of state.files) writeFileSync(join(kept, file), bytes)
  writeFileSync(join(kept, 'witness'), state.witness.map((l) => `${JSON.stringify(l)}\n`).join(''))
  return kept
}

const makeRound = async (round: Round): Promise<RoundFound> => {
  const { name, folder, only } = round
  const stage = await stageOf(round.scenario, round.seed, join(folder, 'stage'))
  const recorded = await record(stage, round)
  const digests: number[] = []
  const failures: { readonly state: string; readonly why: string }[] = []
  let failed = 0
  let acknowledged = 0
  let unacknowledged = 0
  const found = join(folder, 'found')
  const states = statesOf(recorded, only)
  for (;;) {
    const next = states.next()
    if (next.done === true) {
      const derived = next.value
      return { name, derived, digests, acknowledged, unacknowledged, failures, failed }
    }
    const state = next.value
    digests.push(state.digest)
    try {
      const judged = await judge(state, { stage, folder: found })
      acknowledged += judged.acknowledged
      unacknowledged += judged.unacknowledged
    } catch (error) {
      failed += 1
      const why = error instanceof Error ? error.message : String(error)
      if (failures.length < FAILURES_TOLD) {
        const kept = round.durability === undefined ? `; the state is in ${keepState(state)}` : ''
        failures.push({ state: state.name, why: `${why}${kept}` })
      }
    }
    rmSync(found, { recursive: true, force: true })
  }
}

/** A round that could not be made at all is told as one that failed. */
const tell = async (round: Round): Promise<void> => {
  let found: RoundFound
  try {
    found = await makeRound(round)
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const nothing = { derived: 0, digests: [], acknowledged: 0, unacknowledged: 0 }
    found = { name: round.name, ...nothing, failures: [{ state: '', why }], failed: 1 }
  }
  rmSync(round.folder, { recursive: true, force: true })
  process.send?.(found)
}

process.on('message', (round: Round) => {
  void tell(round)
})
