/**
 * From what a program asks to what may be tried: an effect is looked up, held to its handler's
 * arguments, and decided. What comes out is an intent, a denial, or a question to a person.
 */

import type {
  Allotment,
  ApprovalAsk,
  Authority,
  AuthorityRequest,
  Authorization,
  BudgetShare,
} from '@ice/capabilities/ports'
import type { RecordedEvent } from '@ice/events/ports'
import {
  canonicalize,
  type EventId,
  type GrantId,
  type Hash,
  type JsonObject,
  type JsonValue,
  type RunId,
  sha256Hex,
  type Timestamp,
} from '@ice/primitives'
import { type CallLabels, callLabels } from './call-labels.ts'
import {
  type Carried,
  type Carrying,
  decideCarried,
  isTooWide,
  joined,
  secretRecord,
  tooWide,
} from './carried.ts'
import { boundsMember, denied, proposalOf, proposerMember, refusal, type Told } from './denied.ts'
import { RUNS_CODES, type RunsError } from './errors.ts'
import type { Fact } from './facts.ts'
import type { Intent } from './journal.ts'
import type { Payload, RecordedAnswer, RunFold } from './lifecycle.ts'
import type { EffectHandler, RunPlace, SecretUse } from './ports.ts'
import { refusalLabel } from './prepare.ts'
import type { Bound } from './references.ts'
import { type Compensating, compensationMember, type Reserving, reserve } from './reserved.ts'
import type { Terms } from './retry.ts'
import type { AskedRequest, Followed } from './steps.ts'
import type { SealedValue } from './value.ts'

/** An intent with what its act will need. */
export interface EffectIntent extends Intent {
  readonly handler: EffectHandler
  readonly request: AskedRequest
  readonly terms: Terms
  readonly args: JsonObject
  /** The calls of a batch. */
  readonly items?: readonly Item[]
  readonly resources: readonly (JsonObject & { readonly kind: string })[]
  /** The secrets the call carries, as they were decided. */
  readonly secrets: readonly SecretUse[]
  /** What it took for its compensation, by share: that is spent, whatever the effect spends. */
  readonly reserved: ReadonlyMap<string, number>
}

/** A refusal, as it is recorded. */
export interface Denied {
  readonly kind: 'denied'
  readonly fact: Fact
  readonly final: boolean
}

/** What the runtime makes of an effect that was asked for. */
export type Ruling =
  | {
      readonly kind: 'intent'
      readonly intent: EffectIntent
      /** Slices to be drawn first: the run does not hold what the call takes. */
      readonly lacks: readonly Allotment[]
    }
  | Denied
  | { readonly kind: 'approval'; readonly ask: ApprovalAsk; readonly call: Call }

/** One call of a batch. */
export interface Item {
  /** With the contents of references in their places, and as its handler takes it. */
  readonly given: JsonValue
  readonly args: JsonObject
  readonly resource: JsonObject
  readonly bounds: ReturnType<NonNullable<EffectHandler['bounds']>>
  readonly secrets: readonly Carried[]
}

/** An effect as it stands before authority. */
export interface Call {
  readonly run: RunId
  readonly effect: string
  readonly attempt: number
  readonly handler: EffectHandler
  readonly request: AskedRequest
  readonly terms: Terms
  readonly sealed: SealedValue
  readonly args: JsonObject
  readonly resource: JsonObject
  readonly bounds: ReturnType<NonNullable<EffectHandler['bounds']>>
  readonly grant: GrantId
  /** What its arguments have handles of. */
  readonly secrets: readonly Carried[]
  /** The arguments as the program handed them over, and where references stand in them. */
  readonly bound: Bound
  /** The arguments with the contents of references in their places. */
  readonly given: JsonValue
  /** Why a reference could not be filled in. */
  readonly unfilled: RunsError | null
  /** The program is to have a reference to the result. */
  readonly hold: boolean
  readonly batch: boolean
  /** The calls of a batch; each is decided as if it were alone, but for what it costs. */
  readonly items?: readonly Item[]
  /** Of one call of a batch: how many they are, and what the intent claims for all of them. */
  readonly of?: { readonly calls: number; readonly resource: JsonObject }
  /** Version up to which the program had been given what happened when it asked. */
  readonly askedAt: number
  /** The `EffectStaged` that it carries out. */
  readonly staged?: EventId | undefined
  /** What undoes it when the run aborts: its right is reserved with the intent. */
  readonly compensation?: Compensating | undefined
  /** The proposal it follows. */
  readonly proposal?: Followed | undefined
  /** Where its run stands among others. */
  readonly place?: RunPlace | undefined
  /** Of its arguments, where they are known from a record; else those of the run say it. */
  readonly labels?: CallLabels | undefined
}

const APPROVAL_REQUIRED = 'ICE_CAPABILITIES_APPROVAL_REQUIRED'

/** What of authority decisions are made with. */
export type Decider = Pick<Authority, 'basis' | 'callDigest' | 'decide'>

/** Decides a call. A denial is only `final` when authority had just caught up with the log. */
export function rule(
  call: Call,
  init: {
    readonly fold: RunFold
    readonly authority: Decider
    /** What the run will hold once all intents before this one are recorded. */
    readonly purse: readonly BudgetShare[]
    readonly at: Timestamp
    readonly fresh: boolean
    /** Whether that is not what the run holds by its own stream: intents wait, or slices are in
     * hand. */
    readonly ahead?: boolean
  },
): Ruling {
  const { authority, fold } = init
  const { run, grant, resource } = call
  const identity = { run, grant, resource, action: call.request.action }
  const argumentsDigest = call.sealed.digest
  const claimed = call.of === undefined ? {} : { resource: call.of.resource }
  const callDigest = authority.callDigest({ ...identity, ...claimed, argumentsDigest })
  const labels = call.labels ?? callLabels(fold.labels, call.askedAt, call.bound.references)
  const asked: Told = { labels, ...(init.ahead === true ? { purse: init.purse } : {}) }
  const given = fold.answers.get(call.effect)
  const answer = given?.digest === callDigest ? given : undefined
  if (answer?.approved === false) {
    const said = answer.comment === null ? '' : `: ${answer.comment}`
    const denial = refusal(RUNS_CODES.approvalRejected, `The approval was refused${said}`)
    return denied(call, grant, denial, { causes: [answer.event.id], told: asked })
  }
  const lapsed = fold.lapsed.get(call.effect)
  if (lapsed?.digest === callDigest) {
    const denial = refusal(RUNS_CODES.approvalLapsed, 'Nobody answered until the question lapsed')
    return denied(call, grant, denial, { causes: [lapsed.event.id], told: asked })
  }
  const label = refusalLabel(call, fold)
  const request = requestOf(call, init, { labels, callDigest })
  const decision = authority.decide({ ...request, ...approvedBy(answer) })
  if ('denied' in decision && decision.denied.code !== APPROVAL_REQUIRED) {
    const told = { ...asked, basis: authority.basis(request) }
    return denied(call, grant, decision.denied, { final: init.fresh, label, told })
  }
  // Before anybody is asked about the call: what it carries may be refused without them.
  const carrying = decideCarried(call.secrets, authority, request)
  if ('denied' in carrying) {
    const { denied: denial, secret } = carrying
    const claimed = { ...call, resource: secret.claim }
    const own = { ...request, grant: secret.grant, resource: secret.claim }
    const told = { ...asked, basis: authority.basis(own), secret: secret.name }
    return denied(claimed, secret.grant, denial, { final: init.fresh, label, told })
  }
  const reserving = { authority, request, fresh: init.fresh }
  if ('ok' in decision) {
    const { ok } = decision
    return intended({ call, labels, reserving }, ok, carrying, answer?.event)
  }
  for (const standing of fold.standing) {
    const stands = authority.decide({ ...request, standing })
    if ('ok' in stands) {
      return intended({ call, labels, reserving }, stands.ok, carrying, undefined)
    }
  }
  // A yes that does not count is no reason to ask again: who asked has had their answer.
  if (init.fresh && answer === undefined && decision.ask !== undefined) {
    return { kind: 'approval', ask: decision.ask, call }
  }
  const told = { ...asked, basis: authority.basis(request) }
  return denied(call, grant, decision.denied, { final: init.fresh, label, told })
}

export function requestOf(
  call: Call,
  { fold, purse, at }: Pick<Parameters<typeof rule>[1], 'fold' | 'purse' | 'at'>,
  told: Pick<AuthorityRequest, 'callDigest'> & { readonly labels: CallLabels },
): AuthorityRequest {
  const { run, grant, resource, request, sealed, given, bound, bounds, of } = call
  const isFilled = bound.references.length > 0 || of !== undefined
  return {
    ...{ run, grant, resource, action: request.action },
    ...partyOf(fold, run),
    ...proposerMember(call),
    arguments: given,
    argumentsDigest: sealed.digest,
    ...(isFilled ? { givenDigest: sha256Hex(canonicalize(given)) } : {}),
    ...{ bounds, purse, at },
    ...(of === undefined ? {} : { calls: of.calls }),
    ...told,
  }
}

/** For whom a run acts: whose stop switches concern what it does. */
export function partyOf(
  { view }: RunFold,
  run: RunId,
): Pick<AuthorityRequest, 'run' | 'line' | 'agent' | 'session' | 'principal'> {
  const { principal = null, agent = null, session = null, line = run } = view ?? {}
  return {
    run,
    ...(line === run ? {} : { line }),
    ...(principal === null ? {} : { principal }),
    ...(agent === null ? {} : { agent }),
    ...(session === null ? {} : { session }),
  }
}

/**
 * Has authority catch up with the log in what decides on calls of this run: the grants, for whom
 * the run acts, and the agents whose proposals it follows.
 */
export async function catchUp(
  authority: Pick<Authority, 'refresh'>,
  party: ReturnType<typeof partyOf>,
  grants: readonly GrantId[],
  proposers: Iterable<string | undefined>,
): Promise<void> {
  await authority.refresh(grants, party)
  for (const proposer of new Set(proposers)) {
    if (proposer !== undefined) await authority.refresh([], { ...party, proposer })
  }
}

function approvedBy(answer: RecordedAnswer | undefined): Pick<AuthorityRequest, 'approved'> {
  if (answer === undefined) return {}
  const { event, askedAt, digest } = answer
  const by = event.principal === undefined ? {} : { by: event.principal }
  const approved = { digest: digest as Hash, event: event.id, askedAt, answeredAt: event.time }
  return { approved: { ...approved, ...by } }
}

/** An intent that stands on the authority of the call and of all it carries. */
function intended(
  { call, labels, reserving }: Intending,
  allowed: Authorization,
  { granted, uses }: Extract<Carrying, { readonly granted: unknown }>,
  answer: RecordedEvent | undefined,
): Ruling {
  const own = granted.reduce(joined, allowed)
  const right = reserve(call.compensation, own, reserving)
  if ('denied' in right) {
    return denied(call, call.grant, right.denied, { final: reserving.fresh })
  }
  const { ok, reserved } = right
  if (isTooWide(ok)) return denied(call, call.grant, tooWide(), {})
  const intent = intentOf(call, labels, { ok, uses, reserved }, answer)
  return { kind: 'intent', intent, lacks: ok.allotments }
}

interface Intending {
  readonly call: Call
  readonly labels: CallLabels
  readonly reserving: Reserving
}

function intentOf(
  call: Call,
  labels: CallLabels,
  {
    ok,
    uses,
    reserved,
  }: Pick<EffectIntent, 'reserved'> & {
    readonly ok: Authorization
    readonly uses: readonly SecretUse[]
  },
  answer: RecordedEvent | undefined,
): EffectIntent {
  const { handler, request, terms, sealed, args } = call
  const approval = ok.approval === null ? {} : { approval: ok.approval }
  const standing = ok.standing == null ? {} : { standing: ok.standing }
  return {
    handler,
    request,
    terms,
    args,
    resources: ok.resources,
    secrets: uses,
    reserved,
    guards: ok.guards,
    spends: ok.spends,
    expiresAt: ok.expiresAt,
    blob: sealed.blob,
    causes: [
      ...proposalOf(call),
      ...(ok.approval !== null && answer !== undefined ? [answer.id] : []),
    ],
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
      labels: labels as Payload<'CapabilityUsed'>['labels'],
      ...(call.hold ? { held: true as const } : {}),
      ...boundsMember(call),
      ...proposerMember(call),
      ...approval,
      ...(ok.spends.length === 0 ? {} : { spends: [...ok.spends] }),
      ...standing,
      ...(uses.length === 0 ? {} : { secrets: uses.map(secretRecord) }),
      ...(ok.ceiling == null ? {} : { ceiling: { ...ok.ceiling } }),
      ...(call.staged === undefined ? {} : { staged: call.staged }),
      ...compensationMember(call.compensation),
    },
  }
}
