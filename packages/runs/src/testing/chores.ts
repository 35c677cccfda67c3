/**
 * What has to be done from outside: runs started and taken up, signals sent, questions answered,
 * doubts resolved by somebody who looks at what really took place.
 *
 * Whoever does it goes through a process, which may die at it: then it is done again, under the
 * same key, until the log has it.
 */
import { hasCode, type IceError, type RunId, seededRandom } from '@ice/primitives'
import { type RunFold, unanswered } from '../lifecycle.ts'
import type { Stretch, WaitingStep } from '../ports.ts'
import type { Choices } from './choices.ts'
import type { Observer } from './observer.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimulationInit } from './simulation-ports.ts'
import type { Witness } from './witness.ts'
import { START_MS, type Worker } from './worker.ts'

/** How long whoever met with a failure waits before it tries again. */
const AGAIN_MS = 25

/** Why a drive may end otherwise than by a stretch: it is taken up again. */
const PASSING = ['ICE_EVENTS_UNAVAILABLE', 'ICE_RUNS_OWNERSHIP_CONFLICT'] as const

/** Something that can be done now. */
export interface Chore {
  readonly of: Worker
  readonly what: string
  go(): void
}

/** What chores are made of. */
export interface ChoresInit {
  readonly init: SimulationInit
  readonly seed: string
  readonly choices: Choices
  readonly scheduler: Scheduler
  readonly observer: Observer
  readonly witness: Witness
  readonly workers: () => readonly Worker[]
}

/** Where a run was left. */
interface Rest {
  /** Not before. */
  readonly againMs: number
  /** Somebody looks once more, though it sleeps: it may have fallen asleep as others wrote. */
  readonly isUnsure: boolean
}

/** Something to be done once, by whoever can. */
interface Errand {
  by: Worker | null
  againAtMs: number
  isDone: boolean
}

/** Keeps what has to be done. */
export class Chores {
  readonly #init: ChoresInit
  readonly #rests = new Map<RunId, Rest>()
  /** How often each run was taken up. */
  readonly #drives = new Map<RunId, number>()
  readonly #errands = new Map<string, Errand>()
  /** Why something was refused that may not be. */
  broken: string | null = null

  constructor(init: ChoresInit) {
    this.#init = init
  }

  /** Whether all that was to be started has come to its end. */
  get isOver(): boolean {
    const { init, observer } = this.#init
    const areStarted = init.starts.every((_, i) => observer.started(keyOf(i)) !== undefined)
    return areStarted && this.#open().length === 0 && this.#signals().length === 0
  }

  /** When something is to be done at the latest; `null`: nothing, or nobody is there to do it. */
  get nextDueMs(): number | null {
    if (this.#here().length === 0) return null
    const runs = this.#open().flatMap(([run]) =>
      this.#isDriven(run) ? [] : (this.#dueOf(run) ?? []),
    )
    const errands = [...this.#errands.values()].flatMap((errand) =>
      errand.isDone || this.#isAtIt(errand) ? [] : errand.againAtMs,
    )
    const due = [...runs, ...errands].filter((at) => at > this.#init.scheduler.elapsedMs)
    return due.length === 0 ? null : Math.min(...due)
  }

  /** What is left, for people. */
  left(): string {
    const runs = this.#open().map(([run, { view, waits }]) => {
      const steps = [...waits.keys()].join(', ')
      return `run ${run} (${view?.program.name}) is ${view?.state} ${steps}`
    })
    return runs.length === 0 ? 'nothing was started' : runs.join('; ')
  }

  /** What can be done now, by each process that is there. */
  offered(): readonly Chore[] {
    const here = this.#here()
    if (here.length === 0) return []
    return [
      ...this.#starting(),
      ...this.#driving(),
      ...this.#sending(),
      ...this.#answering(),
    ].flatMap(({ what, go }) => here.map((of) => ({ of, what, go: () => go(of) })))
  }

  /** A second process drives a run that is being driven. */
  wantRival(): void {
    this.#befall(this.#open(), (worker, [run]) => this.#drive(worker, run))
  }

  /** Somebody wants a run to end. */
  wantAbort(): void {
    this.#befall(this.#open(), (worker, [run]) => {
      this.#tell(worker.runs.abort(run, { reason: 'somebody wants it to end' }))
    })
  }

  /** Somebody takes a grant away. */
  wantRevocation(): void {
    const grants = this.#open().flatMap(([, { grants }]) => [...grants.values()])
    this.#befall(grants, (worker, grant) => {
      this.#tell(worker.grants.revoke(grant, { reason: 'somebody takes it away' }))
    })
  }

  #befall<T>(among: readonly T[], go: (worker: Worker, chosen: T) => void): void {
    const { choices } = this.#init
    const here = this.#here()
    const chosen = among[choices.pick(among.length)]
    const worker = here[choices.pick(here.length)]
    if (chosen !== undefined && worker !== undefined) go(worker, chosen)
  }

  #starting(): readonly { what: string; go(of: Worker): void }[] {
    const { init, observer } = this.#init
    return init.starts.flatMap(({ program, input, options = {} }, i) => {
      const key = keyOf(i)
      if (observer.started(key) !== undefined || !this.#isFree(key)) return []
      const what = `is asked to start ${program.name}`
      const go = (of: Worker): void => {
        this.#run(key, of, () => of.runs.start(program, input, { ...options, key }))
      }
      return { what, go }
    })
  }

  #driving(): readonly { what: string; go(of: Worker): void }[] {
    const { elapsedMs } = this.#init.scheduler
    return this.#open().flatMap(([run]) => {
      if (this.#isDriven(run)) return []
      const dueMs = this.#dueOf(run)
      if (dueMs === null || dueMs > elapsedMs) return []
      return { what: `takes up run ${run}`, go: (of: Worker) => this.#drive(of, run) }
    })
  }

  #sending(): readonly { what: string; go(of: Worker): void }[] {
    return this.#signals().flatMap(({ key, run, command }) => {
      if (!this.#isFree(key)) return []
      const go = (of: Worker): void => {
        this.#run(
          key,
          of,
          () => of.runs.signal(run, { key, ...command }),
          'ICE_RUNS_CONCLUDED_CONFLICT',
        )
      }
      return { what: `is asked to send "${command.signal}" to run ${run}`, go }
    })
  }

  /** Signals that are to be sent to runs that are there. */
  #signals() {
    const { init, observer } = this.#init
    return init.starts.flatMap(({ signals = [] }, i) => {
      const run = observer.started(keyOf(i))
      if (run === undefined) return []
      return signals.flatMap((command, n) => {
        const key = command.key ?? `${keyOf(i)}/${n}`
        return this.#errands.get(key)?.isDone === true ? [] : { key, run, command }
      })
    })
  }

  #answering(): readonly { what: string; go(of: Worker): void }[] {
    return this.#open().flatMap(([run, fold]) =>
      unanswered(fold).flatMap((waiting) => {
        if (!this.#isFree(waiting.request)) return []
        return waiting.kind === 'doubt'
          ? this.#resolving(run, fold, waiting)
          : this.#replying(run, waiting)
      }),
    )
  }

  #replying(run: RunId, waiting: WaitingStep): readonly { what: string; go(of: Worker): void }[] {
    const { answer = () => ({ approved: true }) } = this.#init.init
    const said = answer(waiting, seededRandom(`${this.#init.seed}/${waiting.request}`))
    if (said === null) return []
    const { step, request } = waiting
    const go = (of: Worker): void => {
      this.#run(request, of, () => of.runs.answer(run, { ...said, step }), 'ICE_RUNS_')
    }
    return [{ what: `is told the answer to "${step}" of run ${run}`, go }]
  }

  /** Who resolves a doubt knows what took place, and waits until nothing more can. */
  #resolving(
    run: RunId,
    { open }: RunFold,
    { step, request }: WaitingStep,
  ): readonly { what: string; go(of: Worker): void }[] {
    const { witness } = this.#init
    const intent = open.get(step)?.intent.id
    if (intent === undefined || !witness.isOver(intent)) return []
    const happened = witness.hasActed(intent)
    const command = { effect: step, happened, evidence: 'the witness' }
    const go = (of: Worker): void => {
      this.#run(request, of, () => of.runs.resolveDoubt(run, command), 'ICE_RUNS_')
    }
    const what = `is told that "${step}" of run ${run} ${happened ? 'happened' : 'did not happen'}`
    return [{ what, go }]
  }

  #drive(worker: Worker, run: RunId): void {
    const { observer } = this.#init
    const shared = observer.sharedNews(run)
    const drives = (this.#drives.get(run) ?? 0) + 1
    this.#drives.set(run, drives)
    worker.driving.add(run)
    // Whoever does not come back from it has left it in a state that nobody has looked at.
    this.#rest(run, true)
    const left = (stretch: Stretch | null): void => {
      worker.driving.delete(run)
      const isSure =
        stretch?.kind === 'suspended' &&
        observer.sharedNews(run) === shared &&
        this.#drives.get(run) === drives
      this.#rest(run, !isSure)
    }
    worker.runs.drive(run).then(left, (error: unknown) => {
      if (!PASSING.some((code) => hasCode(error, code))) {
        this.broken ??= `${worker.name} cannot drive run ${run}: ${told(error)}`
      }
      left(null)
    })
  }

  #rest(run: RunId, isUnsure: boolean): void {
    const againMs = this.#init.scheduler.elapsedMs + AGAIN_MS
    this.#rests.set(run, { againMs, isUnsure })
  }

  /** When a run is to be taken up; `null`: not before there are news. */
  #dueOf(run: RunId): number | null {
    const { observer } = this.#init
    const { againMs = 0, isUnsure = false } = this.#rests.get(run) ?? {}
    if (observer.folds.get(run)?.view?.suspended !== true || isUnsure) return againMs
    if (observer.hasNews(run)) return 0
    const until = observer.sleepsUntil(run)
    // A process whose clock is behind finds that it is not time yet: it looks again later.
    return until === null ? null : Math.max(until - START_MS, againMs)
  }

  #run(key: string, by: Worker, ask: () => Promise<unknown>, settledBy = ''): void {
    const errand: Errand = { by, againAtMs: 0, isDone: false }
    this.#errands.set(key, errand)
    ask().then(
      () => {
        errand.isDone = true
      },
      (error: unknown) => {
        const { code = '' } = error as Partial<IceError>
        if (code === '') this.broken ??= `${by.name} fails: ${told(error)}`
        errand.isDone = settledBy !== '' && code.startsWith(settledBy)
        errand.by = null
        errand.againAtMs = this.#init.scheduler.elapsedMs + AGAIN_MS
      },
    )
  }

  #tell(asked: Promise<unknown>): void {
    asked.catch((error: unknown) => {
      if ((error as Partial<IceError>).code === undefined) this.broken ??= told(error)
    })
  }

  #isFree(key: string): boolean {
    const errand = this.#errands.get(key)
    if (errand === undefined) return true
    if (errand.isDone || this.#isAtIt(errand)) return false
    return errand.againAtMs <= this.#init.scheduler.elapsedMs
  }

  #isAtIt({ by }: Errand): boolean {
    return by !== null && !by.isDead
  }

  #isDriven(run: RunId): boolean {
    return this.#init
      .workers()
      .some((each) => !each.isDead && !each.isGone && each.driving.has(run))
  }

  #here(): readonly Worker[] {
    return this.#init.workers().filter(({ isDead, isFrozen }) => !isDead && !isFrozen)
  }

  #open(): readonly (readonly [RunId, RunFold])[] {
    return [...this.#init.observer.folds].filter(([, { view }]) => view?.state !== 'TERMINATED')
  }
}

function keyOf(start: number): string {
  return `start-${start}`
}

function told(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
