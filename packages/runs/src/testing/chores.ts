/**
 * What has to be done from outside: runs started and taken up, signals sent, questions answered,
 * doubts resolved by somebody who looks at what really took place.
 *
 * Whoever does it goes through a process, which may die at it: then it is done again, under the
 * same key, until the log has it.
 */
import { hasCode, type IceError, type RunId, seededRandom, type Timestamp } from '@ice/primitives'
import { type RunFold, unanswered } from '../lifecycle.ts'
import type { Stretch, WaitingStep } from '../ports.ts'
import type { Choices } from './choices.ts'
import { AGAIN_MS, Errands, told } from './errands.ts'
import type { Observer } from './observer.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimulationInit } from './simulation-ports.ts'
import { type Offer, Timetable } from './timetable.ts'
import type { Witness } from './witness.ts'
import { START_MS, type Worker } from './worker.ts'

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
  /** Supervisors take up what can go on. */
  readonly isSupervised: boolean
}

/** Where a run was left. */
interface Rest {
  /** Not before. */
  readonly againMs: number
  /** Somebody looks once more, though it sleeps: it may have fallen asleep as others wrote. */
  readonly isUnsure: boolean
}

/** Keeps what has to be done. */
export class Chores {
  readonly #init: ChoresInit
  readonly #rests = new Map<RunId, Rest>()
  /** How often each run was taken up. */
  readonly #drives = new Map<RunId, number>()
  readonly #errands: Errands
  readonly #timetable: Timetable
  #broken: string | null = null

  constructor(init: ChoresInit) {
    this.#init = init
    this.#errands = new Errands(init.scheduler)
    const { schedules = [] } = init.init
    this.#timetable = new Timetable(schedules, init.observer, this.#errands)
  }

  /** Why something was refused that may not be. */
  get broken(): string | null {
    return this.#broken ?? this.#errands.broken
  }

  /** Whether all that was to be started has come to its end. */
  get isOver(): boolean {
    const { init, observer } = this.#init
    const areStarted = init.starts.every((_, i) => observer.started(keyOf(i)) !== undefined)
    return (
      areStarted &&
      this.#timetable.isOver &&
      this.#open().length === 0 &&
      this.#signals().length === 0
    )
  }

  /** When something is to be done at the latest; `null`: nothing, or nobody is there to do it. */
  get nextDueMs(): number | null {
    if (this.#here().length === 0) return null
    const { elapsedMs } = this.#init.scheduler
    const runs = this.#open().flatMap(([run]) => {
      if (this.#init.isSupervised) return this.#wakesOf(run)
      return this.#isDriven(run) ? [] : (this.#dueOf(run) ?? [])
    })
    const time = this.#timetable.nextAfter((START_MS + Math.floor(elapsedMs)) as Timestamp)
    const times = time === null ? [] : [time - START_MS]
    const due = [...runs, ...this.#errands.dueMs, ...times].filter((at) => at > elapsedMs)
    return due.length === 0 ? null : Math.min(...due)
  }

  /** What is left, for people. */
  left(): string {
    const runs = this.#open().map(([run, { view, waits }]) => {
      const steps = [...waits.keys()].join(', ')
      return `run ${run} (${view?.program.name}) is ${view?.state} ${steps}`
    })
    if (!this.#timetable.isOver) runs.push('a schedule is not deleted')
    return runs.length === 0 ? 'nothing was started' : runs.join('; ')
  }

  /** What can be done now, by each process that is there. */
  offered(): readonly Chore[] {
    const here = this.#here()
    if (here.length === 0) return []
    return [
      ...this.#starting(),
      ...(this.#init.isSupervised ? this.#helping() : this.#driving()),
      ...this.#timetable.offered(),
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

  #starting(): readonly Offer[] {
    const { init, observer } = this.#init
    return init.starts.flatMap(({ program, input, options = {} }, i) => {
      const key = keyOf(i)
      if (observer.started(key) !== undefined || !this.#errands.isFree(key)) return []
      const what = `is asked to start ${program.name}`
      const go = (of: Worker): void => {
        const ask = () => of.runs.start(program, input, { ...options, key })
        this.#errands.run({ key, by: of, ask })
      }
      return { what, go }
    })
  }

  #driving(): readonly Offer[] {
    const { elapsedMs } = this.#init.scheduler
    return this.#open().flatMap(([run]) => {
      if (this.#isDriven(run)) return []
      const dueMs = this.#dueOf(run)
      if (dueMs === null || dueMs > elapsedMs) return []
      return { what: `takes up run ${run}`, go: (of: Worker) => this.#drive(of, run) }
    })
  }

  /** What people do for runs that no supervisor drives. */
  #helping(): readonly Offer[] {
    return this.#open().flatMap(([run, { view }]): Offer[] => {
      if (view === null || view.quarantine === null) return []
      const key = `release ${run}@${view.version}`
      if (!this.#errands.isFree(key)) return []
      const go = (by: Worker): void => {
        const ask = () => by.runs.release(run, { reason: 'somebody has looked at it' })
        this.#errands.run({ key, by, ask, settledBy: 'ICE_RUNS_' })
      }
      return [{ what: `is asked to release run ${run}`, go }]
    })
  }

  #sending(): readonly Offer[] {
    return this.#signals().flatMap(({ key, run, command }) => {
      if (!this.#errands.isFree(key)) return []
      const go = (of: Worker): void => {
        const ask = () => of.runs.signal(run, { key, ...command })
        this.#errands.run({ key, by: of, ask, settledBy: 'ICE_RUNS_CONCLUDED_CONFLICT' })
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
        return this.#errands.isDone(key) ? [] : { key, run, command }
      })
    })
  }

  #answering(): readonly Offer[] {
    return this.#open().flatMap(([run, fold]) =>
      unanswered(fold).flatMap((waiting) => {
        if (!this.#errands.isFree(waiting.request)) return []
        return waiting.kind === 'doubt'
          ? this.#resolving(run, fold, waiting)
          : this.#replying(run, waiting)
      }),
    )
  }

  #replying(run: RunId, waiting: WaitingStep): readonly Offer[] {
    const { answer = () => ({ approved: true }) } = this.#init.init
    const said = answer(waiting, seededRandom(`${this.#init.seed}/${waiting.request}`))
    if (said === null) return []
    const { step, request } = waiting
    const go = (of: Worker): void => {
      const ask = () => of.runs.answer(run, { ...said, step })
      this.#errands.run({ key: request, by: of, ask, settledBy: 'ICE_RUNS_' })
    }
    return [{ what: `is told the answer to "${step}" of run ${run}`, go }]
  }

  /** Who resolves a doubt knows what took place, and waits until nothing more can. */
  #resolving(run: RunId, { open }: RunFold, { step, request }: WaitingStep): readonly Offer[] {
    const { witness } = this.#init
    const intent = open.get(step)?.intent.id
    if (intent === undefined || !witness.isOver(intent)) return []
    const happened = witness.hasActed(intent)
    const result = happened ? { result: witness.itemsOf(intent) } : {}
    const command = { effect: step, happened, evidence: 'the witness', ...result }
    const go = (of: Worker): void => {
      const ask = () => of.runs.resolveDoubt(run, command)
      this.#errands.run({ key: request, by: of, ask, settledBy: 'ICE_RUNS_' })
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
        this.#broken ??= `${worker.name} cannot drive run ${run}: ${told(error)}`
      }
      left(null)
    })
  }

  #rest(run: RunId, isUnsure: boolean): void {
    const againMs = this.#init.scheduler.elapsedMs + AGAIN_MS
    this.#rests.set(run, { againMs, isUnsure })
  }

  /** When a run is to be looked at by whoever picks runs. */
  #wakesOf(run: RunId): readonly number[] {
    const { observer } = this.#init
    if (observer.folds.get(run)?.view?.suspended !== true) return []
    const until = observer.sleepsUntil(run)
    return until === null ? [] : [until - START_MS]
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

  #tell(asked: Promise<unknown>): void {
    asked.catch((error: unknown) => {
      if ((error as Partial<IceError>).code === undefined) this.#broken ??= told(error)
    })
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
