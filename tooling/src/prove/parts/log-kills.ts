/**
 * R1: SIGKILL at the very call. The process is gone before the call is made; what it had been
 * answered stands in the witness, and the log must agree with it.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setStage } from './log-base.ts'
import { type Point, placesIn, pointKind, pointName, pointsOf, stagesOf } from './log-calls.ts'
import { choose, makeCases, scratch, total } from './log-cases.ts'
import { type Judged, judgeLog } from './log-judge.ts'
import type { LogPart } from './log-part.ts'
import { play, whyNoTrace } from './log-process.ts'
import { linesOf, readWitness } from './log-witness.ts'

const KILLS = 300

const CLAIM = 'a log whose writer is killed at any call opens, and has all that was acknowledged'

/** Proves R1. */
export const proveKills: LogPart = async (context, { seed, full, only, again }) => {
  const why = whyNoTrace()
  if (why !== undefined) {
    context.skip(CLAIM, why)
    return
  }
  const base = scratch('kills')
  try {
    const points: Point[] = []
    const stages = await stagesOf(context, { seed, base, ...(only === undefined ? {} : { only }) })
    for (const stage of stages) points.push(...(await pointsOf(stage, join(base, stage.scenario))))
    const named = only === undefined ? points : points.filter((each) => pointName(each) === only)
    const count = full ? Number.POSITIVE_INFINITY : KILLS
    const cases = choose(named, pointKind, { count, seed: `${seed}/kills` })
    context.say(
      `  R1: ${points.length} calls in ${stages.length} scenarios, ${cases.length} chosen`,
    )
    await context.check(CLAIM, async () => {
      const make = (point: Point, folder: string): Promise<Killed> => kill(point, folder)
      const { progress } = context
      const killed = await makeCases({ cases, nameOf: pointName, make, base, again, progress })
      const hit = killed.filter(({ isHit }) => isHit)
      const counted = (of: (judged: Judged) => number): number => total(hit, of)
      context.say(
        `  R1: ${hit.length} processes killed, ${killed.length - hit.length} not met; ` +
          `${counted((j) => j.acknowledged)} units acknowledged and all there, ` +
          `${counted((j) => j.unacknowledged)} there beyond them, ` +
          `${counted((j) => j.retried)} units known again, ${counted((j) => j.events)} events ` +
          `verified, ${counted((j) => j.backups)} backups whole`,
      )
      return hit.length
    })
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

interface Killed extends Judged {
  readonly isHit: boolean
}

const kill = async ({ stage, call }: Point, folder: string): Promise<Killed> => {
  const { store, witness } = placesIn(folder)
  const path = setStage(stage, store)
  const { scenario, seed, expected } = stage
  const injection = { syscall: call.name, nth: call.nth, effect: 'signal=SIGKILL' }
  const { code, signal, stderr } = await play({ path, witness, scenario, seed }, { injection })
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`it ended with ${code}: ${stderr}`)
  const lines = readWitness(witness)
  const [refused] = linesOf(lines, 'refused')
  if (refused !== undefined) throw new Error(`it was refused: ${refused.told.message}`)
  const judged = await judgeLog({ path, expected, witness: lines, goOn: 'to-the-end' })
  return { ...judged, isHit: signal === 'SIGKILL' }
}
