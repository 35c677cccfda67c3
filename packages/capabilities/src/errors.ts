/**
 * Codes of denials and failures. Codes change only at a major version, messages at any time: test
 * with `hasCode(error, code)`, never with `instanceof` across packages.
 *
 * A *denial* is a value and is never thrown; the precedence of its codes is `DENIAL_PRECEDENCE`.
 * A *failure* is thrown, as a `CapabilitiesError`.
 */

import { IceError, type JsonObject } from '@ice/primitives'

export const CAPABILITIES_CODES = {
  /** The request is not one: a member is missing or malformed, or the claim is not JSON. */
  requestInvalid: 'ICE_CAPABILITIES_REQUEST_INVALID',
  /** No grant of this id is known, or it was over for so long that it is forgotten. Also thrown. */
  grantNotFound: 'ICE_CAPABILITIES_GRANT_NOT_FOUND',
  /** The grant is held by another run, agent, session or principal. */
  holderMismatch: 'ICE_CAPABILITIES_HOLDER_MISMATCH',
  /** A link to the root is missing, malformed, repeated, too deep or hung below what forbids it. */
  chainBroken: 'ICE_CAPABILITIES_CHAIN_BROKEN',
  /** A stop switch is thrown: for everything, or for the run, agent, session or operator. */
  stopped: 'ICE_CAPABILITIES_STOPPED',
  /** A link was revoked. */
  revoked: 'ICE_CAPABILITIES_GRANT_REVOKED',
  /** A link does not hold yet at the time of the request. */
  notYetValid: 'ICE_CAPABILITIES_GRANT_NOT_YET_VALID',
  /** A link holds no longer at the time of the request. */
  expired: 'ICE_CAPABILITIES_GRANT_EXPIRED',
  /** A link does not have the action. */
  actionNotGranted: 'ICE_CAPABILITIES_ACTION_NOT_GRANTED',
  /** A link's resource is of a kind that is not registered. */
  kindUnsupported: 'ICE_CAPABILITIES_KIND_UNSUPPORTED',
  /** The claim lies outside a link's resource, or the resource outside its parent's. */
  resourceNotGranted: 'ICE_CAPABILITIES_RESOURCE_NOT_GRANTED',
  /** A link has a caveat of an unknown kind or with malformed members. */
  caveatUnsupported: 'ICE_CAPABILITIES_CAVEAT_UNSUPPORTED',
  /** The request is of another run than the one a link is bound to. */
  runMismatch: 'ICE_CAPABILITIES_RUN_MISMATCH',
  /** A link does not hold at this time of the day or the week. */
  outsideWindow: 'ICE_CAPABILITIES_OUTSIDE_TIME_WINDOW',
  /** The arguments do not fit what a link asks of them. */
  argumentsNotGranted: 'ICE_CAPABILITIES_ARGUMENTS_NOT_GRANTED',
  /** An argument that has to be trusted came from elsewhere. */
  argumentUntrusted: 'ICE_CAPABILITIES_ARGUMENT_UNTRUSTED',
  /** Someone who would see an argument may not read it. */
  readersExceeded: 'ICE_CAPABILITIES_READERS_EXCEEDED',
  /** The uses of a counted link are spent, or held by others. */
  countSpent: 'ICE_CAPABILITIES_COUNT_SPENT',
  /** A link was used as often as it may be in this window of time. */
  rateExceeded: 'ICE_CAPABILITIES_RATE_EXCEEDED',
  /** What is left of a link's budget, or what the call may take at most, does not suffice. */
  budgetExceeded: 'ICE_CAPABILITIES_BUDGET_EXCEEDED',
  /** The policy above all grants refuses, is not the one in force, or cannot be asked. */
  ceilingRefused: 'ICE_CAPABILITIES_CEILING_REFUSED',
  /** All else holds, but a person has not approved exactly this call. */
  approvalRequired: 'ICE_CAPABILITIES_APPROVAL_REQUIRED',
  /** Thrown: a grant to be issued is malformed; every reason is in `data.reasons`. */
  grantUnsupported: 'ICE_CAPABILITIES_GRANT_UNSUPPORTED',
  /** Thrown: a child claims more than its parent; every reason is in `data.reasons`. */
  escalation: 'ICE_CAPABILITIES_ESCALATION_DENIED',
  /** Thrown: the grant was issued as one that cannot be revoked. */
  notRevocable: 'ICE_CAPABILITIES_NOT_REVOCABLE',
  /** Thrown: no stop switch has such a scope. */
  scopeUnsupported: 'ICE_CAPABILITIES_SCOPE_UNSUPPORTED',
  /** Thrown: two resource kinds of one name were registered. */
  kindConflict: 'ICE_CAPABILITIES_KIND_CONFLICT',
} as const

/** A code of this package. */
export type CapabilitiesCode = (typeof CAPABILITIES_CODES)[keyof typeof CAPABILITIES_CODES]

type ThrownOnly =
  | 'grantUnsupported'
  | 'escalation'
  | 'notRevocable'
  | 'scopeUnsupported'
  | 'kindConflict'

/** A code that a denial or one of its causes carries. */
export type DenialCode = (typeof CAPABILITIES_CODES)[Exclude<
  keyof typeof CAPABILITIES_CODES,
  ThrownOnly
>]

/** A failure of authority: a command that cannot be carried out. */
export class CapabilitiesError extends IceError {
  declare readonly code: CapabilitiesCode

  /** `data` is JSON for programs; `cause` is what led to it. */
  constructor(code: CapabilitiesCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, cause })
  }
}
