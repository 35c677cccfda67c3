/**
 * R3: the power fails. From traces of what a store asked of its files follows everything a disk may
 * hold afterwards; each such folder is made, opened, and judged.
 *
 * A log that syncs only at checkpoints is judged too, and must be caught losing what it had
 * acknowledged: a proof that could not see that would prove nothing.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMigrated } from './log-base.ts'
import { LANES, scratch } from './log-cases.ts'
import type { Round, RoundFound } from './log-crash-worker.ts'
import type { LogPart, LogPartInit } from './log-part.ts'
import { whyNoTrace } from './log-process.ts'
import { SCENARIO_NAMES, SCENARIOS, type ScenarioName } from './log-scenarios.ts'

const STATES = 20_000
const STATES_FULL = 5_000_000

const CLAIM = 'whatever a failing power leaves of a log opens, and has all that was acknowledged'
const CONTROL = 'a log that does not sync its commits is caught losing some'

const worker = fileURLToPath(new URL('./log-crash-worker.ts', import.meta.url))

/** Proves R3. */
export const proveCrashes: LogPart = async (context, init) => {
  const why = whyNoTrace()
  if (why !== undefined) {
    context.skip(CLAIM, why)
    return
  }
  const base = scratch('crash')
  const workers = Array.from({ length: LANES }, () => fork(worker))
  try {
    const counts = new Counts(init)
    await context.check(CLAIM, async () => {
      const rounds = roundsOf(init, base)
      const lane = async (each: ChildProcess): Promise<void> => {
        while (!counts.isEnough) {
          const next = rounds.next()
          if (next.done === true) return
          counts.add(next.value, await makeRound(each, next.value))
          context.progress(counts.status)
        }
      }
      await Promise.all(workers.map(lane))
      context.say(`  R3: ${counts.summary}`)
      return counts.result()
    })
    if (init.only !== undefined) return
    await context.check(CONTROL, () => catchLoss(workers[0], { init, base }))
  } finally {
    for (const each of workers) each.kill()
    rmSync(base, { recursive: true, force: true })
  }
}

const catchLoss = async (
  worker: ChildProcess | undefined,
  { init, base }: { readonly init: LogPartInit; readonly base: string },
): Promise<number> => {
  if (worker === undefined) throw new TypeError('there is no worker')
  const round = { name: 'control', scenario: 'single', durability: 'process' } as const
  const folder = join(base, 'control')
  const found = await makeRound(worker, { ...round, folder, seed: init.seed })
  const lost = found.failures.filter(({ why }) => /acknowledged at \d+, and lost/.test(why))
  if (lost.length === 0) throw new Error(`nothing was: ${JSON.stringify(found.failures)}`)
  return found.failed
}

const makeRound = (worker: ChildProcess, round: Round): Promise<RoundFound> =>
  new Promise((resolve, reject) => {
    const died = (): void => reject(new Error(`the worker died in ${round.name}`))
    worker.once('exit', died)
    worker.once('message', (found: RoundFound) => {
      worker.off('exit', died)
      resolve(found)
    })
    worker.send(round)
  })

/** Every scenario with one seed after another; or the one round of a case. */
function* roundsOf({ seed, only }: LogPartInit, base: string): Generator<Round> {
  const roundOf = (scenario: ScenarioName, number: number): Round => {
    const name = `${scenario}.${number}`
    return { name, scenario, seed: `${seed}/${name}`, folder: join(base, name) }
  }
  if (only !== undefined) {
    const [, scenario = '', number = '', state = ''] = /^(\w+)\.(\d+):(.+)$/.exec(only) ?? []
    const known = SCENARIO_NAMES.find((name) => name === scenario)
    if (known === undefined) throw new Error(`there is no crash state "${only}"`)
    yield { ...roundOf(known, Number(number)), only: state }
    return
  }
  const hasMigration = isMigrated(base)
  const names = SCENARIO_NAMES.filter(
    (name) => SCENARIOS[name].isSmall && (name !== 'migration' || hasMigration),
  )
  for (let number = 0; ; number += 1) {
    for (const scenario of names) yield roundOf(scenario, number)
  }
}

/** What was looked at so far. */
class Counts {
  readonly #init: LogPartInit
  readonly #digests = new Set<number>()
  readonly #failures: string[] = []
  readonly #began = performance.now()
  #rounds = 0
  #derived = 0
  #failed = 0
  #acknowledged = 0
  #unacknowledged = 0

  constructor(init: LogPartInit) {
    this.#init = init
  }

  get #wanted(): number {
    return this.#init.full ? STATES_FULL : STATES
  }

  get isEnough(): boolean {
    return this.#digests.size >= this.#wanted
  }

  get #seconds(): number {
    return (performance.now() - this.#began) / 1_000
  }

  add(round: Round, found: RoundFound): void {
    this.#rounds += 1
    this.#derived += found.derived
    this.#failed += found.failed
    this.#acknowledged += found.acknowledged
    this.#unacknowledged += found.unacknowledged
    for (const digest of found.digests) this.#digests.add(digest)
    for (const { state, why } of found.failures) {
      const which = `${round.name}:${state}`
      this.#failures.push(`${which}: ${why}\n  again: ${this.#init.again(which)}`)
    }
  }

  get status(): string {
    const left = this.#wanted - this.#digests.size
    const minutes = Math.ceil((left * this.#seconds) / Math.max(1, this.#digests.size) / 60)
    return `${this.#digests.size} of ${this.#wanted} states, ${minutes} minutes left`
  }

  get summary(): string {
    const rate = Math.round(this.#digests.size / this.#seconds)
    return (
      `${this.#rounds} traces, ${this.#derived} states derived, ${this.#digests.size} of them ` +
      `different and judged, ${rate} a second; ${this.#acknowledged} times a unit was ` +
      `acknowledged and there, ${this.#unacknowledged} times there without that`
    )
  }

  /** @throws when a state fell short */
  result(): number {
    if (this.#failed === 0) return this.#digests.size
    throw new Error(`${this.#failed} states fall short\n${this.#failures.slice(0, 8).join('\n')}`)
  }
}
