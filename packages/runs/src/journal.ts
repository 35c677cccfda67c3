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

import type { Allotment, BudgetShare } from '@ice/capabilities/ports'
import type { StandardPayloads } from '@ice/events/define'
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
  type EventId,
  hasCode,
  type PrincipalId,
  type RunId,
  type StreamId,
  type StreamVersion,
  type Timestamp,
} from '@ice/primitives'
import {
  allotmentWrites,
  isConclusion,
  joinWrites,
  overspendWrites,
  returnWrites,
} from './budget-writes.ts'
import { type RunFold, runProjection } from './lifecycle.ts'
import { UNIT_BUDGETS_MAX, UNIT_EVENTS_MAX, UNIT_GUARDS_MAX } from './limits.ts'
import { copyOf, type Purse, put, type Shares, sharesOf, take } from './purse.ts'
import { eventsBeside, recordedEvent } from './recorded.ts'

/** The stream of a run. */
export function runStream(run: RunId): StreamId {
  return `run/${run}` as StreamId
}

/** A standard event as the owner adds it: place and time are the journal's. */
export type Fact = {
  readonly [T in keyof StandardPayloads]: {
    readonly type: T
    readonly data: StandardPayloads[T]
  } & FactEnvelope
}[keyof StandardPayloads]

/** What a fact may carry beside its payload. */
export interface FactEnvelope {
  readonly causes?: readonly EventId[]
  readonly principal?: PrincipalId
  readonly blob?: BlobDraft | null
  /** When it happened. @defaultValue now */
  readonly at?: Timestamp
}

/** An event of a type that a product declared (the outcome of its own effect), or of an agent. */
export interface ForeignFact extends FactEnvelope {
  readonly type: string
  readonly data: unknown
  readonly origin?: NewEvent['origin']
}

/** An authorised effect that waits to be recorded. */
export interface Intent {
  readonly data: StandardPayloads['CapabilityUsed']
  readonly causes: readonly EventId[]
  readonly blob: BlobDraft | null
  readonly guards: readonly Guard[]
  readonly spends: readonly BudgetShare[]
  readonly allotments: readonly Allotment[]
  readonly expiresAt: Timestamp | null
}

/** What came of an append: the intents that are durable now, or those that were refused. */
export interface Flushed<I extends Intent> {
  readonly recorded: readonly { readonly intent: I; readonly event: RecordedEvent }[]
  readonly refused: readonly I[]
  /** Position of the first event of the append, or before; 0 where nothing was recorded. */
  readonly position: number
}

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
  #beside: StreamWrite[] = []
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
    return this.#facts.length >= UNIT_EVENTS_MAX
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
    const { blob, type, data, causes = [], principal, at } = fact
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
   * @returns false when one has: nothing was recorded
   * @throws as `flush`
   */
  async appendAlone(fact: Fact, guards: readonly Guard[]): Promise<boolean> {
    const { type, data, causes = [] } = fact
    const time = this.now()
    const event: NewEvent = { type, data, time, ...(causes.length === 0 ? {} : { causes }) }
    const expectedVersion = this.#version as StreamVersion
    try {
      const write: StreamWrite = { stream: this.#stream, expectedVersion, events: [event] }
      await this.#log.append({ writes: [write], guards })
    } catch (error) {
      if (hasCode(error, 'ICE_EVENTS_GUARD_CONFLICT')) return false
      if (hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) throw STALE
      throw error
    }
    this.#onEvent(this.#place(event, this.#version + 1))
    return true
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
    const taken = this.#takeIntents()
    // Decided for a time that has passed meanwhile: another window of a rate, or none at all.
    const time = this.now()
    if (taken.some(({ expiresAt }) => expiresAt !== null && expiresAt <= time)) {
      return this.#withoutIntents(taken)
    }
    const facts = this.#facts
    const request = this.#request({ facts, intents: taken, time })
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
    this.#beside = []
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
  #takeIntents(): readonly I[] {
    const taken: I[] = []
    const left: I[] = []
    const guards = new Set<string>()
    const budgets = new Set<string>(this.#ownBudgetWrites().map(({ stream }) => stream))
    for (const intent of this.#intents) {
      const more = intent.guards.filter(({ stream }) => !guards.has(stream)).length
      // Slices of several units come from one budget, which is one stream of the append.
      const slices = new Set(intent.allotments.map(({ stream }) => stream))
      const fits =
        left.length === 0 &&
        taken.length + this.#facts.length < UNIT_EVENTS_MAX &&
        guards.size + more <= UNIT_GUARDS_MAX &&
        budgets.size + slices.size <= UNIT_BUDGETS_MAX &&
        !intent.allotments.some(({ stream }) => budgets.has(stream))
      if (!fits) {
        left.push(intent)
        continue
      }
      taken.push(intent)
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
  }: {
    readonly facts: readonly { readonly event: NewEvent }[]
    readonly intents: readonly I[]
    readonly time: Timestamp
  }): AppendRequest {
    const events: NewEvent[] = facts.map(({ event }) => event)
    for (const { data, causes } of intents) {
      events.push({ type: 'CapabilityUsed', data, time, ...(causes.length > 0 ? { causes } : {}) })
    }
    if (events.length === 0) return { writes: [] }
    const expectedVersion = (this.#version - facts.length) as StreamVersion
    const writes: StreamWrite[] = [{ stream: this.#stream, expectedVersion, events }]
    writes.push(...this.#beside, ...this.#ownBudgetWrites())
    for (const { allotments } of intents) writes.push(...allotmentWrites(this.#run, allotments))
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
    const isEnd = this.#facts.some(({ recorded }) => isConclusion(recorded))
    const returns = isEnd ? returnWrites(this.#run, purse) : []
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

/** Takes out of a purse what an intent that waits will take. */
function reserve(purse: Purse, { allotments, spends }: Intent): void {
  put(purse, allotments)
  take(purse, spends)
}

/** Each guarded stream once; what the unit itself writes is guarded by its expected version. */
function uniqueGuards(intents: readonly Intent[], writes: readonly StreamWrite[]): Guard[] {
  const written = new Set<string>(writes.map(({ stream }) => stream))
  const guards = new Map<string, Guard>()
  for (const intent of intents) {
    for (const guard of intent.guards) {
      if (written.has(guard.stream)) continue
      // Of two decisions on different versions the older one must hold, or both are refused.
      const known = guards.get(guard.stream)
      if (known === undefined || guard.version < known.version) guards.set(guard.stream, guard)
    }
  }
  return [...guards.values()]
}
