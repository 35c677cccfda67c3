/**
 * R12: whatever a parser is given, it takes it or refuses it with a code, soon, and leaves the
 * process as it was.
 *
 * Each target runs in a process of its own with a bounded heap; an input is a number and a seed,
 * so that any of them is made again by one command. `ICE_PROVE_FUZZ_SECONDS` shortens the time for
 * each target.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { runTool } from '../../lib/tools.ts'
import type { FuzzJob, FuzzSaid } from './fuzz/child.ts'
import { FUZZ_TARGETS } from './fuzz/targets.ts'
import type { LogPart, LogPartInit } from './log-part.ts'

type Context = TopicContext & CheckRecorder

const SECONDS = 60
const SECONDS_FULL = 86_400
const HEAP_MIB = 256
/** Targets at a time. */
const LANES = 2
/** Without another input after this time, a process hangs. */
const HANG_MS = 30_000
const LOOK_MS = 1_000

const file = fileURLToPath(new URL('./fuzz/child.ts', import.meta.url))

/** Makes the proof; `only` is `<target>`, or `<target>/<number>` for one input of it. */
export const proveFuzz: LogPart = async (context, init) => {
  const base = mkdtempSync(join(tmpdir(), 'ice-fuzz-'))
  const [name, number] = init.only?.split('/') ?? []
  const left = [...FUZZ_TARGETS.keys()].filter((each) => name === undefined || each === name)
  const lane = async (): Promise<void> => {
    for (let target = left.shift(); target !== undefined; target = left.shift()) {
      const folder = join(base, target)
      mkdirSync(folder)
      await fuzzTarget(context, init, {
        target,
        folder,
        ...(number === undefined ? {} : { from: Number(number), count: 1 }),
      })
    }
  }
  try {
    if (left.length === 0) throw new Error(`there is no target ${name}`)
    await Promise.all(Array.from({ length: LANES }, lane))
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

interface TargetInit {
  readonly target: string
  readonly folder: string
  readonly from?: number
  readonly count?: number
}

const secondsFor = ({ full }: LogPartInit): number =>
  Number(process.env['ICE_PROVE_FUZZ_SECONDS'] ?? (full ? SECONDS_FULL : SECONDS))

const fuzzTarget = async (
  context: Context,
  init: LogPartInit,
  { target, folder, from = 0, count }: TargetInit,
): Promise<void> => {
  const forMs = secondsFor(init) * 1_000
  const job = { target, seed: init.seed, from, forMs, folder, ...(count && { count }) }
  await context.check(`fuzz: ${target} takes or refuses whatever it is given`, async () => {
    context.progress(`fuzzing ${target}`)
    const said = await runJob(job)
    const faults = said.kind === 'ended' ? [said] : said.faults
    const told: string[] = []
    for (const { input, why } of faults) {
      const kept = await keep(job, input)
      const again = init.again(`${target}/${input}`)
      told.push(`${why}\n  input ${input}, kept in ${kept}\n  again: ${again}`)
    }
    if (said.kind === 'ended' || told.length > 0) throw new Error(told.join('\n'))
    const slowest = said.slowestMs.toFixed(1)
    context.say(`  ${target}: ${said.taken} of ${said.inputs} taken, slowest ${slowest} ms`)
    return said.inputs
  })
}

/** The input as a file; for targets whose inputs are no bytes the number says it all. */
const keep = async (job: FuzzJob, input: number): Promise<string> => {
  const save = join(tmpdir(), `ice-fuzz-${process.pid}-${job.target}-${input}`)
  const args = [file, JSON.stringify({ ...job, from: input, save })]
  await runTool({ command: process.execPath, args, output: 'keep' })
  return save
}

/** Runs a job to its end; a process that ends otherwise, or hangs, is a fault of its input. */
const runJob = (job: FuzzJob): Promise<FuzzSaid> =>
  new Promise((resolve) => {
    const flags = [`--max-old-space-size=${HEAP_MIB}`, '--stack-size=900']
    const child = spawn(process.execPath, [...flags, file, JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let complaint = ''
    let hangs = false
    child.stdout.on('data', (chunk: Buffer) => {
      out = `${out}${chunk}`.slice(-20_000)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk}`.slice(-4_000)
    })
    const stopWatching = watch(child, job.folder, () => {
      hangs = true
    })
    child.once('close', (code, signal) => {
      stopWatching()
      const input = Math.max(job.from, inputAt(job.folder))
      const how = hangs ? `it hangs for ${HANG_MS} ms` : `the process ended with ${signal ?? code}`
      const last = out.trimEnd().split('\n').at(-1) ?? ''
      const isTold = code === 0 && last.startsWith('{"kind"')
      resolve(
        isTold
          ? (JSON.parse(last) as FuzzSaid)
          : { kind: 'ended', input, why: `${how}\n${complaint}` },
      )
    })
  })

/** The number of the input that a process was given last. */
const inputAt = (folder: string): number => {
  try {
    const mark = readFileSync(join(folder, 'at'))
    return mark.length === 8 ? mark.readDoubleLE() : -1
  } catch {
    return -1 // it has not come so far
  }
}

/** Kills a process that stays with one input. */
const watch = (child: ChildProcess, folder: string, tell: () => void): (() => void) => {
  let seen = -1
  let since = performance.now()
  const timer = setInterval(() => {
    const at = inputAt(folder)
    if (at !== seen) {
      seen = at
      since = performance.now()
    } else if (performance.now() - since > HANG_MS) {
      tell()
      child.kill('SIGKILL')
    }
  }, LOOK_MS)
  return () => clearInterval(timer)
}
