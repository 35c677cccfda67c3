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
 */

import type { BudgetShare } from '@ice/capabilities/ports'
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
import { bytesOf, reserve, tooMany, uniqueGuards } from './append-parts.ts'
import {
  allotmentWrites,
  isEnd,
  joinWrites,
  overspendWrites,
  returnWrites,
} from './budget-writes.ts'
import type { Fact, Flushed, ForeignFact, Intent } from './facts.ts'
import { type RunFold, runProjection } from './lifecycle.ts'
import {
  UNIT_BLOB_BYTES_MAX,
  UNIT_BUDGETS_MAX,
  UNIT_EVENTS_MAX,
  UNIT_GUARDS_MAX,
} from './limits.ts'
import { copyOf, type Purse, type Shares, sharesOf } from './purse.ts'
import { eventsBeside, recordedEvent } from './recorded.ts'
import { runStream } from './stream.ts'

export type { Fact, FactEnvelope, Flushed, ForeignFact, Intent } from './facts.ts'
export { runStream } from './stream.ts'

/** Someone else wrote to the run: what is in memory is no longer what the log says. */
export const STALE: unique symbol = Symbol('the run moved')

const GUARD_REFUSALS = ['ICE_EVENTS_GUARD_CONFLICT', 'ICE_EVENTS_TOO_LATE'] as const

/** Records one run. Must be created over a fold that is at the end of the stream. */
export class Journal<I extends Intent = Intent> {
  readonly #log: Pick<EventLog, 'append'>
  readonly #clock: Clock
  readonly #run: RunId
  readonly #stream: StreamId
  readonly #onEvent: (event: RecordedEvent) => void
  readonly #onBudgets: (events: readonly RecordedEvent[]) => void
  readonly fold: RunFold
  #facts: { readonly event: NewEvent; readonly recorded: RecordedEvent }[] = []
  #blobs: BlobDraft[] = []
  #intents: I[] = []
  /** What the run will hold once the intents that wait are recorded; `undefined`: to be made. */
  #purse: Purse | undefined
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
    /** Told of what was written to budgets: whoever decides next here should know. */
    readonly onBudgets?: (events: readonly RecordedEvent[]) => void
  }) {
    this.#log = init.log
    this.#clock = init.clock
    this.#run = init.run
    this.#stream = runStream(init.run)
    this.#onEvent = init.onEvent
    this.#onBudgets = init.onBudgets ?? (() => undefined)
    this.fold = init.fold
    this.#version = init.fold.view?.version ?? 0
    this.#time = init.fold.view?.updatedAt ?? 0
    this.#told = copyOf(init.fold.purse).overspent
  }

  /** Whether as many facts wait as one append should carry. */
  get full(): boolean {
    return this.#facts.length >= UNIT_EVENTS_MAX || bytesOf(this.#blobs) >= UNIT_BLOB_BYTES_MAX
  }

  /** Whether anything waits to be appended. */
  get dirty(): boolean {
    return this.#facts.length > 0 || this.#intents.length > 0
  }

  /** Whether an authorised effect waits to be recorded, and so to be tried. */
  get hasIntents(): boolean {
    return this.#intents.length > 0
  }

  /** Version of the last event of the run, those that wait to be appended included. */
  get version(): number {
    return this.#version
  }

  /** What the run holds of budgets, less what the intents that wait will take. */
  purse(): readonly BudgetShare[] {
    if (this.#purse === undefined) {
      this.#purse = copyOf(this.fold.purse)
      for (const intent of this.#intents) reserve(this.#purse, intent)
    }
    return sharesOf(this.#purse.held)
  }

  /** The time an event recorded now would have: never before the last one. */
  now(): Timestamp {
    return Math.max(this.#clock.now(), this.#time) as Timestamp
  }

  /** Adds a fact, and folds it: the returned event is what will stand in the log. */
  add(fact: Fact | ForeignFact): RecordedEvent {
    const { blob, blobs = [], type, data, causes = [], principal, at } = fact
    const origin = 'origin' in fact ? fact.origin : undefined
    const time = at ?? this.now()
    const event: NewEvent = {
      type,
      data,
      time,
      ...(causes.length === 0 ? {} : { causes }),
      ...(principal === undefined ? {} : { principal }),
      ...(origin === undefined ? {} : { origin }),
    }
    if (blob !== undefined && blob !== null) this.#blobs.push(blob)
    this.#blobs.push(...blobs)
    const recorded = this.#place(event, this.#version + 1)
    this.#facts.push({ event, recorded })
    return recorded
  }

  /** Queues an intent for the next append. */
  addIntent(intent: I): void {
    this.#intents.push(intent)
    if (this.#purse !== undefined) reserve(this.#purse, intent)
  }

  /**
   * Appends one fact, while nothing else waits, if these streams have not moved.
   * @returns `null` when one has: nothing was recorded
   * @throws as `flush`
   */
  async appendAlone(fact: Fact, guards: readonly Guard[]): Promise<RecordedEvent | null> {
    const { type, data, causes = [] } = fact
    const time = this.now()
    const event: NewEvent = { type, data, time, ...(causes.length === 0 ? {} : { causes }) }
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
    const intents = this.#takeIntents(true)
    if (this.#intents.length > 0) throw tooMany(this.withdrawIntents().length)
    this.#purse = undefined
    const time = this.now()
    if (intents.some(({ expiresAt }) => expiresAt !== null && expiresAt <= time)) return null
    const events = facts.map(({ type, data, causes = [] }) => {
      return { type, data, time, ...(causes.length === 0 ? {} : { causes }) } as NewEvent
    })
    this.#blobs = facts.flatMap(({ blob }) => blob ?? [])
    const waiting = events.map((event) => ({ event }))
    const request = this.#request({ facts: waiting, intents, time, after: this.#version })
    try {
      const { writes } = await this.#log.append(request)
      if (request.writes.length > 1) this.#onBudgets(eventsBeside(request, writes))
      for (const event of events) this.#onEvent(this.#place(event, this.#version + 1))
      return this.#acknowledge(intents, request, writes[0]?.positions[0] ?? 0)
    } catch (error) {
      this.#blobs = []
      if (this.#isRefusedIntent(error)) return null
      if (hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) throw STALE
      throw error
    }
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
        if (request.writes.length > 1) this.#onBudgets(eventsBeside(request, writes))
        return this.#acknowledge(taken, request, writes[0]?.positions[0] ?? 0)
      }
    } catch (error) {
      if (this.#isRefusedIntent(error)) return this.#withoutIntents(taken)
      if (hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) throw STALE
      throw error
    }
    return this.#acknowledge(taken, request, 0)
  }

  #isRefusedIntent(error: unknown): boolean {
    if (GUARD_REFUSALS.some((code) => hasCode(error, code))) return true
    if (!hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) return false
    // A budget moved, not the run: the intent that needs a slice of it is decided anew.
    const { stream } = (error as { readonly data: { readonly stream?: unknown } }).data
    return stream !== this.#stream
  }

  async #withoutIntents(refused: readonly I[]): Promise<Flushed<I>> {
    const later = this.#intents
    this.#intents = []
    this.#purse = undefined
    if (this.#facts.length > 0) await this.flush()
    return { recorded: [], refused: [...refused, ...later], position: 0 }
  }

  #acknowledge(intents: readonly I[], request: AppendRequest, position: number): Flushed<I> {
    for (const { recorded } of this.#facts) this.#onEvent(recorded)
    this.#facts = []
    this.#blobs = []
    this.#told = copyOf(this.fold.purse).overspent
    const own = request.writes[0]?.events ?? []
    const first = own.length - intents.length
    const recorded = intents.map((intent, i) => {
      const event = this.#place(own[first + i] as NewEvent, this.#version + 1)
      this.#onEvent(event)
      return { intent, event }
    })
    return { recorded, refused: [], position }
  }

  /** As many intents as one unit holds; at most one that needs a slice of a given budget. */
  #takeIntents(together = false): readonly I[] {
    const taken: I[] = []
    const left: I[] = []
    const guards = new Set<string>()
    let bytes = bytesOf(this.#blobs)
    const budgets = new Set<string>(this.#ownBudgetWrites().map(({ stream }) => stream))
    for (const intent of this.#intents) {
      const more = intent.guards.filter(({ stream }) => !guards.has(stream)).length
      // Slices of several units come from one budget, which is one stream of the append.
      const slices = new Set(intent.allotments.map(({ stream }) => stream))
      const fits =
        left.length === 0 &&
        taken.length + this.#facts.length < UNIT_EVENTS_MAX &&
        guards.size + more <= UNIT_GUARDS_MAX &&
        bytes < UNIT_BLOB_BYTES_MAX &&
        budgets.size + slices.size <= UNIT_BUDGETS_MAX &&
        // Decisions that know of each other's slices may share a budget.
        (together || !intent.allotments.some(({ stream }) => budgets.has(stream)))
      if (!fits) {
        left.push(intent)
        continue
      }
      taken.push(intent)
      bytes += intent.blob?.bytes.byteLength ?? 0
      for (const { stream } of intent.guards) guards.add(stream)
      for (const { stream } of intent.allotments) budgets.add(stream)
    }
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
    for (const { data, causes } of intents) {
      events.push({ type: 'CapabilityUsed', data, time, ...(causes.length > 0 ? { causes } : {}) })
    }
    if (events.length === 0) return { writes: [] }
    const expectedVersion = after as StreamVersion
    const writes: StreamWrite[] = [{ stream: this.#stream, expectedVersion, events }]
    writes.push(...this.#ownBudgetWrites())
    const slices = intents.flatMap(({ allotments }) => allotments)
    writes.push(...allotmentWrites(this.#run, slices))
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
    const returns = isOver ? returnWrites(this.#run, purse) : []
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
