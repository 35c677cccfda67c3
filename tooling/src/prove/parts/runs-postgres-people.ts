/**
 * Who starts runs and does what people do: sends a signal, answers a question, says what became of
 * an effect in doubt after a look at the witness. It goes to the server by no way that is cut.
 *
 * The trap: a doubt that is resolved while somebody may still act. Then nothing that the runtime
 * does could keep the act from being done twice. So nobody says that an act did not happen before
 * its process has ended, or has come back from the call; and none that is stopped is judged.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordedEvent } from '@ice/events/ports'
import { errorRecord, hasCode, type Position, type RunId } from '@ice/primitives'
import { type RunFold, runProjection, unanswered } from '@ice/runs'
import type { WaitingStep } from '@ice/runs/ports'
import type { Runtime } from '@ice/runtime'
import { insist } from './insist.ts'
import { PROVED } from './runs-postgres-programs.ts'
import type { ActLine } from './runs-postgres-traces.ts'
import type { Life } from './runs-postgres-worker.ts'

const LOOK_MS = 50

/** What people are made of. */
export interface PeopleInit {
  readonly runtime: Runtime
  readonly folder: string
  /** All processes there ever were. */
  readonly lives: () => readonly Life[]
}

/** Starts runs, follows the log, and does what people do. */
export class People {
  readonly folds: Map<RunId, RunFold> = new Map()
  /** Doubts that were resolved, by what was said. */
  readonly resolved = { happened: 0, not: 0 }
  readonly #init: PeopleInit
  readonly #done = new Set<string>()
  /** Who owned the run of an intent when it was recorded. */
  readonly #ownerOf = new Map<string, string>()
  #position = 0
  #started = 0
  #isStopped = false

  constructor(init: PeopleInit) {
    this.#init = init
  }

  get started(): number {
    return this.#started
  }

  /** Runs that have not come to their end. */
  get open(): readonly (readonly [RunId, RunFold])[] {
    return [...this.folds].filter(([, { view }]) => view?.state !== 'TERMINATED')
  }

  /** Whether all that was started has come to its end, as far as the log was followed. */
  get isOver(): boolean {
    const started = [...this.folds.values()].filter(({ view }) => view?.key?.startsWith('r9/'))
    return started.length === this.#started && this.open.length === 0
  }

  /** What is stuck, for people. */
  get left(): string {
    return this.open
      .map(([run, { view, waits, waiting, open }]) => {
        const steps = [...waits.keys(), ...waiting.keys(), ...open.keys()].join(', ')
        return `${view?.program.name} ${run} is ${view?.state}, of ${view?.owner}: ${steps}`
      })
      .join('\n')
  }

  /** Starts one run of the next program, however often that takes. */
  async start(): Promise<void> {
    const n = this.#started
    this.#started += 1
    const proved = [...PROVED.values()][n % PROVED.size]
    if (proved === undefined) return
    const { program, grants, signal } = proved
    const { runs } = this.#init.runtime
    const key = `r9/${n}`
    const run = await insisting(() => runs.start(program, n, { key, queue: 'work', grants }))
    if (signal === undefined) return
    await insisting(() => runs.signal(run, { signal, payload: 'go', key: `${key}/${signal}` }))
  }

  /** Looks, and does what is to be done, until it is told to stop. */
  async go(): Promise<void> {
    while (!this.#isStopped) {
      await this.look()
      await sleep(LOOK_MS)
    }
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Looks once. */
  async look(): Promise<void> {
    try {
      await this.#follow()
      for (const [run, fold] of this.open) {
        for (const waiting of unanswered(fold)) await this.#answer(run, fold, waiting)
      }
    } catch (error) {
      if (!hasCode(error, 'ICE_EVENTS_UNAVAILABLE')) throw error
    }
  }

  async #follow(): Promise<void> {
    const { log } = this.#init.runtime
    for await (const batch of log.readAll({ after: this.#position as Position })) {
      for (const event of batch) this.#take(event)
    }
  }

  #take(event: RecordedEvent): void {
    this.#position = event.position
    if (!event.stream.startsWith('run/')) return
    const run = event.stream.slice('run/'.length) as RunId
    const fold = this.folds.get(run) ?? runProjection.initialState()
    this.folds.set(run, runProjection.evolve(fold, event))
    if (event.type === 'CapabilityUsed' || event.type === 'CompensationStarted') {
      this.#ownerOf.set(event.id, fold.view?.owner ?? '')
    }
  }

  async #answer(run: RunId, fold: RunFold, { step, kind, request }: WaitingStep): Promise<void> {
    if (this.#done.has(request)) return
    const { runs } = this.#init.runtime
    if (kind !== 'doubt') {
      await this.#once(request, () => runs.answer(run, { step, approved: true }))
      return
    }
    const undoing = fold.owed.undoing.get(step)
    const intent = undoing?.started.id ?? fold.open.get(step)?.intent.id
    if (intent === undefined) return
    const happened = this.#happened(intent)
    if (happened === null) return
    const evidence = 'the witness'
    const isNew = await this.#once(request, () =>
      runs.resolveDoubt(run, { effect: step, happened, evidence }),
    )
    if (isNew) this.resolved[happened ? 'happened' : 'not'] += 1
  }

  /** Whether an act took place; `null`: it still may. */
  #happened(intent: string): boolean | null {
    const owner = this.#ownerOf.get(intent)
    const life = this.#init.lives().find((each) => each.owner === owner)
    if (life !== undefined && !life.isOver && life.isFrozen) return null
    const acts = witnessOf(this.#init.folder).filter((line) => line.intent === intent)
    if (acts.some(({ at }) => at === 'acted')) return true
    const isAtWork = acts.length > 0 && acts.at(-1)?.at !== 'over'
    return isAtWork && life?.isOver === false ? null : false
  }

  /** @returns false where somebody has said it before */
  async #once(request: string, say: () => Promise<unknown>): Promise<boolean> {
    try {
      await say()
    } catch (error) {
      if (hasCode(error, 'ICE_EVENTS_UNAVAILABLE')) throw error
      // An answer whose fate was unknown is there, or the run has gone on by itself.
      const { code } = errorRecord(error)
      insist(/_(NOT_FOUND|CONFLICT)$/.test(code), `an answer was refused: ${String(error)}`)
      this.#done.add(request)
      return false
    }
    this.#done.add(request)
    return true
  }
}

const insisting = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!hasCode(error, 'ICE_EVENTS_UNAVAILABLE')) throw error
      await sleep(LOOK_MS)
    }
  }
}

/** The witness of a round, in the order in which it was written. */
export const witnessOf = (folder: string): readonly ActLine[] => linesOf<ActLine>(folder, 'witness')

/** Lines that processes have left. The last may be half of one: of a process that was killed. */
export const linesOf = <T>(folder: string, file: string): readonly T[] => {
  try {
    const text = readFileSync(join(folder, file), 'utf8')
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as T)
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'ENOENT') return []
    throw error
  }
}
