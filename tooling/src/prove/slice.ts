/**
 * The proof of the first slice: a survey that is killed two hundred times loses nothing, does
 * nothing without an intent, repeats nothing that is recorded, and reports the same.
 *
 * `ICE_PROVE_KILLS` shortens it while one works on it; `ICE_PROVE_SEED` repeats its choices (not
 * the moments at which a process is really hit: those are the machine's).
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Random, seededRandom } from '@ice/primitives'
import type { CheckRecorder } from '../harness/recorder.ts'
import type { ProveTopic, TopicContext } from '../harness/topics.ts'
import { projectRoot } from '../lib/house.ts'
import { runVitest } from '../test-run/vitest.ts'
import { proveRace } from './parts/authority-files.ts'
import { flipEveryByte } from './parts/slice-flip.ts'
import { makeFolder } from './parts/slice-folder.ts'
import { start } from './parts/slice-process.ts'
import { keepEvidence, reportsIn, type Trial, type TrialInit, trial } from './parts/slice-trial.ts'

type Context = TopicContext & CheckRecorder

const KILLS = 200
const FILES = 60
const RACE_TRIES = 100_000

/** Trials at a time: one keeps the disk busy while another starts its process. */
const LANES = 2

export const topic: ProveTopic = {
  summary: '200 SIGKILLs of a survey, every byte of a log flipped, a rename race, vectors',
  async run(context) {
    const kills = Number(process.env['ICE_PROVE_KILLS'] ?? KILLS)
    const seed = process.env['ICE_PROVE_SEED'] ?? String(randomInt(2 ** 32))
    context.say(`seed ${seed}, ${kills} kills`)
    const base = realpathSync(mkdtempSync(join(tmpdir(), 'ice-slice-')))
    try {
      await proveKills(context, { base, seed, kills })
      await proveFlips(context, base, seed)
    } finally {
      rmSync(base, { recursive: true, force: true })
    }
    await proveRace(context, Math.ceil((RACE_TRIES * Math.min(kills, KILLS)) / KILLS))
    await proveVectors(context)
  },
}

const canTrace = (): boolean => spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0

interface KillsInit {
  readonly base: string
  readonly seed: string
  readonly kills: number
}

const proveKills = async (context: Context, { base, seed, kills }: KillsInit): Promise<void> => {
  const source = join(base, 'source')
  makeFolder(source, seededRandom(`${seed}/folder`), FILES)
  const calm = await undisturbed(base, source)
  context.say(`  an undisturbed survey of ${FILES} files takes ${Math.round(calm.durationMs)} ms`)
  const traced = canTrace()
  const trials: Trial[] = []
  // A process that was at its end before it was hit was not killed.
  const done = (): number => trials.reduce((sum, each) => sum + each.interrupted, 0)
  const name = 'a survey that is killed and resumed comes to its end, and to the same report'
  const held = await context.check(name, async () => {
    let next = 0
    const lane = async (): Promise<void> => {
      while (done() < kills) {
        const number = next
        next += 1
        const random: Random = seededRandom(`${seed}/${number}`)
        const folder = join(base, `trial-${number}`)
        const init: TrialInit = {
          folder,
          source,
          ...calm,
          random,
          traced,
          killsMax: kills - done(),
        }
        trials.push(await withEvidence(init, context))
        context.progress(`${done()} of ${kills} kills`)
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    return done()
  })
  if (!held) return
  const total = (of: (each: Trial) => number): number => trials.reduce((sum, t) => sum + of(t), 0)
  const shots = total((t) => t.kills)
  context.say(`  ${done()} of ${shots} signals met a process at work; ${trials.length} surveys`)
  const counts: readonly (readonly [string, number])[] = [
    ['every acknowledged event is in its log, as it was', total((t) => t.acknowledged)],
    ['every event of every log verifies', total((t) => t.events)],
    ['every act that a handler witnessed has its intent', total((t) => t.acts)],
    ['every run has one conclusion, and RunTerminated last', total((t) => t.conclusions)],
    ['no effect with a recorded outcome was performed again', total((t) => t.replayed)],
  ]
  // Each was insisted on in each trial: a trial that missed one has failed the check above.
  for (const [claim, cases] of counts) await context.check(claim, () => cases)
  const opens = 'no file whose reading is recorded was opened again, by a trace of openat'
  if (traced) await context.check(opens, () => total((t) => t.tracedReads))
  else context.skip(opens, 'strace is not there, or may not trace here')
}

/** The reports of a survey that nobody disturbs, and how long it takes. */
const undisturbed = async (
  base: string,
  source: string,
): Promise<Pick<TrialInit, 'wanted' | 'durationMs'>> => {
  let wanted: readonly string[] = []
  let durationMs = Number.POSITIVE_INFINITY
  // The quickest of three: the machine may have been busy with something else.
  for (const name of ['calm-1', 'calm-2', 'calm-3']) {
    const folder = join(base, name)
    const output = join(folder, 'out')
    mkdirSync(output, { recursive: true })
    const { begun, ended } = start({ store: folder, source, output })
    await begun
    const began = performance.now()
    const { stretch, stderr } = await ended
    if (stretch?.kind !== 'concluded') throw new Error(`the survey does not run: ${stderr}`)
    durationMs = Math.min(durationMs, performance.now() - began)
    wanted = reportsIn(output)
  }
  return { wanted, durationMs }
}

const withEvidence = async (init: TrialInit, { say }: Context): Promise<Trial> => {
  try {
    return await trial(init)
  } catch (error) {
    const kept = join(tmpdir(), `ice-slice-evidence-${process.pid}`)
    keepEvidence(init.folder, kept)
    say(`  what the failed trial left is kept in ${kept}`)
    throw error
  }
}

const proveFlips = async (context: Context, base: string, seed: string): Promise<void> => {
  const [source, folder] = [join(base, 'nothing'), join(base, 'small')]
  const output = join(folder, 'out')
  mkdirSync(source)
  mkdirSync(output, { recursive: true })
  await start({ store: folder, source, output }).ended
  await context.check('every flipped byte of every event of a log is found', () =>
    flipEveryByte(join(folder, 'ice.db'), seededRandom(`${seed}/flips`), (flipped, of) =>
      context.progress(`${flipped} of ${of} bytes flipped`),
    ),
  )
}

const VECTORS = [
  'packages/primitives/test/json-test-suite.test.ts',
  'packages/primitives/test/canonical-vectors.int.test.ts',
  'packages/effects/test/containment.test.ts',
] as const

const proveVectors = async (context: Context): Promise<void> => {
  const name = 'RFC 8785, the JSONTestSuite and the 25 rooted opens'
  const files = VECTORS.filter((file) => existsSync(join(projectRoot, file)))
  const { passed, failed, skipped } = await runVitest(projectRoot, files)
  if (skipped.length > 0) context.skip(`${skipped.length} tests of ${name}`, skipped.join('; '))
  await context.check(name, () => {
    if (failed > 0) throw new Error(`${failed} tests failed; they are named above`)
    return passed
  })
}
