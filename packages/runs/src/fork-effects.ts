/** Effects and questions of a fork: decided anew, and answered by what is recorded or replaced. */

import type { RecordedEvent } from '@ice/events/ports'
import {
  type EventId,
  errorRecord,
  type GrantId,
  type Hash,
  type JsonObject,
  type JsonValue,
  type PrincipalId,
  type Timestamp,
} from '@ice/primitives'
import { carriedBy } from './carried.ts'
import { filled } from './contents.ts'
import { refusal } from './denied.ts'
import type { Call, Ruling } from './effects.ts'
import { RUNS_CODES } from './errors.ts'
import type { ForkDesk } from './fork-drive.ts'
import { ForkJudge } from './fork-judge.ts'
import type { ForkDecision, ReplacedAnswer, ReplacedOutcome } from './fork-ports.ts'
import type { DecidedEvent } from './fork-record.ts'
import { own } from './fork-waits.ts'
import { batchAsked } from './items.ts'
import type { Payload } from './lifecycle.ts'
import { isOutcome } from './outcome.ts'
import type { EffectHandler, WaitingStep } from './ports.ts'
import { answered, effectEnd } from './records.ts'
import { boundsOf, isOutside, type Verdict, verdictOf, verdictOfRuling } from './rejudge.ts'
import type { AskOf, Step } from './steps.ts'
import { OWN_LABEL } from './unwanted.ts'
import { asRecorded, sealValue } from './value.ts'

const LATEST = Number.MAX_SAFE_INTEGER

export class ForkEffects {
  readonly #desk: ForkDesk
  readonly #judge: ForkJudge

  constructor(desk: ForkDesk) {
    this.#desk = desk
    this.#judge = new ForkJudge(desk.fork)
  }

  /** An effect: what is recorded of it, or nothing. */
  async look(step: Step, ask: AskOf<'effect'>): Promise<void> {
    const { record, fold } = this.#desk
    if (fold.open.has(step.id)) return this.#awaitEnd(step, record.decided(step.id))
    const recorded = record.decided(step.id)
    const { action, arguments: args } = ask.request
    const { digest } = sealValue(args)
    const isSame = recorded?.data.action === action && recorded.data.argumentsDigest === digest
    if (recorded === undefined || !isSame) return this.#unknown(step, ask, recorded)
    const was = verdictOf(recorded.data)
    const told = decisionOf(step, recorded, was)
    if (isOutside(was)) {
      this.#desk.decided({ ...told, outcome: 'same', would: was })
      if (this.#outcome(step) !== undefined) return this.#assumed(step, ask, recorded)
      return this.#desk.deliverRecorded(step.id, recorded)
    }
    const ruling = await this.#ruled(step, ask, recorded)
    if (typeof ruling === 'string') return this.#unjudged(step, ask, { recorded, reason: ruling })
    const would = verdictOfRuling(ruling)
    this.#desk.decided({ ...told, would, outcome: would.verdict === was.verdict ? 'same' : 'flip' })
    if (ruling.kind === 'denied') return this.#deny(step, recorded, ruling)
    if (ruling.kind === 'approval') return this.#ask(step, recorded, ruling)
    const allotted = this.#judge.allotted(ruling, recorded, fold)
    const { data, causes } = ruling.intent
    const told2 = allotted.length === 0 ? {} : { allotted: [...allotted] }
    const at = { at: this.#timeOf(step, 'CapabilityUsed') }
    this.#desk.add({ type: 'CapabilityUsed', data: { ...data, ...told2 }, causes, ...at })
    this.#awaitEnd(step, recorded)
  }

  /** When the record has an event of this type about the step; now, where it has none. */
  #timeOf({ id }: Step, type: string): Timestamp {
    return this.#desk.record.of(id, type)?.time ?? this.#desk.now()
  }

  #outcome({ id }: Step): ReplacedOutcome | undefined {
    return own(this.#desk.fork.replace?.outcomes, id)
  }

  async #ruled(step: Step, ask: AskOf<'effect'>, recorded: DecidedEvent): Promise<Ruling | string> {
    const { fold, record } = this.#desk
    if ('secret' in recorded.data && recorded.data.secret !== undefined) {
      return 'what its secret was carried by is not recorded'
    }
    try {
      const call = await this.#call(step, ask, recorded)
      const hasAnswer = fold.answers.has(step.id) || fold.lapsed.has(step.id)
      const first = hasAnswer ? recorded : (record.lastAsked(step.id) ?? recorded)
      const at = Math.max(this.#desk.now(), first.time) as Timestamp
      return await this.#judge.decide(call, recorded, { fold, at })
    } catch (error) {
      const { code, message } = errorRecord(error)
      return `its request cannot be made again: ${code}: ${message}`
    }
  }

  async #call(step: Step, ask: AskOf<'effect'>, { data }: DecidedEvent): Promise<Call> {
    const { fold, fork } = this.#desk
    const { request, bound, terms, hold, batch, proposal } = ask
    const { blobs } = fork.log.store
    const given = await filled(bound.value, bound.references, { labels: fold.labels, blobs })
    const args = given as JsonObject
    const resource = data.resource as JsonObject
    const handler = { fate: 'fate' in data ? data.fate : 'observe' } as EffectHandler
    const call: Call = {
      ...{
        run: fork.run,
        effect: step.id,
        attempt: 1,
        handler,
        request,
        bound,
        terms,
        hold,
        batch,
      },
      ...{ sealed: sealValue(request.arguments), args, given, resource, proposal },
      grant: fold.grants.get(request.grant) ?? (data.grant as GrantId),
      bounds: ((data as { bounds?: object }).bounds ?? boundsOf(data)) as Call['bounds'],
      secrets: carriedBy(args, resource, fold.grants),
      ...{ unfilled: null, askedAt: step.askedAt },
    }
    return batchAsked(call, data, fold.grants)
  }

  async #deny(
    step: Step,
    recorded: DecidedEvent,
    { fact }: Extract<Ruling, { readonly kind: 'denied' }>,
  ): Promise<void> {
    const isRecorded = recorded.type === 'CapabilityDenied'
    const at = isRecorded ? { at: recorded.time } : {}
    const event = this.#desk.add({ ...fact, ...at })
    await this.#desk.deliver(step, event, effectEnd(event, null))
  }

  /** A call that the record does not have: what it would act on is not known here. */
  #unknown(step: Step, ask: AskOf<'effect'>, recorded: DecidedEvent | undefined): void {
    const { action } = ask.request
    const none = { effect: step.id, action, resource: null, would: null, was: null }
    const why =
      recorded === undefined
        ? 'the record has no such effect'
        : `it is recorded as ${recorded.data.action} with the arguments ` +
          recorded.data.argumentsDigest
    const event = recorded?.id ?? null
    this.#desk.decided({ ...none, event, outcome: 'new', reason: why })
    if (this.#outcome(step) === undefined) this.#desk.unanswered(step, why)
    else this.#assumed(step, ask, recorded)
  }

  /** Its outcome is given, so that it is allowed is taken for granted. */
  #assumed(step: Step, ask: AskOf<'effect'>, recorded: DecidedEvent | undefined): void {
    const { request, hold } = ask
    const sealed = sealValue(request.arguments)
    const data: Payload<'CapabilityUsed'> = {
      ...{ effect: step.id, attempt: 1, action: request.action },
      resource: (recorded?.data.resource ?? {}) as Payload<'CapabilityUsed'>['resource'],
      arguments: sealed.ref as Payload<'CapabilityUsed'>['arguments'],
      argumentsDigest: sealed.digest,
      grant: this.#desk.fold.grants.get(request.grant) ?? '',
      ...{ chain: [], basis: [], fate: 'observe' },
      ...(hold ? { held: true as const } : {}),
    } as Payload<'CapabilityUsed'>
    this.#desk.add({ type: 'CapabilityUsed', data })
    this.#awaitEnd(step, undefined)
  }

  /** The recorded verdict stands; a person who says otherwise is heard all the same. */
  async #unjudged(
    step: Step,
    ask: AskOf<'effect'>,
    { recorded, reason }: { readonly recorded: DecidedEvent; readonly reason: string },
  ): Promise<void> {
    const was = verdictOf(recorded.data)
    const answer = own(this.#desk.fork.replace?.answers, step.id)
    const isRefused = answer?.approved === false
    const code = RUNS_CODES.approvalRejected
    const denial = refusal(code, 'The approval was refused')
    const would: Verdict = isRefused ? { verdict: 'denied', denial } : was
    const told = decisionOf(step, recorded, was)
    this.#desk.decided({ ...told, outcome: 'unjudged', would, reason })
    if (would.verdict === 'denied' && !isRefused && this.#outcome(step) === undefined) {
      return this.#desk.deliverRecorded(step.id, recorded)
    }
    if (!isRefused) return this.#assumed(step, ask, recorded)
    const { action, argumentsDigest, resource, grant } = recorded.data
    const about = { effect: step.id, attempt: 1, stage: 'decision', action, resource } as const
    const refused = { ...about, argumentsDigest, grant, basis: [], denial: denial as never }
    const event = this.#desk.add({ type: 'CapabilityDenied', data: refused })
    await this.#desk.deliver(step, event, effectEnd(event, null))
  }

  /** Waits for what an allowed effect came to. */
  #awaitEnd(step: Step, decided: DecidedEvent | undefined): void {
    const { record } = this.#desk
    const end = record.settled(step.id)
    // A refusal of authority is no end of an effect that is allowed here.
    const isEnd = end !== undefined && decided?.type === 'CapabilityUsed'
    const place = isEnd ? end : undefined
    const { time = this.#desk.now(), version = LATEST } = place ?? {}
    const replaced = this.#outcome(step)
    const due = { step: step.id, time, version, isEffect: true }
    if (replaced !== undefined) {
      this.#desk.due({ ...due, come: () => this.#replaced(step, replaced, place) })
    } else if (place !== undefined) {
      this.#desk.due({ ...due, come: () => this.#desk.deliverRecorded(step.id, place) })
    } else {
      const isOpen = decided?.type === 'CapabilityUsed'
      const why = isOpen ? 'it has no recorded end' : 'it would be tried, and was not'
      this.#desk.unanswered(step, why)
    }
  }

  async #replaced(
    step: Step,
    replaced: ReplacedOutcome,
    place: RecordedEvent | undefined,
  ): Promise<void> {
    const { intent } = this.#desk.fold.open.get(step.id) ?? {}
    const { label } = (place?.data ?? {}) as { readonly label?: object }
    const common = { effect: step.id, attempt: 1, intent: intent?.id ?? ('' as EventId) }
    const labelled = { label: (label ?? OWN_LABEL) as never }
    const at = place === undefined ? {} : { at: place.time }
    if ('error' in replaced) {
      const error = { ...replaced.error, retryable: false }
      const data = { ...common, error, ...labelled }
      const event = this.#desk.add({ type: 'EffectFailed', data, ...at })
      return this.#given(step, event, null)
    }
    const value = asRecorded(replaced.value)
    const type = place !== undefined && isOutcome(place) ? place.type : 'EffectSucceeded'
    const data = { ...common, result: { inline: value }, observed: {}, ...labelled }
    return this.#given(step, this.#desk.add({ type, data, ...at }), value)
  }

  async #given(step: Step, event: RecordedEvent, value: JsonValue): Promise<void> {
    if (this.#desk.execution.step(step.id) !== step) return
    await this.#desk.deliver(step, event, effectEnd(event, value))
  }

  /** A question of the program. */
  question(step: Step, { question }: AskOf<'question'>): void {
    const { fold, record } = this.#desk
    const asked = record.asked(step.id, step.digest)
    if (!fold.waiting.has(step.id) && !fold.answers.has(step.id) && !fold.lapsed.has(step.id)) {
      const { by, timeoutMs = null, prompt } = question
      const at = Math.max(asked?.time ?? 0, this.#desk.now()) as Timestamp
      const terms = asked?.data as Payload<'ApprovalRequested'> | undefined
      const data: Payload<'ApprovalRequested'> = terms ?? {
        ...{ step: step.id, kind: 'question', digest: step.digest, prompt },
        details: { inline: null },
        expiresAt: timeoutMs === null ? null : at + timeoutMs,
        ...(by === undefined ? {} : { approvers: [...by] }),
      }
      this.#desk.add({ type: 'ApprovalRequested', data, at })
    }
    this.#await(step, asked, () => this.#consumed(step))
  }

  async #consumed(step: Step): Promise<void> {
    const { fold, record } = this.#desk
    const answer = fold.answers.get(step.id)
    const by = answer?.event ?? fold.lapsed.get(step.id)?.event
    if (by === undefined) return
    const approved = answer?.approved ?? false
    const data = { step: step.id, answer: by.id, approved }
    const { time } = record.of(step.id, 'ApprovalConsumed') ?? {}
    const at = time === undefined ? {} : { at: time }
    const event = this.#desk.add({ type: 'ApprovalConsumed', data, causes: [by.id], ...at })
    await this.#desk.deliver(step, event, answered(approved, by))
  }

  /** An effect that a person is asked about. */
  #ask(
    step: Step,
    recorded: DecidedEvent,
    { ask, call }: Extract<Ruling, { readonly kind: 'approval' }>,
  ): void {
    const { record, fold } = this.#desk
    const { digest, approvers, timeoutMs } = ask
    const asked = record.asked(step.id, digest)
    if (fold.waiting.get(step.id)?.digest !== digest) {
      const at = Math.max(asked?.time ?? 0, this.#desk.now()) as Timestamp
      const data: Payload<'ApprovalRequested'> = {
        ...{ step: step.id, kind: 'effect', digest: digest as Hash, grant: call.grant },
        prompt: `Allow ${recorded.data.action}?`,
        details: { inline: null },
        expiresAt: timeoutMs === null ? null : at + timeoutMs,
        ...(approvers === null ? {} : { approvers: [...approvers] }),
      }
      const told = (asked?.data as Payload<'ApprovalRequested'> | undefined) ?? data
      this.#desk.add({ type: 'ApprovalRequested', data: told, at })
    }
    this.#await(step, asked, async () => this.#desk.again(step.id))
  }

  /** Waits for the answer that is given in the place of the recorded one, that one, or a lapse. */
  #await(step: Step, asked: RecordedEvent | undefined, then: () => Promise<void>): void {
    const { record, fold, fork } = this.#desk
    const waiting = fold.waiting.get(step.id)
    const replaced = own(fork.replace?.answers, step.id)
    const about = asked === undefined ? [] : record.about(asked)
    const said = about.find(
      ({ type, principal, time }) =>
        type === 'ApprovalLapsed' || waiting === undefined || counts(waiting, principal, time),
    )
    const place = record.of(step.id, 'ApprovalConsumed') ?? said
    const { time = this.#desk.now(), version = LATEST } = place ?? {}
    const isThere = fold.answers.has(step.id) || fold.lapsed.has(step.id)
    if (isThere || (replaced === undefined && said !== undefined)) {
      const come = async (): Promise<void> => {
        if (!isThere) for (const event of about) this.#answer(step, event)
        await then()
      }
      this.#desk.due({ step: step.id, time, version, come })
    } else if (replaced !== undefined) {
      const come = async (): Promise<void> => {
        this.#say(step, replaced, said)
        const isHeard = fold.answers.has(step.id)
        if (isHeard) return then()
        this.#desk.unanswered(step, 'the answer does not count: another person may give it')
      }
      this.#desk.due({ step: step.id, time, version, come })
    } else this.#lapse(step, waiting, then)
  }

  #lapse(step: Step, waiting: WaitingStep | undefined, then: () => Promise<void>): void {
    const { expiresAt = null, request } = waiting ?? {}
    if (expiresAt === null || request === undefined) {
      this.#desk.unanswered(step, 'nobody has answered')
      return
    }
    const come = async (): Promise<void> => {
      const data = { step: step.id, request }
      this.#desk.add({ type: 'ApprovalLapsed', data, causes: [request], at: expiresAt })
      await then()
    }
    this.#desk.due({ step: step.id, time: expiresAt, version: LATEST, come })
  }

  /** Takes over what is recorded of a question; it names the question of the fork. */
  #answer({ id }: Step, event: RecordedEvent): void {
    const request = this.#desk.fold.waiting.get(id)?.request
    if (request === undefined) return
    this.#desk.copy({ ...event, data: { ...(event.data as object), request } })
  }

  #say({ id }: Step, answer: ReplacedAnswer, said: RecordedEvent | undefined): void {
    const waiting = this.#desk.fold.waiting.get(id)
    if (waiting === undefined) return
    const { approved, comment } = answer
    const first = waiting.approvers?.[0] as PrincipalId | undefined
    const by = answer.by ?? said?.principal ?? first ?? this.#desk.fold.view?.principal
    const { digest, request } = waiting
    const data = { step: id, digest, request, ...(comment === undefined ? {} : { comment }) }
    const type = approved ? 'ApprovalGranted' : 'ApprovalRejected'
    const at = said === undefined ? {} : { at: said.time }
    const principal = by == null ? {} : { principal: by }
    this.#desk.add({ type, data: data as never, causes: [request], ...principal, ...at })
  }
}

function counts({ approvers }: WaitingStep, by: string | undefined, _at: number): boolean {
  return approvers === null || (by !== undefined && approvers.includes(by))
}

function decisionOf(
  step: Step,
  { id: event, data }: DecidedEvent,
  was: Verdict,
): Omit<ForkDecision, 'outcome' | 'would'> {
  const { action } = data
  const resource = data.resource as JsonObject
  return { effect: step.id, action, resource, event, was, reason: null }
}
