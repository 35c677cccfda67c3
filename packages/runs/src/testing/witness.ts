/**
 * The witness: what took place, kept outside of the log, and what that says of the log.
 *
 * It is told of each call before anything has happened, of each act when it happens, of each
 * acknowledgement before its process has it; and it looks at the log as it is. What it finds wrong
 * is kept, the first of it: what follows a broken promise proves nothing.
 */
import type { Appended, PreparedEvent, PreparedUnit, RecordedEvent } from '@ice/events/ports'
import { type EventId, errorRecord, type JsonValue, type RunId } from '@ice/primitives'
import type { BatchReport, EffectCall } from '../ports.ts'
import type { Observer } from './observer.ts'
import type { Act, ScriptedEffect } from './simulation-ports.ts'

/** What only the owner of a run may write. */
const OWNERS: ReadonlySet<string> = new Set([
  'CapabilityUsed',
  'EffectSucceeded',
  'EffectFailed',
  'TimerSet',
  'TimerFired',
  'SignalConsumed',
  'EventMatched',
  'ChildConcluded',
  'RunSuspended',
  'ValidationPassed',
  'RunCommitted',
])

/** A process, as far as the witness is concerned. */
export interface Seen {
  readonly name: string
  readonly isDead: boolean
  /** Since when others might have taken it for dead, if they ever might. */
  readonly wasGone: boolean
}

/** What a process said that it intends. */
interface Intended {
  readonly effect?: string
  readonly attempt?: number
  readonly batch?: number
}

/** What the call of an effect, or one call of a batch, came back with. */
export interface Came {
  readonly report: BatchReport
  /** Position of the log's head when it did. */
  readonly head: number
}

/** Watches over acts and appends. */
export class Witness {
  readonly acts: Act[] = []
  /** Events that processes were told are in the log. */
  readonly acknowledged: Map<EventId, PreparedEvent> = new Map()
  readonly #observer: Observer
  readonly #seen: (name: string) => Seen | undefined
  /** By intent and call, where they have come back. */
  readonly #came = new Map<EventId, Map<number, Came>>()
  /** Calls at work, by intent, and intents whose owner does not know yet that they are recorded. */
  readonly #atWork = new Map<EventId, { readonly by: Seen; readonly items: Set<number> }>()
  readonly #unheard = new Map<EventId, Seen>()
  readonly #called = new Set<string>()
  broken: string | null = null

  constructor(observer: Observer, seen: (name: string) => Seen | undefined) {
    this.#observer = observer
    this.#seen = seen
  }

  /** Whether nobody who lives can act on this intent any more. */
  isOver(intent: EventId): boolean {
    const one = this.#atWork.get(intent)?.by
    const other = this.#unheard.get(intent)
    return (one === undefined || one.isDead) && (other === undefined || other.isDead)
  }

  /** Whether anybody who lives is at work. */
  get isAtWork(): boolean {
    return [...this.#atWork.values()].some(({ by }) => !by.isDead)
  }

  hasActed(intent: EventId): boolean {
    return this.acts.some((act) => act.intent === intent)
  }

  /** What the call of an intent came back with, or one of its calls; `undefined`: it has not. */
  came(intent: EventId, item: number): Came | undefined {
    return this.#came.get(intent)?.get(item)
  }

  /** What a batch would be given, as far as anybody knows: what did not take place has failed. */
  itemsOf(intent: EventId): JsonValue {
    const { batch } = this.#intended(intent)
    if (batch === undefined) return null
    return Array.from({ length: batch }, (_, item): JsonValue => {
      const report = this.came(intent, item)?.report
      if (report !== undefined && 'value' in report) return { ok: report.value }
      return { error: errorRecord(report?.error ?? 'nobody knows') as unknown as JsonValue }
    })
  }

  called(by: Seen, call: EffectCall): void {
    const name = `${call.action} "${call.effect}", attempt ${call.attempt}`
    const intent = this.#observer.event(call.intent)
    const { effect, attempt, batch } = this.#intended(call.intent)
    const item = itemOf(call, batch)
    const isIntended =
      (intent?.type === 'CapabilityUsed' || intent?.type === 'CompensationStarted') &&
      intent.stream === `run/${call.run}` &&
      effect === call.effect &&
      attempt === call.attempt &&
      item !== null
    if (!isIntended) this.break(`${by.name} acts without a durable intent: ${name}`)
    if (this.#called.has(`${call.intent}/${item}`)) {
      this.break(`${by.name} acts twice on one intent, ${call.intent}: ${name}`)
    }
    this.#called.add(`${call.intent}/${item}`)
    const atWork = this.#atWork.get(call.intent) ?? { by, items: new Set() }
    atWork.items.add(item ?? 0)
    this.#atWork.set(call.intent, atWork)
  }

  acted(by: Seen, call: EffectCall, effect: ScriptedEffect, step: number): void {
    const { run, effect: id, action, attempt, intent } = call
    const { fate = 'idempotent' } = effect
    const { batch } = this.#intended(intent)
    const item = batch === undefined ? {} : { item: itemOf(call, batch) ?? 0 }
    // What undoes an effect bears its name, and is another act; so is each call of a batch.
    const isSame = (act: Act): boolean =>
      act.run === run && act.effect === id && act.action === action && act.item === item.item
    const before = this.acts.find(isSame)
    if (before !== undefined && fate === 'irreversible' && !this.#wasScheduled(run, id)) {
      const first = `first by ${before.worker} under ${before.intent}`
      this.break(`${by.name} repeats what is irreversible, ${action} "${id}": ${first}`)
    }
    const { head } = this.#observer
    const act = { step, worker: by.name, run, effect: id, action, attempt, intent, fate, head }
    this.acts.push({ ...act, ...item })
  }

  over(call: EffectCall, report: BatchReport): void {
    const { intent } = call
    const item = itemOf(call, this.#intended(intent).batch) ?? 0
    const came = this.#came.get(intent) ?? new Map<number, Came>()
    this.#came.set(intent, came.set(item, { report, head: this.#observer.head }))
    const items = this.#atWork.get(intent)?.items
    items?.delete(item)
    if (items?.size === 0) this.#atWork.delete(intent)
  }

  #intended(intent: EventId): Intended {
    return (this.#observer.event(intent)?.data ?? {}) as Intended
  }

  /** What a unit says of its writer, before it reaches the log. @returns what to do once it has */
  arriving(by: Seen, unit: PreparedUnit): () => void {
    const wrong: string[] = []
    const intents: EventId[] = []
    for (const { stream, expectedVersion, events } of unit.writes) {
      if (!stream.startsWith('run/')) continue
      const { view, placement } =
        this.#observer.folds.get(stream.slice('run/'.length) as RunId) ?? {}
      let owner: string | undefined = view?.owner
      // Whoever started a run in a queue has left it to whoever is first.
      const isQueued = placement?.queue !== undefined && view?.state === 'CREATED'
      for (const [i, { type }] of events.entries()) {
        if (type === 'RunCreated') owner = by.name
        if (type === 'RunClaimed') {
          if (view?.suspended === false && !isQueued && !this.#mayBeClaimed(owner)) {
            wrong.push(`${by.name} takes ${stream} from ${owner}, which lives and was never silent`)
          }
          owner = by.name
        }
        if (OWNERS.has(type) && owner !== by.name) {
          wrong.push(`${by.name} writes ${type} to ${stream}, which ${owner} owns`)
        }
        if (type === 'CapabilityUsed' && typeof expectedVersion === 'number') {
          intents.push(`${stream}@${expectedVersion + i + 1}` as EventId)
        }
      }
    }
    return () => {
      for (const each of wrong) this.break(each)
      for (const intent of intents) this.#unheard.set(intent, by)
    }
  }

  /** A process is told that its unit is in the log, or will not hear of it. */
  heard(unit: PreparedUnit, appended: Appended | null): void {
    for (const [w, { stream, expectedVersion, events }] of unit.writes.entries()) {
      const last = appended?.writes[w]?.version
      const first = last === undefined ? expectedVersion : last - events.length
      if (typeof first !== 'number') continue
      for (const [i, event] of events.entries()) {
        const id = `${stream}@${first + i + 1}` as EventId
        this.#unheard.delete(id)
        if (appended !== null) this.acknowledged.set(id, event)
      }
    }
  }

  break(why: string): void {
    this.broken ??= why
  }

  #mayBeClaimed(owner: string | undefined): boolean {
    const seen = owner === undefined ? undefined : this.#seen(owner)
    return seen === undefined || seen.isDead || seen.wasGone
  }

  #wasScheduled(run: RunId, effect: string): boolean {
    return this.#observer.events.some(
      (event: RecordedEvent) =>
        event.type === 'EffectRetryScheduled' &&
        event.stream === `run/${run}` &&
        (event.data as { effect?: string }).effect === effect,
    )
  }
}

/** Which call of a batch it is; 0 of what is none; `null`: it is none of those that were meant. */
function itemOf(
  { run, effect, idempotencyKey }: EffectCall,
  batch: number | undefined,
): number | null {
  if (batch === undefined) return 0
  const item = Number(idempotencyKey.slice(`${run}/${effect}/`.length))
  return Number.isSafeInteger(item) && item >= 0 && item < batch ? item : null
}
