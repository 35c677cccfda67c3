/**
 * The owner's pen: what it has decided to record about one run, in order, and the append of it.
 *
 * Two kinds of entries. A *fact* (an outcome, a denial, a proposal, a step of the lifecycle) gets
 * its place and time at once, so that the program can run ahead on it. An *intent* gets its place
 * when it is appended, always after the facts, because nobody runs ahead on an intent; so when a
 * guard refuses the intents of an append, the facts before them keep their places.
 *
 * 1. One append at a time, each with the version this owner last saw: whoever else wrote to the
 *    run, or took it over, makes it conflict. That is the whole of fencing.
 * 2. No act begins before `flush` has returned its intent.
 * 3. Facts carry no authority guards: an outcome can always be recorded.
 * 4. An intent is decided on the purse that those before it will leave, recorded or not. So when
 *    some are refused all that wait are, and are decided anew.
 * 5. What the purse lacks is drawn before it is intended: a draw is a fact of the run, in one
 *    append with what it asks of budgets, and only what these gave comes into hand (`hand.ts`).
 */

import type { Allotment, BudgetShare } from '@ice/capabilities/ports'
import type {
  AppendRequest,
  BlobDraft,
  EventLog,
  Guard,
  NewEvent,
  RecordedEvent,
  StreamWrite,
} from '@ice/events/ports'
import {
  type Clock,
  hasCode,
  type RunId,
  type StreamId,
  type StreamVersion,
  type Timestamp,
} from '@ice/primitives'
import { isRefusedBeside, NO_NOTES, type Notes, refusedStream } from './beside.ts'
import { drawWrites, isEnd, joinWrites, overspendWrites, returnWrites } from './budget-writes.ts'
import { eventOf, type Fact, type ForeignFact } from './facts.ts'
import { uniqueGuards } from './guards.ts'
import { drawnIn, Hand } from './hand.ts'
import { type Flushed, type Intent, tooMany } from './intents.ts'
import { type RunFold, runProjection } from './lifecycle.ts'
import { UNIT_BLOB_BYTES_MAX, UNIT_BUDGETS_MAX, UNIT_EVENTS_MAX } from './limits.ts'
import { copyOf, type Purse, put, type Shares, shareOf, sharesOf, take } from './purse.ts'
import { eventsBeside, recordedEvent } from './recorded.ts'
import { runStream } from './stream.ts'
import { fitting } from './unit.ts'
import { bytesOf } from './value.ts'

export type { Flushed, Intent } from './intents.ts'
export { runStream } from './stream.ts'

/** Someone else wrote to the run: what is in memory is no longer what the log says. */
export const STALE: unique symbol = Symbol('the run moved')

/** Records one run. Must be created over a fold that is at the end of the stream. */
export class Journal<I extends Intent = Intent> {
  readonly #log: Pick<EventLog, 'append'>
  readonly #clock: Clock
  readonly #run: RunId
  readonly #stream: StreamId
  readonly #onEvent: (event: RecordedEvent) => void
  readonly #onBudgets: (events: readonly RecordedEvent[]) => void
  readonly #notes: Notes
  readonly fold: RunFold
  #facts: { readonly event: NewEvent; readonly recorded: RecordedEvent }[] = []
  #blobs: BlobDraft[] = []
  #intents: I[] = []
  #beside: StreamWrite[] = []
  /** What the run will hold once the intents that wait are recorded; `undefined`: to be made. */
  #purse: Purse | undefined
  /** Slices in hand. */
  readonly #hand: Hand
  /** Slices to be drawn, and those of the append that is made. */
  #wanted: readonly BudgetShare[] | null = null
  #draw: readonly BudgetShare[] = []
  /** Overspends that stand in the streams of their budgets. */
  #told: Shares
  #version: number
  #time: number

  constructor(init: {
    readonly log: Pick<EventLog, 'append'>
    readonly clock: Clock
    readonly run: RunId
    readonly fold: RunFold
    readonly onEvent: (event: RecordedEvent) => void
    /** Slices that are in hand already. */
    readonly hand?: Hand
    /** Told of what was written to budgets: whoever decides next here should know. */
    readonly onBudgets?: (events: readonly RecordedEvent[]) => void
    readonly notes?: Notes
  }) {
    this.#log = init.log
    this.#clock = init.clock
    this.#run = init.run
    this.#stream = runStream(init.run)
    this.#onEvent = init.onEvent
    this.#onBudgets = init.onBudgets ?? (() => undefined)
    this.#notes = init.notes ?? NO_NOTES
    this.#hand = init.hand ?? new Hand()
    this.fold = init.fold
    this.#version = init.fold.view?.version ?? 0
    this.#time = init.fold.view?.updatedAt ?? 0
    this.#told = copyOf(init.fold.purse).overspent
  }

  /** Whether as many facts wait as one append should carry. */
  get full(): boolean {
    const isLong = this.#facts.length >= UNIT_EVENTS_MAX || this.#notes.full
    return isLong || bytesOf(this.#blobs) >= UNIT_BLOB_BYTES_MAX
  }

  /** Whether anything waits to be appended. */
  get dirty(): boolean {
    return this.#facts.length > 0 || this.#intents.length > 0 || this.isDrawing
  }

  /** Whether slices wait to be drawn. */
  get isDrawing(): boolean {
    return this.#wanted !== null
  }

  /** Whether the run holds something that its stream does not tell, or intents wait. */
  get isAhead(): boolean {
    return this.hasIntents || !this.#hand.isEmpty
  }

  /** Whether an authorised effect waits to be recorded, and so to be tried. */
  get hasIntents(): boolean {
    return this.#intents.length > 0
  }

  /** Whether an attempt of this effect waits to be recorded. */
  intends(effect: string): boolean {
    return this.#intents.some(({ data }) => data.effect === effect)
  }

  /** Version of the last event of the run, those that wait to be appended included. */
  get version(): number {
    return this.#version
  }

  /** What the run holds of budgets, less what the intents that wait will take. */
  purse(): readonly BudgetShare[] {
    if (this.#purse === undefined) {
      this.#purse = copyOf(this.fold.purse)
      put(this.#purse, this.#hand.shares)
      for (const { spends } of this.#intents) take(this.#purse, spends)
    }
    return sharesOf(this.#purse.held)
  }

  /** Has slices drawn with the next append; while some wait, others are decided on these first. */
  draw(slices: readonly Allotment[]): void {
    this.#wanted ??= slices.map((slice) => shareOf(slice, slice.amount))
  }

  /** Takes slices into hand that were drawn and given. */
  take(given: readonly BudgetShare[]): void {
    this.#hand.take(given)
    this.#purse = undefined
  }

  /** The time an event recorded now would have: never before the last one. */
  now(): Timestamp {
    return Math.max(this.#clock.now(), this.#time) as Timestamp
  }

  /** Adds a fact, and folds it: the returned event is what will stand in the log. */
  add(fact: Fact | ForeignFact): RecordedEvent {
    const { blob, blobs = [] } = fact
    const event = eventOf(fact, fact.at ?? this.now())
    this.#blobs.push(...(blob == null ? [] : [blob]), ...blobs)
    const recorded = this.#place(event, this.#version + 1)
    this.#facts.push({ event, recorded })
    return recorded
  }

  /** Queues an intent for the next append. */
  addIntent(intent: I): void {
    this.#intents.push(intent)
    if (this.#purse !== undefined) take(this.#purse, intent.spends)
  }

  /**
   * Appends one fact, while nothing else waits, if these streams have not moved.
   * @returns `null` when one has: nothing was recorded
   * @throws as `flush`
   */
  async appendAlone(fact: Fact, guards: readonly Guard[]): Promise<RecordedEvent | null> {
    const event = eventOf(fact, this.now())
    const expectedVersion = this.#version as StreamVersion
    try {
      const write: StreamWrite = { stream: this.#stream, expectedVersion, events: [event] }
      await this.#log.append({ writes: [write], guards })
    } catch (error) {
      if (hasCode(error, 'ICE_EVENTS_GUARD_CONFLICT')) return null
      if (hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) throw STALE
      throw error
    }
    const recorded = this.#place(event, this.#version + 1)
    this.#onEvent(recorded)
    return recorded
  }

  /**
   * Appends facts and the intents that wait, while no other fact does: all of them, or nothing.
   * @returns `null` when the intents were refused: nothing was recorded, and none waits any more
   * @throws `ICE_RUNS_STAGED_LIMIT` — no append could hold them all —, and as `flush`
   */
  async appendTogether(facts: readonly Fact[]): Promise<Flushed<I> | null> {
    const intents = this.#takeIntents()
    if (this.#intents.length > 0) throw tooMany(intents.length + this.withdrawIntents().length)
    this.#purse = undefined
    const time = this.now()
    if (intents.some(({ expiresAt }) => expiresAt !== null && expiresAt <= time)) return null
    const events = facts.map((fact) => eventOf(fact, fact.at ?? time))
    this.#blobs = facts.flatMap(({ blob }) => blob ?? [])
    const own = events.map((event) => ({ event }))
    const request = this.#request({ facts: own, intents, time, after: this.#version })
    try {
      const { writes } = await this.#log.append(request)
      for (const event of events) this.#onEvent(this.#place(event, this.#version + 1))
      return this.#acknowledge(intents, request, writes[0]?.positions[0] ?? 0)
    } catch (error) {
      this.#blobs = []
      await this.#notes.moved(refusedStream(error))
      if (isRefusedBeside(error)) return null
      if (hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) throw STALE
      throw error
    }
  }

  /** How many intents of an action wait. */
  intentsOf(action: string): number {
    return this.#intents.filter(({ data }) => data.action === action).length
  }

  /** Adds what goes into the next append beside the run. */
  addBeside(write: StreamWrite, blobs: readonly BlobDraft[]): void {
    this.#beside.push(write)
    this.#blobs.push(...blobs)
  }

  /** Takes back all intents that wait, to be decided anew: some are wanted no longer. */
  withdrawIntents(): readonly I[] {
    const withdrawn = this.#intents
    this.#intents = []
    this.#purse = undefined
    return withdrawn
  }

  /** Appends what waits. @throws `STALE` when the run has moved; whatever else the log throws */
  async flush(): Promise<Flushed<I>> {
    this.#beginDraw()
    const taken = this.#takeIntents()
    // Decided for a time that has passed meanwhile: another window of a rate, or none at all.
    const time = this.now()
    if (taken.some(({ expiresAt }) => expiresAt !== null && expiresAt <= time)) {
      return this.#withoutIntents(taken)
    }
    const facts = this.#facts
    const after = this.#version - facts.length
    const request = this.#request({ facts, intents: taken, time, after })
    try {
      if (request.writes.length > 0) {
        const { writes } = await this.#log.append(request)
        const beside = eventsBeside(request, writes)
        if (beside.length > 0) this.#onBudgets(beside)
        const drawn = drawnIn(this.#draw, beside)
        this.#draw = []
        return { ...this.#acknowledge(taken, request, writes[0]?.positions[0] ?? 0), drawn }
      }
    } catch (error) {
      await this.#notes.moved(refusedStream(error))
      if (isRefusedBeside(error)) return this.#withoutIntents(taken)
      if (hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) throw STALE
      throw error
    }
    return this.#acknowledge(taken, request, 0)
  }

  /** Says in the run of which budgets it draws, where the append has room for that. */
  #beginDraw(): void {
    if (this.#facts.some(({ recorded }) => isEnd(recorded))) this.#wanted = null
    if (this.#wanted === null || this.#draw.length > 0) return
    // What a handler took beyond its slice is charged first, by an append of its own.
    if (this.#ownBudgetWrites().length > 0 || this.#notes.writes().length > 0) return
    this.#draw = this.#wanted
    this.#wanted = null
    this.add({ type: 'BudgetDrawn', data: { shares: [...this.#draw] } })
  }

  async #withoutIntents(refused: readonly I[]): Promise<Flushed<I>> {
    const later = this.#intents
    this.#intents = []
    this.#purse = undefined
    const { drawn } = this.#facts.length > 0 ? await this.flush() : { drawn: null }
    return { recorded: [], refused: [...refused, ...later], drawn, position: 0 }
  }

  #acknowledge(intents: readonly I[], request: AppendRequest, position: number): Flushed<I> {
    for (const { recorded } of this.#facts) this.#onEvent(recorded)
    this.#facts = []
    this.#blobs = []
    this.#beside = []
    this.#notes.acknowledged()
    this.#told = copyOf(this.fold.purse).overspent
    const own = request.writes[0]?.events ?? []
    const first = own.length - intents.length
    const recorded = intents.map((intent, i) => {
      const event = this.#place(own[first + i] as NewEvent, this.#version + 1)
      this.#hand.tell(intent.spends)
      this.#onEvent(event)
      return { intent, event }
    })
    return { recorded, refused: [], drawn: null, position }
  }

  #takeIntents(): readonly I[] {
    const written = new Set<string>(this.#notes.writes().map(({ stream }) => stream))
    const held = { facts: this.#facts.length, bytes: bytesOf(this.#blobs), written }
    const { taken, left } = fitting(this.#intents, held)
    this.#intents = left
    return taken
  }

  #request({
    facts,
    intents,
    time,
    after,
  }: {
    readonly facts: readonly { readonly event: NewEvent }[]
    readonly intents: readonly I[]
    readonly time: Timestamp
    readonly after: number
  }): AppendRequest {
    const events: NewEvent[] = facts.map(({ event }) => event)
    const hand = this.#hand.copy()
    for (const { data, causes, spends } of intents) {
      const allotted = hand.tell(spends)
      const told = allotted.length === 0 ? data : { ...data, allotted: [...allotted] }
      const caused = causes.length > 0 ? { causes } : {}
      events.push({ type: 'CapabilityUsed', data: told, time, ...caused })
    }
    if (events.length === 0) return { writes: [] }
    const expectedVersion = after as StreamVersion
    const writes: StreamWrite[] = [{ stream: this.#stream, expectedVersion, events }]
    const own = intents.flatMap((intent) => intent.beside ?? [])
    const beside = [...this.#beside, ...this.#notes.writes(), ...own]
    const budgets = this.#ownBudgetWrites().slice(0, UNIT_BUDGETS_MAX - beside.length)
    writes.push(...beside, ...budgets, ...drawWrites(this.#run, this.#draw))
    const blobs = [...this.#blobs, ...intents.flatMap(({ blob }) => (blob === null ? [] : blob))]
    const guards = uniqueGuards(intents, writes)
    const expiries = intents.flatMap(({ expiresAt }) => (expiresAt === null ? [] : expiresAt))
    return {
      writes,
      guards,
      ...(blobs.length > 0 ? { blobs } : {}),
      // A grant no longer holds at `expiresAt`, so the last instant is the one before.
      ...(expiries.length > 0 ? { notAfter: (Math.min(...expiries) - 1) as Timestamp } : {}),
    }
  }

  /** What the facts that wait have to say to budgets. */
  #ownBudgetWrites(): readonly StreamWrite[] {
    const { purse } = this.fold
    const isOver = this.#facts.some(({ recorded }) => isEnd(recorded))
    const returns = isOver ? returnWrites(this.#run, purse, this.#hand) : []
    return joinWrites([...overspendWrites(this.#run, purse, this.#told), ...returns])
  }

  #place(event: NewEvent, version: number): RecordedEvent {
    this.#version = version
    this.#purse = undefined
    this.#time = event.time ?? this.#time
    const recorded = recordedEvent(
      { ...event, time: this.#time as Timestamp },
      this.#stream,
      version,
    )
    runProjection.evolve(this.fold, recorded)
    return recorded
  }

  /** Takes up events that others wrote, while nothing of ours waits. */
  takeUp(events: Iterable<RecordedEvent>): void {
    this.#purse = undefined
    for (const event of events) {
      runProjection.evolve(this.fold, event)
      this.#version = event.version
      this.#time = Math.max(this.#time, event.time)
      this.#onEvent(event)
    }
  }
}
