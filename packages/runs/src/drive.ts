/**
 * Drives one run: from what the log says of it to its conclusion, or to where it has to wait.
 *
 * A drive is one loop, and everything goes through it in turn: what handlers come back with, what
 * others wrote, what the program asks for. So the order of the log is the order of delivery.
 *
 *     handlers ──completions──┐
 *     other processes ──news──┼──► facts ──► program ──► asks ──► rulings ──► intents
 *                             │      └───────────── one append ──────────────────┘
 *                             └──◄── acts of the recorded intents ◄──────────────┘
 *
 * 1. An act begins only after the append that holds its intent was acknowledged.
 * 2. When the run has moved under us, the execution in memory is thrown away and the run refolded;
 *    only the outcomes of acts that took place are carried over, and recorded first.
 * 3. Every way out of a run ends in the same teardown, in the same append as its conclusion.
 */

import { projectStream } from '@ice/events/define'
import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import { errorRecord, hasCode, invariant, type RunId } from '@ice/primitives'
import { Acts } from './acts.ts'
import type { Components } from './components.ts'
import { abortFacts, openingFacts, phaseOf, teardownFacts, validationFacts } from './conclude.ts'
import { type Completion, type EffectIntent, settle } from './effects.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { Execution, settlementOf } from './execution.ts'
import { type Fact, Journal, runStream, STALE } from './journal.ts'
import { type RunFold, runProjection, unanswered } from './lifecycle.ts'
import { HANDLER_GRACE_MS, OUTSIDE_GRACE_MS, REFOLDS_MAX } from './limits.ts'
import type { DriveOptions, Program, Stretch } from './ports.ts'
import { replay } from './replay.ts'
import { resultOf } from './result.ts'
import { Rulings } from './rulings.ts'
import { openValue } from './value.ts'
import { Waker } from './waker.ts'

/** What the log refuses of an append because of what is in it: no retry will make it fit. */
const UNRECORDABLE = [
  'ICE_EVENTS_PAYLOAD_VIOLATION',
  'ICE_EVENTS_STRUCTURAL_VIOLATION',
  'ICE_EVENTS_EVENT_LIMIT',
  'ICE_EVENTS_UNIT_LIMIT',
  'ICE_EVENTS_TAXONOMY_VIOLATION',
] as const

/** One drive of one run by this process. */
export class Drive {
  readonly #components: Components
  readonly #run: RunId
  readonly #options: DriveOptions
  readonly #waker = new Waker()
  readonly #acts: Acts
  /** Completions whose events are not acknowledged yet: what a refold must not lose. */
  #unrecorded: Completion[] = []
  /** Version up to which `onEvent` has been called: a refold does not call it again. */
  #reported = 0
  /** Why the run cannot go on, when what it wanted to record cannot be. */
  #unrecordable: unknown = null

  constructor(components: Components, run: RunId, options: DriveOptions) {
    this.#components = components
    this.#run = run
    this.#options = options
    this.#acts = new Acts(run, () => this.#waker.wake())
  }

  /** Goes as far as it can. Rejects only when the log cannot be used or the program diverges. */
  async go(): Promise<Stretch> {
    const stop = (): void => this.#waker.wake()
    this.#options.signal?.addEventListener('abort', stop)
    try {
      for (let refolds = 0; refolds < REFOLDS_MAX; refolds += 1) {
        try {
          return await this.#stretch()
        } catch (error) {
          if (error !== STALE && !this.#becomesAbort(error)) throw error
        }
      }
      const message = `Run ${this.#run} keeps moving under its owner`
      throw new RunsError(RUNS_CODES.ownershipLost, message, { run: this.#run })
    } finally {
      this.#options.signal?.removeEventListener('abort', stop)
      this.#acts.abortAll(new RunsError(RUNS_CODES.aborted, 'The drive of the run has ended'))
    }
  }

  /** What cannot be recorded ends the run; that it ends can be recorded. */
  #becomesAbort(error: unknown): boolean {
    if (this.#unrecordable !== null) return false
    if (!UNRECORDABLE.some((code) => hasCode(error, code))) return false
    this.#unrecordable = error
    return true
  }

  async #stretch(): Promise<Stretch> {
    const { log, clock } = this.#components
    const stream = runStream(this.#run)
    const { state: fold, at } = await projectStream(log, runProjection, { stream })
    if (at === 0) {
      throw new RunsError(RUNS_CODES.notFound, `No run ${this.#run}`, { run: this.#run })
    }
    const ended = await this.#alreadyEnded(fold)
    if (ended !== null) return ended
    const onEvent = (event: RecordedEvent): void => this.#report(event)
    const journal = new Journal<EffectIntent>({ log, clock, run: this.#run, fold, onEvent })
    const owned = await this.#claim(journal)
    if (owned !== null) return owned
    await this.#recordCarriedOver(journal)
    if (this.#unrecordable !== null) return this.#abort(journal, this.#unrecordable)
    if (fold.abortRequested !== null) return this.#abort(journal, null)
    if (fold.view?.conclusion != null) {
      return this.#end(journal, teardownFacts(fold, fold.view.conclusion))
    }
    const program = this.#components.programOf(fold)
    const execution = await this.#begin(journal, program)
    return new Live(this.#components, journal, execution, program, this).loop()
  }

  async #alreadyEnded(fold: RunFold): Promise<Stretch | null> {
    if (fold.view?.state !== 'TERMINATED') return null
    const result = await resultOf(fold, this.#components.log.store.blobs)
    return { kind: 'concluded', result }
  }

  /** Makes this process the owner, or says who is. */
  async #claim(journal: Journal): Promise<Stretch | null> {
    const { view } = journal.fold
    invariant(view !== null, 'a run that was read has a view')
    const { self } = this.#components.ownership
    if (view.owner !== self) {
      const alive = (await this.#components.ownership.status(view.owner)) === 'alive'
      if (alive && !view.suspended) return { kind: 'owned', owner: view.owner }
      const data = { owner: self, epoch: view.epoch + 1, previous: view.owner }
      journal.add({ type: 'RunClaimed', data })
      // Nothing is done in the name of an ownership that is not recorded.
      await journal.flush()
    }
    if (view.suspended) journal.add({ type: 'RunResumed', data: {} })
    return null
  }

  async #recordCarriedOver(journal: Journal): Promise<void> {
    for (const completion of this.#unrecorded) {
      const { type, data, blob } = settle(completion)
      if (journal.fold.open.has(completion.intent.data.effect)) {
        journal.add({ type, data, blob, causes: [completion.event.id] })
      }
    }
    if (this.#unrecorded.length > 0) await journal.flush()
    this.#unrecorded = []
  }

  async #begin(journal: Journal, program: Program): Promise<Execution> {
    const { fold } = journal
    const stored = await openValue(fold.input as ValueRef, this.#components.log.store.blobs)
    const input = program.input.parse(stored)
    const opening = openingFacts(fold, this.#components.limits)
    if (opening.length === 0) {
      const { log } = this.#components
      const onEvent = (event: RecordedEvent): void => this.#report(event)
      const init = { log, run: this.#run, program, input, onEvent }
      return replay({ ...init, upTo: journal.version })
    }
    const last = opening.map((fact) => journal.add(fact)).at(-1)
    invariant(last !== undefined, 'a new run is opened by events')
    const execution = new Execution(this.#run, last.time)
    await execution.begin(program, input)
    return execution
  }

  #report(event: RecordedEvent): void {
    if (event.version <= this.#reported) return
    this.#reported = event.version
    this.#options.onEvent?.(event)
  }

  /** Records a completion, so that a refold before the acknowledgement does not lose it. */
  settled(completion: Completion): void {
    this.#unrecorded.push(completion)
  }

  acknowledged(): void {
    this.#unrecorded = []
  }

  get acts(): Acts {
    return this.#acts
  }

  get waker(): Waker {
    return this.#waker
  }

  get options(): DriveOptions {
    return this.#options
  }

  get run(): RunId {
    return this.#run
  }

  /** Ends the run by abort: for what was asked from outside, or for what went wrong in here. */
  async #abort(journal: Journal<EffectIntent>, error: unknown): Promise<Stretch> {
    return abortRun(this.#components, journal, this, error)
  }

  async #end(journal: Journal, facts: readonly Fact[]): Promise<Stretch> {
    return endRun(this.#components, journal, facts)
  }
}

/** The live part of a drive: everything recorded has been delivered. */
class Live {
  readonly #components: Components
  readonly #journal: Journal<EffectIntent>
  readonly #execution: Execution
  readonly #program: Program
  readonly #drive: Drive
  readonly #rulings: Rulings

  constructor(
    components: Components,
    journal: Journal<EffectIntent>,
    execution: Execution,
    program: Program,
    drive: Drive,
  ) {
    this.#components = components
    this.#journal = journal
    this.#execution = execution
    this.#program = program
    this.#drive = drive
    const { run, acts } = drive
    this.#rulings = new Rulings({ components, journal, execution, run, acts })
  }

  async loop(): Promise<Stretch> {
    const { acts, options } = this.#drive
    this.#rulings.again(this.#execution.takeFresh())
    for (;;) {
      await this.#recordCompletions()
      await this.#rulings.settleAsked()
      const { fold } = this.#journal
      const { ending } = this.#execution
      const atWork = acts.size > 0 || acts.hasCompletions || this.#journal.hasIntents
      if (ending !== null && 'value' in ending && !atWork && fold.abortRequested === null) {
        // What still waits to be appended goes into the append of the conclusion.
        const facts = validationFacts(fold, this.#program, ending.value)
        return endRun(this.#components, this.#journal, facts)
      }
      if (this.#journal.dirty) {
        await this.#flush()
        continue
      }
      if (acts.hasCompletions) continue
      if (options.signal?.aborted === true) return { kind: 'stopped' }
      if (fold.abortRequested !== null) return this.#abort(null)
      if (ending !== null && 'thrown' in ending && !atWork) return this.#abort(ending.thrown)
      const way = await this.#wait()
      if (way !== null) return way
    }
  }

  async #recordCompletions(): Promise<void> {
    for (const completion of this.#drive.acts.take()) {
      const { type, data, blob, value } = settle(completion)
      this.#drive.settled(completion)
      const causes = [completion.event.id]
      const event = this.#journal.add({ type, data, blob, causes })
      const step = this.#execution.step(completion.intent.data.effect)
      if (step !== undefined) {
        await this.#execution.deliver(step, event, settlementOf(event, value, null))
      }
      if (this.#journal.full) await this.#flush()
    }
  }

  async #flush(): Promise<void> {
    const { recorded, refused } = await this.#journal.flush()
    this.#drive.acknowledged()
    for (const { intent, event } of recorded) this.#drive.acts.start(intent, event)
    const paid = recorded.some(({ intent }) => intent.debits.length > 0)
    if (paid || refused.length > 0) await this.#components.authority.refresh()
    this.#rulings.again(
      refused.flatMap(({ data }) => this.#execution.step(data.effect) ?? []),
    )
  }

  /** Waits for what comes next. @returns a stretch when there is nothing to wait for in memory */
  async #wait(): Promise<Stretch | null> {
    const { acts, waker, options, run } = this.#drive
    const idle = acts.size === 0 && this.#execution.ending === null
    if (idle && this.#execution.unsettled.length === 0) return this.#waitOutside()
    if (idle && options.wait !== true && this.#allWaitForPeople()) return this.#suspend()
    const leave = this.#components.watch.add(run, () => waker.wake('news'))
    try {
      const why = await waker.wait()
      return why === 'news' ? await this.#takeNews() : null
    } finally {
      leave()
    }
  }

  #allWaitForPeople(): boolean {
    const waiting = new Set(unanswered(this.#journal.fold).map(({ step }) => step))
    return this.#execution.unsettled.every(({ id }) => waiting.has(id))
  }

  /** The program waits for nothing that is a step: time for it to come back, then the end. */
  async #waitOutside(): Promise<Stretch | null> {
    const { clock } = this.#components
    const until = clock.monotonicMs() + OUTSIDE_GRACE_MS
    while (clock.monotonicMs() < until) {
      await clock.sleep(5)
      const back = this.#execution.ending !== null || this.#execution.unsettled.length > 0
      if (back || this.#drive.options.signal?.aborted === true) {
        this.#rulings.again(this.#execution.takeFresh())
        return null
      }
    }
    const message =
      'The program waits on something that is not a step of its run (a timer, a request, a file ' +
      'opened directly?). Ask for it through the context'
    return this.#abort(new RunsError(RUNS_CODES.pendingOutside, message))
  }

  async #suspend(): Promise<Stretch> {
    const waitingFor = unanswered(this.#journal.fold)
    const steps = waitingFor.map(({ step }) => step).slice(0, 256)
    this.#journal.add({ type: 'RunSuspended', data: { waitingFor: steps } })
    await this.#journal.flush()
    return { kind: 'suspended', waitingFor }
  }

  /** Takes up what others wrote while nothing of ours waited to be appended. */
  async #takeNews(): Promise<Stretch | null> {
    const { log, ownership } = this.#components
    const { fold, version } = this.#journal
    const stream = runStream(this.#drive.run)
    for await (const batch of log.read({ stream, after: version })) this.#journal.takeUp(batch)
    if (fold.view?.state === 'TERMINATED') {
      return { kind: 'concluded', result: await resultOf(fold, log.store.blobs) }
    }
    const owner = fold.view?.owner
    if (owner !== undefined && owner !== ownership.self) return { kind: 'owned', owner }
    this.#rulings.again(
      this.#execution.unsettled.filter(
        ({ id }) => fold.answers.has(id) || fold.resolutions.has(id),
      ),
    )
    return null
  }

  #abort(error: unknown): Promise<Stretch> {
    return abortRun(this.#components, this.#journal, this.#drive, error)
  }
}

async function endRun(
  { log }: Components,
  journal: Journal,
  facts: readonly Fact[],
): Promise<Stretch> {
  for (const fact of facts) journal.add(fact)
  await journal.flush()
  return { kind: 'concluded', result: await resultOf(journal.fold, log.store.blobs) }
}

/**
 * Ends a run without a result. Handlers at work are asked to stop and given time to; what they
 * come back with is recorded. An irreversible effect that has no outcome then is in doubt.
 */
async function abortRun(
  components: Components,
  journal: Journal<EffectIntent>,
  drive: Drive,
  error: unknown,
): Promise<Stretch> {
  const { fold } = journal
  const asked = fold.abortRequested
  const reason =
    error === null && asked !== null
      ? new RunsError(RUNS_CODES.aborted, (asked.data as { readonly reason: string }).reason)
      : error
  drive.acts.abortAll(reason)
  await drive.acts.settleWithin(components.clock, HANDLER_GRACE_MS)
  for (const completion of drive.acts.take()) {
    const { type, data, blob } = settle(completion)
    drive.settled(completion)
    journal.add({ type, data, blob, causes: [completion.event.id] })
  }
  const given = errorRecord(
    new RunsError(RUNS_CODES.aborted, 'The run ended before the effect had an outcome'),
  )
  for (const [effect, { intent, doubt }] of [...fold.open]) {
    if (doubt) continue
    const common = { effect, attempt: intent.data.attempt, intent: intent.id }
    journal.add(
      intent.data.fate === 'irreversible'
        ? { type: 'EffectInDoubt', data: common }
        : { type: 'EffectFailed', data: { ...common, error: given as never } },
    )
  }
  const causes = asked === null || error !== null ? [] : [asked.id]
  const stretch = await endRun(
    components,
    journal,
    abortFacts(fold, phaseOf(fold), errorRecord(reason), causes),
  )
  drive.acknowledged()
  return stretch
}
