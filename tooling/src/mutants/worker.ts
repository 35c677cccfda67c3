/**
 * Runs tests against sources with mutants, on request of the process that forked it.
 *
 *     ->  { file, mutant: 0 }           <-  { ok, tests: [{ name, hits, ms }], loadHits, ms }
 *     ->  { file, mutant: 7, names }    <-  { ok, failed: name, bytes, ms }
 *
 * Without a mutant all tests run, and each says which mutants it met. With one the named tests run
 * until one fails.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { projectRoot } from '../lib/house.ts'
import { instrument } from './edits.ts'
import { installLoader, loadAnew } from './loader.ts'
import { type CollectedTest, takeCollected } from './suite.ts'

/** What is asked of a worker. */
export interface Job {
  /** Path of a file of tests, relative to the project. */
  readonly file: string
  /** 0: none. */
  readonly mutant: number
  /** The tests to run; all of them if left out. */
  readonly names?: readonly string[]
}

/** One test, and the mutants it met. */
export interface Met {
  readonly name: string
  readonly hits: readonly number[]
}

/** What a worker answers. */
export interface JobResult {
  readonly ok: boolean
  /** The first test that failed, or why the file could not be loaded. */
  readonly failed: string | null
  /** Without a mutant. */
  readonly tests: readonly Met[]
  /** Mutants met while the file was loaded: all its tests may depend on them. */
  readonly loadHits: readonly number[]
  /** @units bytes the process holds */
  readonly bytes: number
  readonly ms: number
}

/** @units passes through loops of the sources in one test: none is near it without a mutant. */
const PASSES_MAX = 200_000_000

/** @units milliseconds for one test: one that waits longer has noticed its mutant. */
const TEST_MS_MAX = 20_000

/** Any number: it is the same for every mutant and every campaign. */
const FAST_CHECK_SEED = 15

const sources = JSON.parse(String(process.env['ICE_MUTANTS_SOURCES'])) as readonly string[]
const folder = join(projectRoot, String(process.env['ICE_MUTANTS_FOLDER']), '/')

const texts = new Map<string, string>()
let nextId = 1
for (const source of sources) {
  const path = join(projectRoot, source)
  const { text, mutants } = instrument(source, readFileSync(path, 'utf8'), nextId)
  texts.set(path, text)
  nextId += mutants.length
}
installLoader({ folder, tooling: join(projectRoot, 'tooling/src/'), texts })
// A counterexample is enough, nobody reads the smallest one. And what is drawn is drawn again by
// the next campaign, so that it notices the same.
fc.configureGlobal({ endOnFailure: true, seed: FAST_CHECK_SEED })

let active = 0
let passes = 0
let hits = new Set<number>()
Object.assign(globalThis, {
  __m: (id: number): boolean => {
    if (active === 0) hits.add(id)
    return id === active
  },
  __l: (): void => {
    passes += 1
    if (passes > PASSES_MAX) throw new RangeError('a loop does not end')
  },
})

let generation = 0

async function load(file: string): Promise<readonly CollectedTest[]> {
  generation += 1
  passes = 0
  takeCollected()
  await loadAnew(join(projectRoot, file), `${active}.${generation}`)
  return takeCollected()
}

/** Whether a test passes. */
async function passed({ run }: CollectedTest): Promise<boolean> {
  passes = 0
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RangeError('it does not end')), TEST_MS_MAX)
  })
  try {
    await Promise.race([run(), late])
    return true
  } catch (error) {
    if (active === 0) process.stderr.write(`${String((error as Error).stack)}\n`)
    return false
  } finally {
    clearTimeout(timer)
  }
}

async function answer({ file, mutant, names }: Job): Promise<JobResult> {
  const began = performance.now()
  const met: Met[] = []
  active = mutant
  hits = new Set()
  let failed: string | null = null
  let tests: readonly CollectedTest[] = []
  try {
    tests = await load(file)
  } catch (error) {
    if (active === 0) process.stderr.write(`${String((error as Error).stack)}\n`)
    failed = `it cannot be loaded: ${String(error)}`
  }
  const loadHits = [...hits]
  const wanted = names === undefined ? undefined : new Set(names)
  for (const test of tests) {
    if (failed !== null) break
    if (wanted?.has(test.name) === false) continue
    hits = new Set()
    if (!(await passed(test))) failed = test.name
    met.push({ name: test.name, hits: [...hits] })
  }
  return {
    ok: failed === null && tests.length > 0,
    failed,
    tests: mutant === 0 ? met : [],
    loadHits: mutant === 0 ? loadHits : [],
    bytes: process.memoryUsage.rss(),
    ms: performance.now() - began,
  }
}

process.on('uncaughtException', () => undefined)
process.on('unhandledRejection', () => undefined)
process.on('disconnect', () => process.exit(0))
process.on('message', async (job: Job) => {
  process.send?.(await answer(job))
})
process.send?.({ isReady: true })
