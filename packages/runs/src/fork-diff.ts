/** What a fork records otherwise: events beyond the point of the fork, by what they are about. */

import type { RecordedEvent } from '@ice/events/ports'
import { canonicalize, type JsonObject } from '@ice/primitives'
import { recordedStep } from './asked-step.ts'
import type { ChangedEvent, DiffEvent, ForkDiff } from './fork-ports.ts'
import { stepOf } from './fork-record.ts'
import { isOutcome } from './outcome.ts'
import { ANSWERS } from './records.ts'

/**
 * Who owned the run, when it slept, and how an effect came to its end: a fork has none of it. What
 * came from outside is the same in both.
 */
const UNCOMPARED: ReadonlySet<string> = new Set([
  'RunClaimed',
  'RunSuspended',
  'RunResumed',
  'ProgramChanged',
  'ResourcesReleased',
  'EffectInDoubt',
  'EffectDoubtResolved',
  'EffectRetryScheduled',
  'EffectDeferred',
  'AnswerRefused',
  'SignalAwaited',
  'ChildAwaited',
])

/** Where something stands, and what it follows from: another number is no other fact. */
const PLACES: ReadonlySet<string> = new Set([
  ...['intent', 'timer', 'awaited', 'request', 'answer', 'approval', 'standing', 'signal'],
  ...['basis', 'chain', 'labels', 'label', 'purse', 'spends', 'allotted', 'spent', 'observed'],
  ...['after', 'position', 'attempt', 'arguments', 'expiresAt', 'bounds', 'details', 'ceiling'],
  ...['proposer', 'continuedAs'],
])

/** Compares what was recorded with what a fork would record. */
export function diffOf(was: readonly RecordedEvent[], would: readonly RecordedEvent[]): ForkDiff {
  const [before, after] = [keyed(was), keyed(would)]
  const changed: ChangedEvent[] = []
  const added: DiffEvent[] = []
  let same = 0
  for (const [key, event] of after) {
    const old = before.get(key)
    if (old === undefined) added.push(toldOf(event))
    else if (textOf(old) === textOf(event)) same += 1
    else changed.push({ ...placeOf(event), was: saysOf(old), would: saysOf(event) })
  }
  const missing = [...before].filter(([key]) => !after.has(key)).map(([, event]) => toldOf(event))
  return { same, added, missing, changed }
}

function keyed(events: readonly RecordedEvent[]): Map<string, RecordedEvent> {
  const found = new Map<string, RecordedEvent>()
  const counts = new Map<string, number>()
  for (const event of events) {
    if (UNCOMPARED.has(event.type)) continue
    const { attempt } = event.data as { readonly attempt?: number }
    if (event.type === 'CapabilityUsed' && (attempt ?? 1) > 1) continue
    const type = isOutcome(event) ? 'outcome' : event.type
    const key = `${type} ${stepOf(event) ?? ''}`
    const nth = counts.get(key) ?? 0
    counts.set(key, nth + 1)
    found.set(`${key} ${nth}`, event)
  }
  return found
}

/** By whom something is counts where it is said by a person. */
function textOf({ type, data, principal, origin }: RecordedEvent): string {
  const by = ANSWERS.has(type) ? (principal ?? null) : null
  const members = Object.entries(data as JsonObject).filter(([name]) => !PLACES.has(name))
  return canonicalize([type, origin, by, Object.fromEntries(members)])
}

function placeOf(event: RecordedEvent): Pick<DiffEvent, 'type' | 'step'> {
  return { type: event.type, step: stepOf(event) }
}

function saysOf(event: RecordedEvent): JsonObject {
  return recordedStep(event, '').says
}

function toldOf(event: RecordedEvent): DiffEvent {
  return { ...placeOf(event), says: saysOf(event) }
}
