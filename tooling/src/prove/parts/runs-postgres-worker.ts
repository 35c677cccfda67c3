/** Workers under proof, seen from outside: their processes, what they say, what befalls them. */
import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { insist } from './insist.ts'
import {
  EXIT_LOST,
  EXIT_UNAVAILABLE,
  type WorkerJob,
  type WorkerSays,
} from './runs-postgres-child.ts'
import type { Lane } from './runs-postgres-lane.ts'
import type { ActLine } from './runs-postgres-traces.ts'

const CHILD = fileURLToPath(new URL('./runs-postgres-child.ts', import.meta.url))

/** One process. */
export interface Life {
  readonly name: string
  readonly child: ChildProcess
  /** Its name among owners, once it has said so. */
  owner: string | null
  isOver: boolean
  isFrozen: boolean
}

/** A place in which there is a worker: when one ends, another comes. */
export class Place {
  readonly lane: Lane
  /** How many came to learn that others had taken them for dead. */
  lost = 0
  /** Why a process ended as none may. */
  broken: string | null = null
  readonly #job: Omit<WorkerJob, 'name' | 'url'>
  readonly #name: string
  readonly #lives: Life[] = []
  readonly #errors: Map<string, number>
  #isOver = false
  #hear: (says: WorkerSays) => void = () => undefined

  constructor(init: {
    readonly name: string
    readonly lane: Lane
    readonly job: Omit<WorkerJob, 'name' | 'url'>
    /** Codes of what went wrong in a process, and how often. */
    readonly errors: Map<string, number>
  }) {
    this.lane = init.lane
    this.#name = init.name
    this.#job = init.job
    this.#errors = init.errors
  }

  /** All processes there ever were. */
  get lives(): readonly Life[] {
    return this.#lives
  }

  get now(): Life | undefined {
    return this.#lives.findLast(({ isOver }) => !isOver)
  }

  begin(): void {
    const name = `${this.#name}.${this.#lives.length + 1}`
    const job: WorkerJob = { ...this.#job, url: this.lane.url, name }
    const child = fork(CHILD, [JSON.stringify(job)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    const life: Life = { name, child, owner: null, isOver: false, isFrozen: false }
    this.#lives.push(life)
    let complaint = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-4_000)
    })
    child.on('message', (says: WorkerSays) => {
      if (says.is === 'ready') life.owner = says.owner
      if (says.is === 'error') this.#note(says)
      this.#hear(says)
    })
    // A process that is killed closes what it says to us as we say something to it.
    child.on('error', () => undefined)
    child.once('close', (code, signal) => {
      life.isOver = true
      if (code === EXIT_LOST) this.lost += 1
      const isExpected =
        signal === 'SIGKILL' || code === EXIT_LOST || code === EXIT_UNAVAILABLE || code === 0
      if (!isExpected) this.broken ??= `${name} ended with ${signal ?? code}:\n${complaint}`
      // Where there is no server to begin with there will be one by and by.
      if (!this.#isOver) setTimeout(() => this.#isOver || this.begin(), 200)
    })
  }

  /** Waits until it is at a step of an act, or at a commit; not for ever. */
  async reach(moment: Moment): Promise<void> {
    if (moment === 'now') return
    let leave = (): void => undefined
    const reached = new Promise<void>((resolve) => {
      if (moment === 'commit') {
        leave = this.lane.atCommit(resolve)
        return
      }
      this.#hear = (says) => {
        if (says.is === 'at' && says.step === moment) resolve()
      }
      leave = () => {
        this.#hear = () => undefined
      }
    })
    await Promise.race([reached, sleep(REACH_MS, undefined, { ref: false })])
    leave()
  }

  kill(): void {
    this.now?.child.kill('SIGKILL')
  }

  /** @returns an end to it */
  freeze(): () => Promise<void> {
    const life = this.now
    if (life === undefined) return async () => undefined
    life.isFrozen = true
    life.child.kill('SIGSTOP')
    return () => this.#thaw(life)
  }

  async #thaw(life: Life): Promise<void> {
    life.child.kill('SIGCONT')
    // Only one that answers is past the instruction at which it was stopped.
    const answered = new Promise<void>((resolve) => {
      life.child.once('close', () => resolve())
      life.child.on('message', (says: WorkerSays) => {
        if (says.is === 'pong') resolve()
      })
      if (life.isOver || !life.child.connected) resolve()
      else life.child.send('ping')
    })
    await answered
    life.isFrozen = false
  }

  /** Lets it come to its end, and makes one where it does not. */
  async end(): Promise<void> {
    this.#isOver = true
    const life = this.now
    if (life === undefined) return
    const closed = new Promise<void>((resolve) => {
      life.child.once('close', () => resolve())
    })
    life.child.kill('SIGCONT')
    if (life.child.connected) life.child.send('drain')
    const late = sleep(END_MS, undefined, { ref: false })
    await Promise.race([closed, late])
    if (!life.isOver) life.child.kill('SIGKILL')
    await closed
  }

  #note({ code, message }: { readonly code: string; readonly message: string }): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
    const isPassing = PASSING.some((each) => code.startsWith(each))
    if (!isPassing) this.broken ??= `${this.#name} reports ${code}: ${message}`
  }
}

/** When something befalls a worker: at a step of an act, at a commit, or whenever it comes. */
export type Moment = ActLine['at'] | 'commit' | 'now'

/** What does not come to such a moment by then meets with it as it is. */
export const REACH_MS = 3_000
const END_MS = 15_000

/** What a worker may meet with that nothing is wrong with: each is tried again, or is another's. */
const PASSING = [
  'ICE_EVENTS_UNAVAILABLE',
  'ICE_RUNS_OWNERSHIP_CONFLICT',
  'ICE_RUNS_INDEX_CONFLICT',
] as const

/** @throws where a process ended as none may */
export const mustBeWell = (places: readonly Place[]): void => {
  for (const { broken } of places) insist(broken === null, broken ?? '')
}
