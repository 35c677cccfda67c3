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
import { isHash, isRunId, type Timestamp } from '@ice/primitives'
import { callDigest } from './call.ts'
import {
  broken,
  early,
  expired,
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
import { type Chain, chainOf, earlier, guardsFor, type Link, runStop } from './chain.ts'
import { endOf, findConditions } from './conditions.ts'
import { denialOf, type FoundCause } from './denial.ts'
import { labelCauses } from './label.ts'
import type { Authorization, Decision } from './ports.ts'
import { idFaults, type ReadRequest, readRequest } from './request.ts'
import { type Plan, planOf } from './slices.ts'
import type { AuthorityState } from './state.ts'

/** Decides. Pure, total and deterministic; keeps memos of chains in the state. */
export function decide(state: AuthorityState, request: unknown): Decision {
  const reading = readRequest(request)
  if ('faults' in reading) return refused([malformed(reading.faults)])
  const asked = reading.ok
  const entry = state.grants.get(asked.grant)
  const chain = entry === undefined ? undefined : chainOf(state, entry)
  if (chain !== undefined && isPlainlyWithin(state, asked, chain)) {
    return { ok: authorization(asked, chain, planOf(chain, asked)) }
  }
  const faults = idFaults(asked)
  if (faults.length > 0) return refused([malformed(faults)])
  if (chain === undefined) return refused([unknownGrant(asked)])
  const plan = planOf(chain, asked)
  const causes = [...causesOf(state, asked, chain), ...plan.causes]
  return causes.length > 0 ? refused(causes) : { ok: authorization(asked, chain, plan) }
}

function refused(causes: readonly FoundCause[]): Decision {
  return { denied: denialOf(causes) }
}

/**
 * Whether nothing stands against the request, for the chains of which this is quickly said. Of
 * others, and of what this denies, `causesOf` has the word; that the two agree is tested.
 */
function isPlainlyWithin(state: AuthorityState, asked: ReadRequest, chain: Chain): boolean {
  const { action, at, claim, run } = asked
  const { plainKind, claims } = chain
  if (plainKind === undefined || state.stops.size > 0) return false
  if (asked[chain.holderKind] !== chain.holderId) return false
  // Guards are only ever kept for a run whose id was found to be one.
  if (chain.guardsRun !== run && !isRunId(run)) return false
  if (at < chain.notBefore || at >= chain.until || !chain.actions.includes(action)) return false
  for (const resource of claims) {
    if (plainKind.refuses(resource, action, claim) !== undefined) return false
  }
  return true
}

/** Everything that stands against the request; links in the order of the chain. */
function causesOf(state: AuthorityState, asked: ReadRequest, chain: Chain): FoundCause[] {
  const causes: FoundCause[] = []
  // A chain without a link is broken at the named grant; there is no holder to compare with.
  const isHeld = chain.links.length === 0 || asked[chain.holderKind] === chain.holderId
  if (!isHeld) causes.push(otherHolder(chain, asked))
  if (chain.breakage !== undefined) causes.push(broken(chain.breakage))
  if (state.stops.size > 0) findStops(state, asked, causes)
  let outside: string | undefined
  let approves = false
  for (const link of chain.links) {
    if (!link.sameAsBelow) outside = outsideOf(link, asked)
    approves = findLinkCauses(link, asked, outside, causes) || approves
  }
  findConditions(chain.links, asked, causes)
  if (approves) findApproval(asked, causes)
  return causes
}

/** Why the claim is outside a link's resource; an unknown kind is told of elsewhere. */
function outsideOf({ kind, resourceFault, grant }: Link, asked: ReadRequest): string | undefined {
  if (kind === undefined || resourceFault !== undefined) return undefined
  return kind.refuses(grant.resource, asked.action, asked.claim)
}

/** @returns whether this link wants the call approved */
function findLinkCauses(
  link: Link,
  asked: ReadRequest,
  outside: string | undefined,
  causes: FoundCause[],
): boolean {
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
  return needsApproval(caveats, asked.action)
}

function authorization(asked: ReadRequest, chain: Chain, plan: Plan): Authorization {
  const { spends, allotments, until } = plan
  const guards = guardsFor(chain, asked.run)
  return {
    grant: asked.grant,
    chain: chain.ids,
    resources: chain.resources,
    guards: allotments.length === 0 ? guards : [...guards, ...budgetGuards(plan)],
    expiresAt: earlier(endOfChain(chain, asked), until),
    spends,
    allotments,
    approval: wantsApproval(chain, asked) ? asked.approvedBy : null,
  }
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

function findStops(state: AuthorityState, { run }: ReadRequest, causes: FoundCause[]): void {
  for (const stream of ['stop/all', runStop(run)]) {
    const version = state.stops.get(stream)
    if (version !== undefined) causes.push(stopped(stream, version))
  }
}

/**
 * The digest is computed anew: one that belongs to another call must not carry its approval here.
 */
function findApproval(asked: ReadRequest, causes: FoundCause[]): void {
  const { run, grant, action, claim: resource, argumentsDigest } = asked
  if (!isHash(argumentsDigest)) {
    causes.push(malformed(['its argumentsDigest is not a SHA-256 in hex']))
    return
  }
  const digest = callDigest({ run, grant, action, resource, argumentsDigest })
  if (asked.callDigest !== digest) causes.push(malformed(['its callDigest is of another call']))
  if (asked.approvedDigest !== digest) causes.push(unapproved(asked, digest))
}
