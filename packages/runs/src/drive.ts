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

import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import { hasCode, invariant, type RunId } from '@ice/primitives'
import { Acts } from './acts.ts'
import { settleAttempt } from './attempts.ts'
import { BreakerNotes } from './breaker-notes.ts'
import { isLeftBehind, PARENT_ENDED } from './children.ts'
import { commitRun } from './committing.ts'
import type { Components } from './components.ts'
import { openingFacts } from './conclude.ts'
import type { EffectIntent } from './effects.ts'
import { abortRun, type Ledger } from './ending.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { Execution } from './execution.ts'
import { conclude, finish, holdsEnd } from './finishing.ts'
import { handOf } from './hand.ts'
import { Inbox } from './inbox.ts'
import { openedInput } from './input.ts'
import { Journal, STALE } from './journal.ts'
import type { RunFold } from './lifecycle.ts'
import { HANDLER_GRACE_MS, REFOLDS_MAX } from './limits.ts'
import { Live, type LiveInit } from './live.ts'
import type { DriveOptions, Program, Quarantine, Stretch } from './ports.ts'
import { isOwnObstacle, quarantineFact } from './quarantine-events.ts'
import { Reading } from './reading.ts'
import type { References } from './references.ts'
import { type ReplayInit, replay } from './replay.ts'
import { resultOf } from './result.ts'
import { settleAside } from './set-aside.ts'
import type { Completion } from './settle.ts'
import { mustBeSure } from './sure.ts'
import { Undoings } from './undoings.ts'
import { openValue } from './value.ts'
import { changeOf } from './versions.ts'
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
  readonly #undoings: Undoings
  readonly #ledger: Ledger
  /** Completions whose events are not acknowledged yet: what a refold must not lose. */
  #unrecorded: Completion[] = []
  /** The run as this drive knows it. */
  #fold: RunFold | null = null
  /** Version up to which `onEvent` has been called: a refold does not call it again. */
  #reported = 0
  /** Of this drive's own ownership, or of the one it found first. */
  #epoch: number | null = null
  /** Why the run cannot go on, when what it wanted to record cannot be. */
  #unrecordable: unknown = null

  constructor(components: Components, run: RunId, options: DriveOptions) {
    this.#components = components
    this.#run = run
    this.#options = options
    const { rights, clock, chunks } = components
    const wake = (): void => this.#waker.wake()
    const mayAct = (): void => mustBeSure(components, run)
    this.#acts = new Acts({ run, rights, clock, chunks, wake, mayAct })
    this.#undoings = new Undoings({ rights, clock, wake, mayAct })
    this.#ledger = {
      acts: this.#acts,
      undoings: this.#undoings,
      settled: (completion) => this.#unrecorded.push(completion),
      acknowledged: () => {
        this.#unrecorded = []
      },
    }
  }

  /** Goes as far as it can. Rejects when the log cannot be used, or the program is not here. */
  async go(): Promise<Stretch> {
    const stop = (): void => this.#waker.wake()
    this.#options.signal?.addEventListener('abort', stop)
    try {
      for (let refolds = 0; refolds < REFOLDS_MAX; ) {
        try {
          const stretch = await this.#stretch()
          // It has concluded, and goes on with what it owes.
          if (stretch === null) continue
          if (stretch.kind === 'concluded') this.#leave()
          return stretch
        } catch (error) {
          if (error !== STALE && !this.#becomesAbort(error)) throw error
          refolds += 1
        }
      }
      const message = `Run ${this.#run} keeps moving under its owner`
      throw new RunsError(RUNS_CODES.ownershipLost, message, { run: this.#run })
    } finally {
      this.#options.signal?.removeEventListener('abort', stop)
      const ended = new RunsError(RUNS_CODES.aborted, 'The drive of the run has ended')
      this.#acts.abortAll(ended)
      this.#undoings.abortAll(ended)
    }
  }

  /** The run is over: what is open of it is settled elsewhere. */
  #leave(): void {
    const open = this.#fold?.open
    const late = (completion: Completion): void => this.#components.late(this.#run, completion)
    this.#acts.leave(late)
    for (const completion of [...this.#unrecorded, ...this.#acts.take()]) {
      const { effect } = completion.intent.data
      if (open?.get(effect)?.intent.id === completion.event.id) late(completion)
    }
  }

  /** What cannot be recorded ends the run; that it ends can be recorded. */
  #becomesAbort(error: unknown): boolean {
    if (this.#unrecordable !== null) return false
    if (!UNRECORDABLE.some((code) => hasCode(error, code))) return false
    this.#unrecordable = error
    return true
  }

  /** @returns `null` when the run has just concluded and owes something */
  async #stretch(): Promise<Stretch | null> {
    const { log, clock, authority } = this.#components
    const reading = await Reading.of(log, this.#run)
    const { fold } = reading
    if (reading.version === 0) {
      throw new RunsError(RUNS_CODES.notFound, `No run ${this.#run}`, { run: this.#run })
    }
    this.#fold = fold
    const ended = await this.#alreadyEnded(fold)
    if (ended !== null) return ended
    const onEvent = (event: RecordedEvent): void => {
      reading.add(event)
      this.#report(event)
    }
    const breakers = new BreakerNotes(this.#components.breakers, this.#run)
    const hand = await handOf(authority, this.#run, fold.purse)
    const journal = new Journal<EffectIntent>({
      log,
      clock,
      run: this.#run,
      fold,
      hand,
      onEvent,
      onBudgets: (events) => {
        authority.observe(events)
        this.#components.breakers.observe(events)
      },
      notes: breakers,
    })
    const { quarantine = null } = fold.view ?? {}
    if (quarantine !== null) return this.#setAside(journal, quarantine, breakers)
    const owned = await this.#claim(journal)
    if (owned !== null) return owned
    await this.#recordCarriedOver(journal, breakers)
    if (fold.view?.conclusion != null) return this.#finish(journal, breakers)
    if (this.#unrecordable !== null)
      return abortRun(this.#components, journal, this.#ledger, this.#unrecordable)
    if (await isLeftBehind(this.#components, fold)) {
      const { principal } = this.#components
      journal.add({ type: 'AbortRequested', data: { reason: PARENT_ENDED }, principal })
    }
    if (fold.abortRequested !== null) return abortRun(this.#components, journal, this.#ledger, null)
    try {
      return await this.#execute(journal, breakers, reading)
    } catch (error) {
      if (!isOwnObstacle(error)) throw error
      journal.add(quarantineFact(fold, error))
      await journal.flush()
      const { quarantine: aside = null } = journal.fold.view ?? {}
      invariant(aside !== null, 'a run that was set aside is in quarantine')
      return this.#setAside(journal, aside, breakers)
    }
  }

  /** Goes on with the program of a run. */
  async #execute(
    journal: Journal<EffectIntent>,
    breakers: BreakerNotes,
    reading: Reading,
  ): Promise<Stretch | null> {
    const { fold } = journal
    const program = this.#components.programOf(fold)
    const change = changeOf(fold, program)
    if (change !== null) journal.add(change)
    const common = this.#common(journal, breakers)
    const history = { inbox: common.inbox, events: reading.take() }
    const execution = await this.#begin(journal, program, history)
    return new Live({
      ...common,
      execution,
      program,
      holds: () => true,
      conclude: (desk, returned) => commitRun(desk, program, returned),
    }).loop()
  }

  /** Goes on with what a run owes that has concluded. */
  async #finish(journal: Journal<EffectIntent>, breakers: BreakerNotes): Promise<Stretch | null> {
    const execution = await finish(this.#components, journal, this.#run)
    return new Live({
      ...this.#common(journal, breakers),
      execution,
      program: null,
      holds: holdsEnd,
      conclude,
    }).loop()
  }

  /** What is live of a run, whoever's program goes on. */
  #common(
    journal: Journal<EffectIntent>,
    breakers: BreakerNotes,
  ): Omit<LiveInit, 'conclude' | 'execution' | 'holds' | 'program'> {
    const [components, run, options] = [this.#components, this.#run, this.#options]
    const [ledger, waker] = [this.#ledger, this.#waker]
    const { view, signals } = journal.fold
    const inbox = new Inbox(components.log, view?.line ?? run, signals.taken)
    return { components, run, options, journal, inbox, breakers, ledger, waker }
  }

  /** Of a run that is set aside its owner records what handlers came back with, and no more. */
  async #setAside(
    journal: Journal<EffectIntent>,
    quarantine: Quarantine,
    breakers: BreakerNotes,
  ): Promise<Stretch> {
    const { clock, ownership } = this.#components
    const isOwn = journal.fold.view?.owner === ownership.self
    if (isOwn && (this.#acts.size > 0 || this.#acts.hasCompletions)) {
      this.#acts.abortAll(new RunsError(RUNS_CODES.quarantined, 'The run was set aside'))
      await this.#acts.settleWithin(clock, HANDLER_GRACE_MS)
      this.#unrecorded.push(...this.#acts.take())
    }
    if (isOwn) await this.#recordCarriedOver(journal, breakers, settleAside)
    return { kind: 'quarantined', quarantine }
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
    const found = view.epoch
    if (view.owner !== self) {
      const alive = (await this.#components.ownership.status(view.owner)) === 'alive'
      // Two that take up a suspended run at once would claim it from each other without end: who
      // finds that the other was later leaves it to that one.
      const isTaken = found > (this.#epoch ?? found)
      const isFree =
        view.suspended || (journal.fold.placement.queue !== undefined && view.state === 'CREATED')
      if (alive && (isTaken || !isFree)) return { kind: 'owned', owner: view.owner }
      this.#epoch ??= found
      const data = { owner: self, epoch: found + 1, previous: view.owner }
      journal.add({ type: 'RunClaimed', data })
      // Nothing is done in the name of an ownership that is not recorded; and a program that kills
      // whoever runs it has left a trace by which takeovers are counted.
      await journal.flush()
    }
    this.#epoch = view.epoch
    if (view.suspended) journal.add({ type: 'RunResumed', data: {} })
    return null
  }

  async #recordCarriedOver(
    journal: Journal,
    breakers: BreakerNotes,
    settle: typeof settleAside = settleAttempt,
  ): Promise<void> {
    for (const { intent, event, ...end } of this.#unrecorded) {
      // Of what could not be recorded as it was, that it ended is recorded, and why not how.
      const error = this.#unrecordable
      const completion = error === null ? { intent, event, ...end } : { intent, event, error }
      const { effect } = intent.data
      const tried = error === null ? journal.fold.tried.get(effect) : undefined
      const ended = completion as Completion
      const settled = settle(ended, { tried, now: journal.now() })
      if (settled !== null && journal.fold.open.has(effect)) {
        const { type, data, blobs } = settled
        if (error === null) breakers.note(ended, settled, journal.now())
        journal.add({ type, data, blobs, causes: [event.id] })
      }
      if (journal.full) await journal.flush()
    }
    if (this.#unrecorded.length > 0) await journal.flush()
    this.#unrecorded = []
  }

  async #begin(
    journal: Journal,
    program: Program,
    read: Pick<ReplayInit, 'events' | 'inbox'>,
  ): Promise<Execution> {
    const { fold } = journal
    const stored = await openValue(fold.input as ValueRef, this.#components.log.store.blobs)
    const input = (references: References): unknown => {
      try {
        return program.input.parse(openedInput(stored, fold.labels, references))
      } catch (cause) {
        const message = `${program.name} no longer takes the input that is recorded`
        throw new RunsError(RUNS_CODES.inputInvalid, message, {}, cause)
      }
    }
    const opening = openingFacts(fold, this.#components.limits)
    if (opening.length === 0) {
      const { log } = this.#components
      const onEvent = (event: RecordedEvent): void => this.#report(event)
      const { labels, patches, progress } = fold
      const history = { ...read, labels, patches, progress, upTo: journal.version }
      return replay({ log, run: this.#run, program, input, ...history, onEvent })
    }
    const last = opening.map((fact) => journal.add(fact)).at(-1)
    invariant(last !== undefined, 'a new run is opened by events')
    const execution = new Execution(this.#run, last)
    await execution.begin(program, input(execution.references))
    return execution
  }

  #report(event: RecordedEvent): void {
    if (event.version <= this.#reported) return
    this.#reported = event.version
    this.#options.onEvent?.(event)
  }
}
