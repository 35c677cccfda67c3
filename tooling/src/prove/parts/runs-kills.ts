/**
 * A thousand kills: processes that drive runs over a real log are killed by SIGKILL inside each
 * step of effects of each fate, and others go on with their runs, until all have come to an end.
 *
 * `ICE_PROVE_KILLS` says how many; `ICE_PROVE_SEED` repeats the choices (not the moments at which a
 * process is really hit: those are the machine's).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Random, seededRandom } from '@ice/primitives'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { insist } from './insist.ts'
import type { KillJob } from './runs-kill-child.ts'
import { judgeEnd, judgeKill, type KillCounts, type Left } from './runs-kill-judge.ts'

const KILLS = 1_000
const KILLS_FULL = 10_000
/** Rounds of a run: nine effects each. */
const EACH = 4
const EFFECTS: number = EACH * 9
const LANES = 2
/** Kills of one run, after which it is left to come to its end. */
const KILLS_PER_RUN = 12

/** Where the next kill is to come: which step of which fate, after how many of them, how late. */
const STEPS = ['observe', 'idempotent', 'irreversible'].flatMap((fate) =>
  ['called', 'acted', 'returned'].map((step) => `${fate}/${step}`),
)

interface Tally {
  kills: number
  late: number
  readonly found: Map<string, number>
  readonly ends: KillCounts[]
}

/** Kills, and judges. */
export const runsKills = async (context: TopicContext & CheckRecorder): Promise<void> => {
  const most = context.full ? KILLS_FULL : KILLS
  const kills = Number(process.env['ICE_PROVE_KILLS'] ?? most)
  const seed = process.env['ICE_PROVE_SEED'] ?? String(randomInt(2 ** 32))
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'ice-run-kills-')))
  const tally: Tally = { kills: 0, late: 0, found: new Map(), ends: [] }
  context.say(`  kills: seed ${seed}, ${kills} kills, ${EFFECTS} effects a run`)
  let next = 0
  const lane = async (): Promise<void> => {
    while (tally.kills < kills) {
      const number = next
      next += 1
      const folder = join(base, `run-${number}`)
      await oneRun(folder, seededRandom(`${seed}/${number}`), tally, kills)
      rmSync(folder, { recursive: true })
      context.progress(`${tally.kills} of ${kills} kills, ${tally.ends.length} runs ended`)
    }
  }
  try {
    const name =
      'a run whose process is killed, over and over, comes to its end with every fate kept'
    const held = await context.check(name, async () => {
      await Promise.all(Array.from({ length: LANES }, lane))
      return tally.kills
    })
    if (held) await report(context, tally)
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

const report = async (context: TopicContext & CheckRecorder, tally: Tally): Promise<void> => {
  const places = [...tally.found].sort(([one], [other]) => one.localeCompare(other))
  context.say(`  found at death: ${places.map(([place, n]) => `${place} ${n}`).join(', ')}`)
  context.say(`  ${tally.late} signals came after the end; ${tally.ends.length} runs`)
  const total = (of: keyof KillCounts): number => tally.ends.reduce((sum, end) => sum + end[of], 0)
  // Each was insisted on after each kill and at each end: one that was missed failed the check.
  await context.check('every act has an intent that was in the log when its process died', () =>
    total('acts'),
  )
  await context.check('every effect has exactly one recorded outcome', () => total('effects'))
  await context.check('every acknowledged event is in its log, as it was', () =>
    total('acknowledged'),
  )
  await context.check('what is irreversible acted once, and was in doubt where nobody knew', () =>
    total('doubts'),
  )
  await context.check('what may be repeated was, under the same key', () => total('repeated'))
  await context.check('kills came into every step of every fate', () => {
    const missed = STEPS.filter((step) => !tally.found.has(step))
    insist(missed.length === 0 || tally.kills < 200, `no kill came at ${missed.join()}`)
    return tally.found.size
  })
}

const oneRun = async (
  folder: string,
  random: Random,
  tally: Tally,
  kills: number,
): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  const job: KillJob = { folder, each: EACH }
  let left: Left | null = null
  for (let shots = 0; shots < KILLS_PER_RUN && tally.kills < kills; shots += 1) {
    const place = STEPS[random.uint32() % STEPS.length] ?? ''
    const ending = await shoot(job, { place, after: random.uint32() % 3, lateMs: lateness(random) })
    if (!ending.wasKilled) {
      tally.late += 1
      insist(ending.stretch === 'committed', `a process ended by itself: ${ending.stderr}`)
      break
    }
    tally.kills += 1
    left = await judgeKill(folder, left)
    for (const found of left.found) tally.found.set(found, (tally.found.get(found) ?? 0) + 1)
  }
  const ending = await shoot(job, null)
  insist(ending.stretch === 'committed', `the run does not come to its end: ${ending.stderr}`)
  await judgeKill(folder, left)
  tally.ends.push(await judgeEnd(folder, EFFECTS))
}

/** Mostly at once, so that the kill meets the step; else into what comes behind it. */
const lateness = (random: Random): number => (random.float() < 0.6 ? 0 : random.float() * 6)

interface Shot {
  readonly place: string
  /** Times the place is passed before. */
  readonly after: number
  readonly lateMs: number
}

interface Ending {
  readonly wasKilled: boolean
  readonly stretch: string
  readonly stderr: string
}

interface Told {
  readonly at?: string
  readonly stretch?: { readonly kind: string; readonly result?: { readonly conclusion: string } }
}

const file = fileURLToPath(new URL('./runs-kill-child.ts', import.meta.url))

/** Starts a process and, when there is a shot, kills it there. */
const shoot = (job: KillJob, shot: Shot | null): Promise<Ending> => {
  const child: ChildProcess = spawn(process.execPath, [file, JSON.stringify(job)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let passed = 0
  let stretch = ''
  let stderr = ''
  child.on('message', ({ at, stretch: told }: Told) => {
    if (told !== undefined) stretch = told.result?.conclusion ?? told.kind
    if (shot === null || at !== shot.place) return
    passed += 1
    if (passed !== shot.after + 1) return
    if (shot.lateMs === 0) child.kill('SIGKILL')
    else sleep(shot.lateMs).then(() => child.kill('SIGKILL'))
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4_000)
  })
  return new Promise((resolve) => {
    child.once('close', (_code, signal) => {
      resolve({ wasKilled: signal === 'SIGKILL', stretch, stderr })
    })
  })
}
