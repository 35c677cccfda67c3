/**
 * R15: a kernel that decides otherwise than it should is noticed by its tests.
 *
 * Small changes are made to every file that holds code, one at a time, and the tests of the package
 * that meet them are run: at least 95 of 100 changes have to make one fail. By default a sample of
 * each file is tried, the same one each time; `--full` tries all of them, and then each file has
 * to have its 95 of 100. Survivors are listed: each is a test that is missing, or a change that
 * changes nothing. The latter are exempt by name, with the reason (`authority-equivalents.txt`),
 * and tried by `--full` alone; the figure is told with them and without.
 *
 * `ICE_PROVE_SEED=7` draws another sample, `ICE_PROVE_FILES=schema,decide` tries all of some files.
 */
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

/** The share of each file's mutants that is tried by default, and how many at least: minutes. */
const SAMPLE_SHARE = 0.2
const SAMPLE_MIN = 10

/** Draws the sample, where no other seed is given. */
const SEED = 15

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
  const seed = Number(process.env['ICE_PROVE_SEED'] ?? SEED)
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
  const which = isAll ? 'all' : `a sample of each, drawn by seed ${seed}`
  context.say(`  mutants of ${chosenFiles.length} files, ${which}`)
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
    const { share, below } = tell(chosen, { killed, isExempt, say: (text) => context.say(text) })
    context.say(`  of ${all.length} mutants that there are in ${sources.length} files`)
    insist(tried.length > 0 && share >= SHARE_MIN, `${(100 * share).toFixed(1)} % were noticed`)
    insist(!isAll || below.length === 0, `fewer than 95 of 100 in ${below.join(', ')}`)
    return tried.length
  })
}

interface Fates {
  readonly killed: ReadonlySet<Mutant>
  isExempt(mutant: Mutant): boolean
  say(text: string): void
}

/** What a campaign comes to: the share that was noticed, and the files in which it is too small. */
interface Told {
  readonly share: number
  readonly below: readonly string[]
}

/** Tells the figures of each file and of all. */
function tell(chosen: readonly Mutant[], fates: Fates): Told {
  const below: string[] = []
  for (const [file, its] of byFile(chosen)) {
    const { text, share } = figures(its, fates)
    if (share < SHARE_MIN) below.push(basename(file))
    fates.say(`  ${basename(file).padEnd(20)} ${text}${share < SHARE_MIN ? ', too few' : ''}`)
  }
  const { text, share } = figures(chosen, fates)
  fates.say(`  ${'all'.padEnd(20)} ${text}`)
  return { share, below }
}

function byFile(mutants: readonly Mutant[]): ReadonlyMap<string, readonly Mutant[]> {
  return Map.groupBy(mutants, ({ file }) => file)
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

/** A part of each file's, by a generator of which the seed is all there is (mulberry32). */
function draw(mutants: readonly Mutant[], seed: number): readonly Mutant[] {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const drawn = [...byFile(mutants).values()].flatMap((its) =>
    its
      .map((mutant) => ({ mutant, at: next() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, Math.max(SAMPLE_MIN, Math.ceil(SAMPLE_SHARE * its.length)))
      .map(({ mutant }) => mutant),
  )
  return drawn.sort((a, b) => a.id - b.id)
}
