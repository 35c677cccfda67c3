/** What is recorded of a handler's end: of a report, of something thrown, of a right that ended. */

import type { BudgetShare, Label } from '@ice/capabilities/ports'
import type { BlobDraft, RecordedEvent, ValueRef } from '@ice/events/ports'
import {
  canonicalize,
  type ErrorRecord,
  type EventId,
  errorRecord,
  hasCode,
  type JsonObject,
  type JsonValue,
} from '@ice/primitives'
import { endLabel, resultLabel } from './call-labels.ts'
import type { EffectIntent } from './effects.ts'
import { afterTheEnd } from './ended-right.ts'
import { RUNS_CODES, type RunsError } from './errors.ts'
import type { Intent } from './intents.ts'
import { OBSERVED_BYTES_MAX } from './limits.ts'
import type { EffectReport } from './ports.ts'
import { isCounted, keyOf, shareOf } from './purse.ts'
import { asRecorded, sealValue } from './value.ts'

/** What a handler came back with. */
export type Completion = {
  readonly intent: EffectIntent
  readonly event: RecordedEvent
  /** The events that ended the right to the effect, when it was aborted for that. */
  readonly endedBy?: readonly EventId[]
  /** The reason, when it was aborted because its time was over. */
  readonly timedOut?: RunsError
  /** It was told to stop for another reason. */
  readonly stopped?: boolean
} & ({ readonly report: EffectReport } | { readonly error: unknown })

/** What is recorded of a handler's end, and the value a success gives the program. */
export interface Settled {
  readonly type: string
  readonly data: unknown
  readonly blobs: readonly BlobDraft[]
  readonly value: JsonValue
  /** It took place, although it is recorded as a failure. */
  readonly acted?: true
}

/**
 * The event that a handler's end comes to: always one, whatever it reported or threw. It settles
 * the effect, but for `EffectInDoubt`, which leaves it open for somebody who knows.
 */
export function settle(completion: Completion): Settled {
  const { intent, event } = completion
  const { effect, attempt, labels } = intent.data
  const { handler, args, items } = intent
  const source = { handler, args, labels, ...(items === undefined ? {} : { items }) }
  const common = { effect, attempt, intent: event.id }
  if (!('error' in completion)) {
    try {
      const sealed = sealValue(completion.report.value)
      const kept = sealedKept(completion.report)
      const observed = boundedObservation({ ...completion.report.observed, ...kept.observed })
      const spent = spentMember(intent, completion.report)
      const label = resultLabel(source, completion.report)
      const data = { ...common, result: sealed.ref, observed, label, ...spent, ...kept.member }
      const value = asRecorded(completion.report.value)
      const blobs = [...(sealed.blob === null ? [] : [sealed.blob]), ...kept.blobs]
      return { type: intent.handler.outcome, data, blobs, value }
    } catch (error) {
      // The act took place; only its result cannot be kept. That is a failure, and says so.
      const spent = spentMember(intent, completion.report)
      return { ...failed({ ...common, ...spent }, error, endLabel(source)), acted: true }
    }
  }
  const { error } = completion
  const record = errorRecord(error)
  const { endedBy = [], timedOut } = completion
  const isCutShort = endedBy.length > 0 || timedOut !== undefined
  const ended = isCutShort ? afterTheEnd(intent.data, record) : null
  const hasDoubt = record.code.endsWith('_IN_DOUBT') && intent.data.fate === 'irreversible'
  if (hasDoubt || ended === 'EffectInDoubt') {
    const said = timedOut === undefined ? record : lateRecord(timedOut, record)
    return { type: 'EffectInDoubt', data: { ...common, error: said }, blobs: [], value: null }
  }
  if (timedOut !== undefined && !record.code.endsWith('_DENIED')) {
    // With a proof that it had not acted it has taken nothing, unless it says that it has.
    const none = ended === 'EffectRevoked' ? nothingSpent(intent) : {}
    const spent = { ...none, ...spentMember(intent, error) }
    return failed({ ...common, ...spent }, lateRecord(timedOut, record), endLabel(source))
  }
  if (ended === 'EffectRevoked') {
    const data = { ...common, by: endedBy, proof: record }
    return { type: ended, data, blobs: [], value: null }
  }
  const label = endLabel(source)
  if (!record.code.endsWith('_DENIED')) {
    return failed({ ...common, ...spentMember(intent, error) }, error, label)
  }
  const { code, message, data = {} } = record
  const denial = { code, message, data, causes: [] }
  const { action, resource, argumentsDigest, grant } = intent.data
  const refused = { ...common, stage: 'handler', action, resource, argumentsDigest, grant, denial }
  return {
    type: 'CapabilityDenied',
    data: { ...refused, basis: intent.data.basis, label },
    blobs: [],
    value: null,
  }
}

/** That it was too late, and what its handler said then, where that is something of its own. */
function lateRecord(timedOut: RunsError, record: ErrorRecord): ErrorRecord {
  const late = errorRecord(timedOut)
  if (record.code === late.code) return late
  const message = `${late.message}; its handler said: ${record.message}`.slice(0, 2048)
  return { ...late, message, data: { ...late.data, said: record.code } }
}

function nothingSpent({ spends }: Intent): { readonly spent?: BudgetShare[] } {
  const spent = spends.filter((share) => !isCounted(share)).map((share) => shareOf(share, 0))
  return spent.length === 0 ? {} : { spent }
}

function failed(common: object, error: unknown, label: Label): Settled {
  const data = { ...common, error: errorRecord(error), label }
  return { type: 'EffectFailed', data, blobs: [], value: null }
}

/** What is recorded for a compensation. */
interface SealedKept {
  readonly member: { readonly kept?: ValueRef }
  readonly blobs: readonly BlobDraft[]
  readonly observed: JsonObject
}

/** The effect took place, whatever it kept: what cannot be recorded is left out, and told. */
function sealedKept({ kept }: EffectReport): SealedKept {
  if (kept === undefined) return { member: {}, blobs: [], observed: {} }
  try {
    const { ref, blob } = sealValue(kept)
    return { member: { kept: ref }, blobs: blob === null ? [] : [blob], observed: {} }
  } catch (error) {
    return notKept(hasCode(error, RUNS_CODES.valueLimit) ? 'size' : 'unsupported')
  }
}

function notKept(reason: string): SealedKept {
  return { member: {}, blobs: [], observed: { notKept: reason } }
}

/**
 * What was really spent of each share an intent took, as far as the handler says so: in a report,
 * or in what it threw. A count of calls is no matter of the handler's; what is no amount is not
 * believed, and the bound is spent.
 */
function spentMember(
  { spends, reserved }: EffectIntent,
  said: unknown,
): { readonly spent?: BudgetShare[] } {
  const amounts = memberOf(said, 'spent')
  const spent = spends.flatMap((share) => {
    const amount = isCounted(share) ? undefined : memberOf(amounts, share.unit)
    const isAmount = Number.isSafeInteger(amount) && (amount as number) >= 0
    const held = reserved.get(keyOf(share)) ?? 0
    return isAmount ? shareOf(share, (amount as number) + held) : []
  })
  return spent.length === 0 ? {} : { spent }
}

/** An own member of whatever a handler came back with. */
function memberOf(value: unknown, name: string): unknown {
  try {
    if (typeof value !== 'object' || value === null) return undefined
    return Object.getOwnPropertyDescriptor(value, name)?.value
  } catch {
    // A proxy says nothing: what was spent is then the bound.
    return undefined
  }
}

function boundedObservation(observed: JsonObject): JsonObject {
  const { length } = canonicalize(observed)
  return length <= OBSERVED_BYTES_MAX ? observed : { dropped: 'too large', characters: length }
}
