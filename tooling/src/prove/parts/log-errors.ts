/**
 * R2: a call fails, and the process lives on. What it was told must be true, a handle that cannot
 * know what is on the disk must say so and do nothing more, and a new one must go on.
 *
 * A short write is a real one: the kernel takes what fits under a limit of the file's size, then
 * refuses. `strace` could only pretend one, and the bytes it says were written would be nowhere.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '@ice/primitives'
import { type Stage, setStage } from './log-base.ts'
import { type Point, placesIn, pointKind, pointName, pointsOf, stagesOf } from './log-calls.ts'
import { choose, makeCases, scratch, total } from './log-cases.ts'
import { proveFullDisk } from './log-exhaust.ts'
import { type FaultFound, findFault, insistTold, type Surfaced } from './log-faults.ts'
import { type Judged, judgeLog } from './log-judge.ts'
import type { LogPart, LogPartInit } from './log-part.ts'
import { play, type Watch, whyNoTrace } from './log-process.ts'
import { readTrace } from './log-trace.ts'
import { readWitness } from './log-witness.ts'

const FAULTS = 300

/** Of them, so many are short writes; with `full`, so many of each scenario. */
const SHORT_WRITES = 60
const SHORT_WRITES_FULL = 200

const CLAIM = 'a call that fails is told with its code, nothing torn is seen, a new handle goes on'

/** What a call may be answered with. */
const EFFECTS: Readonly<Record<string, readonly string[]>> = {
  pwrite64: ['error=EIO', 'error=ENOSPC', 'error=EDQUOT', 'retval=0'],
  fsync: ['error=EIO', 'error=ENOSPC', 'error=EDQUOT'],
  fdatasync: ['error=EIO', 'error=ENOSPC', 'error=EDQUOT'],
  ftruncate: ['error=EIO'],
  link: ['error=EIO', 'error=ENOSPC', 'error=EDQUOT'],
  unlink: ['error=EIO'],
}

/** One fault: a call's answer, or the size beyond which no file may grow. */
interface Fault {
  readonly name: string
  readonly kind: string
  readonly stage: Stage
  readonly watch: Watch
  readonly isLimit: boolean
}

/** Proves R2. */
export const proveErrors: LogPart = async (context, init) => {
  const why = whyNoTrace()
  if (why !== undefined) {
    context.skip(CLAIM, why)
    return
  }
  const { again, only } = init
  await proveFullDisk(context, init)
  if (only?.startsWith('full-disk/')) return
  const base = scratch('errors')
  try {
    const faults = await faultsOf(context, init, base)
    const cases = only === undefined ? faults : faults.filter(({ name }) => name === only)
    await context.check(CLAIM, async () => {
      const nameOf = ({ name }: Fault): string => name
      const { progress } = context
      const made = await makeCases({ cases, nameOf, make, base, again, progress })
      const hit = made.filter(({ found }) => found !== undefined)
      const count = (as: Surfaced): number => hit.filter(({ surfaced }) => surfaced === as).length
      const counted = (of: (judged: Judged) => number): number => total(hit, of)
      context.say(
        `  R2: ${hit.length} calls failed, ${made.length - hit.length} missed; told to a unit ` +
          `${count('unit')}, to who opened ${count('open')}, backed up ${count('backup')} or ` +
          `closed ${count('close')}; ${count('silent')} in what is made again (checkpoints, ` +
          `removals); ${hit.filter(({ isLost }) => isLost).length} handles closed themselves; ` +
          `${counted((j) => j.acknowledged)} units acknowledged and all there`,
      )
      return hit.length
    })
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

const faultsOf = async (
  context: Parameters<LogPart>[0],
  { seed, full, only }: LogPartInit,
  base: string,
): Promise<readonly Fault[]> => {
  const stages = await stagesOf(context, { seed, base, ...(only === undefined ? {} : { only }) })
  const injected: Fault[] = []
  const limits: Fault[] = []
  for (const stage of stages) {
    const points = await pointsOf(stage, join(base, stage.scenario))
    injected.push(...points.flatMap(injectionsAt))
    const sizes = full ? SHORT_WRITES_FULL : Math.ceil(SHORT_WRITES / stages.length)
    limits.push(...limitsOf(stage, points, { seed, sizes }))
  }
  const count = full || only !== undefined ? Number.POSITIVE_INFINITY : FAULTS - SHORT_WRITES
  const chosen = choose(injected, ({ kind }) => kind, { count, seed: `${seed}/errors` })
  const short = full || only !== undefined ? limits : limits.slice(0, SHORT_WRITES)
  context.say(
    `  R2: ${chosen.length} of ${injected.length} answers to calls in ${stages.length} ` +
      `scenarios, ${short.length} short writes`,
  )
  return [...chosen, ...short]
}

const injectionsAt = (point: Point): readonly Fault[] => {
  const { stage, call } = point
  return (EFFECTS[call.name] ?? []).map((effect) => ({
    name: `${pointName(point)}/${effect.split('=')[1]}`,
    kind: `${pointKind(point)}/${effect}`,
    stage,
    watch: { injection: { syscall: call.name, nth: call.nth, effect } },
    isLimit: false,
  }))
}

/** The `-shm` has this size; a limit below it would only ever meet that. @units bytes */
const SHM_BYTES = 32_768

const limitsOf = (
  stage: Stage,
  points: readonly Point[],
  { seed, sizes }: { readonly seed: string; readonly sizes: number },
): readonly Fault[] => {
  const ends = points
    .filter(({ call, file }) => call.name === 'pwrite64' && file !== 'shm')
    .map(({ call }) => Number(call.args[3]) + call.result)
  const largest = Math.max(...ends)
  const random = seededRandom(`${seed}/limits/${stage.scenario}`)
  return Array.from({ length: sizes }, () => {
    const bytes = SHM_BYTES + 1 + Math.floor(random.float() * (largest - SHM_BYTES - 2))
    return {
      name: `${stage.scenario}/limit/${bytes}`,
      kind: `${stage.scenario}/limit`,
      stage,
      watch: { before: ['prlimit', `--fsize=${bytes}:unlimited`] },
      isLimit: true,
    }
  })
}

interface Made extends Judged {
  readonly found: FaultFound | undefined
  readonly surfaced: Surfaced
  readonly isLost: boolean
}

const make = async ({ stage, watch, isLimit }: Fault, folder: string): Promise<Made> => {
  const { store, witness, trace } = placesIn(folder)
  const path = setStage(stage, store)
  const { scenario, seed, expected } = stage
  const job = { path, witness, scenario, seed, isLimited: isLimit }
  const { code, signal, stderr } = await play(job, { ...watch, trace })
  if (code !== 0) throw new Error(`it ended with ${signal ?? code}: ${stderr}`)
  const found = findFault(readTrace(trace, store), { path, witness })
  const lines = readWitness(witness)
  const told = insistTold(lines, found)
  const judged = await judgeLog({ path, expected, witness: lines, goOn: 'to-the-end' })
  return { ...judged, ...told, found }
}
