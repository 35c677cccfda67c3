/** From an event to its explanation, as data: what `why --json` prints and `why` renders. */
import { describe as describeDenial } from '@ice/capabilities'
import type { DenialCause, Label } from '@ice/capabilities/ports'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import { isOutcome } from '@ice/runs'
import { CAUSE_DEPTH_MAX, CAUSES_MAX } from '../limits.ts'
import { readEvent } from '../log/find.ts'
import { grantJson } from '../verbs/grants.ts'
import { type Link, readChain } from './authority.ts'
import { type EffectStory, readStory, stepOf } from './effect.ts'

/** An event in short. */
export interface EventNote {
  readonly id: string
  readonly position: number
  readonly type: string
  readonly time: number
  readonly origin: string
  readonly principal: string | null
}

/** A cause, and what caused it. */
export interface Cause extends EventNote {
  readonly data: unknown
  readonly causes: readonly Cause[]
}

/** A link of the chain as data. */
export type LinkNote = Readonly<Record<string, unknown>>

/** One decision about an effect: the intent or the denial it led to. */
export interface DecisionNote {
  readonly verdict: 'allowed' | 'denied'
  readonly stage: 'decision' | 'handler'
  readonly attempt: number
  readonly decided: EventNote
  readonly action: string
  readonly resource: unknown
  readonly argumentsDigest: string
  readonly arguments: unknown
  /** Where the arguments came from and who may read them, by JSON pointer; as it was recorded. */
  readonly labels: Readonly<Record<string, Label>> | null
  /** The program was given a reference to the result. */
  readonly held: boolean
  readonly fate: string | null
  readonly basis: readonly unknown[]
  readonly chain: readonly LinkNote[]
  readonly approval: unknown
  readonly denial: unknown
  /** The denial and its causes in words. */
  readonly reasons: string | null
  readonly outcome: OutcomeNote | null
}

/** What came of an authorised attempt. */
export interface OutcomeNote extends EventNote {
  /** From the intent to the outcome, in milliseconds. */
  readonly ms: number
  readonly result: unknown
  readonly observed: unknown
  readonly error: unknown
  /** Where what came of it is from and who may read it; `null` where the log does not tell. */
  readonly label: Label | null
}

/** Why an event is there. */
export interface Explanation {
  readonly event: RecordedEvent
  /** What its type means. */
  readonly meaning: string | null
  readonly effect: EffectNote | null
  readonly causes: readonly Cause[]
}

/** An effect, from its proposal to its outcome. */
export interface EffectNote {
  readonly effect: string
  readonly action: string
  readonly proposal: (EventNote & { readonly relation: string; readonly reason: string }) | null
  readonly consents: readonly ConsentNote[]
  readonly decisions: readonly DecisionNote[]
}

/** A question to a person. */
export interface ConsentNote {
  readonly asked: EventNote
  readonly prompt: string
  readonly digest: string
  readonly answered: EventNote | null
  readonly approved: boolean | null
  readonly comment: string | null
}

function note({ id, position, type, time, origin, principal }: RecordedEvent): EventNote {
  return { id, position, type, time, origin, principal: principal ?? null }
}

/** Explains an event. */
export async function explain(log: EventLog, event: RecordedEvent): Promise<Explanation> {
  const step = event.stream.startsWith('run/') ? stepOf(event) : null
  const debit = event.type === 'CountDebited' ? await debited(log, event) : null
  const stream = debit?.stream ?? event.stream
  const effect = debit?.effect ?? step
  const story = effect === null ? null : await readStory(log, stream, effect)
  return {
    event,
    meaning: log.taxonomy.describe(event.type)?.description ?? null,
    effect: story === null ? null : await effectNote(log, story, stream.slice('run/'.length)),
    causes: await causesOf(log, event, { depth: 0, left: CAUSES_MAX, seen: new Set([event.id]) }),
  }
}

/** A debit stands in the stream of a budget and is about an effect of a run. */
async function debited(_log: EventLog, { data }: RecordedEvent) {
  const { run, effect } = data as { readonly run: string; readonly effect: string }
  return { stream: `run/${run}` as RecordedEvent['stream'], effect }
}

async function effectNote(log: EventLog, story: EffectStory, run: string): Promise<EffectNote> {
  const decisions: DecisionNote[] = []
  for (const attempt of story.attempts) decisions.push(await allowed(log, story, attempt, run))
  for (const denial of story.denials) {
    if (denial.data.stage === 'decision') decisions.push(await refused(log, denial, run))
  }
  const { proposal } = story
  return {
    effect: story.effect,
    action: story.action,
    proposal:
      proposal === null
        ? null
        : {
            ...note(proposal.event),
            relation: proposal.relation,
            reason: proposal.event.data.reason,
          },
    consents: story.consents.map(consentNote),
    decisions: decisions.sort((a, b) => a.decided.position - b.decided.position),
  }
}

function consentNote({ request, answer }: EffectStory['consents'][number]): ConsentNote {
  return {
    asked: note(request),
    prompt: request.data.prompt,
    digest: request.data.digest,
    answered: answer === null ? null : note(answer),
    approved: answer === null ? null : (answer.type as string) === 'ApprovalGranted',
    comment: answer?.data.comment ?? null,
  }
}

async function allowed(
  log: EventLog,
  story: EffectStory,
  { intent, outcome }: EffectStory['attempts'][number],
  run: string,
): Promise<DecisionNote> {
  const { data, time } = intent
  const { effect, attempt } = data
  const { position } = intent
  const use = { run, effect, attempt, at: time, position, intent: data }
  const links = await readChain(log, data.chain, use)
  const consent = story.consents.find(({ answer }) => answer?.id === data.approval)
  const refusal = outcome?.type === 'CapabilityDenied' ? denialOf(outcome) : null
  return {
    verdict: refusal === null ? 'allowed' : 'denied',
    stage: refusal === null ? 'decision' : 'handler',
    attempt,
    decided: note(intent),
    action: data.action,
    resource: data.resource,
    argumentsDigest: data.argumentsDigest,
    arguments: data.arguments,
    labels: data.labels ?? null,
    held: data.held === true,
    fate: data.fate,
    basis: data.basis,
    chain: links.map(linkNote),
    approval: consent === undefined ? (data.approval ?? null) : consentNote(consent),
    denial: refusal,
    reasons: refusal === null ? null : describeDenial(refusal),
    outcome: outcome === null ? null : outcomeNote(outcome, time),
  }
}

async function refused(
  log: EventLog,
  event: EffectStory['denials'][number],
  run: string,
): Promise<DecisionNote> {
  const { data, time } = event
  const { effect, attempt } = data
  const isGrant = /^[0-9a-f-]{36}$/.test(data.grant)
  const use = { run, effect, attempt, at: time }
  const links = isGrant
    ? await readChain(log, [data.grant], { ...use, position: event.position, intent: null })
    : [{ unknown: data.grant }]
  const denial = denialOf(event)
  return {
    verdict: 'denied',
    stage: 'decision',
    attempt,
    decided: note(event),
    action: data.action,
    resource: data.resource,
    argumentsDigest: data.argumentsDigest,
    arguments: null,
    labels: null,
    held: false,
    fate: null,
    basis: data.basis,
    chain: links.map(linkNote),
    approval: null,
    denial,
    reasons: describeDenial(denial),
    outcome: null,
  }
}

function denialOf({ data }: RecordedEvent): DenialCause {
  return (data as { readonly denial: DenialCause }).denial
}

function linkNote(link: Link | { readonly unknown: string }): LinkNote {
  if ('unknown' in link) return { unknown: link.unknown }
  const { state: _now, endedBy: _above, uses: _all, ...grant } = grantJson(link)
  return { ...grant, takes: link.takes, revokedLater: link.revokedLater }
}

function outcomeNote(outcome: RecordedEvent, since: number): OutcomeNote {
  const base = { ...note(outcome), ms: outcome.time - since }
  if (isOutcome(outcome)) {
    const { result, observed, label = null } = outcome.data
    return { ...base, result, observed, error: null, label }
  }
  const said = outcome.data as {
    readonly error?: unknown
    readonly proof?: unknown
    readonly label?: Label
  }
  const { error, proof, label = null } = said
  return { ...base, result: null, observed: null, error: error ?? proof ?? null, label }
}

interface Walk {
  readonly depth: number
  readonly left: number
  readonly seen: Set<string>
}

async function causesOf(
  log: EventLog,
  event: RecordedEvent,
  { depth, left, seen }: Walk,
): Promise<readonly Cause[]> {
  const causes: Cause[] = []
  if (depth >= CAUSE_DEPTH_MAX) return causes
  for (const id of event.causes) {
    if (seen.has(id) || seen.size > left) continue
    seen.add(id)
    const cause = await readEvent(log, id)
    if (cause === undefined) continue
    causes.push({
      ...note(cause),
      data: cause.data,
      causes: await causesOf(log, cause, { depth: depth + 1, left, seen }),
    })
  }
  return causes
}
