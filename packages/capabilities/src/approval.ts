/**
 * Approvals: on which terms a person's yes counts for a call.
 *
 * Every link that wants an approval states its terms, and all of them hold together: the one who
 * said yes must be among the approvers of each, and each link's time must not have run out.
 *
 *     asked ├──────────── by ────────────┼────── by and escalateTo ──────┤ lapsed
 *           0                     escalateAfterMs                    timeoutMs
 *
 * The trap: asking whether *someone* approved. An approval by anyone is an approval by no one, so
 * the yes carries who gave it, and when it was asked for and given.
 */
import type { Hash, PrincipalId, Timestamp } from '@ice/primitives'
import { isPrincipalId } from '@ice/primitives'
import { APPROVAL_MS_MAX, APPROVERS_MAX } from './limits.ts'
import { own } from './plain.ts'
import type { ApprovalAsk, ApprovalTerms, Caveat, Grant } from './ports.ts'
import { shown, shownList } from './text.ts'

/** A person's yes, as a request tells it. */
export interface Consent {
  readonly by: string | undefined
  readonly askedAt: Timestamp | undefined
  readonly answeredAt: Timestamp | undefined
}

/** Members of the terms, beside those of the caveat they stand in. */
export const TERMS_MEMBERS = ['by', 'timeoutMs', 'escalateAfterMs', 'escalateTo'] as const

/** Why these are no terms, or `undefined`. */
export function termsFault(caveat: object): string | undefined {
  const [by, timeoutMs, after, to] = TERMS_MEMBERS.map((name) => own(caveat, name))
  const people = `a list of 1 to ${APPROVERS_MAX} principals, each once`
  if (by !== undefined && !isPeople(by)) return `"by" is ${people}`
  if (timeoutMs !== undefined && !isSpan(timeoutMs)) {
    return `"timeoutMs" is 1 to ${APPROVAL_MS_MAX} milliseconds`
  }
  if ((after === undefined) !== (to === undefined)) {
    return '"escalateAfterMs" and "escalateTo" go together'
  }
  if (after === undefined) return undefined
  if (!isSpan(after)) return `"escalateAfterMs" is 1 to ${APPROVAL_MS_MAX} milliseconds`
  if (!isPeople(to)) return `"escalateTo" is ${people}`
  if (by === undefined) return 'a question that anybody may answer does not escalate'
  const isLate = timeoutMs !== undefined && after >= (timeoutMs as number)
  return isLate ? 'it would escalate only after it has lapsed' : undefined
}

function isPeople(value: unknown): value is readonly PrincipalId[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > APPROVERS_MAX) return false
  return value.every(isPrincipalId) && new Set(value).size === value.length
}

function isSpan(value: unknown): value is number {
  return (
    Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= APPROVAL_MS_MAX
  )
}

/** The terms of every caveat of these grants that wants this action approved. */
export function termsOf(grants: readonly Grant[], action: string): readonly ApprovalTerms[] {
  return grants.flatMap(({ caveats }) => caveats.filter((caveat) => wants(caveat, action)))
}

function wants(caveat: Caveat, action: string): caveat is Extract<Caveat, ApprovalTerms> {
  if (caveat.kind === 'approval') return true
  return caveat.kind === 'approval-for' && caveat.actions.includes(action)
}

/** Why a yes does not count under these terms, or `undefined` when it does. */
export function consentFault(
  terms: readonly ApprovalTerms[],
  { by, askedAt, answeredAt }: Consent,
): string | undefined {
  for (const { by: approvers, timeoutMs, escalateAfterMs, escalateTo } of terms) {
    const isTimed = timeoutMs !== undefined || escalateAfterMs !== undefined
    const waited =
      askedAt === undefined || answeredAt === undefined ? undefined : answeredAt - askedAt
    if (isTimed && (waited === undefined || waited < 0)) return 'it does not say when it was given'
    if (timeoutMs !== undefined && (waited ?? 0) >= timeoutMs) return 'it came too late'
    if (approvers === undefined) continue
    if (by === undefined) return 'it does not say who gave it'
    const hasEscalated = escalateAfterMs !== undefined && (waited ?? 0) >= escalateAfterMs
    const isAmong = approvers.includes(by) || (hasEscalated && escalateTo?.includes(by) === true)
    if (!isAmong) return `it is by ${shown(by)}, and not by ${shownList(approvers)}`
  }
  return undefined
}

/** What a person is to be asked under these terms; `undefined` when nobody could ever say yes. */
export function askOf(terms: readonly ApprovalTerms[], digest: Hash): ApprovalAsk | undefined {
  const first = terms.map(({ by }) => by)
  const later = terms.map(({ by, escalateTo = [] }) => by && [...by, ...escalateTo])
  const approvers = common(first)
  // One step for all terms: where they differ, nobody is asked before each of them would.
  const afters = terms
    .map(({ escalateAfterMs }) => escalateAfterMs)
    .filter((ms) => ms !== undefined)
  const to = (common(later) ?? []).filter((each) => approvers?.includes(each) === false)
  const timeouts = terms.map(({ timeoutMs }) => timeoutMs).filter((ms) => ms !== undefined)
  const timeoutMs = timeouts.length === 0 ? null : Math.min(...timeouts)
  const afterMs = afters.length === 0 ? null : Math.max(...afters)
  const goesOn = to.length > 0 && afterMs !== null && (timeoutMs === null || afterMs < timeoutMs)
  if (approvers?.length === 0 && !goesOn) return undefined
  return { digest, approvers, timeoutMs, escalation: goesOn ? { afterMs, to } : null }
}

/** Who stands on all lists; `null` when there is no list. */
function common(lists: readonly (readonly string[] | undefined)[]): readonly string[] | null {
  const [head, ...rest] = lists.filter((list) => list !== undefined)
  if (head === undefined) return null
  const all = [...new Set(head)]
  return all.filter((each) => rest.every((list) => list.includes(each)))
}
