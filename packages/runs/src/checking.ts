/**
 * Checking histories: a recorded run, held against a program as it is now.
 *
 *     record ──events──► replay ──► execution ──asks──► equal, or what is recorded here,
 *                                       └──end────►    and what the program asks for instead
 *
 * 1. Inert: nothing is performed, decided or appended, and no model is asked. All that a program
 *    is given comes out of the record.
 * 2. It is the replay that a drive begins with. So a history that is equal here can be gone on
 *    with there, and a difference here is what would have stopped it.
 * 3. The end is held to the record as well: a result, a successor's input, or why it failed. A
 *    program that asks for the same and makes something else of it is not the same.
 *
 * The trap this closes: a change of code that is found to break running runs when they are resumed.
 */

import { projectStream } from '@ice/events/define'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import { errorRecord, hasCode, invariant, type JsonObject, type RunId } from '@ice/primitives'
import {
  type AskedStep,
  askedStep,
  nearest,
  type RecordedStep,
  recordedStep,
} from './asked-step.ts'
import { endDifference } from './checking-end.ts'
import { RUNS_CODES } from './errors.ts'
import type { Execution } from './execution.ts'
import { historyInput } from './history-input.ts'
import { Inbox } from './inbox.ts'
import { runStream } from './journal.ts'
import { type RunFold, runProjection } from './lifecycle.ts'
import { BEYOND_MAX } from './limits.ts'
import type { Program, ProgramName, RunState } from './ports.ts'
import { versionOf } from './recorded.ts'
import { replay } from './replay.ts'
import { programKey, programOf } from './versions.ts'

/** What a check needs. */
export interface CheckInit {
  /** Only read. */
  readonly log: EventLog
  readonly programs: readonly Program[]
  /**
   * Holds a run to the last program of its name, where none drives its version: what `takesOver`
   * would have to be good for. @defaultValue false
   */
  readonly anyVersion?: boolean
}

/** What became of one history. */
export interface HistoryCheck {
  readonly run: RunId
  /** The program as the record has it, by the version that drove it last. */
  readonly program: ProgramName
  /** What it was held to; `null` where no program here drives it. */
  readonly heldTo: ProgramName | null
  readonly state: RunState | null
  readonly events: number
  /**
   * `unmatched`: no program here drives it. `unreadable`: the record is no run, or lacks something
   * that it names.
   */
  readonly outcome: 'equal' | 'different' | 'unmatched' | 'unreadable'
  /** Patches whose ways it took, and those it went past. */
  readonly patches: { readonly taken: readonly string[]; readonly passed: readonly string[] }
  /** Of a run that is not over: what the program asks for next, as far as nothing is recorded. */
  readonly beyond: readonly AskedStep[]
  readonly difference: HistoryDifference | null
  /** Why it is unmatched or unreadable. */
  readonly reason: string | null
}

/** Where a program and a record part. */
export interface HistoryDifference {
  /** The step it is about; `''` for the end of the run. */
  readonly step: string
  readonly why: string
  /** What is recorded at this place. */
  readonly recorded: RecordedStep | null
  /** What the program asks for under the same id. */
  readonly asked: AskedStep | null
  /** What else it asks for at this place, under ids like this one. */
  readonly nearest: readonly AskedStep[]
  /** How the program had ended by then; `null` while it goes on. */
  readonly ended: string | null
}

/** Checks every run of a log, oldest first. @throws what reading the log throws */
export async function* checkHistories(
  init: CheckInit & { readonly signal?: AbortSignal },
): AsyncIterable<HistoryCheck> {
  const filter = { streamPrefix: 'run/', types: ['RunCreated'] }
  for await (const batch of init.log.readAll({ filter })) {
    for (const { stream } of batch) {
      if (init.signal?.aborted === true) return
      yield await checkHistory({ ...init, run: stream.slice('run/'.length) as RunId })
    }
  }
}

/** Checks one run. What it comes to is a value, also where the record cannot be read. */
export async function checkHistory(
  init: CheckInit & { readonly run: RunId },
): Promise<HistoryCheck> {
  const { log, run } = init
  const none: HistoryCheck = {
    run,
    program: { name: '', version: '' },
    heldTo: null,
    state: null,
    events: 0,
    outcome: 'unreadable',
    patches: { taken: [], passed: [] },
    beyond: [],
    difference: null,
    reason: null,
  }
  let known = none
  try {
    const { state: fold, at } = await projectStream(log, runProjection, { stream: runStream(run) })
    if (fold.view === null) return { ...none, reason: 'the record has no such run' }
    const { program: recorded, state } = fold.view
    known = { ...none, program: recorded, state, events: at }
    const program = programFor(fold, init)
    const heldTo = { name: program.name, version: program.version }
    return await new Check({ ...init, fold, program }).made({ ...known, heldTo })
  } catch (error) {
    const { code, message } = errorRecord(error)
    const outcome = code === RUNS_CODES.programNotFound ? 'unmatched' : 'unreadable'
    return { ...known, outcome, reason: `${code}: ${message}` }
  }
}

function programFor(fold: RunFold, { programs, anyVersion }: CheckInit): Program {
  const named = new Map(programs.map((each) => [programKey(each.name, each.version), each]))
  try {
    return programOf(fold, named)
  } catch (error) {
    const last = programs.findLast(({ name }) => name === fold.view?.program.name)
    if (anyVersion === true && last !== undefined) return last
    throw error
  }
}

/** One history, and one program that is held to it. */
class Check {
  readonly #init: CheckInit & {
    readonly run: RunId
    readonly fold: RunFold
    readonly program: Program
  }
  readonly #patches: NotedPatches
  #execution: Execution | undefined

  constructor(init: CheckInit & { run: RunId; fold: RunFold; program: Program }) {
    this.#init = init
    this.#patches = new NotedPatches(init.fold.patches)
  }

  async made(known: HistoryCheck): Promise<HistoryCheck> {
    const { fold } = this.#init
    const opened = fold.view?.phase !== 'provisioning' && fold.view?.phase !== 'context'
    // A run that never opened its window has asked for nothing: any program follows that.
    if (!opened || !(await this.#hasWindow())) return { ...known, outcome: 'equal' }
    const difference = await this.#difference()
    const isOpen = fold.view?.conclusion == null
    return {
      ...known,
      outcome: difference === null ? 'equal' : 'different',
      difference,
      patches: { taken: [...fold.patches], passed: this.#patches.passed },
      beyond: difference === null && isOpen ? this.#beyond().slice(0, BEYOND_MAX) : [],
    }
  }

  async #hasWindow(): Promise<boolean> {
    const { log, run } = this.#init
    for await (const batch of log.read({ stream: runStream(run) })) {
      if (batch.some(({ type }) => type === 'ExecutionWindowOpened')) return true
    }
    return false
  }

  async #difference(): Promise<HistoryDifference | null> {
    const { log, run, fold, program } = this.#init
    const { view, labels, progress } = fold
    invariant(view !== null, 'a run that was read has a view')
    const input = await historyInput(fold, program, log.store.blobs)
    const inbox = new Inbox(log, view.line, fold.signals.taken)
    try {
      const execution = await replay({
        ...{ log, run, program, input, labels, inbox, progress, patches: this.#patches },
        upTo: view.version,
        onEvent: () => undefined,
        onBegin: (begun) => {
          this.#execution = begun
        },
      })
      return this.#openDifference() ?? (await this.#atTheEnd(execution))
    } catch (error) {
      if (hasCode(error, RUNS_CODES.diverged)) return this.#parted(errorRecord(error).data ?? {})
      if (hasCode(error, RUNS_CODES.inputInvalid)) return this.#told('', errorRecord(error).message)
      throw error
    }
  }

  async #atTheEnd(execution: Execution): Promise<HistoryDifference | null> {
    const { fold, program, log } = this.#init
    const why = await endDifference(execution, { fold, program, log })
    if (why !== null) return this.#told('', why)
    const { conclusion } = fold.view ?? {}
    if (conclusion == null || execution.ending === null) return null
    if (fold.abortRequested !== null || conclusion === 'terminated_by_runtime') return null
    // Whoever concluded it had looked at every step: what is not recorded was not asked for.
    const [more] = this.#beyond()
    if (more === undefined) return null
    return {
      ...this.#told(more.step, 'it is asked for, and nothing is recorded of it'),
      asked: more,
    }
  }

  /** Of questions only the answers are about steps: the unanswered ones are held here. */
  #openDifference(): HistoryDifference | null {
    for (const { step: id, kind, digest, prompt } of this.#init.fold.waiting.values()) {
      if (kind !== 'question' || this.#execution?.isCancelled(id) === true) continue
      const step = this.#execution?.step(id)
      if (step?.ask.kind === 'question' && step.digest === digest) continue
      const why = step === undefined ? 'the program has not asked for it' : 'it asks otherwise'
      return { ...this.#told(id, `${why}; a person was asked: ${prompt}`) }
    }
    return null
  }

  /** What is asked for, and not recorded. */
  #beyond(): readonly AskedStep[] {
    const { waits, waiting, open, answers, lapsed } = this.#init.fold
    const isRecorded = (id: string): boolean =>
      [waits, waiting, open, answers, lapsed].some((each) => each.has(id))
    return (this.#execution?.unsettled ?? []).filter(({ id }) => !isRecorded(id)).map(askedStep)
  }

  async #parted(data: JsonObject): Promise<HistoryDifference> {
    const { step, why, recorded } = data as {
      readonly step: string
      readonly why: string
      readonly recorded: { readonly event?: string }
    }
    const told = this.#told(step, why)
    const event = recorded.event === undefined ? undefined : await this.#event(recorded.event)
    return event === undefined ? told : { ...told, recorded: recordedStep(event, step) }
  }

  async #event(id: string): Promise<RecordedEvent | undefined> {
    const { log, run } = this.#init
    const query = { stream: runStream(run), after: (versionOf(id) - 1) as never, limit: 1 }
    for await (const [event] of log.read(query)) return event
    return undefined
  }

  #told(step: string, why: string): HistoryDifference {
    const asked = this.#execution?.step(step)
    return {
      step,
      why,
      recorded: null,
      asked: asked === undefined ? null : askedStep(asked),
      nearest: nearest(step, this.#execution?.unsettled ?? []),
      ended: endOf(this.#execution),
    }
  }
}

function endOf(execution: Execution | undefined): string | null {
  const ending = execution?.ending ?? null
  if (ending === null) return null
  if ('continued' in ending) return 'it had gone on as another run'
  if ('value' in ending) return 'it had returned'
  const { code, message } = errorRecord(ending.thrown)
  return `it had thrown ${code}: ${message.slice(0, 512)}`
}

/** The recorded patches; keeps which others a program asks about. */
class NotedPatches extends Set<string> {
  readonly #asked = new Set<string>()

  constructor(recorded: ReadonlySet<string>) {
    super(recorded)
  }

  override has(id: string): boolean {
    const isRecorded = super.has(id)
    if (!isRecorded) this.#asked.add(id)
    return isRecorded
  }

  get passed(): readonly string[] {
    return [...this.#asked]
  }
}
