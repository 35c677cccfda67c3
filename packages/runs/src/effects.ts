/**
 * From what a program asks to what may be tried: an effect is looked up, held to its handler's
 * arguments, and decided. What comes out is an intent, a denial, or a question to a person.
 */

import type { Authority, Decision, Denial } from '@ice/capabilities/ports'
import type { RecordedEvent } from '@ice/events/ports'
import {
  canonicalize,
  type EventId,
  errorRecord,
  type GrantId,
  type Hash,
  type JsonObject,
  type JsonValue,
  type RunId,
  type Timestamp,
} from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Fact, Intent } from './journal.ts'
import type { Payload, RunFold } from './lifecycle.ts'
import { INLINE_VALUE_BYTES_MAX, OBSERVED_BYTES_MAX } from './limits.ts'
import type { EffectHandler, EffectReport, EffectRequest } from './ports.ts'
import { asRecorded, type SealedValue, sealValue } from './value.ts'

/** An intent with what its act will need. */
export interface EffectIntent extends Intent {
  readonly handler: EffectHandler
  readonly request: EffectRequest<unknown>
  readonly args: JsonObject
  readonly resources: readonly (JsonObject & { readonly kind: string })[]
}

/** What the runtime makes of an effect that was asked for. */
export type Ruling =
  | { readonly kind: 'intent'; readonly intent: EffectIntent }
  | { readonly kind: 'denied'; readonly fact: Fact; readonly final: boolean }
  | { readonly kind: 'approval'; readonly digest: Hash; readonly call: Call }

/** An effect as it stands before authority. */
export interface Call {
  readonly run: RunId
  readonly effect: string
  readonly attempt: number
  readonly handler: EffectHandler
  readonly request: EffectRequest<unknown>
  readonly sealed: SealedValue
  readonly args: JsonObject
  readonly resource: JsonObject
  readonly grant: GrantId
}

const APPROVAL_REQUIRED = 'ICE_CAPABILITIES_APPROVAL_REQUIRED'

/** Everything that does not depend on authority: may it be decided at all? */
export function prepareCall(
  init: Pick<Call, 'run' | 'effect' | 'attempt' | 'request'>,
  fold: RunFold,
  handlers: ReadonlyMap<string, EffectHandler>,
): Call | Ruling {
  const { request } = init
  const sealed = sealValue(request.arguments)
  const refuse = (code: string, message: string, cause?: unknown): Ruling =>
    denied({ ...init, sealed, resource: {} }, request.grant, refusal(code, message, cause), [])
  const handler = handlers.get(request.action)
  if (handler === undefined) {
    const known = [...handlers.keys()].join(', ')
    const message = `No handler here carries out "${request.action}"; there are: ${known}`
    return refuse(RUNS_CODES.actionUnknown, message)
  }
  let args: JsonObject
  let resource: JsonObject
  try {
    args = handler.arguments.parse(request.arguments)
    resource = handler.resource(args)
    checkClaim(resource)
  } catch (cause) {
    const message = `${request.action} does not take these arguments`
    return refuse(RUNS_CODES.argumentsInvalid, message, cause)
  }
  const grant = fold.grants.get(request.grant)
  if (grant === undefined) {
    const bound = [...fold.grants.keys()].map((name) => `"${name}"`).join(', ') || 'none'
    const message = `This run has no grant called "${request.grant}"; it has: ${bound}`
    return refuse(RUNS_CODES.grantUnbound, message)
  }
  return { ...init, handler, sealed, args, resource, grant }
}

/** What an effect claims stands in its intent: small, and nothing that JSON cannot hold. */
function checkClaim(resource: JsonObject): void {
  if (sealValue(resource).blob === null) return
  const data = { bytesMax: INLINE_VALUE_BYTES_MAX }
  throw new RunsError(RUNS_CODES.valueLimit, 'The claim on the resource is too large', data)
}

/** Decides a call. A denial is only `final` when authority had just caught up with the log. */
export function rule(
  call: Call,
  init: {
    readonly fold: RunFold
    readonly authority: Authority
    readonly at: Timestamp
    readonly fresh: boolean
  },
): Ruling {
  const { authority, fold, at } = init
  const { run, grant, resource } = call
  const principal = fold.view?.principal ?? null
  const identity = { run, grant, resource, action: call.request.action }
  const argumentsDigest = call.sealed.digest
  const callDigest = authority.callDigest({ ...identity, argumentsDigest })
  const answer = fold.answers.get(call.effect)
  const answered = answer !== undefined && answer.digest === callDigest
  if (answered && !answer.approved) {
    const said = answer.comment === null ? '' : `: ${answer.comment}`
    const denial = refusal(RUNS_CODES.approvalRejected, `The approval was refused${said}`)
    return denied(call, grant, denial, [answer.event.id])
  }
  const decision = authority.decide({
    ...identity,
    arguments: call.request.arguments,
    argumentsDigest,
    at,
    callDigest,
    ...(principal === null ? {} : { principal }),
    ...(answered ? { approved: { digest: callDigest, event: answer.event.id } } : {}),
  })
  if ('ok' in decision) return { kind: 'intent', intent: intentOf(call, decision, answer?.event) }
  if (decision.denied.code === APPROVAL_REQUIRED && init.fresh) {
    return { kind: 'approval', digest: callDigest, call }
  }
  return denied(call, grant, decision.denied, [], init.fresh)
}

function intentOf(
  call: Call,
  { ok }: Extract<Decision, { readonly ok: unknown }>,
  answer: RecordedEvent | undefined,
): EffectIntent {
  const { handler, request, sealed, args } = call
  const approval = ok.approval === null ? {} : { approval: ok.approval }
  return {
    handler,
    request,
    args,
    resources: ok.resources,
    guards: ok.guards,
    debits: ok.debits,
    expiresAt: ok.expiresAt,
    blob: sealed.blob,
    causes: ok.approval !== null && answer !== undefined ? [answer.id] : [],
    data: {
      effect: call.effect,
      attempt: call.attempt,
      action: request.action,
      resource: call.resource,
      arguments: sealed.ref as Payload<'CapabilityUsed'>['arguments'],
      argumentsDigest: sealed.digest,
      grant: ok.grant,
      chain: [...ok.chain],
      basis: ok.guards.map(({ stream, version }) => ({ stream, version })),
      fate: handler.fate,
      ...approval,
      ...(ok.ceiling == null ? {} : { ceiling: { ...ok.ceiling } }),
    },
  }
}

function denied(
  call: Pick<Call, 'effect' | 'attempt' | 'request' | 'sealed' | 'resource'>,
  grant: string,
  denial: Denial,
  causes: readonly EventId[],
  final = true,
): Ruling {
  const data: Payload<'CapabilityDenied'> = {
    effect: call.effect,
    attempt: call.attempt,
    stage: 'decision',
    action: call.request.action,
    resource: call.resource,
    argumentsDigest: call.sealed.digest,
    grant,
    denial: denial as unknown as Payload<'CapabilityDenied'>['denial'],
    basis: [],
  }
  return { kind: 'denied', final, fact: { type: 'CapabilityDenied', data, causes } }
}

function refusal(code: string, message: string, cause?: unknown): Denial {
  const data = cause === undefined ? {} : { cause: errorRecord(cause) as unknown as JsonValue }
  return { code, message, data, causes: [] }
}

/** What a handler came back with. */
export type Completion =
  | { readonly intent: EffectIntent; readonly event: RecordedEvent; readonly report: EffectReport }
  | { readonly intent: EffectIntent; readonly event: RecordedEvent; readonly error: unknown }

/** What is recorded of a handler's end, and the value a success gives the program. */
export interface Settled {
  readonly type: string
  readonly data: unknown
  readonly blob: SealedValue['blob']
  readonly value: JsonValue
}

/**
 * The event that a handler's end comes to: always one, whatever it reported or threw. It settles
 * the effect, but for `EffectInDoubt`, which leaves it open for somebody who knows.
 */
export function settle(completion: Completion): Settled {
  const { intent, event } = completion
  const { effect, attempt } = intent.data
  const common = { effect, attempt, intent: event.id }
  if (!('error' in completion)) {
    try {
      const sealed = sealValue(completion.report.value)
      const observed = boundedObservation(completion.report.observed)
      const data = { ...common, result: sealed.ref, observed }
      const value = asRecorded(completion.report.value)
      return { type: intent.handler.outcome, data, blob: sealed.blob, value }
    } catch (error) {
      // The act took place; only its result cannot be kept. That is a failure, and says so.
      return failed(common, error)
    }
  }
  const { error } = completion
  const record = errorRecord(error)
  if (record.code.endsWith('_IN_DOUBT') && intent.data.fate === 'irreversible') {
    return { type: 'EffectInDoubt', data: common, blob: null, value: null }
  }
  if (!record.code.endsWith('_DENIED')) return failed(common, error)
  const { code, message, data = {} } = record
  const denial = { code, message, data, causes: [] }
  const { action, resource, argumentsDigest, grant } = intent.data
  const refused = { ...common, stage: 'handler', action, resource, argumentsDigest, grant, denial }
  return {
    type: 'CapabilityDenied',
    data: { ...refused, basis: intent.data.basis },
    blob: null,
    value: null,
  }
}

function failed(common: JsonObject, error: unknown): Settled {
  const data = { ...common, error: errorRecord(error) }
  return { type: 'EffectFailed', data, blob: null, value: null }
}

function boundedObservation(observed: JsonObject): JsonObject {
  const { length } = canonicalize(observed)
  return length <= OBSERVED_BYTES_MAX ? observed : { dropped: 'too large', characters: length }
}
