/**
 * The causes of denials, each told so that its reader knows what would have been enough: which
 * actions the grant has, which paths, until when, how often, by whom.
 */
import type { Hash, Timestamp } from '@ice/primitives'
import type { Chain, Link } from './chain.ts'
import type { FoundCause } from './denial.ts'
import { CAPABILITIES_CODES } from './errors.ts'
import type { StopState } from './ports.ts'
import type { ReadRequest } from './request.ts'
import { clip, clippedList, shown, shownList, shownTime } from './text.ts'

/** The request is none, for these reasons. */
export function malformed(faults: readonly string[]): FoundCause {
  return {
    code: CAPABILITIES_CODES.requestInvalid,
    message: `The request is malformed: ${faults.join('; ')}`,
    data: { faults: clippedList(faults) },
  }
}

/** The request names a grant that is not known. */
export function unknownGrant({ grant }: ReadRequest): FoundCause {
  return {
    code: CAPABILITIES_CODES.grantNotFound,
    message: `No grant ${grant} is known`,
    data: { grant },
  }
}

/** Someone else holds the grant. */
export function otherHolder(chain: Chain, asked: ReadRequest): FoundCause {
  const holder = `${chain.holderKind}/${chain.holderId}`
  return {
    code: CAPABILITIES_CODES.holderMismatch,
    message: `The grant ${asked.grant} is held by ${shown(holder)}, not by who asks`,
    data: { grant: asked.grant, holder, run: asked.run, agent: asked.agent ?? null },
  }
}

/** The chain does not reach a root. */
export function broken({ reason, message, data }: NonNullable<Chain['breakage']>): FoundCause {
  return { code: CAPABILITIES_CODES.chainBroken, message, data: { reason, ...data } }
}

/** A link was revoked. */
export function revoked({ entry: { id, revokedBy } }: Link): FoundCause {
  return {
    code: CAPABILITIES_CODES.revoked,
    message: `The grant ${id} was revoked by ${revokedBy}`,
    data: { grant: id, revokedBy },
  }
}

/** A link does not hold yet. */
export function early({ entry: { id }, grant: { notBefore } }: Link, at: Timestamp): FoundCause {
  return {
    code: CAPABILITIES_CODES.notYetValid,
    message: `The grant ${id} holds from ${shownTime(notBefore)}; it is ${shownTime(at)}`,
    data: { grant: id, notBefore, at },
  }
}

/** A link holds no longer. */
export function expired(
  { entry: { id, ended }, grant: { expiresAt } }: Link,
  at: Timestamp,
): FoundCause {
  const until = expiresAt === null ? '' : ` at ${shownTime(expiresAt)}`
  return {
    code: CAPABILITIES_CODES.expired,
    message: `The grant ${id} expired${until}; it is ${shownTime(at)}`,
    data: { grant: id, expiresAt, at, recorded: ended },
  }
}

/** A link has other actions. */
export function otherAction({ entry: { id }, grant }: Link, { action }: ReadRequest): FoundCause {
  return {
    code: CAPABILITIES_CODES.actionNotGranted,
    message: `The grant ${id} allows ${shownList(grant.actions)}, not ${shown(action)}`,
    data: { grant: id, action, allowed: clippedList(grant.actions) },
  }
}

/** A link is on a resource that nobody here understands. */
export function unknownKind({ entry: { id }, grant: { resource } }: Link): FoundCause {
  return {
    code: CAPABILITIES_CODES.kindUnsupported,
    message: `The grant ${id} is on a resource of the kind ${shown(resource.kind)}, unknown here`,
    data: { grant: id, kind: clip(resource.kind) },
  }
}

/** A link does not reach as far as the claim. */
export function otherResource({ entry: { id } }: Link, reason: string): FoundCause {
  return {
    code: CAPABILITIES_CODES.resourceNotGranted,
    message: `The grant ${id} does not reach that far: ${reason}`,
    data: { grant: id, reason },
  }
}

/** A link is under a caveat that nobody here understands. */
export function unknownCaveat({ entry: { id } }: Link, reason: string): FoundCause {
  return {
    code: CAPABILITIES_CODES.caveatUnsupported,
    message: `The grant ${id} has a caveat that is not understood: ${reason}`,
    data: { grant: id, reason },
  }
}

/** A stop switch is thrown. */
export function stopped({ scope, version, event, reason }: StopState): FoundCause {
  const why = reason === null ? '' : `: ${clip(reason)}`
  return {
    code: CAPABILITIES_CODES.stopped,
    message: `${scope === 'all' ? 'Everything' : shown(scope)} was stopped${why}`,
    data: { stream: event.slice(0, event.lastIndexOf('@')), version },
  }
}

/** A person has not approved exactly this call. */
export function unapproved({ action, approvedDigest }: ReadRequest, digest: Hash): FoundCause {
  const isOther = approvedDigest !== undefined
  return {
    code: CAPABILITIES_CODES.approvalRequired,
    message: isOther
      ? `The approval is for another call; this one of ${shown(action)} needs its own`
      : `A person has to approve this call of ${shown(action)}`,
    data: { digest, ...(isOther ? { approved: approvedDigest } : {}) },
  }
}

/** The approval is for this call, and does not count under the terms of a link. */
export function inadmissible({ action }: ReadRequest, digest: Hash, reason: string): FoundCause {
  return {
    code: CAPABILITIES_CODES.approvalRequired,
    message: `The approval of this call of ${shown(action)} does not count: ${reason}`,
    data: { digest, reason },
  }
}
