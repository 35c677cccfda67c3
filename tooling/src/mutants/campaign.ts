/**
 * A campaign: which mutants of some sources the tests of a package notice.
 *
 * First all tests run with no mutant on, and each says which mutants it met. Then each mutant is on
 * while the tests that met it run, those of the quickest file first, until one fails. A mutant
 * that none notices, or none meets, has *survived*.
 *
 * The trap: a test that fails because the tests before it were left out. A test that is the first
 * to notice a mutant is run once alone with none on; the file of one that fails then is from there
 * on run as a whole. And a process in which no test fails any more: after a survivor, one that was
 * noticed before has to be noticed again. And one in which every test fails, whatever is on: at the
 * end all of them have to pass with no mutant on, as they did at the beginning.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../lib/house.ts'
import { instrument, type Mutant } from './edits.ts'
import type { Job, JobResult } from './worker.ts'

/** What is put to the test, by what. Paths are relative to the project. */
export interface CampaignInit {
  readonly sources: readonly string[]
  /** The folder of the package: what is loaded anew for each mutant. */
  readonly folder: string
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
  readonly all: readonly Mutant[]
  readonly tried: readonly Mutant[]
  readonly survivors: readonly Mutant[]
}

/** @units milliseconds: a file of tests that runs longer with a mutant on has noticed it. */
const RUN_MS_MAX = 90_000

/** @units bytes of a worker, after which it is replaced: each mutant leaves its modules behind. */
const WORKER_BYTES_MAX = 1_200_000_000

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
  const all = mutantsOf(init.sources)
  const tried = init.choose(all)
  const runner = new TestRunner(init)
  const survivors: Mutant[] = []
  try {
    const suite = await Suite.read(runner, init)
    for (const [i, mutant] of tried.entries()) {
      init.progress(`${i} of ${tried.length} mutants tried, ${survivors.length} survived`)
      if (await suite.notices(mutant.id)) continue
      if (!(await suite.isAwake())) {
        runner.end()
        if (await suite.notices(mutant.id)) continue
      }
      survivors.push(mutant)
      init.survived(mutant)
    }
    await suite.insistOnPasses()
    return { all, tried, survivors }
  } finally {
    runner.end()
  }
}

/** All tests, with what is known of each. */
class Suite {
  readonly #runner: TestRunner
  readonly #files: string[] = []
  /** Names of the tests that met a mutant, by its number and by file; the quickest file first. */
  readonly #met = new Map<number, Map<string, readonly string[]>>()
  /** Tests known to pass alone. */
  readonly #alone = new Set<string>()
  /** Files that are run as a whole. */
  readonly #whole = new Set<string>()
  /** The file that noticed a mutant last: it is likely to notice the next one. */
  #keen = ''
  /** How a mutant was noticed. */
  #known: Job | undefined

  private constructor(runner: TestRunner) {
    this.#runner = runner
  }

  static async read(runner: TestRunner, { tests, progress }: CampaignInit): Promise<Suite> {
    const suite = new Suite(runner)
    const files = globSync(tests, { cwd: projectRoot }).filter((file) => !/\.sim\./.test(file))
    const results: (readonly [file: string, result: JobResult])[] = []
    for (const [i, file] of files.sort().entries()) {
      progress(`${i} of ${files.length} files of tests ran without a mutant`)
      const result = await runner.run({ file, mutant: 0 })
      if (result?.ok !== true) throw new Error(`${file} fails without a mutant: ${result?.failed}`)
      results.push([file, result])
    }
    results.sort(([, a], [, b]) => a.ms - b.ms)
    for (const [file, result] of results) suite.#add(file, result)
    return suite
  }

  #add(file: string, { tests, loadHits }: JobResult): void {
    this.#files.push(file)
    const names = tests.map(({ name }) => name)
    for (const id of loadHits) this.#filesOf(id).set(file, names)
    for (const { name, hits } of tests) {
      for (const id of hits) {
        const known = this.#filesOf(id).get(file) ?? []
        if (known.length < names.length) this.#filesOf(id).set(file, [...known, name])
      }
    }
  }

  #filesOf(id: number): Map<string, readonly string[]> {
    const known = this.#met.get(id) ?? new Map<string, readonly string[]>()
    this.#met.set(id, known)
    return known
  }

  /** Whether some test fails with this mutant on. */
  async notices(mutant: number): Promise<boolean> {
    const files = [...(this.#met.get(mutant) ?? [])]
    files.sort(([a], [b]) => Number(b === this.#keen) - Number(a === this.#keen))
    for (const [file, names] of files) {
      if (!(await this.#noticesIn(file, { mutant, names }))) continue
      this.#keen = file
      this.#known ??= { file, mutant, names }
      return true
    }
    return false
  }

  /** Whether a mutant that was noticed before is noticed still. */
  async isAwake(): Promise<boolean> {
    return this.#known === undefined || this.#fails(this.#known)
  }

  /** @throws when a file of tests fails with no mutant on: what it noticed was something else */
  async insistOnPasses(): Promise<void> {
    for (const file of this.#files) {
      const result = await this.#runner.run({ file, mutant: 0 })
      if (result?.ok !== true) throw new Error(`${file} fails without a mutant by now`)
    }
  }

  async #noticesIn(file: string, job: Pick<Job, 'mutant' | 'names'>): Promise<boolean> {
    if (this.#whole.has(file)) return this.#fails({ file, mutant: job.mutant })
    const result = await this.#runner.run({ file, ...job })
    if (result === undefined) return true
    const { ok, failed } = result
    if (ok || failed === null) return false
    if (this.#alone.has(`${file} ${failed}`) || !job.names?.includes(failed)) return true
    if (!(await this.#fails({ file, mutant: 0, names: [failed] }))) {
      this.#alone.add(`${file} ${failed}`)
      return true
    }
    this.#whole.add(file)
    return this.#fails({ file, mutant: job.mutant })
  }

  async #fails(job: Job): Promise<boolean> {
    const result = await this.#runner.run(job)
    return result?.ok !== true
  }
}

/** A process that runs tests, and its successors. */
class TestRunner {
  readonly #init: CampaignInit
  #child: ChildProcess | undefined

  constructor(init: CampaignInit) {
    this.#init = init
  }

  /** `undefined`: it did not end, and its process was ended. */
  async run(job: Job): Promise<JobResult | undefined> {
    this.#child ??= await this.#start()
    const answer = message<JobResult>(this.#child)
    this.#child.send(job)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), RUN_MS_MAX)
    })
    // A process that ends, as when it has no memory left, has noticed as well.
    const result = await Promise.race([answer.catch(() => undefined), late])
    clearTimeout(timer)
    if (result === undefined || result.bytes > WORKER_BYTES_MAX) this.end()
    return result
  }

  async #start(): Promise<ChildProcess> {
    const { sources, folder } = this.#init
    const env = {
      ...process.env,
      ICE_MUTANTS_FOLDER: folder,
      ICE_MUTANTS_SOURCES: JSON.stringify(sources),
    }
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
    const execArgv = ['--disable-warning=ExperimentalWarning']
    const child = fork(new URL('./worker.ts', import.meta.url), {
      env,
      execArgv,
      stdio: [...stdio],
    })
    await message(child)
    return child
  }

  end(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
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
