/**
 * The live part of a drive: everything recorded has been delivered, and the program goes on.
 */

import { type GrantId, invariant, type RunId, settled, type Timestamp } from '@ice/primitives'
import { settleAttempt } from './attempts.ts'
import type { BreakerNotes } from './breaker-notes.ts'
import { settleOrphans } from './cancel.ts'
import { recordUndone } from './compensate.ts'
import type { Components } from './components.ts'
import { type Continuation, continuation } from './continuing.ts'
import type { Desk } from './desk.ts'
import { catchUp, type EffectIntent, partyOf } from './effects.ts'
import { abortRun, endRun, type Ledger } from './ending.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Execution } from './execution.ts'
import type { Fact } from './facts.ts'
import { settleResolved } from './finishing.ts'
import { type Drawn, givenOf } from './hand.ts'
import type { Inbox } from './inbox.ts'
import { type Journal, runStream, STALE } from './journal.ts'
import { unanswered } from './lifecycle.ts'
import { OUTSIDE_GRACE_MS, STAY_MS_MAX } from './limits.ts'
import type { DriveOptions, Program, Stretch, Wait } from './ports.ts'
import { QuestionRights } from './question-rights.ts'
import { dueFact, nextDue } from './questions.ts'
import { effectEnd } from './records.ts'
import { resultOf } from './result.ts'
import { Rulings } from './rulings.ts'
import { mustBeSure } from './sure.ts'
import { nextWaitDue, passDue, waitsForAttempts } from './waits.ts'
import type { Waker } from './waker.ts'

/** What a live part needs of its drive. */
export interface LiveInit {
  readonly components: Components
  readonly run: RunId
  readonly options: DriveOptions
  readonly journal: Journal<EffectIntent>
  readonly execution: Execution
  readonly inbox: Inbox
  readonly breakers: BreakerNotes
  /** `null` where the runtime's own is driven. */
  readonly program: Program | null
  /** Which effects in doubt keep the run from its end. */
  readonly holds: (desk: Desk, effect: string) => boolean
  /** What becomes of the run once its program, or what it owes, has come to an end. */
  readonly conclude: (
    desk: Desk,
    returned: unknown,
  ) => Promise<readonly Fact[] | 'waits' | 'committed' | 'owes'>
  readonly ledger: Ledger
  readonly waker: Waker
}

/** Ends of attempts with which an effect is not at its own. */
const GOES_ON: ReadonlySet<string> = new Set(['EffectInDoubt', 'EffectRetryScheduled'])

/** One loop through which everything that happens to a run goes in turn. */
export class Live {
  readonly #init: LiveInit
  readonly #components: Components
  readonly #journal: Journal<EffectIntent>
  readonly #execution: Execution
  readonly #rulings: Rulings
  readonly #rights: QuestionRights

  constructor(init: LiveInit) {
    const { components, journal, execution, run, ledger, inbox, breakers } = init
    this.#init = init
    this.#components = components
    this.#journal = journal
    this.#execution = execution
    this.#rights = new QuestionRights(components)
    const { acts, undoings } = ledger
    const desk = { components, journal, execution, run, acts, undoings, inbox, breakers }
    this.#rulings = new Rulings(desk)
  }

  /** @returns `null` when the run has concluded, and owes something */
  async loop(): Promise<Stretch | null> {
    const { options, ledger } = this.#init
    const { acts, undoings } = ledger
    this.#rulings.again(this.#execution.takeFresh())
    for (;;) {
      await this.#recordCompletions()
      await recordUndone(this.#rulings.desk)
      settleOrphans(this.#rulings.desk)
      settleResolved(this.#rulings.desk)
      await this.#passDeadlines()
      this.#rulings.again(this.#rights.take().flatMap((id) => this.#execution.step(id) ?? []))
      await this.#rulings.settleAsked()
      const { fold } = this.#journal
      const { ending } = this.#execution
      const waits = this.#journal.hasIntents || this.#journal.isDrawing
      const atWork = acts.size > 0 || acts.hasCompletions || waits || undoings.size > 0
      // What a program did not wait for is carried out all the same, its later attempts too.
      const isOwed = this.#hasDoubts() || waitsForAttempts(this.#rulings.desk)
      const isDone = !atWork && !isOwed
      const abort = fold.view?.conclusion == null ? fold.abortRequested : null
      if (ending !== null && 'value' in ending && isDone && abort === null) {
        const end = await this.#conclude(ending.value)
        if (end !== 'on') return end
      }
      if (ending !== null && 'continued' in ending && isDone && abort === null) {
        return this.#continue(ending.continued)
      }
      if (this.#journal.dirty) {
        await this.#flush()
        continue
      }
      if (acts.hasCompletions || undoings.hasEnded) continue
      if (options.signal?.aborted === true) return { kind: 'stopped' }
      if (abort !== null) return this.#abort(null)
      if (ending !== null && 'thrown' in ending && !atWork) return this.#abort(ending.thrown)
      const way = await this.#wait()
      if (way !== null) return way
    }
  }

  async #conclude(returned: unknown): Promise<Stretch | null | 'on'> {
    const { fold } = this.#journal
    // What is staged is released by an append of its own; else all that waits goes into one.
    if (this.#journal.dirty && fold.owed.staged.size > 0) await this.#flush()
    const facts = await this.#init.conclude(this.#rulings.desk, returned)
    if (facts === 'waits') return 'on'
    if (facts === 'committed') return null
    if (facts !== 'owes') return endRun(this.#components, this.#journal, facts)
    if (this.#journal.dirty) await this.#flush()
    return null
  }

  async #recordCompletions(): Promise<void> {
    for (const ended of this.#init.ledger.acts.take()) {
      // Whoever took the run over for a while has settled it: an effect has one outcome.
      if (!this.#journal.fold.open.has(ended.intent.data.effect)) continue
      // It may have ended while its branch was losing: nobody wants another attempt.
      const isStopped = this.#execution.isCancelled(ended.intent.data.effect)
      const completion = isStopped ? { ...ended, stopped: true } : ended
      const tried = this.#journal.fold.tried.get(completion.intent.data.effect)
      const end = settleAttempt(completion, { tried, now: this.#journal.now() })
      const { type, data, blobs, value } = end
      this.#init.ledger.settled(completion)
      this.#init.breakers.note(completion, end, this.#journal.now())
      const causes = [completion.event.id]
      const event = this.#journal.add({ type, data, blobs, causes })
      const step = this.#execution.step(completion.intent.data.effect)
      // What is in doubt is not delivered: the step waits until somebody says what became of it.
      // Nor is the end of an attempt that another follows.
      if (step !== undefined && !GOES_ON.has(type)) {
        await this.#execution.deliver(step, event, effectEnd(event, value))
      }
      if (this.#journal.full) await this.#flush()
    }
  }

  /** Records what time has made of questions and of waits. */
  async #passDeadlines(): Promise<void> {
    await passDue(this.#rulings.desk)
    const { fold } = this.#journal
    for (const waiting of unanswered(fold)) {
      const fact = dueFact(waiting, this.#journal.now())
      if (fact === null) continue
      this.#journal.add(fact)
      this.#rulings.again([this.#execution.step(waiting.step) ?? []].flat())
    }
  }

  async #flush(): Promise<void> {
    // An intent that is recorded and not tried is a doubt for whoever comes next.
    if (this.#journal.hasIntents) mustBeSure(this.#components, this.#init.run)
    const { recorded, refused, drawn, position } = await this.#journal.flush()
    this.#init.ledger.acknowledged()
    for (const { intent, event } of recorded) {
      const tried = this.#journal.fold.tried.get(intent.data.effect)
      this.#init.ledger.acts.start(intent, event, { since: position, tried })
    }
    if (refused.length > 0) {
      const { fold } = this.#journal
      const named = refused.flatMap(grantsOf)
      const party = partyOf(fold, this.#init.run)
      const proposers = refused.map(({ data }) => data.proposer)
      await catchUp(this.#components.authority, party, named, proposers)
    }
    this.#rulings.again(refused.flatMap(({ data }) => this.#execution.step(data.effect) ?? []))
    if (drawn !== null) await this.#takeDrawn(drawn)
  }

  async #takeDrawn(drawn: Drawn): Promise<void> {
    this.#journal.take(await givenOf(this.#components.authority, this.#init.run, drawn))
    // A turn, as every delivery takes: so what is decided now goes into one commit with what other
    // runs go on with, and not into one between two of theirs.
    await settled()
    this.#rulings.afterDraw()
  }

  /** Waits for what comes next. @returns a stretch when there is nothing to wait for in memory */
  async #wait(): Promise<Stretch | null> {
    const { ledger, waker, options, run } = this.#init
    const { acts, undoings } = ledger
    const idle = acts.size === 0 && undoings.size === 0
    const isPending = this.#execution.ending === null
    if (idle && isPending && this.#execution.unsettled.length === 0) return this.#waitOutside()
    if (idle && options.wait !== true && this.#mayLeave()) return this.#suspend()
    const types = [...this.#journal.fold.waits.values()].flatMap(({ query }) => query?.types ?? [])
    const leave = this.#watch(run, types)
    const alarm = this.#setAlarm()
    try {
      const forget = await this.#watchRights()
      try {
        const why = await waker.wait()
        return why === 'news' ? await this.#takeNews() : null
      } finally {
        forget()
      }
    } finally {
      leave()
      alarm.abort()
    }
  }

  /** Listens for what concerns the run, and the children it waits for. */
  #watch(run: RunId, types: readonly string[]): () => void {
    const { watch } = this.#components
    const wake = (): void => this.#init.waker.wake('news')
    const leaves = [watch.add(run, wake, types)]
    for (const { child } of this.#journal.fold.waits.values()) {
      if (child !== undefined) leaves.push(watch.add(child, wake))
    }
    return () => {
      for (const leave of leaves) leave()
    }
  }

  /** Wakes the drive when the right to what it asks about ends. */
  #watchRights(): Promise<() => void> {
    const { fold } = this.#journal
    const { waker } = this.#init
    invariant(fold.view !== null, 'a run that is driven has a view')
    return this.#rights.watch(fold.view, unanswered(fold), () => waker.wake())
  }

  /** When the run goes on by itself; `null`: never. */
  #due(): number | null {
    const { fold } = this.#journal
    const times = [nextDue(unanswered(fold)), nextWaitDue(this.#rulings.desk)]
    const known = times.filter((time) => time !== null)
    return known.length === 0 ? null : Math.min(...known)
  }

  /** Wakes the drive when a question, or a wait, becomes due. */
  #setAlarm(): AbortController {
    const { clock } = this.#components
    const alarm = new AbortController()
    const due = this.#due()
    if (due === null) return alarm
    const { signal } = alarm
    clock.sleep(Math.max(due - clock.now(), 0), { signal }).then(
      () => this.#init.waker.wake(),
      // Withdrawn: something else has woken the drive.
      () => undefined,
    )
    return alarm
  }

  /** Ends the run, and has another go on for it. */
  async #continue(input: unknown): Promise<Stretch | null> {
    const { fold } = this.#journal
    const { program } = this.#init
    if (program === null) return null
    let next: Continuation
    try {
      next = continuation(this.#components, fold, program, input)
    } catch (error) {
      return this.#abort(error)
    }
    this.#journal.addBeside(next.write, next.blobs)
    const stretch = await endRun(this.#components, this.#journal, next.facts)
    const { continuedAs } = fold.view ?? {}
    if (continuedAs != null) this.#components.kick(continuedAs, this.#init.run)
    return stretch
  }

  #hasDoubts(): boolean {
    const { desk } = this.#rulings
    for (const [effect, { doubt }] of this.#journal.fold.open) {
      if (doubt && this.#init.holds(desk, effect)) return true
    }
    return false
  }

  /** Whether everything waits for people, for others, or for times that are not near. */
  #mayLeave(): boolean {
    const { fold } = this.#journal
    const waiting = new Set(unanswered(fold).map(({ step }) => step))
    const { unsettled } = this.#execution
    if (!unsettled.every(({ id }) => waiting.has(id) || fold.waits.has(id))) return false
    // A child that is driven here goes on as long as its parent stays.
    const isHere = ({ child }: Wait): boolean =>
      child !== undefined && this.#components.isDriven(child)
    if ([...fold.waits.values()].some(isHere)) return false
    const due = nextWaitDue(this.#rulings.desk)
    return due === null || due - this.#components.clock.now() > STAY_MS_MAX
  }

  /** The program waits for nothing that is a step: time for it to come back, then the end. */
  async #waitOutside(): Promise<Stretch | null> {
    const { clock } = this.#components
    const until = clock.monotonicMs() + OUTSIDE_GRACE_MS
    while (clock.monotonicMs() < until) {
      await clock.sleep(5)
      const back = this.#execution.ending !== null || this.#execution.unsettled.length > 0
      if (back || this.#init.options.signal?.aborted === true) {
        this.#rulings.again(this.#execution.takeFresh())
        return null
      }
    }
    const message =
      'The program waits on something that is not a step of its run (a timer, a request, a file ' +
      'opened directly?). Ask for it through the context'
    return this.#abort(new RunsError(RUNS_CODES.pendingOutside, message))
  }

  async #suspend(): Promise<Stretch | null> {
    const { fold } = this.#journal
    const waitingFor = unanswered(fold)
    const waits = [...fold.waits.values()]
    const steps = [...waitingFor, ...waits].map(({ step }) => step).slice(0, 256)
    const until = this.#due() as Timestamp | null
    const data = { waitingFor: steps, ...(until === null ? {} : { until }) }
    const { inbox } = this.#init
    const listens = waits.some(({ kind }) => kind === 'signal')
    // What was sent since the last look would wake nobody.
    const guards = listens ? [{ stream: inbox.stream, version: inbox.version }] : []
    if (!(await this.#journal.appendAlone({ type: 'RunSuspended', data }, guards))) {
      this.#lookAtWaits()
      return null
    }
    return { kind: 'suspended', waitingFor, waits, until }
  }

  /** Looks once more at the steps that wait for what others do. */
  #lookAtWaits(): void {
    const { waits } = this.#journal.fold
    this.#rulings.again(this.#execution.unsettled.filter(({ id }) => waits.has(id)))
  }

  /** Takes up what others wrote while nothing of ours waited to be appended. */
  async #takeNews(): Promise<Stretch | null> {
    const { log, ownership } = this.#components
    const { fold, version } = this.#journal
    const stream = runStream(this.#init.run)
    for await (const batch of log.read({ stream, after: version })) this.#journal.takeUp(batch)
    if (fold.view?.state === 'TERMINATED') {
      return { kind: 'concluded', result: await resultOf(fold, log.store.blobs) }
    }
    const owner = fold.view?.owner
    if (owner !== undefined && owner !== ownership.self) return { kind: 'owned', owner }
    // The drive takes it from there: what its handlers are at is theirs to end.
    if (fold.view?.quarantine != null) throw STALE
    this.#lookAtWaits()
    this.#rulings.again(
      this.#execution.unsettled.filter(
        ({ id }) =>
          fold.answers.has(id) ||
          fold.resolutions.has(id) ||
          fold.lapsed.has(id) ||
          fold.owed.undoing.get(id)?.resolution != null,
      ),
    )
    return null
  }

  #abort(error: unknown): Promise<Stretch | null> {
    return abortRun(this.#components, this.#journal, this.#init.ledger, error)
  }
}

/** The grants an intent stands on: its own, and those of the secrets it carries. */
function grantsOf({ data, secrets }: EffectIntent): readonly GrantId[] {
  const named = [data.grant, ...(data.standing === undefined ? [] : [data.standing])]
  return [...(named as GrantId[]), ...secrets.map(({ grant }) => grant.id)]
}
