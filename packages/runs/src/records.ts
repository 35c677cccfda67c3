/**
 * What the log says of the steps of a program: which kind of step an event is about, whether it
 * settles it, whether it is what the program asks for now, and what the step is given.
 *
 * An event that is about no step is not in here.
 */

import type { Denial } from '@ice/capabilities/ports'
import type { EventLog, RecordedEvent, ValueRef } from '@ice/events/ports'
import type { ErrorRecord, JsonObject, JsonValue } from '@ice/primitives'
import { CHILD_RECORDS } from './children.ts'
import { partAt } from './contents.ts'
import { RUNS_CODES } from './errors.ts'
import type { Inbox } from './inbox.ts'
import type { RunLabels } from './labels.ts'
import type { Payload } from './lifecycle.ts'
import { isOutcome } from './outcome.ts'
import { isSameCompensation } from './reserved.ts'
import { stageDiffers } from './staging.ts'
import type { Ask, AskOf, Settlement, Step } from './steps.ts'
import { asRecorded, digestOfRef, openValue, sealValue } from './value.ts'
import { PATCH_RECORDS } from './versions.ts'
import { WAIT_RECORDS } from './waits.ts'

/** What is known of a run beside the event at hand. */
export interface History {
  readonly log: EventLog
  readonly inbox: Inbox
  /** What the run holds, by name. */
  readonly labels: RunLabels
  /** The recorded answers that were not taken up yet, by their ids. */
  readonly answers: Map<string, RecordedEvent>
  /** The effects that were staged so far. */
  readonly staged: Set<string>
}

/** What events of one type say of a step. */
export interface StepRecord {
  readonly kind: Ask['kind'] | readonly Ask['kind'][]
  /** The full id of the step. */
  readonly step: (data: Readonly<Record<string, unknown>>) => string
  /** Whether the step is at its end with it; else it only goes on. */
  readonly settles: boolean
  /** How it differs from what the program asks for now; `null` when it is that. */
  readonly differs?: (ask: Ask, event: RecordedEvent) => string | null
  /** What a step that it settles is given. */
  readonly gives?: (event: RecordedEvent, history: History, step: Step) => Promise<Settlement>
}

const stepOf = (data: Readonly<Record<string, unknown>>): string => data['step'] as string
const effectOf = (data: Readonly<Record<string, unknown>>): string => data['effect'] as string

/** The end of an effect, of whatever type. */
const EFFECT_END: StepRecord = {
  kind: 'effect',
  step: effectOf,
  settles: true,
  gives: async (event, { log }, { ask }) => {
    // What is only held is not looked at: whoever has been shown it was shown it by another event.
    const isGiven = isOutcome(event) && !(ask as AskOf<'effect'>).hold
    const value = isGiven ? await openValue(event.data.result as ValueRef, log.store.blobs) : null
    return effectEnd(event, value)
  },
}

const RECORDS: ReadonlyMap<string, StepRecord> = new Map<string, StepRecord>(
  Object.entries({
    ...WAIT_RECORDS,
    ...CHILD_RECORDS,
    ...PATCH_RECORDS,
    CapabilityUsed: { kind: 'effect', step: effectOf, settles: false, differs: intentDiffers },
    EffectRetryScheduled: { kind: 'effect', step: effectOf, settles: false },
    EffectDeferred: { kind: 'effect', step: effectOf, settles: false },
    CapabilityDenied: EFFECT_END,
    EffectRevoked: EFFECT_END,
    EffectFailed: EFFECT_END,
    EffectStaged: {
      kind: 'stage',
      step: effectOf,
      settles: true,
      differs: (ask, { data }) =>
        stageDiffers(ask as AskOf<'stage'>, data as Payload<'EffectStaged'>),
      gives: async () => ({ kind: 'done' }),
    },
    DecisionProposed: {
      kind: 'proposal',
      step: stepOf,
      settles: true,
      differs: proposalDiffers,
      gives: async () => ({ kind: 'done' }),
    },
    ApprovalConsumed: {
      kind: 'question',
      step: stepOf,
      settles: true,
      gives: async ({ data }, { answers }) => {
        const { answer, approved } = data as Payload<'ApprovalConsumed'>
        const given = answers.get(answer)
        answers.delete(answer)
        return answered(approved, given)
      },
    },
    ValueRevealed: {
      kind: 'reveal',
      step: stepOf,
      settles: true,
      differs: revealDiffers,
      gives: async (_event, { labels, log }, { ask }) => {
        const { id, at } = ask as AskOf<'reveal'>
        const held = labels.held.get(id)
        if (held === undefined) return { kind: 'revealed', value: null }
        const whole = await openValue(held.value, log.store.blobs)
        return { kind: 'revealed', value: partAt(whole, at) ?? null }
      },
    },
  } satisfies Record<string, StepRecord>),
)

/** The types of events that are about steps, beside outcomes. */
export const RECORDED_TYPES: readonly string[] = [...RECORDS.keys()]

/** What an event says of a step, if it is about one. */
export function recordOf(event: RecordedEvent): StepRecord | undefined {
  return RECORDS.get(event.type) ?? (isOutcome(event) ? EFFECT_END : undefined)
}

/** Events that answer a question, or say that nobody did. */
export const ANSWERS: ReadonlySet<string> = new Set([
  'ApprovalGranted',
  'ApprovalRejected',
  'ApprovalLapsed',
])

/** What a question gives, by the event that answers it or says that nobody did. */
export function answered(approved: boolean, by: RecordedEvent | undefined): Settlement {
  const { comment } = (by?.data ?? {}) as { readonly comment?: string }
  const lapsed = by?.type === 'ApprovalLapsed' ? ({ lapsed: true } as const) : {}
  const said = { by: by?.principal ?? null, comment: comment ?? null }
  return { kind: 'answer', answer: { approved, ...said, ...lapsed } }
}

/** What the end of an effect gives; `value` is that of an outcome. */
export function effectEnd(event: RecordedEvent, value: JsonValue): Settlement {
  const { id, type } = event
  const data = event.data as Readonly<Record<string, unknown>>
  switch (type) {
    case 'CapabilityDenied': {
      const denial = asRecorded(data['denial'] as Denial)
      return { kind: 'outcome', outcome: { kind: 'denied', denial, event: id } }
    }
    case 'EffectRevoked': {
      const denial = asRecorded(revocation(data))
      return { kind: 'outcome', outcome: { kind: 'denied', denial, event: id } }
    }
    case 'EffectFailed': {
      const error = asRecorded(data['error'] as ErrorRecord)
      return { kind: 'outcome', outcome: { kind: 'failed', error, event: id } }
    }
    default:
      return { kind: 'outcome', outcome: { kind: 'succeeded', value, event: id } }
  }
}

function revocation({ by, proof }: Readonly<Record<string, unknown>>): Denial {
  const message = 'The right to the effect ended before its handler had acted'
  const data = { by, proof } as JsonObject
  return { code: RUNS_CODES.effectRevoked, message, data, causes: [] }
}

function intentDiffers(asked: Ask, event: RecordedEvent): string | null {
  const ask = asked as AskOf<'effect'>
  const { action, argumentsDigest, held, batch } = event.data as Payload<'CapabilityUsed'>
  const isSame =
    ask.request.action === action &&
    ask.hold === (held === true) &&
    ask.batch === (batch !== undefined) &&
    sealValue(ask.request.arguments).digest === argumentsDigest &&
    isSameCompensation(ask.request, event.data as Payload<'CapabilityUsed'>)
  return isSame ? null : `it was ${action} with the arguments ${argumentsDigest}`
}

function proposalDiffers(ask: Ask, event: RecordedEvent): string | null {
  const { proposal } = ask as AskOf<'proposal'>
  const data = event.data as Payload<'DecisionProposed'>
  const isSame =
    event.origin === `agent:${proposal.agent}` &&
    data.reason === proposal.reason &&
    digestOfRef(data.proposal as ValueRef) === sealValue(proposal.content).digest
  return isSame ? null : 'another proposal'
}

function revealDiffers(asked: Ask, event: RecordedEvent): string | null {
  const ask = asked as AskOf<'reveal'>
  const { reference, value, at = '' } = event.data as Payload<'ValueRevealed'>
  const isSame = reference === ask.id && value === ask.digest && at === ask.at
  return isSame ? null : 'another value was revealed'
}
