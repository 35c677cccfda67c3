/** Steps of a fork that authority does not decide: times, signals, events, children, words. */

import type { StandardPayloads } from '@ice/events/define'
import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import { type EventId, invariant, type Timestamp } from '@ice/primitives'
import { partAt } from './contents.ts'
import type { Fact, ForeignFact } from './facts.ts'
import type { ForkDesk } from './fork-drive.ts'
import type { AskOf, Step } from './steps.ts'
import { openValue, sealValue } from './value.ts'

/** After all that is recorded at the same time. */
const LATEST = Number.MAX_SAFE_INTEGER

export class ForkWaits {
  readonly #desk: ForkDesk

  constructor(desk: ForkDesk) {
    this.#desk = desk
  }

  async look(step: Step): Promise<void> {
    const { ask } = step
    switch (ask.kind) {
      case 'proposal': {
        const { agent, content, reason } = ask.proposal
        const data = { step: step.id, proposal: sealValue(content).ref, reason }
        return this.#give(step, { type: 'DecisionProposed', origin: `agent:${agent}`, data })
      }
      case 'patch':
        return this.#give(step, { type: 'PatchMarked', data: { step: step.id } })
      case 'cancel': {
        const data = { step: step.id, scopes: [...ask.scopes], reason: ask.reason.slice(0, 2048) }
        return this.#give(step, { type: 'ScopeCancelled', data })
      }
      case 'reveal':
        return this.#reveal(step, ask)
      case 'timer':
        return this.#timer(step, ask)
      case 'signal':
        return this.#signal(step, ask)
      case 'event':
        return this.#event(step, ask)
      case 'child':
        return this.#child(step, ask)
      default:
        this.#desk.unanswered(step, `a fork knows no answer to steps of the kind ${ask.kind}`)
    }
  }

  /** Recorded of itself: that it is there is all there is to know. */
  async #give(step: Step, fact: Fact | ForeignFact): Promise<void> {
    await this.#desk.deliver(step, this.#add(step, fact), { kind: 'done' })
  }

  /** Adds an event at the time at which its like is recorded. */
  #add(step: Step, fact: Fact | ForeignFact): RecordedEvent {
    const { record } = this.#desk
    const like = record.of(step.id, fact.type)
    return this.#desk.add(like === undefined ? fact : { ...fact, at: like.time })
  }

  async #reveal(step: Step, { id, at }: AskOf<'reveal'>): Promise<void> {
    const { fold, fork } = this.#desk
    const held = fold.labels.held.get(id)
    invariant(held !== undefined, 'a reference of this run stands for a value that is held')
    const value = partAt(await openValue(held.value, fork.log.store.blobs), at) ?? null
    const part = at === '' ? {} : { at }
    const data = { step: step.id, reference: id, value: held.digest, ...part }
    const event = this.#add(step, { type: 'ValueRevealed', data })
    await this.#desk.deliver(step, event, { kind: 'revealed', value })
  }

  #isWaiting({ id }: Step): boolean {
    return this.#desk.fold.waits.has(id)
  }

  #timer(step: Step, { due }: AskOf<'timer'>): void {
    const { record, fold } = this.#desk
    if (!this.#isWaiting(step)) this.#add(step, { type: 'TimerSet', data: { step: step.id, due } })
    const set = record.of(step.id, 'TimerSet')
    const isSame = (set?.data as StandardPayloads['TimerSet'] | undefined)?.due === due
    const fired = isSame ? record.of(step.id, 'TimerFired') : undefined
    const { event } = fold.waits.get(step.id) ?? { event: '' as EventId }
    this.#desk.due({
      step: step.id,
      time: fired?.time ?? due,
      version: fired?.version ?? LATEST,
      come: async () => {
        const data = { step: step.id, timer: event }
        const at = Math.max(due, fired?.time ?? due) as Timestamp
        const given = this.#desk.add({ type: 'TimerFired', data, causes: [event], at })
        await this.#desk.deliver(step, given, { kind: 'done' })
      },
    })
  }

  async #signal(step: Step, { signal, expiresAt }: AskOf<'signal'>): Promise<void> {
    const { record, fork, inbox } = this.#desk
    const consumed = record.of(step.id, 'SignalConsumed')
    const isSame = (consumed?.data as { readonly name?: string } | undefined)?.name === signal
    const replaced = own(fork.replace?.signals, step.id)
    if (!this.#isWaiting(step) && (consumed === undefined || record.of(step.id, 'SignalAwaited'))) {
      this.#add(step, { type: 'SignalAwaited', data: { step: step.id, signal, expiresAt } })
    }
    const place = isSame ? consumed : undefined
    if (replaced !== undefined) {
      const sealed = sealValue(replaced.value)
      const { signal: id } = (place?.data ?? {}) as { readonly signal?: EventId }
      const event = id ?? (`${inbox.stream}@${Number.MAX_SAFE_INTEGER}` as EventId)
      const data = { step: step.id, signal: event, name: signal, digest: sealed.digest }
      return this.#dueAt(step, place, async () => {
        const given = this.#desk.add({ type: 'SignalConsumed', data, ...timeOf(place) })
        const { value } = replaced
        await this.#desk.deliver(step, given, { kind: 'received', value, by: null, event })
      })
    }
    if (place !== undefined) return this.#recorded(step, place)
    const next = await inbox.take(signal)
    if (next === null || (expiresAt !== null && next.time >= expiresAt)) {
      return this.#lapse(step, expiresAt, `nobody has sent it the signal "${signal}"`)
    }
    const value = await openValue(next.data.payload as ValueRef, fork.log.store.blobs)
    const { digest, label } = next.data
    const labelled = label === undefined ? {} : { label }
    const data = { step: step.id, signal: next.id, name: signal, digest, ...labelled }
    this.#dueAt(step, next.time > this.#desk.now() ? next : undefined, async () => {
      const given = this.#desk.add({ type: 'SignalConsumed', data, causes: [next.id] })
      const by = next.principal ?? null
      await this.#desk.deliver(step, given, { kind: 'received', value, by, event: next.id })
    })
  }

  #event(step: Step, ask: AskOf<'event'>): void {
    const { record } = this.#desk
    const awaited = record.of(step.id, 'EventAwaited')
    const was = awaited?.data as StandardPayloads['EventAwaited'] | undefined
    const isSame =
      was?.types.join('\n') === ask.types.join('\n') && was.streamPrefix === ask.streamPrefix
    if (!this.#isWaiting(step)) {
      const { types, streamPrefix, expiresAt } = ask
      const prefix = streamPrefix === undefined ? {} : { streamPrefix }
      const after = was?.after ?? 0
      const data = { step: step.id, types: [...types], ...prefix, after, expiresAt }
      this.#add(step, { type: 'EventAwaited', data })
    }
    const matched = isSame ? record.of(step.id, 'EventMatched') : undefined
    if (matched !== undefined) this.#recorded(step, matched)
    else this.#lapse(step, ask.expiresAt, 'the record has no such event for it')
  }

  #child(step: Step, { child }: AskOf<'child'>): void {
    const { record } = this.#desk
    const end = record.of(step.id, 'ChildConcluded')
    const isSame = (end?.data as { readonly child?: string } | undefined)?.child === child
    if (!this.#isWaiting(step) && record.of(step.id, 'ChildAwaited') !== undefined) {
      this.#add(step, { type: 'ChildAwaited', data: { step: step.id, child } })
    }
    if (isSame && end !== undefined) this.#recorded(step, end)
    else this.#desk.unanswered(step, `the end of run ${child} is not recorded`)
  }

  #recorded(step: Step, event: RecordedEvent): void {
    this.#dueAt(step, event, () => this.#desk.deliverRecorded(step.id, event))
  }

  #lapse(step: Step, expiresAt: Timestamp | null, why: string): void {
    if (expiresAt === null) {
      this.#desk.unanswered(step, why)
      return
    }
    const awaited = this.#desk.fold.waits.get(step.id)?.event ?? ('' as EventId)
    const lapsed = this.#desk.record.of(step.id, 'WaitLapsed')
    const place = lapsed !== undefined && lapsed.time >= expiresAt ? lapsed : undefined
    const come = async (): Promise<void> => {
      const at = Math.max(expiresAt, place?.time ?? 0) as Timestamp
      const data = { step: step.id, awaited }
      const event = this.#desk.add({ type: 'WaitLapsed', data, causes: [awaited], at })
      await this.#desk.deliver(step, event, { kind: 'lapsed' })
    }
    const { time = expiresAt, version = LATEST } = place ?? {}
    this.#desk.due({ step: step.id, time, version, come })
  }

  #dueAt(step: Step, place: RecordedEvent | undefined, come: () => Promise<void>): void {
    const { time = this.#desk.now(), version = LATEST } = place ?? {}
    this.#desk.due({ step: step.id, time, version, come })
  }
}

function timeOf(place: RecordedEvent | undefined): { at?: Timestamp } {
  return place === undefined ? {} : { at: place.time }
}

/** A member of its own: steps may be called `constructor`. */
export function own<T>(
  record: Readonly<Record<string, T>> | undefined,
  key: string,
): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined
}
