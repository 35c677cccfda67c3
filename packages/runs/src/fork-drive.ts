/**
 * Drives a fork: a run that never was, in memory, on answers of the record.
 *
 *     asks ──► recorded of this step? ──► decided anew ──► due when it was settled in the record
 *               └── no: replaced, or unanswered; its branch goes no further
 *
 * 1. There is no handler, no log to append to and no clock: all of it would have to be handed in,
 *    and the types of this file have no place for it.
 * 2. What settles steps comes in the order of the record; a time comes when it is due. So a fork
 *    with nothing replaced is the run that was.
 */

import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import { type Clock, errorRecord, invariant, type JsonValue, type Timestamp } from '@ice/primitives'
import { abortFacts, phaseOf, teardownFacts } from './conclude.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Execution } from './execution.ts'
import type { Fact, ForeignFact } from './facts.ts'
import { ForkEffects } from './fork-effects.ts'
import type { ForkDecision, ForkEnd, ForkInit, Unanswered } from './fork-ports.ts'
import type { ForkRecord } from './fork-record.ts'
import { ForkWaits } from './fork-waits.ts'
import type { Inbox } from './inbox.ts'
import { Journal } from './journal.ts'
import type { RunFold } from './lifecycle.ts'
import { FORK_EVENTS_MAX } from './limits.ts'
import type { Program } from './ports.ts'
import { recordOf } from './records.ts'
import type { Settlement, Step } from './steps.ts'
import { validationFacts } from './told-end.ts'
import { asRecorded, sealValue } from './value.ts'

/** What a drive of a fork needs. */
export interface ForkDriveInit {
  readonly fork: ForkInit
  readonly program: Program
  readonly execution: Execution
  readonly fold: RunFold
  readonly record: ForkRecord
  readonly inbox: Inbox
  readonly at: number
}

/** Something that settles a step, or comes from outside, at its place in the record. */
export interface Due {
  /** `null`: of no step. */
  readonly step: string | null
  readonly time: number
  /** In the record; later than all of it where it has none. */
  readonly version: number
  /** Also wanted when its step is not any longer: an effect comes to its end all the same. */
  readonly isEffect?: boolean
  readonly come: () => Promise<void>
}

/** What the parts of a fork work on. */
export interface ForkDesk extends ForkDriveInit {
  now(): Timestamp
  add(fact: Fact | ForeignFact): RecordedEvent
  /** Adds an event as it is recorded. */
  copy(event: RecordedEvent): RecordedEvent
  deliver(step: Step, event: RecordedEvent, settlement: Settlement): Promise<void>
  /** Delivers what is recorded. */
  deliverRecorded(step: string, event: RecordedEvent): Promise<void>
  due(due: Due): void
  unanswered(step: Step, why: string): void
  decided(decision: ForkDecision): void
  /** Looks at a step once more. */
  again(step: string): void
}

const STILL: Clock = {
  now: () => 0 as Timestamp,
  monotonicMs: () => 0,
  sleep: () => new Promise(() => undefined),
}

/** One drive of one fork. */
export class ForkDrive {
  readonly #init: ForkDriveInit
  readonly #journal: Journal
  readonly #desk: ForkDesk
  readonly #effects: ForkEffects
  readonly #waits: ForkWaits
  readonly #unanswered = new Map<string, Unanswered>()
  readonly #decisions = new Map<string, ForkDecision>()
  #dues: Due[] = []
  #again: Step[] = []
  #end: ForkEnd | null = null
  readonly events: RecordedEvent[] = []

  constructor(init: ForkDriveInit) {
    this.#init = init
    const { fork, fold } = init
    const append = (): never => {
      throw new TypeError('a fork appends nothing')
    }
    const log = { append }
    const onEvent = (): void => undefined
    this.#journal = new Journal({ log, clock: STILL, run: fork.run, fold, onEvent })
    this.#desk = this.#makeDesk()
    this.#effects = new ForkEffects(this.#desk)
    this.#waits = new ForkWaits(this.#desk)
  }

  get decisions(): readonly ForkDecision[] {
    return [...this.#decisions.values()]
  }

  get unanswered(): readonly Unanswered[] {
    return [...this.#unanswered.values()]
  }

  /** Goes as far as the record, and what is replaced, answers. @returns `null`: no further */
  async go(): Promise<ForkEnd | null> {
    const { abortRequested } = this.#fold
    if (abortRequested !== null) return this.#abort(abortRequested)
    this.#queueOutside()
    for (;;) {
      await this.#lookAtAsked()
      if (this.#end !== null) return this.#end
      const { ending } = this.#init.execution
      // Effects at work come to their ends before the run does.
      const due = this.#next(ending !== null)
      if (due === undefined && ending !== null) return this.#conclude()
      if (due === undefined) return this.#stuck()
      await due.come()
      if (this.#end !== null) return this.#end
    }
  }

  #stuck(): null {
    if (this.#init.execution.unsettled.length > 0 || this.#unanswered.size > 0) return null
    const why = 'the program waits on something that is not a step of its run'
    this.#unanswered.set('', { step: '', kind: 'outside', why })
    return null
  }

  #next(onlyEffects: boolean): Due | undefined {
    let first: Due | undefined
    this.#dues = this.#dues.filter(({ step, isEffect }) => {
      return step === null || isEffect === true || this.#init.execution.step(step) !== undefined
    })
    for (const due of this.#dues) {
      if (onlyEffects && due.isEffect !== true) continue
      const isBefore =
        first === undefined ||
        due.time < first.time ||
        (due.time === first.time && due.version < first.version)
      if (isBefore) first = due
    }
    this.#dues = this.#dues.filter((due) => due !== first)
    return first
  }

  async #lookAtAsked(): Promise<void> {
    const { execution, fork } = this.#init
    for (;;) {
      const steps = [...this.#again, ...execution.takeFresh()]
      this.#again = []
      if (steps.length === 0) return
      fork.signal?.throwIfAborted()
      for (const step of steps) await this.#look(step)
    }
  }

  async #look(step: Step): Promise<void> {
    if (this.#init.execution.step(step.id) !== step) return
    const { ask } = step
    if (ask.kind === 'effect') return this.#effects.look(step, ask)
    if (ask.kind === 'question') return this.#effects.question(step, ask)
    return this.#waits.look(step)
  }

  /** What others did to the run comes when it came. */
  #queueOutside(): void {
    const { record, at } = this.#init
    for (const event of record.outside) {
      if (event.version <= at) continue
      const come = async (): Promise<void> => {
        const copied = this.#desk.copy(event)
        if (event.type === 'RunForciblyTerminated') {
          const { reason } = event.data as { readonly reason: string }
          this.#finish(teardownFacts(this.#fold, 'terminated_by_runtime'))
          this.#end = { conclusion: 'terminated_by_runtime', reason }
        }
        if (event.type === 'AbortRequested') this.#end = this.#abort(copied)
      }
      this.#dues.push({ step: null, time: event.time, version: event.version, come })
    }
  }

  #abort({ id, data }: RecordedEvent): ForkEnd {
    const { reason } = data as { readonly reason: string }
    const error = errorRecord(new RunsError(RUNS_CODES.aborted, reason))
    this.#finish(abortFacts(this.#fold, phaseOf(this.#fold), error, [id]))
    return { conclusion: 'aborted', reason: this.#fold.view?.reason ?? reason }
  }

  get #fold(): RunFold {
    return this.#journal.fold
  }

  #finish(facts: readonly Fact[]): void {
    for (const fact of facts) this.#desk.add(fact)
  }

  async #conclude(): Promise<ForkEnd> {
    const { execution, program } = this.#init
    const { ending } = execution
    invariant(ending !== null, 'a program that has ended has an ending')
    if ('continued' in ending) return this.#continued(ending.continued)
    const facts =
      'value' in ending
        ? validationFacts(this.#fold, program, ending.value)
        : abortFacts(this.#fold, phaseOf(this.#fold), errorRecord(ending.thrown))
    this.#finish(facts)
    if (this.#fold.view?.conclusion !== 'committed') {
      return { conclusion: 'aborted', reason: this.#fold.view?.reason ?? '' }
    }
    const [started] = facts
    const { result } = (started as Fact).data as { readonly result: ValueRef }
    // One that is too large to stand inline is in no store: it is what the program returned.
    const returned = 'value' in ending ? ending.value : null
    const value = 'inline' in result ? result.inline : sealedAgain(program, returned)
    return { conclusion: 'committed', value }
  }

  #continued(input: unknown): ForkEnd {
    const none = sealValue(null)
    this.#finish([
      {
        type: 'ValidationStarted',
        data: { result: none.ref as never, resultDigest: none.digest },
      },
      { type: 'ValidationPassed', data: { checks: [] } },
      { type: 'RunCommitted', data: { resultDigest: none.digest } },
      ...teardownFacts(this.#fold, 'committed'),
    ])
    return { conclusion: 'continued', input: asRecorded(input) as JsonValue }
  }

  #makeDesk(): ForkDesk {
    const journal = this.#journal
    const { execution, fork, fold, inbox, record } = this.#init
    const history = {
      log: fork.log,
      inbox,
      labels: fold.labels,
      answers: new Map(),
      staged: new Set<string>(),
    }
    const add: ForkDesk['add'] = (fact) => {
      const eventsMax = record.events.length + FORK_EVENTS_MAX
      if (this.events.length >= eventsMax) throw tooLong(eventsMax)
      const at = Math.max(fact.at ?? 0, journal.now()) as Timestamp
      const event = journal.add({ ...fact, at })
      this.events.push(event)
      return event
    }
    const copy: ForkDesk['copy'] = ({ type, data, causes, principal, origin, time }) => {
      const by = principal === undefined ? {} : { principal }
      return add({ type, data, causes, origin, at: time, ...by })
    }
    return {
      ...this.#init,
      now: () => journal.now(),
      add,
      copy,
      deliver: (step, event, settlement) => execution.deliver(step, event, settlement),
      deliverRecorded: async (id, recorded) => {
        const event = copy(recorded)
        const step = execution.step(id)
        const gives = recordOf(recorded)?.gives
        if (step === undefined || gives === undefined) return
        await execution.deliver(step, event, await gives(recorded, history, step))
      },
      due: (due) => void this.#dues.push(due),
      unanswered: ({ id, ask }, why) => {
        this.#unanswered.set(id, { step: id, kind: ask.kind, why })
      },
      decided: (decision) => void this.#decisions.set(decision.effect, decision),
      again: (id) => {
        const step = execution.step(id)
        if (step !== undefined) this.#again.push(step)
      },
    }
  }
}

function sealedAgain({ output }: Program, returned: unknown): JsonValue {
  return asRecorded(output.parse(returned)) as JsonValue
}

function tooLong(eventsMax: number): RunsError {
  const message = `A fork that goes on for ${eventsMax} events is taken for one without an end`
  return new RunsError(RUNS_CODES.forkLimit, message, { eventsMax })
}
