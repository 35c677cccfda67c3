/**
 * Everything the log says of one effect: proposed, asked for, decided, authorised, carried out.
 *
 * One pass over the run's stream; what is kept is bounded by the effect, not by the run.
 */
import type { StandardPayloads } from '@ice/events'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { EventId, RunId, StreamId } from '@ice/primitives'
import { effectStream, isOutcome } from '@ice/runs'
import { readEvent } from '../log/find.ts'

type Payload<T extends keyof StandardPayloads> = StandardPayloads[T]
type Typed<T extends keyof StandardPayloads> = RecordedEvent<T, Payload<T>>

/** One try of an effect. */
export interface Attempt {
  readonly intent: Typed<'CapabilityUsed'>
  outcome: RecordedEvent | null
}

/** What a person was asked and said. */
export interface Consent {
  readonly request: Typed<'ApprovalRequested'>
  answer: Typed<'ApprovalGranted'> | null
  /** What time made of it, and answers that did not count. */
  readonly later: RecordedEvent[]
}

/** A proposal of an agent, and what ties it to the effect. */
export interface Proposed {
  readonly event: Typed<'DecisionProposed'>
  /** The record ties them; or it speaks of this effect; or it is only the last one before it. */
  readonly relation: 'recorded' | 'names it' | 'last before it'
}

/** The story of one effect. */
export interface EffectStory {
  readonly effect: string
  readonly action: string
  proposal: Proposed | null
  readonly attempts: Attempt[]
  readonly denials: Typed<'CapabilityDenied'>[]
  readonly consents: Consent[]
  /** What staged it, and what became of undoing it. */
  readonly ends: RecordedEvent[]
  /** Tries and refusals that are not told: only the latest are. */
  readonly leftOut: number
}

/** The step an event is about, if it is about one. */
export function stepOf(event: RecordedEvent): string | null {
  const { effect, step } = event.data as { readonly effect?: unknown; readonly step?: unknown }
  if (typeof effect === 'string') return effect
  const isAnswer = event.type.startsWith('Approval') || event.type === 'AnswerRefused'
  return isAnswer && typeof step === 'string' ? step : null
}

const PROPOSALS_KEPT = 256
/** Tries, and refusals, of one effect. */
const DECISIONS_KEPT = 256
const LATER = new Set(['ApprovalEscalated', 'ApprovalLapsed', 'AnswerRefused', 'ApprovalConsumed'])

/** Reads the story of a step. @returns null when nothing of it was ever decided */
export async function readStory(
  log: EventLog,
  stream: StreamId,
  effect: string,
): Promise<EffectStory | null> {
  const told = new Story(effect)
  for await (const batch of log.read({ stream })) {
    for (const event of batch) told.take(event)
  }
  for (const late of await lateOf(log, told.unsettled)) told.take(late)
  const story = told.finish()
  if (story === null || story.proposal?.relation === 'recorded') return story
  // The record may tie it to a proposal that is older than those that were kept here.
  for (const id of told.follows.slice(0, FOLLOWED_MAX)) {
    const event = await readEvent(log, id)
    if (event?.type !== 'DecisionProposed') continue
    story.proposal = { event: event as Typed<'DecisionProposed'>, relation: 'recorded' }
  }
  return story
}

/** Causes of an effect that are looked at. */
const FOLLOWED_MAX = 16

/** What became known of an effect when its run was over. */
async function lateOf(log: EventLog, intent: EventId | null): Promise<readonly RecordedEvent[]> {
  if (intent === null) return []
  const run = intent.slice('run/'.length, intent.lastIndexOf('@')) as RunId
  const found: RecordedEvent[] = []
  for await (const batch of log.read({ stream: effectStream(run, intent), limit: 1 })) {
    found.push(...batch)
  }
  return found
}

/** What staged an effect, and what became of undoing it. */
const ENDS = new Set([
  'EffectStaged',
  'EffectDoubtResolved',
  'CompensationStarted',
  'CompensationSucceeded',
  'CompensationFailed',
  'CompensationAbandoned',
])

class Story {
  readonly #effect: string
  readonly #attempts: Attempt[] = []
  readonly #denials: Typed<'CapabilityDenied'>[] = []
  readonly #consents: Consent[] = []
  readonly #ends: RecordedEvent[] = []
  #proposals: Typed<'DecisionProposed'>[] = []
  /** What the record says the effect follows. */
  #follows: readonly EventId[] = []
  #leftOut = 0
  #isBegun = false

  constructor(effect: string) {
    this.#effect = effect
  }

  /** The causes that the record gives the effect. */
  get follows(): readonly EventId[] {
    return this.#follows
  }

  /** The intent of its last try, while that has no outcome. */
  get unsettled(): EventId | null {
    const { intent, outcome } = this.#attempts.at(-1) ?? {}
    const isOpen = outcome === null || outcome?.type === 'EffectInDoubt'
    return intent !== undefined && isOpen ? intent.id : null
  }

  take(event: RecordedEvent): void {
    if (event.type === 'DecisionProposed' && !this.#isBegun) {
      this.#proposals.push(event as Typed<'DecisionProposed'>)
      if (this.#proposals.length > 2 * PROPOSALS_KEPT) {
        this.#proposals = this.#proposals.slice(-PROPOSALS_KEPT)
      }
      return
    }
    if (stepOf(event) !== this.#effect) return
    this.#isBegun = true
    if (this.#follows.length === 0) this.#follows = event.causes
    this.#forget()
    if (event.type === 'CapabilityUsed') {
      this.#attempts.push({ intent: event as Typed<'CapabilityUsed'>, outcome: null })
    } else if (event.type === 'CapabilityDenied') this.#deny(event as Typed<'CapabilityDenied'>)
    else if (event.type === 'ApprovalRequested') {
      this.#consents.push({ request: event as Typed<'ApprovalRequested'>, answer: null, later: [] })
    } else if (event.type === 'ApprovalGranted' || event.type === 'ApprovalRejected') {
      this.#answer(event as Typed<'ApprovalGranted'>)
    } else if (LATER.has(event.type)) {
      const { request } = event.data as { readonly request?: string }
      const asked = this.#consents.findLast((one) => one.request.id === (request ?? one.request.id))
      if (asked !== undefined && asked.later.length < DECISIONS_KEPT) asked.later.push(event)
    } else if (ENDS.has(event.type)) {
      if (this.#ends.length < DECISIONS_KEPT) this.#ends.push(event)
    } else if (
      isOutcome(event) ||
      event.type === 'EffectFailed' ||
      event.type === 'EffectRetryScheduled' ||
      event.type === 'EffectRevoked' ||
      event.type === 'EffectInDoubt'
    ) {
      const attempt = this.#attempts.at(-1)
      if (attempt !== undefined) attempt.outcome = event
    }
  }

  #forget(): void {
    for (const list of [this.#attempts, this.#denials, this.#consents]) {
      if (list.length <= DECISIONS_KEPT) continue
      list.shift()
      this.#leftOut += 1
    }
  }

  #deny(event: Typed<'CapabilityDenied'>): void {
    this.#denials.push(event)
    const { intent } = event.data
    const attempt = this.#attempts.find((each) => each.intent.id === intent)
    if (attempt !== undefined) attempt.outcome = event
  }

  #answer(event: Typed<'ApprovalGranted'>): void {
    const asked = this.#consents.find(({ request }) => request.id === event.data.request)
    if (asked !== undefined) asked.answer ??= event
  }

  finish(): EffectStory | null {
    const first = this.#attempts[0]?.intent.data ?? this.#denials[0]?.data
    const asked = this.#consents[0]?.request.data
    if (first === undefined && asked === undefined) return null
    const details = asked !== undefined && 'inline' in asked.details ? asked.details.inline : null
    const { action: wanted } = (details ?? {}) as { readonly action?: unknown }
    const resource = first?.resource ?? {}
    return {
      effect: this.#effect,
      action: first?.action ?? (typeof wanted === 'string' ? wanted : 'a question'),
      proposal: this.#proposal(resource),
      attempts: this.#attempts,
      denials: this.#denials,
      consents: this.#consents,
      ends: this.#ends,
      leftOut: this.#leftOut,
    }
  }

  /** The last proposal that names the effect or what it touches; else the last one before it. */
  #proposal(resource: Readonly<Record<string, unknown>>): Proposed | null {
    const tied = this.#proposals.find(({ id }) => this.#follows.includes(id))
    if (tied !== undefined) return { event: tied, relation: 'recorded' }
    const names = new Set([
      this.#effect,
      ...Object.values(resource).filter((value) => typeof value === 'string'),
    ])
    const naming = this.#proposals.findLast(({ data }) => {
      if (data.step === this.#effect || data.step.startsWith(`${this.#effect}/`)) return true
      return 'inline' in data.proposal && mentions(data.proposal.inline, names)
    })
    if (naming !== undefined) return { event: naming, relation: 'names it' }
    const last = this.#proposals.at(-1)
    return last === undefined ? null : { event: last, relation: 'last before it' }
  }
}

/** Whether one of these texts stands in a value, as a whole text. */
function mentions(value: unknown, names: ReadonlySet<unknown>): boolean {
  if (typeof value === 'string') return names.has(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((each) => mentions(each, names))
}
