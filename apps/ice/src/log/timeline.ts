/**
 * The story of a run: what happened in it, told when it is settled, in the order of the log.
 *
 * An effect is told once, at its outcome, with its attempts and how long it took from its first
 * intent; a wait is told when it begins and when it is answered. Memory is bounded by what is open.
 */
import type { StandardPayloads } from '@ice/events'
import type { RecordedEvent } from '@ice/events/ports'
import type { EventId } from '@ice/primitives'
import { EDGES, isOutcome } from '@ice/runs'
import type { Phase } from '@ice/runs/ports'
import { isoTime } from '../terminal/format.ts'

/** One line of the story. */
export interface TimelineEntry {
  readonly event: EventId
  /** Epoch milliseconds. */
  readonly time: number
  readonly phase: Phase
  readonly kind: EntryKind
  /** What happened, in words; not yet safe for a terminal. */
  readonly text: string
  readonly step?: string
  readonly action?: string
  readonly grant?: string
  readonly attempts?: number
  /** How long it took, or was waited. */
  readonly ms?: number
  readonly by?: string
  readonly code?: string
  readonly comment?: string
}

/** What a line is about. */
export type EntryKind =
  | 'created'
  | 'state'
  | 'claimed'
  | 'proposal'
  | 'effect'
  | 'denied'
  | 'failed'
  | 'doubt'
  | 'resolved'
  | 'asked'
  | 'approved'
  | 'rejected'
  | 'suspended'
  | 'resumed'
  | 'staged'
  | 'undone'
  | 'not-undone'
  | 'set-aside'
  | 'released'
  | 'labelled'
  | 'abort-requested'
  | 'validation'
  | 'conclusion'
  | 'other'

type Payload<T extends keyof StandardPayloads> = StandardPayloads[T]
type Told = Omit<TimelineEntry, 'event' | 'time' | 'phase'>

/** Turns the events of one run, in order, into its story. */
export class Timeline {
  #phase: Phase = 'provisioning'
  readonly #open = new Map<string, { readonly since: number; readonly attempt: number }>()
  readonly #intents = new Map<string, Payload<'CapabilityUsed'>>()
  readonly #asked = new Map<string, { readonly since: number; readonly prompt: string }>()
  #suspendedAt = 0

  /** The lines an event adds: none, or one. */
  take(event: RecordedEvent): readonly TimelineEntry[] {
    const edge = EDGES.get(event.type)
    const told = this.#tell(event)
    const entry = (one: Told): TimelineEntry => ({
      event: event.id,
      time: event.time,
      phase: this.#phase,
      ...one,
      ...(one.by === undefined && event.principal !== undefined ? { by: event.principal } : {}),
    })
    const entries = told === null ? [] : [entry(told)]
    if (edge !== undefined) this.#phase = edge.phase
    return entries
  }

  #tell(event: RecordedEvent): Told | null {
    if (isOutcome(event)) return this.#outcome(event)
    const tell = TELL[event.type]
    if (tell !== undefined) return tell.call(this, event)
    return QUIET.has(event.type) ? null : { kind: 'other', text: event.type }
  }

  #outcome(event: RecordedEvent<string, Payload<'EffectSucceeded'>>): Told {
    return { kind: 'effect', text: event.type, ...this.settle(event.data.effect, event.time) }
  }

  /** What is known of an effect when it is settled; it is forgotten then. */
  settle(effect: string, time: number): Partial<Told> {
    const open = this.#open.get(effect)
    const intent = this.#intents.get(effect)
    this.#open.delete(effect)
    this.#intents.delete(effect)
    return {
      step: effect,
      ...(intent === undefined ? {} : { action: intent.action, grant: intent.grant }),
      ...(open === undefined ? {} : { ms: time - open.since, attempts: open.attempt }),
    }
  }

  intent({ data, time }: RecordedEvent<string, Payload<'CapabilityUsed'>>): null {
    const since = this.#open.get(data.effect)?.since ?? time
    this.#open.set(data.effect, { since, attempt: data.attempt })
    this.#intents.set(data.effect, data)
    return null
  }

  asked({ data, time }: RecordedEvent<string, Payload<'ApprovalRequested'>>): Told {
    this.#asked.set(data.step, { since: time, prompt: data.prompt })
    return { kind: 'asked', text: data.prompt, step: data.step }
  }

  answered({ data, time, type }: RecordedEvent<string, Payload<'ApprovalGranted'>>): Told {
    const asked = this.#asked.get(data.step)
    this.#asked.delete(data.step)
    return {
      kind: type === 'ApprovalGranted' ? 'approved' : 'rejected',
      text: asked?.prompt ?? '',
      step: data.step,
      ...(asked === undefined ? {} : { ms: time - asked.since }),
      ...(data.comment === undefined ? {} : { comment: data.comment }),
    }
  }

  suspended({ data, time }: RecordedEvent<string, Payload<'RunSuspended'>>): Told {
    this.#suspendedAt = time
    return { kind: 'suspended', text: `waits for ${data.waitingFor.join(', ')}` }
  }

  resumed({ time }: RecordedEvent): Told {
    return { kind: 'resumed', text: 'goes on', ms: time - this.#suspendedAt }
  }
}

/** Types that add nothing a reader of the story misses. */
const QUIET: ReadonlySet<string> = new Set([
  'ResourcesAllocated',
  'ContextResolved',
  'MemoryMounted',
  'ResourcesReleased',
  'ApprovalConsumed',
  'RunProvisioned',
  'AbortReasonDeclared',
  'CompensationStarted',
])

type Tell = (this: Timeline, event: RecordedEvent) => Told | null

function on<T extends keyof StandardPayloads>(
  tell: (this: Timeline, event: RecordedEvent<T, Payload<T>>) => Told | null,
): Tell {
  return tell as Tell
}

const TELL: Readonly<Record<string, Tell>> = {
  __proto__: null as never,
  RunCreated: on<'RunCreated'>(({ data: { program, grants } }) => {
    const names = grants.map(({ name }) => name).join(', ')
    const under = names === '' ? 'without grants' : `under ${names}`
    return { kind: 'created', text: `${program.name} ${program.version} ${under}` }
  }),
  RunClaimed: on<'RunClaimed'>(({ data: { epoch } }) => ({
    kind: 'claimed',
    text: `taken over by another process (epoch ${epoch})`,
  })),
  CapabilitiesBound: on<'CapabilitiesBound'>(({ data: { grants } }) => ({
    kind: 'state',
    text: `grants bound: ${grants.map(({ name }) => name).join(', ') || 'none'}`,
  })),
  ExecutionWindowOpened: () => ({ kind: 'state', text: 'the program runs' }),
  DecisionProposed: on<'DecisionProposed'>(({ data: { step, reason }, origin }) => ({
    kind: 'proposal',
    text: reason,
    step,
    by: origin,
  })),
  CapabilityUsed(event) {
    return this.intent(event as RecordedEvent<string, Payload<'CapabilityUsed'>>)
  },
  CapabilityDenied: on<'CapabilityDenied'>(function ({ data, time }) {
    const { action, grant, denial } = data
    const settled = this.settle(data.effect, time)
    return { ...settled, kind: 'denied', text: denial.message, action, grant, code: denial.code }
  }),
  EffectFailed: on<'EffectFailed'>(function ({ data, time }) {
    const settled = this.settle(data.effect, time)
    return { ...settled, kind: 'failed', text: data.error.message, code: data.error.code }
  }),
  EffectRetryScheduled: on<'EffectRetryScheduled'>(({ data }) => ({
    kind: 'failed',
    text: `attempt ${data.attempt}, another from ${isoTime(data.at)}: ${data.error.message}`,
    step: data.effect,
    code: data.error.code,
  })),
  EffectDeferred: on<'EffectDeferred'>(({ data: { effect, breaker, at } }) => ({
    kind: 'state',
    text: `put off until ${isoTime(at)}: the breaker ${breaker} is open`,
    step: effect,
  })),
  EffectRevoked: on<'EffectRevoked'>(function ({ data, time }) {
    const settled = this.settle(data.effect, time)
    const text = `its right had ended before it acted: ${data.by.join(', ')}`
    return { ...settled, kind: 'denied', text, code: data.proof.code }
  }),
  EffectInDoubt: on<'EffectInDoubt'>(({ data: { effect, error } }) => ({
    kind: 'doubt',
    text: `nobody knows whether it happened${error === undefined ? '' : `: ${error.message}`}`,
    step: effect,
  })),
  EffectDoubtResolved: on<'EffectDoubtResolved'>(({ data: { effect, happened, evidence } }) => ({
    kind: 'resolved',
    text: `${happened ? 'it happened' : 'it did not happen'}: ${evidence}`,
    step: effect,
  })),
  ApprovalRequested(event) {
    return this.asked(event as RecordedEvent<string, Payload<'ApprovalRequested'>>)
  },
  ApprovalGranted(event) {
    return this.answered(event as RecordedEvent<string, Payload<'ApprovalGranted'>>)
  },
  ApprovalRejected(event) {
    return this.answered(event as RecordedEvent<string, Payload<'ApprovalGranted'>>)
  },
  ApprovalEscalated: on<'ApprovalEscalated'>(({ data: { step, to } }) => ({
    kind: 'asked',
    text: `nobody answered in time; ${to.join(', ')} may answer too`,
    step,
  })),
  ApprovalLapsed: on<'ApprovalLapsed'>(({ data: { step } }) => ({
    kind: 'denied',
    text: 'nobody answered until the question lapsed',
    step,
  })),
  AnswerRefused: on<'AnswerRefused'>(({ data: { step, code }, principal }) => ({
    kind: 'denied',
    text: 'an answer that does not count',
    step,
    code,
    ...(principal === undefined ? {} : { by: principal }),
  })),
  RunSuspended(event) {
    return this.suspended(event as RecordedEvent<string, Payload<'RunSuspended'>>)
  },
  RunResumed(event) {
    return this.resumed(event)
  },
  EffectStaged: on<'EffectStaged'>(({ data: { effect, action } }) => ({
    kind: 'staged',
    text: `${action}, once the run has committed`,
    step: effect,
    action,
  })),
  CompensationSucceeded: on<'CompensationSucceeded'>(({ data: { effect, attempt } }) => ({
    kind: 'undone',
    text: 'it is undone',
    step: effect,
    attempts: attempt,
  })),
  CompensationFailed: on<'CompensationFailed'>(({ data: { effect, attempt, error, at } }) => ({
    kind: 'not-undone',
    text: `${at === null ? 'a person has to say whether it is' : 'not yet'}: ${error.message}`,
    step: effect,
    attempts: attempt,
    code: error.code,
  })),
  CompensationAbandoned: on<'CompensationAbandoned'>(({ data: { effect, error } }) => ({
    kind: 'not-undone',
    text: `it stays as it is: ${error.message}`,
    step: effect,
    code: error.code,
  })),
  RunQuarantined: on<'RunQuarantined'>(({ data: { error } }) => ({
    kind: 'set-aside',
    text: error.message,
    code: error.code,
  })),
  RunReleased: on<'RunReleased'>(({ data: { reason } }) => ({ kind: 'released', text: reason })),
  ValueRevealed: on<'ValueRevealed'>(({ data: { step, reference } }) => ({
    kind: 'labelled',
    text: `the program was shown what it held of ${reference}`,
    step,
  })),
  ValueEndorsed: on<'ValueEndorsed'>(({ data: { step, sources, reason } }) => ({
    kind: 'labelled',
    text: `endorsed: ${sources.join(', ')} no longer counts`,
    step,
    comment: reason,
  })),
  ValueDeclassified: on<'ValueDeclassified'>(({ data: { step, readers, reason } }) => ({
    kind: 'labelled',
    text: `declassified: ${readers?.join(', ') ?? 'everyone'} may read it`,
    step,
    comment: reason,
  })),
  AbortRequested: on<'AbortRequested'>(({ data: { reason } }) => ({
    kind: 'abort-requested',
    text: reason,
  })),
  ValidationStarted: () => ({ kind: 'validation', text: 'the result is checked' }),
  ValidationPassed: on<'ValidationPassed'>(({ data: { checks } }) => ({
    kind: 'validation',
    text: `holds: ${checks.join(', ')}`,
  })),
  ValidationFailed: on<'ValidationFailed'>(({ data: { failures } }) => ({
    kind: 'validation',
    text: failures.map(({ check, error }) => `${check}: ${error.message}`).join('; '),
  })),
  RunCommitted: () => ({ kind: 'conclusion', text: 'committed' }),
  RunAborted: on<'RunAborted'>(({ data: { phase } }) => ({
    kind: 'conclusion',
    text: `aborted in ${phase}`,
  })),
  RunForciblyTerminated: on<'RunForciblyTerminated'>(({ data }) => {
    const { reason, uncompensated = [] } = data
    const left = uncompensated.length === 0 ? '' : `; not undone: ${uncompensated.join(', ')}`
    return { kind: 'conclusion', text: `terminated by the runtime: ${reason}${left}` }
  }),
  RunTerminated: on<'RunTerminated'>(({ data: { doubts } }) => ({
    kind: 'state',
    text: doubts.length === 0 ? 'over' : `over, with ${doubts.join(', ')} in doubt`,
  })),
}
