/**
 * Standing approvals: a grant of the kind `approval` that stands for a person's yes.
 *
 * It is judged like any other grant: held, within its time, counted, revocable, under its own
 * caveats and those above it, and by the stop switches. What it adds: it was issued by somebody
 * who may approve, for every link that wants an approval and says by whom. Who may only answer
 * after an escalation may answer, and not once and for all.
 */
import type { EventId, GrantId, JsonObject } from '@ice/primitives'
import { APPROVE_ACTION, approvalKind } from './approval-kind.ts'
import { type Chain, chainOf, guardsNeeded } from './chain.ts'
import type { FoundCause } from './denial.ts'
import {
  BUDGET_LIMITS_MAX,
  CHAIN_BUDGETS_MAX,
  CHAIN_GUARDS_MAX,
  STANDING_LINKS_MAX,
} from './limits.ts'
import type { ApprovalTerms } from './ports.ts'
import type { ReadRequest } from './request.ts'
import type { AuthorityState } from './state.ts'
import { shown } from './text.ts'

/** Judges a request against a chain, as `decide` does. */
export type Judge = (
  state: AuthorityState,
  asked: ReadRequest,
  chain: Chain,
) => readonly FoundCause[]

/** What is to be approved, and by whom it could be. */
export interface StandingInit {
  readonly asked: ReadRequest
  /** The chain of the call. */
  readonly chain: Chain
  readonly terms: readonly ApprovalTerms[]
  readonly judge: Judge
}

/** The chain of the standing approval the request names, or why it does not stand for a yes. */
export function judgeStanding(
  state: AuthorityState,
  standing: GrantId,
  { asked, chain, terms, judge }: StandingInit,
): { readonly ok: Chain } | { readonly fault: string } {
  const entry = state.grants.get(standing)
  if (entry === undefined) return { fault: `no grant ${standing} is known` }
  const own = chainOf(state, entry)
  if (own.links.some(({ grant }) => grant.resource.kind !== approvalKind.kind)) {
    return { fault: `the grant ${standing} is no standing approval` }
  }
  const [first] = judge(state, asApproval(asked, chain, standing), own)
  if (first !== undefined) return { fault: first.message }
  if (own.links.length > STANDING_LINKS_MAX) {
    return { fault: `a standing approval has at most ${STANDING_LINKS_MAX} links` }
  }
  if (countedOf(own) + countedOf(chain) > CHAIN_BUDGETS_MAX) {
    return { fault: `one use can take from ${CHAIN_BUDGETS_MAX} budgets, and this would be more` }
  }
  if (limitsOf(own) + limitsOf(chain) > BUDGET_LIMITS_MAX) {
    return { fault: `one use can take in ${BUDGET_LIMITS_MAX} ways, and this would be more` }
  }
  if (guardsNeeded([own, chain]) > CHAIN_GUARDS_MAX) {
    return { fault: 'an append cannot guard all links and switches of it and of the call' }
  }
  const issuer = own.links.at(-1)?.entry.issuedBy ?? null
  const other = terms.find(({ by }) => by !== undefined && !by.includes(issuer as string))
  if (other === undefined) return { ok: own }
  return { fault: `it was issued by ${shown(issuer)}, who may not approve this` }
}

/** A call as the claim on an approval of it. Its approval is not approved in turn. */
function asApproval(asked: ReadRequest, chain: Chain, standing: GrantId): ReadRequest {
  const { action, claim: resource, argumentsDigest } = asked
  const claim: JsonObject = { grants: [...chain.ids], action, resource, argumentsDigest }
  const none = { approvedDigest: undefined, approvedBy: null as EventId | null, consent: undefined }
  return { ...asked, ...none, grant: standing, action: APPROVE_ACTION, claim, standing: undefined }
}

function countedOf({ links }: Chain): number {
  return links.filter((link) => link.caveats.limits.length > 0).length
}

function limitsOf({ links }: Chain): number {
  return links.reduce((sum, link) => sum + link.caveats.limits.length, 0)
}
