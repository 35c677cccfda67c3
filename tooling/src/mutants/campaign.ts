/**
 * A campaign: which mutants of some sources the tests of a package notice.
 *
 * First all tests run with no mutant on; each file of tests says which mutants it met. Then each
 * mutant is on while the files that met it run, the quickest first, until one fails. A mutant that
 * none notices, or none meets, has *survived*.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { projectRoot } from '../lib/house.ts'
import { instrument, type Mutant } from './edits.ts'

/** What is put to the test, by what. Paths are relative to the project. */
export interface CampaignInit {
  readonly sources: readonly string[]
  /** A glob of files of tests. */
  readonly tests: string
  /** The mutants to be tried, of all there are. */
  choose(mutants: readonly Mutant[]): readonly Mutant[]
  progress(status: string): void
  /** Told of each survivor when it is found: a campaign that is ended early has said something. */
  survived(mutant: Mutant): void
}

/** What came of it. */
export interface CampaignResult {
  readonly all: number
  readonly tried: number
  readonly survivors: readonly Mutant[]
}

/** @units ms: a file of tests that runs longer with a mutant on has noticed it. */
const RUN_MS_MAX = 180_000

/** All mutants of some sources, numbered as the worker numbers them. */
export function mutantsOf(sources: readonly string[]): readonly Mutant[] {
  const mutants: Mutant[] = []
  for (const source of sources) {
    const text = readFileSync(join(projectRoot, source), 'utf8')
    mutants.push(...instrument(source, text, mutants.length + 1).mutants)
  }
  return mutants
}

/** @throws when the tests fail with no mutant on: then they say nothing about mutants */
export async function runCampaign(init: CampaignInit): Promise<CampaignResult> {
  const folder = mkdtempSync(join(tmpdir(), 'ice-mutants-'))
  const all = mutantsOf(init.sources)
  const chosen = init.choose(all)
  let tests = await TestRunner.start(folder, init)
  try {
    const met = await meet(tests, folder, init)
    const survivors: Mutant[] = []
    for (const [i, mutant] of chosen.entries()) {
      init.progress(`${i} of ${chosen.length} mutants tried, ${survivors.length} survived`)
      writeFileSync(join(folder, 'active'), String(mutant.id))
      const fate = await tryMutant(tests, met.get(mutant.id) ?? [])
      if (fate === 'survived') {
        survivors.push(mutant)
        init.survived(mutant)
      }
      if (fate === 'stuck') tests = await TestRunner.start(folder, init)
    }
    return { all: all.length, tried: chosen.length, survivors }
  } finally {
    tests.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Which files of tests meet a mutant, the quickest first. */
async function meet(
  tests: TestRunner,
  folder: string,
  { progress }: CampaignInit,
): Promise<ReadonlyMap<number, readonly string[]>> {
  const times = new Map<string, number>()
  for (const file of tests.files) {
    progress(`${times.size} of ${tests.files.length} files of tests ran without a mutant`)
    const { ok, ms } = await tests.run(file)
    if (!ok) throw new Error(`${file} fails without a mutant`)
    times.set(file, ms)
  }
  const met = new Map<number, string[]>()
  for (const name of readdirSync(folder).filter((each) => each.startsWith('hits-'))) {
    const { testPath, hits } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      readonly testPath: string
      readonly hits: readonly number[]
    }
    for (const id of hits) met.set(id, [...(met.get(id) ?? []), relative(projectRoot, testPath)])
  }
  for (const files of met.values()) files.sort((a, b) => (times.get(a) ?? 0) - (times.get(b) ?? 0))
  return met
}

async function tryMutant(
  tests: TestRunner,
  files: readonly string[],
): Promise<'killed' | 'survived' | 'stuck'> {
  for (const file of files) {
    const { ok, isStuck } = await tests.run(file)
    if (isStuck) return 'stuck'
    if (!ok) return 'killed'
  }
  return 'survived'
}

interface Run {
  readonly ok: boolean
  readonly ms: number
  /** It did not end, and its process was ended. */
  readonly isStuck: boolean
}

/** The process that runs tests. */
class TestRunner {
  readonly #child: ChildProcess
  readonly files: readonly string[]

  private constructor(child: ChildProcess, files: readonly string[]) {
    this.#child = child
    this.files = files
  }

  static async start(folder: string, { sources, tests }: CampaignInit): Promise<TestRunner> {
    writeFileSync(join(folder, 'active'), '0')
    const env = {
      ...process.env,
      ...{ ICE_MUTANTS: folder, ICE_MUTANTS_TESTS: tests },
      ICE_MUTANTS_SOURCES: JSON.stringify(sources),
    }
    const child = fork(new URL('./worker.ts', import.meta.url), { env, stdio: 'ignore' })
    const { files } = await message<{ readonly files: readonly string[] }>(child)
    return new TestRunner(child, files)
  }

  async run(file: string): Promise<Run> {
    const answer = message<Omit<Run, 'isStuck'>>(this.#child)
    this.#child.send({ file })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), RUN_MS_MAX)
    })
    const run = await Promise.race([answer, late])
    clearTimeout(timer)
    if (run !== undefined) return { ...run, isStuck: false }
    answer.catch(() => undefined)
    this.end()
    return { ok: false, ms: RUN_MS_MAX, isStuck: true }
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('the process that runs tests ended'))
    child.once('exit', gone)
    child.once('message', (value) => {
      child.off('exit', gone)
      resolve(value as T)
    })
  })
}
