/**
 * Questions to people: who may answer one, until when, and what time makes of it.
 *
 *     asked ├──── approvers ────┤ escalates ├── approvers and those it goes on to ──┤ lapses
 *
 * 1. What time makes of a question counts once it is an event: an escalation lets others answer
 *    from `ApprovalEscalated` on, and a lapse denies by `ApprovalLapsed`.
 * 2. An answer is held against both where it is given, and again where it is folded: one that got
 *    into the log all the same is no answer.
 *
 * Whoever drives the run next, or answers, records what has become due. So a suspended run costs
 * nothing while it waits, and no clock decides anything that is not recorded.
 */

import type { RecordedEvent } from '@ice/events/ports'
import type { GrantId, JsonObject, Timestamp } from '@ice/primitives'
import { RUNS_CODES, type RunsCode } from './errors.ts'
import type { Fact } from './facts.ts'
import type { Payload } from './lifecycle.ts'
import type { WaitingStep } from './ports.ts'

/** A question whose time ran out. */
export interface LapsedQuestion {
  readonly event: RecordedEvent
  readonly digest: string
}

/** The question that an `ApprovalRequested` puts. */
export function questionOf(
  event: RecordedEvent<'ApprovalRequested', Payload<'ApprovalRequested'>>,
): WaitingStep {
  const { step, kind, digest, prompt, expiresAt, approvers, escalation } = event.data
  const { grant, proposer } = event.data
  const call = kind === 'effect' ? callOf(event.data) : undefined
  return {
    ...{ step, kind, digest, prompt, request: event.id, askedAt: event.time },
    expiresAt: expiresAt as Timestamp | null,
    approvers: approvers ?? null,
    escalation:
      escalation === undefined ? null : { at: escalation.at as Timestamp, to: escalation.to },
    ...(call === undefined ? {} : { call }),
    ...(kind === 'effect' && grant !== undefined ? { grant: grant as GrantId } : {}),
    ...(proposer === undefined ? {} : { proposer }),
  }
}

/** What is to be allowed, as far as the question tells it. */
function callOf({ details, grant }: Payload<'ApprovalRequested'>): WaitingStep['call'] {
  if (!('inline' in details) || grant === undefined) return undefined
  const { action, resource, argumentsDigest } = (details.inline ?? {}) as Record<string, unknown>
  if (typeof action !== 'string' || typeof resource !== 'object' || resource === null) {
    return undefined
  }
  const digest = typeof argumentsDigest === 'string' ? { argumentsDigest } : {}
  return { grant: grant as GrantId, action, resource: resource as JsonObject, ...digest }
}

/** The question after its escalation. */
export function escalated(waiting: WaitingStep, to: readonly string[]): WaitingStep {
  const { approvers } = waiting
  const all = approvers === null ? null : [...new Set([...approvers, ...to])]
  return { ...waiting, approvers: all, escalation: null }
}

/** Why an answer by this principal, given then, is none; `null` when it counts. */
export function refusalOf(
  { approvers, expiresAt }: WaitingStep,
  by: string | null,
  at: number,
): RunsCode | null {
  if (expiresAt !== null && at >= expiresAt) return RUNS_CODES.answerLate
  if (approvers === null) return null
  return by !== null && approvers.includes(by) ? null : RUNS_CODES.answererDenied
}

/** What time has made of a question, to be recorded; `null` while it is as it was. */
export function dueFact(waiting: WaitingStep, now: number): Fact | null {
  const { step, request, expiresAt, escalation } = waiting
  if (expiresAt !== null && now >= expiresAt) {
    return { type: 'ApprovalLapsed', data: { step, request }, causes: [request] }
  }
  if (escalation === null || now < escalation.at) return null
  const data = { step, request, to: [...escalation.to] }
  return { type: 'ApprovalEscalated', data, causes: [request] }
}

/** When something next becomes due; `null` when nothing does by itself. */
export function nextDue(steps: readonly WaitingStep[]): number | null {
  const times = steps.flatMap(({ expiresAt, escalation }) => [
    ...(expiresAt === null ? [] : [expiresAt]),
    ...(escalation === null ? [] : [escalation.at]),
  ])
  return times.length === 0 ? null : Math.min(...times)
}
