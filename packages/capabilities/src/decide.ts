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
import { isHash, isRunId } from '@ice/primitives'
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
  spent,
  stopped,
  unapproved,
  unknownCaveat,
  unknownGrant,
  unknownKind,
} from './causes.ts'
import { needsApproval } from './caveat.ts'
import { type Chain, chainOf, guardsFor, type Link, runStop } from './chain.ts'
import { endOf, findConditions } from './conditions.ts'
import { counterStream } from './counts.ts'
import { denialOf, type FoundCause } from './denial.ts'
import { findRefusal, isUngoverned, policyGuards } from './policy.ts'
import type { Authorization, CountDebit, Decision } from './ports.ts'
import { idFaults, type ReadRequest, readRequest } from './request.ts'
import type { AuthorityState } from './state.ts'

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
  return causes.length > 0 ? refused(causes) : { ok: authorization(state, asked, chain) }
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
  findRefusal(state.policy, { asked, chain }, causes)
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
  if (caveats.countMax !== null && entry.counter.used >= caveats.countMax) causes.push(spent(link))
  return needsApproval(caveats, asked.action)
}

function authorization(state: AuthorityState, asked: ReadRequest, chain: Chain): Authorization {
  const debits = chain.counts ? debitsOf(chain) : NO_DEBITS
  const guards = policyGuards(chain, guardsFor(chain, asked.run), state.policy)
  const authorized: Authorization = {
    grant: asked.grant,
    chain: chain.ids,
    resources: chain.resources,
    guards: debits.length === 0 ? guards : [...guards, ...debits.map(debitGuard)],
    expiresAt:
      chain.plainKind === undefined
        ? endOf(chain.links, asked.at, chain.expiresAt)
        : chain.expiresAt,
    debits,
    approval: wantsApproval(chain, asked) ? asked.approvedBy : null,
  }
  const { inForce } = state.policy
  return inForce === null ? authorized : { ...authorized, ceiling: inForce }
}

const NO_DEBITS: readonly CountDebit[] = Object.freeze([])

function debitsOf({ links }: Chain): readonly CountDebit[] {
  return links
    .filter((link) => link.caveats.countMax !== null)
    .map(({ entry: { id, counter } }) => ({
      grant: id,
      stream: counterStream(id),
      version: counter.version,
    }))
}

function debitGuard({ stream, version }: CountDebit): Authorization['guards'][number] {
  return { stream, version }
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
