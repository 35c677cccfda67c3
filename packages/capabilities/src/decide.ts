/**
 * Decisions: whether a request is within every link of the chain it names.
 *
 * 1. Pure: the state and the request give the decision, on any machine and at any time. Time is
 *    the request's, never a clock's.
 * 2. Total: whatever the request is, the answer is a decision.
 * 3. Closed: what is not known in every part (kind, caveat, event, member) denies.
 * 4. Authority is the AND of every link. A child that claims more than its parent has no more.
 * 5. All causes are found before one is called the reason, so that correcting the reason is not
 *    met by the next one.
 *
 * The trap: looking for some grant that would allow the request. The request names its grant, and
 * a deputy cannot be talked into using another of its own.
 */
import { type GrantId, type Hash, isHash, isRunId, type Timestamp } from '@ice/primitives'
import { askOf, consentFault, termsOf } from './approval.ts'
import { callDigest } from './call.ts'
import {
  broken,
  early,
  expired,
  inadmissible,
  malformed,
  otherAction,
  otherHolder,
  otherResource,
  revoked,
  stopped,
  unapproved,
  unknownCaveat,
  unknownGrant,
  unknownKind,
} from './causes.ts'
import { needsApproval } from './caveat.ts'
import { type Chain, chainOf, earlier, guardsFor, type Link } from './chain.ts'
import { endOf, findConditions } from './conditions.ts'
import { denialOf, type FoundCause } from './denial.ts'
import { CAPABILITIES_CODES } from './errors.ts'
import { labelCauses } from './label.ts'
import { findRefusal, isUngoverned, policyGuards } from './policy.ts'
import type { ApprovalAsk, ApprovalTerms, Authorization, Decision } from './ports.ts'
import { idFaults, type ReadRequest, readRequest } from './request.ts'
import { type Plan, planOf } from './slices.ts'
import { judgeStanding } from './standing.ts'
import type { AuthorityState } from './state.ts'
import { stopsAgainst } from './stops.ts'

/** Decides. Pure, total and deterministic; keeps memos of chains in the state. */
export function decide(state: AuthorityState, request: unknown): Decision {
  const reading = readRequest(request)
  if ('faults' in reading) return refused([malformed(reading.faults)])
  const asked = reading.ok
  const entry = state.grants.get(asked.grant)
  const chain = entry === undefined ? undefined : chainOf(state, entry)
  if (chain !== undefined && isPlainlyWithin(state, asked, chain)) {
    if (isUngoverned(state.policy)) return { ok: authorization(state, asked, chain) }
  }
  const faults = idFaults(asked)
  if (faults.length > 0) return refused([malformed(faults)])
  if (chain === undefined) return refused([unknownGrant(asked)])
  const causes = causesOf(state, asked, chain)
  findRefusal(state.policy, { asked, chain }, causes)
  if (wantsApproval(chain, asked)) findApproval(state, asked, chain, causes)
  if (causes.length === 0) return { ok: authorization(state, asked, chain) }
  const isAllButApproved = causes.every(({ code }) => code === CAPABILITIES_CODES.approvalRequired)
  return isAllButApproved ? refused(causes, questionOf(asked, chain)) : refused(causes)
}

function refused(causes: readonly FoundCause[], ask?: ApprovalAsk): Decision {
  return { denied: denialOf(causes), ...(ask === undefined ? {} : { ask }) }
}

/**
 * Whether nothing stands against the request, for the chains of which this is quickly said. Of
 * others, and of what this denies, `causesOf` has the word; that the two agree is tested.
 */
function isPlainlyWithin(state: AuthorityState, asked: ReadRequest, chain: Chain): boolean {
  const { action, at, claim, run } = asked
  const { plainKind, claims } = chain
  if (plainKind === undefined) return false
  const { stops } = state
  if (stops.size > 0 && stopsAgainst(stops, asked, chain.stops).length > 0) return false
  if (!isHolder(asked, chain)) return false
  // Guards are only ever kept for a run whose id was found to be one.
  if (chain.guardsParty?.run !== run && !isRunId(run)) return false
  if (at < chain.notBefore || at >= chain.until || !chain.actions.includes(action)) return false
  for (const resource of claims) {
    if (plainKind.refuses(resource, action, claim) !== undefined) return false
  }
  return true
}

/** What a run holds, those that go on for it hold too. */
function isHolder(asked: ReadRequest, { holderKind, holderId }: Chain): boolean {
  if (asked[holderKind] === holderId) return true
  return holderKind === 'run' && asked.line !== undefined && asked.line === holderId
}

/**
 * What stands against the request but for the policy and an approval, which are asked about what
 * nothing else refuses; links in the order of the chain.
 */
function causesOf(state: AuthorityState, asked: ReadRequest, chain: Chain): FoundCause[] {
  const causes: FoundCause[] = []
  // A chain without a link is broken at the named grant; there is no holder to compare with.
  const isHeld = chain.links.length === 0 || isHolder(asked, chain)
  if (!isHeld) causes.push(otherHolder(chain, asked))
  if (chain.breakage !== undefined) causes.push(broken(chain.breakage))
  for (const stop of stopsAgainst(state.stops, asked, chain.stops)) causes.push(stopped(stop))
  let outside: string | undefined
  for (const link of chain.links) {
    if (!link.sameAsBelow) outside = outsideOf(link, asked)
    findLinkCauses(link, asked, outside, causes)
  }
  findConditions(chain.links, asked, causes)
  causes.push(...planOf([chain], asked).causes)
  return causes
}

/** Why the claim is outside a link's resource; an unknown kind is told of elsewhere. */
function outsideOf({ kind, resourceFault, grant }: Link, asked: ReadRequest): string | undefined {
  if (kind === undefined || resourceFault !== undefined) return undefined
  return kind.refuses(grant.resource, asked.action, asked.claim)
}

function findLinkCauses(
  link: Link,
  asked: ReadRequest,
  outside: string | undefined,
  causes: FoundCause[],
): void {
  const { entry, grant, caveats } = link
  if (entry.revokedBy !== null) causes.push(revoked(link))
  if (asked.at < grant.notBefore) causes.push(early(link, asked.at))
  if (entry.ended || (grant.expiresAt !== null && asked.at >= grant.expiresAt)) {
    causes.push(expired(link, asked.at))
  }
  if (!grant.actions.includes(asked.action)) causes.push(otherAction(link, asked))
  if (link.kind === undefined) causes.push(unknownKind(link))
  const reason = link.resourceFault ?? outside
  if (reason !== undefined) causes.push(otherResource(link, reason))
  for (const fault of caveats.faults) causes.push(unknownCaveat(link, fault))
  causes.push(...labelCauses(entry.id, caveats.labels, asked))
}

function authorization(state: AuthorityState, asked: ReadRequest, chain: Chain): Authorization {
  const consent = wantsApproval(chain, asked) ? consentTo(state, asked, chain) : NO_CONSENT
  const standing = consent.standing ?? null
  const chains = standing === null ? [chain] : [chain, standing]
  const plan = planOf(chains, asked)
  const guards = policyGuards(chain, guardsFor(chain, asked, state.stops), state.policy)
  const more = standing === null ? [] : standingGuards(state, asked, standing, guards)
  const authorized: Authorization = {
    grant: asked.grant,
    chain: chain.ids,
    resources: chain.resources,
    guards:
      standing === null && plan.allotments.length === 0
        ? guards
        : [...guards, ...more, ...budgetGuards(plan)],
    expiresAt: chains.reduce(
      (soonest, one) => earlier(soonest, endOfChain(one, asked)),
      plan.until,
    ),
    spends: plan.spends,
    allotments: plan.allotments,
    approval: consent.approved === true ? asked.approvedBy : null,
    ...(standing === null ? {} : { standing: asked.standing as GrantId }),
  }
  const { inForce } = state.policy
  return inForce === null ? authorized : { ...authorized, ceiling: inForce }
}

/** What a standing approval adds: its links, and the switches of their holders. */
function standingGuards(
  { stops }: AuthorityState,
  asked: ReadRequest,
  standing: Chain,
  known: Authorization['guards'],
): Authorization['guards'] {
  const own = guardsFor(standing, asked, stops)
  return own.filter(({ stream }) => !known.some((guard) => guard.stream === stream))
}

/** When the first link ends, or the first window of one closes. */
function endOfChain({ plainKind, links, expiresAt }: Chain, { at }: ReadRequest): Timestamp | null {
  return plainKind === undefined ? endOf(links, at, expiresAt) : expiresAt
}

/** Each budget a slice is allotted from, once. */
function budgetGuards({ allotments }: Plan): Authorization['guards'] {
  const versions = new Map(allotments.map(({ stream, version }) => [stream, version]))
  return [...versions].map(([stream, version]) => ({ stream, version }))
}

function wantsApproval({ links }: Chain, { action }: ReadRequest): boolean {
  return links.some((link) => needsApproval(link.caveats, action))
}

/** What stands for a person's yes: the yes itself, a standing approval, or neither. */
interface ConsentBasis {
  readonly approved?: true
  readonly standing?: Chain
  readonly cause?: FoundCause
}

const NO_CONSENT: ConsentBasis = Object.freeze({})

function findApproval(
  state: AuthorityState,
  asked: ReadRequest,
  chain: Chain,
  causes: FoundCause[],
): void {
  if (!isHash(asked.argumentsDigest)) {
    causes.push(malformed(['its argumentsDigest is not a SHA-256 in hex']))
    return
  }
  if (asked.callDigest !== digestOf(asked)) {
    causes.push(malformed(['its callDigest is of another call']))
  }
  const { cause } = consentTo(state, asked, chain)
  if (cause !== undefined) causes.push(cause)
}

/**
 * The digest is computed anew: one that belongs to another call must not carry its approval here.
 */
function digestOf(asked: ReadRequest): Hash {
  const { run, grant, action, claim: resource, argumentsDigest } = asked
  return callDigest({ run, grant, action, resource, argumentsDigest })
}

/** A yes to this call comes before a standing approval: it is used up, and nothing is counted. */
function consentTo(state: AuthorityState, asked: ReadRequest, chain: Chain): ConsentBasis {
  const { approvedDigest, consent, standing } = asked
  const digest = digestOf(asked)
  const terms = wantedTerms(chain, asked)
  const isForThis = approvedDigest === digest && consent !== undefined
  const fault = isForThis ? consentFault(terms, consent) : undefined
  if (isForThis && fault === undefined) return { approved: true }
  if (standing === undefined) {
    return {
      cause: isForThis ? inadmissible(asked, digest, fault ?? '') : unapproved(asked, digest),
    }
  }
  const judged = judgeStanding(state, standing, { asked, chain, terms, judge: standingCauses })
  if ('ok' in judged) return { standing: judged.ok }
  return { cause: inadmissible(asked, digest, judged.fault) }
}

/** What stands against a standing approval; it is not approved in turn, and no policy is asked. */
function standingCauses(state: AuthorityState, asked: ReadRequest, chain: Chain): FoundCause[] {
  const causes = causesOf(state, asked, chain)
  if (wantsApproval(chain, asked)) findApproval(state, asked, chain, causes)
  return causes
}

function wantedTerms({ links }: Chain, { action }: ReadRequest): readonly ApprovalTerms[] {
  return termsOf(
    links.map(({ grant }) => grant),
    action,
  )
}

function questionOf(asked: ReadRequest, chain: Chain): ApprovalAsk | undefined {
  return askOf(wantedTerms(chain, asked), digestOf(asked))
}
