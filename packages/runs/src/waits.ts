/**
 * Steps that wait for no person: how they are folded, taken up, and brought to their end.
 *
 *     TimerSet ───── due ───────► TimerFired
 *     SignalAwaited ─ a signal ─► SignalConsumed      ─ due ─► WaitLapsed
 *     EventAwaited ── an event ─► EventMatched        ─ due ─► WaitLapsed
 *
 *     EffectRetryScheduled, EffectDeferred ─ due ─► the next intent (`attempts.ts`)
 *
 * What they wait for may be there before they ask: then only the second event is recorded. No
 * clock decides anything that is not recorded: a time has come once its event says so.
 */

import type { StandardPayloads } from '@ice/events/define'
import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import type { EventId, RunId, Timestamp } from '@ice/primitives'
import { waitForAttempt } from './attempts.ts'
import type { Desk } from './desk.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import type { EventQuery, Wait } from './ports.ts'
import type { StepRecord } from './records.ts'
import { liesIn } from './scopes.ts'
import type { AskOf, Step } from './steps.ts'
import { openValue } from './value.ts'

/** What the events of waits change: a step waits, or does so no longer. */
export function evolveWaits(waits: Map<string, Wait>, event: RecordedEvent): void {
  const { id, type } = event
  const data = event.data as Readonly<Record<string, unknown>>
  switch (type) {
    case 'TimerSet': {
      const { step, due } = data as StandardPayloads['TimerSet']
      waits.set(step, { step, kind: 'timer', event: id, due: due as Timestamp })
      return
    }
    case 'SignalAwaited': {
      const { step, signal, expiresAt } = data as StandardPayloads['SignalAwaited']
      const due = expiresAt as Timestamp | null
      waits.set(step, { step, kind: 'signal', event: id, due, signal })
      return
    }
    case 'EventAwaited': {
      const { step, expiresAt, types, streamPrefix, after } =
        data as StandardPayloads['EventAwaited']
      const prefix = streamPrefix === undefined ? {} : { streamPrefix }
      const due = expiresAt as Timestamp | null
      waits.set(step, { step, kind: 'event', event: id, due, query: { types, ...prefix, after } })
      return
    }
    case 'ChildAwaited': {
      const { step, child } = data as StandardPayloads['ChildAwaited']
      waits.set(step, { step, kind: 'child', event: id, due: null, child: child as RunId })
      return
    }
    case 'ScopeCancelled': {
      const { scopes } = data as StandardPayloads['ScopeCancelled']
      for (const step of waits.keys()) {
        if (liesIn(step, scopes)) waits.delete(step)
      }
      return
    }
    case 'EffectRetryScheduled':
    case 'EffectDeferred': {
      const wait = waitForAttempt(event)
      waits.set(wait.step, wait)
      return
    }
    case 'ApprovalRequested':
      // The next attempt waits for a person now, and no longer for its time.
      if (waits.get(data['step'] as string)?.kind === 'retry') waits.delete(data['step'] as string)
      return
    default:
      if (ENDS.has(type)) waits.delete(data['step'] as string)
      else if (GOES_ON.has(type)) waits.delete(data['effect'] as string)
  }
}

const ENDS: ReadonlySet<string> = new Set([
  'TimerFired',
  'SignalConsumed',
  'EventMatched',
  'WaitLapsed',
  'ChildConcluded',
])

/** What takes an effect up that waited for its next attempt, or gives it up. */
const GOES_ON: ReadonlySet<string> = new Set(['CapabilityUsed', 'CapabilityDenied', 'EffectFailed'])

/** When the first step goes on by itself; `null` when none does. */
export function nextWaitDue({ journal, woken }: Desk): number | null {
  let next: number | null = null
  for (const wait of journal.fold.waits.values()) {
    const { due } = wait
    if (due !== null && (next === null || due < next) && !woken.has(wait)) next = due
  }
  return next
}

/** Whether an effect that is still wanted waits for its next attempt. */
export function waitsForAttempts({ journal, execution }: Desk): boolean {
  for (const { kind, step } of journal.fold.waits.values()) {
    if (kind === 'retry' && execution.step(step) !== undefined) return true
  }
  return false
}

/** Brings the waits whose time has come to their end, the earliest first. */
export async function passDue(desk: Desk): Promise<void> {
  const { journal, execution, woken } = desk
  const now = journal.now()
  const due = [...journal.fold.waits.values()].filter(
    (wait) => wait.due !== null && wait.due <= now && !woken.has(wait),
  )
  due.sort((a, b) => (a.due as number) - (b.due as number))
  for (const wait of due) {
    const { step: id, kind, event } = wait
    const step = execution.step(id)
    if (kind === 'retry') {
      // What becomes of the next attempt is decided, and that says that the wait is over; of one
      // that nobody wants any more nothing does.
      woken.add(wait)
      desk.again(step === undefined ? [] : [step])
      continue
    }
    if (step === undefined || journal.full) continue
    if (kind === 'compensation') {
      desk.again([step])
      continue
    }
    const fact: Fact =
      kind === 'timer'
        ? { type: 'TimerFired', data: { step: id, timer: event }, causes: [event] }
        : { type: 'WaitLapsed', data: { step: id, awaited: event }, causes: [event] }
    await desk.deliver(step, fact, kind === 'timer' ? { kind: 'done' } : { kind: 'lapsed' })
  }
}

/** A step that waits for a time. */
export async function lookAtTimer(desk: Desk, step: Step, { due }: AskOf<'timer'>): Promise<void> {
  if (desk.journal.fold.waits.has(step.id)) return
  desk.journal.add({ type: 'TimerSet', data: { step: step.id, due } })
}

/** A step that waits for a signal: it gets the earliest that none has taken. */
export async function lookAtSignal(desk: Desk, step: Step, ask: AskOf<'signal'>): Promise<void> {
  const { journal, inbox, components } = desk
  const found = await inbox.take(ask.signal)
  if (found === null) {
    if (journal.fold.waits.has(step.id)) return
    const { signal, expiresAt } = ask
    journal.add({ type: 'SignalAwaited', data: { step: step.id, signal, expiresAt } })
    return
  }
  const { id, data, principal } = found
  const label = data.label === undefined ? {} : { label: data.label }
  const fact: Fact = {
    type: 'SignalConsumed',
    data: { step: step.id, signal: id, name: ask.signal, digest: data.digest, ...label },
    causes: [id],
  }
  const value = await openValue(data.payload as ValueRef, components.log.store.blobs)
  await desk.deliver(step, fact, { kind: 'received', value, by: principal ?? null, event: id })
}

/** A step that waits for an event of the log. */
export async function lookAtEvent(desk: Desk, step: Step, ask: AskOf<'event'>): Promise<void> {
  const { journal, components } = desk
  const wait = journal.fold.waits.get(step.id)
  if (wait?.query === undefined) {
    const { position: after } = await components.log.store.head()
    const { types, streamPrefix, expiresAt } = ask
    const prefix = streamPrefix === undefined ? {} : { streamPrefix }
    const data = { step: step.id, types: [...types], ...prefix, after, expiresAt }
    journal.add({ type: 'EventAwaited', data })
    return
  }
  const found = await firstMatch(desk, wait.query)
  if (found === null) return
  const { id: event, position, type, stream } = found
  const fact: Fact = {
    type: 'EventMatched',
    data: { step: step.id, event, position },
    causes: [event],
  }
  await desk.deliver(step, fact, { kind: 'matched', event: { event, type, stream } })
}

async function firstMatch(
  { components }: Desk,
  { types, streamPrefix, after }: EventQuery & { readonly after: number },
): Promise<RecordedEvent | null> {
  const filter = { types, ...(streamPrefix === undefined ? {} : { streamPrefix }) }
  for await (const [event] of components.log.readAll({ after, filter, limit: 1 })) {
    if (event !== undefined) return event
  }
  return null
}

const stepOf = (data: Readonly<Record<string, unknown>>): string => data['step'] as string

/** What the log says of steps that wait. */
export const WAIT_RECORDS: Readonly<Record<string, StepRecord>> = {
  TimerSet: {
    kind: 'timer',
    step: stepOf,
    settles: false,
    differs: (ask, { data }) => {
      const { due } = data as StandardPayloads['TimerSet']
      return (ask as AskOf<'timer'>).due === due ? null : `it was to wait until ${due}`
    },
  },
  TimerFired: { kind: 'timer', step: stepOf, settles: true, gives: async () => ({ kind: 'done' }) },
  SignalAwaited: {
    kind: 'signal',
    step: stepOf,
    settles: false,
    differs: (ask, { data }) => {
      const { signal, expiresAt } = data as StandardPayloads['SignalAwaited']
      const asked = ask as AskOf<'signal'>
      const isSame = asked.signal === signal && asked.expiresAt === expiresAt
      return isSame ? null : `it waited for the signal "${signal}", until ${expiresAt}`
    },
  },
  SignalConsumed: {
    kind: 'signal',
    step: stepOf,
    settles: true,
    gives: async ({ data }, { inbox, log }) => {
      const { signal } = data as StandardPayloads['SignalConsumed']
      const { data: sent, principal } = await inbox.at(signal as EventId)
      const value = await openValue(sent.payload as ValueRef, log.store.blobs)
      return { kind: 'received', value, by: principal ?? null, event: signal as EventId }
    },
  },
  EventAwaited: {
    kind: 'event',
    step: stepOf,
    settles: false,
    differs: (ask, { data }) => {
      const { types, streamPrefix, expiresAt } = data as StandardPayloads['EventAwaited']
      const asked = ask as AskOf<'event'>
      const isSame =
        asked.expiresAt === expiresAt &&
        asked.streamPrefix === streamPrefix &&
        asked.types.join() === types.join()
      return isSame ? null : `it waited for ${types.join(' or ')}`
    },
  },
  EventMatched: {
    kind: 'event',
    step: stepOf,
    settles: true,
    gives: async ({ data }, { log }) => {
      const { event: id, position } = data as StandardPayloads['EventMatched']
      const event = id as EventId
      const stream = id.slice(0, id.lastIndexOf('@'))
      for await (const [found] of log.readAll({ after: position - 1, limit: 1 })) {
        if (found !== undefined)
          return { kind: 'matched', event: { event, type: found.type, stream } }
      }
      throw new RunsError(RUNS_CODES.notFound, `The log has no event ${id} any longer`, {
        event: id,
      })
    },
  },
  WaitLapsed: {
    kind: ['signal', 'event'],
    step: stepOf,
    settles: true,
    gives: async () => ({ kind: 'lapsed' }),
  },
  ScopeCancelled: {
    kind: 'cancel',
    step: stepOf,
    settles: true,
    differs: (ask, { data }) => {
      const { scopes } = data as StandardPayloads['ScopeCancelled']
      return (ask as AskOf<'cancel'>).scopes.join('\n') === scopes.join('\n')
        ? null
        : `it cancelled ${scopes.join(', ')}`
    },
    gives: async () => ({ kind: 'done' }),
  },
}
