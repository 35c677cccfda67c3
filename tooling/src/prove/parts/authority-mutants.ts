/**
 * R15: a kernel that decides otherwise than it should is noticed by its tests.
 *
 * Small changes are made to the files that decide, one at a time, and the tests of the package are
 * run: at least 95 of 100 changes have to make one fail. By default a sample is tried, drawn by the
 * seed that is printed; `--full` tries all of them. Survivors are listed: each is a test that is
 * missing, or a change that changes nothing.
 *
 * `ICE_PROVE_SEED` draws a sample again, `ICE_PROVE_FILES=schema,decide` tries all of some files.
 */
import { randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { projectRoot } from '../../lib/house.ts'
import { type CampaignResult, runCampaign } from '../../mutants/campaign.ts'
import type { Mutant } from '../../mutants/edits.ts'
import { insist } from './insist.ts'

const FOLDER = 'packages/capabilities/src'

/** What does not decide: shapes, texts, commands over a log; addresses have their own proof. */
const OTHERS: ReadonlySet<string> = new Set([
  ...['index', 'ports', 'errors', 'limits', 'text', 'causes', 'describe-grant', 'intern'],
  ...['authority', 'grants', 'adopt-ceiling', 'retried', 'stop-commands', 'preview'],
  ...['ip', 'net', 'net-address', 'net-place'],
])

/** @units mutants tried by default: a few minutes. */
const SAMPLE = 50

/** The share of mutants that the tests have to notice. */
const SHARE_MIN = 0.95

/** The files of the kernel: whatever is not known to be something else. */
function kernelFiles(): readonly string[] {
  return readdirSync(join(projectRoot, FOLDER))
    .filter((name) => name.endsWith('.ts') && !OTHERS.has(name.slice(0, -'.ts'.length)))
    .sort()
    .map((name) => `${FOLDER}/${name}`)
}

export async function authorityMutants(context: TopicContext & CheckRecorder): Promise<void> {
  const only = process.env['ICE_PROVE_FILES']?.split(',')
  const seed = Number(process.env['ICE_PROVE_SEED'] ?? randomInt(2 ** 31))
  const sources = kernelFiles()
  const chosenFiles = only?.map((name) => `${FOLDER}/${name}.ts`) ?? sources
  const isAll = context.full || only !== undefined
  context.say(
    `  mutants of ${chosenFiles.length} files, ${isAll ? 'all' : `drawn by seed ${seed}`}`,
  )
  await context.check('at least 95 of 100 mutants of the kernel are noticed', async () => {
    const result = await runCampaign({
      sources,
      tests: 'packages/capabilities/test/**/*.test.ts',
      choose: (mutants) => {
        const some = mutants.filter(({ file }) => chosenFiles.includes(file))
        return isAll ? some : draw(some, seed)
      },
      progress: (status) => context.progress(status),
      survived: (mutant) => context.say(`  survived: ${lineOf(mutant)}`),
    })
    return judged(result, context)
  })
}

function judged({ all, tried, survivors }: CampaignResult, { say }: TopicContext): number {
  const killed = tried - survivors.length
  const share = `${killed} of ${tried} mutants were noticed (${all} there are)`
  say(`  ${share}`)
  insist(tried > 0 && killed / tried >= SHARE_MIN, share)
  return tried
}

function lineOf({ file, line, original, replacement }: Mutant): string {
  const change = replacement === '' ? 'left out' : `-> ${replacement}`
  return `${file}:${line}  ${original} ${change}`.replace(/\s+/g, ' ').slice(0, 240)
}

/** So many of them, by a generator of which the seed is all there is (mulberry32). */
function draw(mutants: readonly Mutant[], seed: number): readonly Mutant[] {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return mutants
    .map((mutant) => ({ mutant, at: next() }))
    .sort((a, b) => a.at - b.at)
    .slice(0, SAMPLE)
    .map(({ mutant }) => mutant)
    .sort((a, b) => a.id - b.id)
}
