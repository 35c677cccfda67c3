/** From an event to its explanation, as data: what `why --json` prints and `why` renders. */
import { callDigest, describe as describeDenial } from '@ice/capabilities'
import type { CallIdentity, DenialCause, Label } from '@ice/capabilities/ports'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import { type EventId, errorRecord, type StreamId } from '@ice/primitives'
import { isOutcome, sealValue } from '@ice/runs'
import { CAUSE_DEPTH_MAX, CAUSES_MAX } from '../limits.ts'
import { readEvent } from '../log/find.ts'
import { readChain, type Use } from './authority.ts'
import { type ConsentNote, consentNote } from './consent.ts'
import { type EffectStory, readStory, stepOf } from './effect.ts'
import { type LinkNote, linkNote } from './link.ts'
import { type EventNote, isOfShape, note } from './note.ts'
import { type Holdings, readHoldings } from './purse.ts'
import { readSubject, type SubjectNote } from './subject.ts'

/** A cause, and what caused it. */
export interface Cause extends EventNote {
  readonly data: unknown
  readonly causes: readonly Cause[]
}

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
  /** The standing approval that stood for a person's yes, with its chain. */
  readonly standing: { readonly grant: string; readonly chain: readonly LinkNote[] } | null
  /** What an approval of exactly this call carries. */
  readonly callDigest: string
  /** The policy that was in force and did not refuse. */
  readonly policy: PolicyNote | null
  /** What the call carries: names, each with the grant it is taken under. */
  readonly secrets: readonly SecretNote[]
  /** The most the call said it takes. */
  readonly bounds: Readonly<Record<string, number>> | null
  readonly denial: unknown
  /** The denial and its causes in words. */
  readonly reasons: string | null
  readonly outcome: OutcomeNote | null
}

/** A policy, and the event that put it in force. */
export interface PolicyNote {
  readonly name: string
  readonly version: string
  readonly digest: string
  readonly adopted: EventNote | null
}

/** A secret by its name; its value is nowhere in the log. */
export interface SecretNote {
  readonly name: string
  readonly grant: string
  readonly chain: readonly LinkNote[]
}

/** What came of an authorised attempt. */
export interface OutcomeNote extends EventNote {
  /** From the intent to the outcome, in milliseconds. */
  readonly ms: number
  readonly result: unknown
  /** SHA-256 of the canonical JSON of the result. */
  readonly resultDigest: string | null
  readonly observed: unknown
  readonly error: unknown
  /** What it says was spent, where it says so. */
  readonly spent: readonly unknown[]
  /** The events that ended its right, with what they say. */
  readonly ended: readonly (EventNote & { readonly data: unknown })[]
  /** Where what came of it is from and who may read it; `null` where the log does not tell. */
  readonly label: Label | null
}

/** Why an event is there. */
export interface Explanation {
  readonly event: RecordedEvent
  /** What its type means. */
  readonly meaning: string | null
  readonly effect: EffectNote | null
  /** What it is about, where it is an event of budgets, policies, stops or grants. */
  readonly subject: SubjectNote | null
  /** Why there is no more: the log holds what no program of ours writes. */
  readonly fault: string | null
  readonly causes: readonly Cause[]
}

/** An effect, from its proposal to its outcome. */
export interface EffectNote {
  readonly effect: string
  readonly action: string
  readonly proposal: ProposalNote | null
  readonly consents: readonly ConsentNote[]
  readonly decisions: readonly DecisionNote[]
  /** What staged it, what somebody said of it in doubt, and what became of undoing it. */
  readonly ends: readonly EndNote[]
  /** Tries and refusals that are not told: only the latest are. */
  readonly leftOut: number
}

/** An event of an effect that decides nothing: that it was staged, said of it, undone. */
export interface EndNote extends EventNote {
  readonly data: unknown
}

/** What an agent proposed. */
export interface ProposalNote extends EventNote {
  /** `recorded`: the effect names it. Otherwise it is the likeliest, and no more than that. */
  readonly relation: string
  readonly reason: string
  readonly digest: string
  readonly content: unknown
}

/** Explains an event. Total: what cannot be read of it is said, and the rest is told. */
export async function explain(log: EventLog, event: RecordedEvent): Promise<Explanation> {
  const told = await explained(log, event)
  return {
    event,
    meaning: log.taxonomy.describe(event.type)?.description ?? null,
    ...told,
    causes: await causesOf(log, event, { depth: 0, left: CAUSES_MAX, seen: new Set([event.id]) }),
  }
}

async function explained(
  log: EventLog,
  event: RecordedEvent,
): Promise<Pick<Explanation, 'effect' | 'subject' | 'fault'>> {
  try {
    const subject = await readSubject(log, event)
    const { stream, effect } = subject?.effect ?? { stream: event.stream, effect: stepOfRun(event) }
    const story = effect === null ? null : await readStory(log, stream, effect)
    const told = story === null ? null : await effectNote(log, story, stream)
    return { effect: told, subject, fault: null }
  } catch (error) {
    if (!isOfShape(error)) throw error
    // Only a log that did not go through the gateway has payloads of other shapes.
    const fault = `what is recorded is not of the shape of its type: ${errorRecord(error).message}`
    return { effect: null, subject: null, fault }
  }
}

function stepOfRun(event: RecordedEvent): string | null {
  return event.stream.startsWith('run/') ? stepOf(event) : null
}

async function effectNote(
  log: EventLog,
  story: EffectStory,
  stream: StreamId,
): Promise<EffectNote> {
  const run = stream.slice('run/'.length)
  const holdings = await holdingsOf(log, story, stream)
  const decisions: DecisionNote[] = []
  for (const attempt of story.attempts) {
    const held = holdings.get(attempt.intent.id)
    decisions.push(await allowed(log, story, { ...attempt, run, held }))
  }
  for (const denial of story.denials) {
    if (denial.data.stage === 'decision') decisions.push(await refused(log, denial, run))
  }
  const { effect, action, leftOut } = story
  return {
    ...{ effect, action, leftOut },
    proposal: proposalNote(story),
    consents: story.consents.map(consentNote),
    ends: story.ends.map((event) => ({ ...note(event), data: event.data })),
    decisions: decisions.sort((a, b) => a.decided.position - b.decided.position),
  }
}

async function holdingsOf(
  log: EventLog,
  { attempts }: EffectStory,
  stream: StreamId,
): Promise<ReadonlyMap<string, Holdings>> {
  const isPaid = attempts.some(({ intent }) => (intent.data.spends ?? []).length > 0)
  if (!isPaid) return new Map()
  const intents = new Set<string>(attempts.map(({ intent }) => intent.id))
  const ends = new Map<string, string>()
  for (const { intent, outcome } of attempts) if (outcome !== null) ends.set(outcome.id, intent.id)
  return readHoldings(log, stream, { intents, ends })
}

function proposalNote({ proposal }: EffectStory): ProposalNote | null {
  if (proposal === null) return null
  const { event, relation } = proposal
  const { reason, proposal: content } = event.data
  return { ...note(event), relation, reason, digest: digestOf(content), content }
}

/** The digest of a recorded value, inline or not. */
function digestOf(value: unknown): string {
  const { inline = null, blob } = value as {
    readonly inline?: unknown
    readonly blob?: { readonly $blob: string }
  }
  return blob === undefined ? sealValue(inline).digest : blob.$blob
}

async function allowed(
  log: EventLog,
  story: EffectStory,
  attempt: EffectStory['attempts'][number] & {
    readonly run: string
    readonly held: Holdings | undefined
  },
): Promise<DecisionNote> {
  const { intent, outcome, run, held: holdings } = attempt
  const { data, time, position } = intent
  const { spent } = (outcome?.data ?? {}) as Pick<Use, 'spent'>
  const { effect, attempt: number } = data
  const use: Use = {
    run,
    effect,
    attempt: number,
    at: time,
    position,
    intent: data,
    holdings,
    spent,
  }
  const chainOf = async (grants: readonly string[]): Promise<readonly LinkNote[]> =>
    (await readChain(log, grants, use)).map(linkNote)
  const consent = story.consents.find(({ answer }) => answer?.id === data.approval)
  const refusal = outcome?.type === 'CapabilityDenied' ? denialOf(outcome) : null
  const secrets: SecretNote[] = []
  for (const { name, grant, chain } of (data.secrets ?? []).slice(0, 8)) {
    secrets.push({ name, grant, chain: await chainOf(chain) })
  }
  const { standing } = data
  return {
    verdict: refusal === null ? 'allowed' : 'denied',
    stage: refusal === null ? 'decision' : 'handler',
    attempt: number,
    decided: note(intent),
    ...callOf(data, run),
    arguments: data.arguments,
    held: data.held === true,
    fate: data.fate,
    chain: await chainOf(data.chain),
    approval: consent === undefined ? (data.approval ?? null) : consentNote(consent),
    // It is named alone: the chain above it is found from link to link.
    standing: standing === undefined ? null : { grant: standing, chain: await chainOf([standing]) },
    policy: data.ceiling === undefined ? null : await policyNote(log, data.ceiling, data.basis),
    secrets,
    denial: refusal,
    reasons: refusal === null ? null : describeDenial(refusal),
    outcome: outcome === null ? null : await outcomeNote(log, outcome, time),
  }
}

/** What is told of a call alike, whether it was allowed or not. */
function callOf(
  data: EffectStory['attempts'][number]['intent']['data'] | EffectStory['denials'][number]['data'],
  run: string,
) {
  const { action, resource, argumentsDigest, labels = null, bounds = null, basis, grant } = data
  const call = { run, grant, action, resource, argumentsDigest } as unknown as CallIdentity
  return { action, resource, argumentsDigest, labels, bounds, basis, callDigest: callDigest(call) }
}

async function policyNote(
  log: EventLog,
  { name, version, digest }: Omit<PolicyNote, 'adopted'>,
  basis: readonly { readonly stream: string; readonly version: number }[],
): Promise<PolicyNote> {
  const guarded = basis.find(({ stream }) => stream === POLICY)
  const id = `${POLICY}@${guarded?.version ?? 0}` as EventId
  const adopted = guarded === undefined ? undefined : await readEvent(log, id)
  return { name, version, digest, adopted: adopted === undefined ? null : note(adopted) }
}

const POLICY = 'policy/ceiling'

async function refused(
  log: EventLog,
  event: EffectStory['denials'][number],
  run: string,
): Promise<DecisionNote> {
  const { data, time, position } = event
  const { effect, attempt, grant, secret } = data
  const isGrant = /^[0-9a-f-]{36}$/.test(grant)
  const use = { run, effect, attempt, at: time, position, intent: null }
  const links = isGrant ? await readChain(log, [grant], use) : [{ unknown: grant }]
  const denial = denialOf(event)
  const chain = links.map(linkNote)
  return {
    verdict: 'denied',
    stage: 'decision',
    attempt,
    decided: note(event),
    ...callOf(data, run),
    arguments: data.arguments ?? null,
    held: false,
    fate: null,
    chain,
    approval: null,
    standing: null,
    policy: null,
    secrets: secret === undefined ? [] : [{ name: secret, grant, chain }],
    denial,
    reasons: describeDenial(denial),
    outcome: null,
  }
}

function denialOf({ data }: RecordedEvent): DenialCause {
  return (data as { readonly denial: DenialCause }).denial
}

async function outcomeNote(
  log: EventLog,
  outcome: RecordedEvent,
  since: number,
): Promise<OutcomeNote> {
  const said = outcome.data as {
    readonly error?: unknown
    readonly proof?: unknown
    readonly label?: Label
    readonly spent?: readonly unknown[]
    readonly by?: readonly EventId[]
  }
  const { error, proof, label = null, spent = [], by = [] } = said
  const ended: (EventNote & { readonly data: unknown })[] = []
  for (const id of by.slice(0, ENDS_MAX)) {
    const end = await readEvent(log, id)
    if (end !== undefined) ended.push({ ...note(end), data: end.data })
  }
  const base = { ...note(outcome), ms: outcome.time - since, label, spent, ended }
  if (isOutcome(outcome)) {
    const { result, observed } = outcome.data
    return { ...base, result, resultDigest: digestOf(result), observed, error: null }
  }
  const nothing = { result: null, resultDigest: null, observed: null }
  return { ...base, ...nothing, error: error ?? proof ?? null }
}

/** Ends of one right that are told. */
const ENDS_MAX = 16

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
