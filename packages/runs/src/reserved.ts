/**
 * The right to a compensation, reserved by the intent of the effect that it undoes.
 *
 * An effect may name another that undoes it. Whether that one is allowed is decided with the effect
 * itself, about the arguments it will have: the intent guards the chains of both and pays for both,
 * and an effect whose undoing is not allowed is denied. So what may be done may be undone, also
 * when the grant is revoked in between (see `compensation-right.ts`).
 *
 * 1. Nobody is asked about a compensation: an approval belongs on the effect's own grant.
 * 2. Counted uses are one for both. Of what is measured, what both take is taken; what was taken
 *    for the compensation is not given back, whatever the effect has spent.
 *
 * The trap: asking for the right to undo when there is something to undo, which is when it has just
 * been taken away.
 */

import type { Authority, AuthorityRequest, Authorization, Denial } from '@ice/capabilities/ports'
import { type GrantId, type Hash, type JsonObject, joinLabels } from '@ice/primitives'
import { wholeLabel } from './call-labels.ts'
import { type Carried, carriedBy, decideCarried, joined } from './carried.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Payload } from './lifecycle.ts'
import { INLINE_VALUE_BYTES_MAX } from './limits.ts'
import type { CompensationRequest, EffectHandler, EffectRequest } from './ports.ts'
import { createPurse, isCounted, keyOf, put, sharesOf, take } from './purse.ts'
import { recordedReferences, strayReference } from './references.ts'
import { asRecorded, type SealedValue, sealValue } from './value.ts'

/** A compensation as it stands before authority. */
export interface Compensating {
  readonly request: CompensationRequest
  readonly handler: EffectHandler
  readonly sealed: SealedValue
  readonly args: JsonObject
  readonly resource: JsonObject
  readonly bounds: ReturnType<NonNullable<EffectHandler['bounds']>>
  readonly grant: GrantId
  readonly secrets: readonly Carried[]
}

/**
 * What a request says of its compensation, as a copy.
 * @throws `ICE_RUNS_VALUE_LIMIT`, `ICE_RUNS_VALUE_UNSUPPORTED`, `ICE_RUNS_REFERENCE_DENIED`
 */
export function compensationOf({ compensation }: Pick<EffectRequest<unknown>, 'compensation'>): {
  readonly compensation?: CompensationRequest
} {
  if (compensation === undefined) return {}
  const { action, grant, arguments: args } = compensation
  const sealed = sealValue({ action, grant, arguments: args })
  if (sealed.blob !== null) {
    const data = { bytesMax: INLINE_VALUE_BYTES_MAX }
    throw new RunsError(RUNS_CODES.valueLimit, 'A compensation is too large to be reserved', data)
  }
  const own = asRecorded({ action, grant, arguments: args })
  if (recordedReferences(own).length > 0) throw strayReference('/compensation')
  return { compensation: own }
}

/**
 * Everything that does not depend on authority.
 * @throws `ICE_RUNS_ACTION_UNKNOWN_DENIED`, `ICE_RUNS_ARGUMENTS_DENIED`,
 * `ICE_RUNS_GRANT_UNBOUND_DENIED`, and as `carriedBy`
 */
export function prepareCompensation(
  request: CompensationRequest,
  grants: ReadonlyMap<string, GrantId>,
  handlers: ReadonlyMap<string, EffectHandler>,
): Compensating {
  const { action } = request
  const handler = handlers.get(action)
  if (handler === undefined) {
    const message = `No handler here carries out its compensation "${action}"`
    throw new RunsError(RUNS_CODES.actionUnknown, message)
  }
  const grant = grants.get(request.grant)
  if (grant === undefined) {
    const message = `This run has no grant called "${request.grant}" for its compensation`
    throw new RunsError(RUNS_CODES.grantUnbound, message)
  }
  try {
    const args = handler.arguments.parse(request.arguments)
    const resource = handler.resource(args)
    const bounds = handler.bounds?.(args) ?? {}
    const sealed = sealValue(request.arguments)
    const secrets = carriedBy(args, resource, grants)
    return { request, handler, sealed, args, resource, bounds, grant, secrets }
  } catch (cause) {
    if (cause instanceof RunsError) throw cause
    const message = `${action}, its compensation, does not take these arguments`
    throw new RunsError(RUNS_CODES.argumentsInvalid, message, {}, cause)
  }
}

/** What a reservation is decided with. */
export interface Reserving {
  readonly authority: Pick<Authority, 'callDigest' | 'decide'>
  /** As the effect was decided on. */
  readonly request: AuthorityRequest
  /** Whether a denial is final. */
  readonly fresh: boolean
}

/** The authority of an effect with that of its compensation, or why there is none. */
export type Reserved =
  | { readonly ok: Authorization; readonly reserved: ReadonlyMap<string, number> }
  | { readonly denied: Denial }

/** Reserves the right to a compensation beside the authority of its effect. */
export function reserve(
  compensation: Compensating | undefined,
  own: Authorization,
  { authority, request }: Reserving,
): Reserved {
  if (compensation === undefined) return { ok: own, reserved: new Map() }
  const asked = requestOf(compensation, own, { authority, request })
  const decision = authority.decide(asked)
  if ('denied' in decision) return { denied: explained(compensation, decision.denied) }
  const carrying = decideCarried(compensation.secrets, authority, asked)
  if ('denied' in carrying) return { denied: explained(compensation, carrying.denied) }
  const more = carrying.granted.reduce(joined, decision.ok)
  const measured = more.spends.filter((share) => !isCounted(share))
  const reserved = new Map(measured.map((share) => [keyOf(share), share.amount]))
  const mine = new Set(own.spends.map(keyOf))
  const both = joined(own, more)
  const spends = both.spends.map((share) => {
    if (!mine.has(keyOf(share))) return share
    return { ...share, amount: share.amount + (reserved.get(keyOf(share)) ?? 0) }
  })
  // One draw after another: what the second lacks is known once the first is in hand.
  const allotments = own.allotments.length > 0 ? own.allotments : more.allotments
  return { ok: { ...both, spends, allotments }, reserved }
}

function requestOf(
  { request: { action }, sealed, args, resource, bounds, grant }: Compensating,
  own: Authorization,
  { authority, request }: Pick<Reserving, 'authority' | 'request'>,
): AuthorityRequest {
  const { approved: _yes, standing: _stands, givenDigest: _given, ...party } = request
  const purse = createPurse()
  put(purse, request.purse ?? [])
  put(purse, own.allotments)
  take(
    purse,
    own.spends.filter((share) => !isCounted(share)),
  )
  const argumentsDigest: Hash = sealed.digest
  const { run } = request
  return {
    ...{ ...party, action, grant, resource, bounds, argumentsDigest },
    arguments: args,
    purse: sharesOf(purse.held),
    callDigest: authority.callDigest({ run, grant, action, resource, argumentsDigest }),
    // A program that has seen what it has seen has chosen these arguments, too.
    labels: { '': joinLabels(wholeLabel(request.labels ?? {})) },
  }
}

function explained({ request }: Compensating, cause: Denial): Denial {
  const message = `Its compensation, ${request.action}, is not allowed: ${cause.message}`
  const code = RUNS_CODES.compensationDenied
  return { code, message: message.slice(0, 2_048), data: {}, causes: [cause] }
}

/** A compensation as the intent of its effect has it. */
export function compensationMember(
  compensation: Compensating | undefined,
): Pick<Payload<'CapabilityUsed'>, 'compensation'> {
  if (compensation === undefined) return {}
  const { request, sealed } = compensation
  const { action, grant } = request
  const args = sealed.ref as Payload<'CapabilityUsed'>['arguments']
  return { compensation: { action, arguments: args, grant } }
}

/** Whether an intent reserved what the program asks to have reserved now. */
export function isSameCompensation(
  { compensation }: Pick<EffectRequest<unknown>, 'compensation'>,
  { compensation: recorded }: Payload<'CapabilityUsed'>,
): boolean {
  if (compensation === undefined || recorded === undefined) return compensation === recorded
  const { inline = null } = recorded.arguments as { readonly inline?: unknown }
  const then = { action: recorded.action, grant: recorded.grant, arguments: inline }
  return sealValue(then).digest === sealValue(compensation).digest
}
