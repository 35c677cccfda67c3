/**
 * R15: a kernel that decides otherwise than it should is noticed by its tests.
 *
 * Small changes are made to the files that decide, one at a time, and the tests of the package that
 * meet them are run: at least 95 of 100 changes have to make one fail. By default a sample is
 * tried, drawn by the seed that is printed; `--full` tries all of them. Survivors are listed: each
 * is a test that is missing, or a change that changes nothing. The latter are exempt by name, with
 * the reason (`authority-equivalents.txt`), and tried by `--full` alone; the figure is told with
 * them and without.
 *
 * `ICE_PROVE_SEED` draws a sample again, `ICE_PROVE_FILES=schema,decide` tries all of some files.
 */
import { randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { projectRoot } from '../../lib/house.ts'
import { mutantsOf, runCampaign } from '../../mutants/campaign.ts'
import type { Mutant } from '../../mutants/edits.ts'
import { exemptions, mutantNames } from '../../mutants/exempt.ts'
import { insist } from './insist.ts'

const PACKAGE = 'packages/capabilities'
const FOLDER = `${PACKAGE}/src`

/** What decides nothing: the list of exports, shapes, and bounds, each of which is a number. */
const OTHERS: ReadonlySet<string> = new Set(['index', 'ports', 'limits'])

/** @units mutants tried by default: about a minute. */
const SAMPLE = 100

/** The share of mutants that the tests have to notice. */
const SHARE_MIN = 0.95

/** What changes nothing. */
const EQUIVALENTS = new URL('./authority-equivalents.txt', import.meta.url)

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
  const names = mutantNames(mutantsOf(sources))
  const nameOf = new Map([...names].map(([{ id }, name]) => [id, name]))
  const exempt = exemptions(EQUIVALENTS)
  await context.check('each mutant that is exempt is one there is', async () => {
    const known = new Set(names.values())
    const gone = exempt.filter((name) => !known.has(name))
    insist(gone.length === 0, `no mutant has these names: ${gone.join('\n')}`)
    insist(new Set(exempt).size === exempt.length, 'a mutant is exempt twice')
    return exempt.length
  })
  context.say(
    `  mutants of ${chosenFiles.length} files, ${isAll ? 'all' : `drawn by seed ${seed}`}`,
  )
  await context.check('at least 95 of 100 mutants of the kernel are noticed', async () => {
    const isExempt = ({ id }: Mutant): boolean => exempt.includes(nameOf.get(id) ?? '')
    let chosen: readonly Mutant[] = []
    const { all, tried, survivors } = await runCampaign({
      sources,
      folder: PACKAGE,
      tests: `${PACKAGE}/test/**/*.test.ts`,
      choose: (mutants) => {
        const some = mutants.filter(({ file }) => chosenFiles.includes(file))
        chosen = isAll ? some : draw(some, seed)
        return context.full ? chosen : chosen.filter((mutant) => !isExempt(mutant))
      },
      progress: (status) => context.progress(status),
      survived: (mutant) => {
        if (!isExempt(mutant)) context.say(`  survived: ${mutant.line}: ${nameOf.get(mutant.id)}`)
      },
    })
    const odd = tried.filter((mutant) => isExempt(mutant) && !survivors.includes(mutant))
    insist(odd.length === 0, `exempt, and noticed: ${odd.map(({ id }) => nameOf.get(id))}`)
    // What is exempt and was not tried counts as what survived, where it is counted at all.
    const killed = new Set(tried.filter((mutant) => !survivors.includes(mutant)))
    const share = tell(chosen, { killed, isExempt, say: (text) => context.say(text) })
    context.say(`  of ${all.length} mutants that there are`)
    insist(tried.length > 0 && share >= SHARE_MIN, `${(100 * share).toFixed(1)} % were noticed`)
    return tried.length
  })
}

interface Fates {
  readonly killed: ReadonlySet<Mutant>
  isExempt(mutant: Mutant): boolean
  say(text: string): void
}

/** Tells the figures of each file and of all, and returns the share that was noticed. */
function tell(chosen: readonly Mutant[], fates: Fates): number {
  for (const file of new Set(chosen.map((mutant) => mutant.file))) {
    const its = chosen.filter((mutant) => mutant.file === file)
    fates.say(`  ${basename(file).padEnd(20)} ${figures(its, fates).text}`)
  }
  const { text, share } = figures(chosen, fates)
  fates.say(`  ${text}`)
  return share
}

function figures(
  chosen: readonly Mutant[],
  { killed, isExempt }: Fates,
): { readonly text: string; readonly share: number } {
  const exempt = chosen.filter(isExempt).length
  const noticed = chosen.filter((mutant) => killed.has(mutant)).length
  const counted = chosen.length - exempt
  const share = counted === 0 ? 1 : noticed / counted
  const [percent, raw] = [share, noticed / chosen.length].map((part) => (100 * part).toFixed(1))
  const text =
    `${noticed} of ${chosen.length} mutants were noticed, ${exempt} are exempt, ` +
    `${counted - noticed} survived: ${percent} % (${raw} % with the exempt ones)`
  return { text, share }
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
