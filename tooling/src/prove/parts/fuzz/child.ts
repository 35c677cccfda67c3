/**
 * The process in which a target is fuzzed, so that a crash, a hang, or memory without end is its
 * own and nobody else's.
 *
 *     child.ts {"target":…, "seed":…, "from":…, "count":…, "untilMs":…, "folder":…, "save":…}
 *
 * Before each input its number is written to the file `at`, which outlives the process: whatever
 * happens then, happened to that input. The last line of stdout says what was counted, or what did
 * not hold.
 */
import { openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Chance, chanceOf, seedNumber } from './chance.ts'
import { mutated } from './mutate.ts'
import type { FuzzTarget } from './target.ts'
import { FUZZ_TARGETS } from './targets.ts'

/** What the process is told. */
export interface FuzzJob {
  readonly target: string
  readonly seed: string
  readonly from: number
  /** Inputs to give; without it, as many as there is time for. */
  readonly count?: number
  /** @units milliseconds */
  readonly forMs: number
  readonly folder: string
  /** Write input `from` there, and end. */
  readonly save?: string
}

/** What it says in the end. */
export type FuzzSaid =
  | {
      readonly kind: 'done'
      readonly inputs: number
      readonly taken: number
      /** The slowest input that was not slow by chance. @units milliseconds */
      readonly slowestMs: number
      /** The first of each kind. */
      readonly faults: readonly FuzzFault[]
    }
  /** The process did not come to its end. */
  | ({ readonly kind: 'ended' } & FuzzFault)

/** Something that does not hold, and of which input. */
export interface FuzzFault {
  readonly input: number
  readonly why: string
}

const SLOW_MS = 1_000
/** More kinds than these are more than anybody mends at once. */
const FAULTS_MAX = 8
/** How often the prototypes are looked at as a whole. */
const LOOK_EVERY = 500

const PROTOTYPES: readonly object[] = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Number.prototype,
  Boolean.prototype,
  Map.prototype,
  Set.prototype,
  Promise.prototype,
  Error.prototype,
  RegExp.prototype,
  Date.prototype,
  Uint8Array.prototype,
  Object,
  Array,
  JSON,
]

const outline = (): string =>
  PROTOTYPES.map((each) => Reflect.ownKeys(each).map(String).join()).join('\n')

/** A fault of one input. */
class Fault extends Error {}

/** Gives an input to a target, and judges it by all that concerns every target. */
class Fuzzer {
  taken = 0
  slowestMs = 0
  readonly #target: FuzzTarget
  readonly #seed: number
  readonly #objectKeys = Reflect.ownKeys(Object.prototype).length
  readonly #outline = outline()

  constructor(target: FuzzTarget, seed: number) {
    this.#target = target
    this.#seed = seed
  }

  input(number: number): { readonly bytes: Uint8Array; readonly chance: Chance } {
    const chance = chanceOf(this.#seed, number)
    return { bytes: mutated(this.#target.corpus, chance), chance }
  }

  async give(number: number): Promise<void> {
    let ms = await this.#timed(number)
    // A machine that is busy makes anything slow once; what is slow is so again and again.
    for (let again = 0; ms > SLOW_MS && again < 2; again += 1) {
      ms = Math.min(ms, await this.#timed(number))
    }
    if (ms > SLOW_MS) throw new Fault(`it takes ${Math.round(ms)} ms each time`)
    this.slowestMs = Math.max(this.slowestMs, ms)
    const isClean = Reflect.ownKeys(Object.prototype).length === this.#objectKeys
    if (!isClean) throw new Fault('it has changed Object.prototype')
    if (number % LOOK_EVERY === 0) this.look()
  }

  look(): void {
    if (outline() !== this.#outline)
      throw new Fault('it, or one shortly before, changed a prototype')
  }

  async #timed(number: number): Promise<number> {
    const { bytes, chance } = this.input(number)
    const began = performance.now()
    const result = this.#target.run(bytes, chance)
    if (typeof result === 'boolean' ? result : await result) this.taken += 1
    return performance.now() - began
  }
}

const fuzz = async (job: FuzzJob): Promise<FuzzSaid | undefined> => {
  const open = FUZZ_TARGETS.get(job.target)
  if (open === undefined) throw new TypeError(`there is no target ${job.target}`)
  const target = await open(job.folder)
  const fuzzer = new Fuzzer(target, seedNumber(`${job.seed}/${job.target}`))
  if (job.save !== undefined) {
    writeFileSync(job.save, fuzzer.input(job.from).bytes)
    return undefined
  }
  const at = openSync(join(job.folder, 'at'), 'w')
  const mark = Buffer.alloc(8)
  const until = performance.now() + job.forMs
  const last = job.from + (job.count ?? Number.MAX_SAFE_INTEGER)
  const faults = new Map<string, FuzzFault>()
  let number = job.from
  for (; number < last && performance.now() < until && faults.size < FAULTS_MAX; number += 1) {
    mark.writeDoubleLE(number)
    writeSync(at, mark, 0, mark.length, 0)
    try {
      await fuzzer.give(number)
    } catch (error) {
      const why = whyOf(error)
      const kind = why.split('\n').slice(0, 2).join('\n')
      if (!faults.has(kind)) faults.set(kind, { input: number, why })
    }
  }
  await target.close?.()
  const { taken, slowestMs } = fuzzer
  const inputs = number - job.from
  return { kind: 'done', inputs, taken, slowestMs, faults: [...faults.values()] }
}

const whyOf = (error: unknown): string => {
  if (!(error instanceof Error) || error instanceof Fault) return String(error)
  const cause = error.cause === undefined ? '' : `\n  because ${whyOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}

// A rejection that nobody waits for is a crash like any other: let it end the process.
const said = await fuzz(JSON.parse(process.argv[2] ?? '{}') as FuzzJob)
if (said !== undefined) process.stdout.write(`${JSON.stringify(said)}\n`)
process.exit(0)
