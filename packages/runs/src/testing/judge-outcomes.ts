/**
 * What is recorded of effects, and what the witness saw of their calls.
 *
 * 1. What is recorded as a success came back as one; so each call of a batch that the outcome has
 *    as done, and none that it has as failed.
 * 2. A batch of which a call succeeded has not failed, and is not tried again: its calls would be
 *    repeated, and nobody told.
 */
import type { BlobStore, RecordedEvent, ValueRef } from '@ice/events/ports'
import type { EventId } from '@ice/primitives'
import { openValue } from '../value.ts'
import type { ScriptedEffect } from './simulation-ports.ts'
import type { Witness } from './witness.ts'

/** What is judged. */
export interface OutcomesInit {
  readonly events: readonly RecordedEvent[]
  readonly witness: Witness
  readonly effects: readonly ScriptedEffect[]
  readonly blobs: BlobStore
}

interface Told {
  readonly error?: { readonly code: string }
  readonly happened?: boolean
  readonly action?: string
  readonly batch?: number
  readonly effect?: string
  readonly intent?: EventId
  readonly result?: ValueRef
}

/** The run had ended before it was known what its handler comes back with. */
const ENDED = 'ICE_RUNS_ABORTED'

/** What an attempt that has failed is recorded as. */
const FAILURES: ReadonlySet<string> = new Set(['EffectFailed', 'EffectRetryScheduled'])

/** @returns what is wrong with the outcomes of a run */
export async function outcomes(init: OutcomesInit): Promise<string | null> {
  const scripted = new Set(init.effects.map(({ action }) => action))
  const intents = new Map<EventId, Told>()
  /** Of which a person has said that they took place. */
  const resolved = new Set<EventId>()
  for (const event of init.events) {
    const told = event.data as Told
    if (event.type === 'CapabilityUsed') intents.set(event.id, told)
    if (event.type === 'EffectDoubtResolved' && told.happened === true && told.intent) {
      resolved.add(told.intent)
    }
    const intent = told.intent === undefined ? undefined : intents.get(told.intent)
    if (intent?.action === undefined || !scripted.has(intent.action)) continue
    // The witness itself has told it.
    if (told.intent !== undefined && resolved.has(told.intent)) continue
    const broken = await outcome(init, event, intent)
    if (broken !== null) return broken
  }
  return null
}

async function outcome(
  { witness, blobs }: OutcomesInit,
  { id, type, data, position }: RecordedEvent,
  { batch, effect }: Told,
): Promise<string | null> {
  const { intent, result, error } = data as Told & Required<Pick<Told, 'intent' | 'result'>>
  const succeeded = (item: number): boolean => {
    const came = witness.came(intent, item)
    return came !== undefined && came.head < position && 'value' in came.report
  }
  if (type === 'EffectSucceeded' && batch === undefined) {
    return succeeded(0) ? null : `${id} says that "${effect}" succeeded, which it did not`
  }
  if (type === 'EffectSucceeded') {
    const items = (await openValue(result, blobs)) as readonly object[]
    if (items.length !== batch) return `${id} has ${items.length} outcomes of ${batch} calls`
    const wrong = items.findIndex((item, n) => 'ok' in item !== succeeded(n))
    if (wrong < 0) return null
    const said = 'ok' in (items[wrong] as object) ? 'was not done' : 'was done'
    return `${id} says otherwise, but call ${wrong} of "${effect}" ${said}`
  }
  if (batch === undefined || !FAILURES.has(type) || error?.code === ENDED) return null
  const done = Array.from({ length: batch }, (_, n) => n).find(succeeded)
  return done === undefined
    ? null
    : `${id} is a ${type} of "${effect}", of which call ${done} was done`
}
