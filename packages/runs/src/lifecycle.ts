/**
 * The lifecycle of a run as a projection: nine states, six phases, and what is open.
 *
 *     CREATED → PROVISIONED → CONTEXT_READY → EXECUTING → VALIDATING → COMMITTED ┐
 *        └──────────┴──────────────┴─────────────┴────────────┴──→ ABORTED ──────┼→ TERMINATED
 *        └─ (any of them, by the runtime) ─────────→ TERMINATED_BY_RUNTIME ──────┘
 *
 * 1. A run is in exactly one state; it changes only by an event, after the event is durable.
 * 2. Exactly one of RunCommitted, RunAborted, RunForciblyTerminated; none after another.
 * 3. RunTerminated is the last event of the stream.
 *
 * An event that the graph does not allow throws: a log that says so was not written by us.
 */

import type { Projection, StandardPayloads } from '@ice/events/define'
import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import { type GrantId, invariant, type OwnerId, type RunId, type Timestamp } from '@ice/primitives'
import { evolveTried, type Tried } from './attempts.ts'
import type { ChildRun } from './children.ts'
import { create } from './created.ts'
import { moveState } from './edges.ts'
import {
  declassify,
  endorse,
  giveEnd,
  giveFailure,
  giveOutcome,
  giveReceived,
  giveRevealed,
  noLabels,
  type RunLabels,
} from './labels.ts'
import { STANDING_MAX } from './limits.ts'
import { isOutcome } from './outcome.ts'
import { evolveOwed, noneOwed, type OwedFold } from './owed.ts'
import type { Placement } from './placement.ts'
import type { EffectCounts, RunView, Wait, WaitingStep } from './ports.ts'
import { createPurse, type Purse, sharesOf } from './purse.ts'
import { evolveQuarantine } from './quarantine-events.ts'
import { escalated, type LapsedQuestion, questionOf, refusalOf } from './questions.ts'
import { versionOf } from './recorded.ts'
import { evolvePurse } from './run-purse.ts'
import { liesIn } from './scopes.ts'
import { SPAWN_ACTION, STEP_EVENTS } from './steps.ts'
import { evolveWaits } from './waits.ts'

/** The payload of a standard type. */
export type Payload<T extends keyof StandardPayloads> = StandardPayloads[T]
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** An effect with an intent and no outcome yet. */
export interface OpenEffect {
  readonly intent: RecordedEvent<'CapabilityUsed', Payload<'CapabilityUsed'>>
  readonly doubt: boolean
}

/** What a person said about a waiting step; the owner has not taken it up yet. */
export interface RecordedAnswer {
  readonly event: RecordedEvent
  readonly digest: string
  readonly approved: boolean
  readonly comment: string | null
  /** When the question was put. */
  readonly askedAt: Timestamp
}

/** Members of a view that are folded beside it. */
type OfOthers =
  | ('compensations' | 'effects' | 'finishing' | 'grants' | 'inDoubt' | 'label' | 'open')
  | ('overspent' | 'purse' | 'staged' | 'waitingFor' | 'waits')

/** The state of one run. Bounded by what is open, not by the length of the run. */
export interface RunFold {
  view: Mutable<Omit<RunView, OfOthers>> | null
  readonly grants: Map<string, GrantId>
  readonly open: Map<string, OpenEffect>
  /** Effects that were tried, or put off, and are not at their end. */
  readonly tried: Map<string, Tried>
  readonly waiting: Map<string, WaitingStep>
  /** Steps that wait for a time, or for what others do. */
  readonly waits: Map<string, Wait>
  /** Children that have not been seen to end, and how many were ever asked for. */
  readonly children: Map<RunId, ChildRun>
  spawned: number
  /** The patches whose ways it has taken. */
  readonly patches: Set<string>
  /** The version of the last event that is about a step. */
  progress: number
  /** By name the version, in the inbox, of the last signal that a step was given; and how many. */
  readonly signals: { readonly taken: Map<string, number>; count: number }
  readonly answers: Map<string, RecordedAnswer>
  /** Questions whose time ran out, and whose steps are not settled yet. */
  readonly lapsed: Map<string, LapsedQuestion>
  /** How many refused answers are recorded of a question. */
  readonly refusedAnswers: Map<string, number>
  /** Standing approvals the run may use, newest first. */
  standing: readonly GrantId[]
  readonly resolutions: Map<string, RecordedEvent<string, Payload<'EffectDoubtResolved'>>>
  readonly effects: Mutable<EffectCounts>
  /** What it holds of the budgets above it. */
  readonly purse: Purse
  readonly labels: RunLabels
  /** What it owes between its conclusion and its end. */
  readonly owed: OwedFold
  placement: Placement
  input: ValueRef | null
  result: ValueRef | null
  abortRequested: RecordedEvent | null
}

/** Folds `run/<id>`. */
export const runProjection: Projection<RunFold> = {
  name: 'run-lifecycle',
  initialState: () => ({
    view: null,
    grants: new Map(),
    open: new Map(),
    tried: new Map(),
    waiting: new Map(),
    waits: new Map(),
    children: new Map(),
    spawned: 0,
    patches: new Set(),
    progress: 0,
    signals: { taken: new Map(), count: 0 },
    answers: new Map(),
    lapsed: new Map(),
    refusedAnswers: new Map(),
    standing: [],
    resolutions: new Map(),
    effects: { succeeded: 0, failed: 0, denied: 0, approved: 0 },
    purse: createPurse(),
    labels: noLabels(),
    owed: noneOwed(),
    placement: {},
    input: null,
    result: null,
    abortRequested: null,
  }),
  evolve(fold, event) {
    if (event.type === 'RunCreated') return create(fold, event)
    const { view } = fold
    invariant(view !== null, `${event.id}: a run begins with RunCreated`)
    invariant(view.state !== 'TERMINATED', `${event.id}: nothing follows RunTerminated`)
    moveState(fold, event)
    const tookPlace = isOutcome(event)
    evolvePurse(fold, event, tookPlace)
    evolveWaits(fold.waits, event)
    evolveTried(fold, event)
    evolveQuarantine(fold, event)
    evolveOwed(fold, event)
    EVOLVE[event.type]?.(fold, event)
    if (tookPlace) {
      const held = fold.open.get(event.data.effect)?.intent.data.held === true
      giveOutcome(fold.labels, event, held)
      addChild(fold, event)
      settle(fold, event.data.effect)
      fold.effects.succeeded += 1
    }
    if (STEP_EVENTS.has(event.type) || tookPlace) fold.progress = event.version
    view.version = event.version
    view.updatedAt = event.time
    return fold
  },
}

/** The run as others see it. */
export function viewOf(fold: RunFold): RunView {
  invariant(fold.view !== null, 'a run begins with RunCreated')
  const doubts = [...fold.open].filter(([, effect]) => effect.doubt).map(([id]) => id)
  return {
    ...fold.view,
    finishing: fold.view.conclusion !== null && fold.view.state !== 'TERMINATED',
    grants: Object.fromEntries(fold.grants),
    waitingFor: unanswered(fold),
    waits: [...fold.waits.values()],
    open: [...fold.open.keys()],
    inDoubt: doubts,
    effects: { ...fold.effects },
    staged: [...fold.owed.staged.keys()],
    compensations: {
      open: [...fold.owed.undoing.keys()],
      succeeded: fold.owed.undone,
      abandoned: [...fold.owed.abandoned],
    },
    purse: sharesOf(fold.purse.held),
    overspent: sharesOf(fold.purse.overspent),
    label: fold.labels.mark,
  }
}

/**
 * The steps that still wait for a person. What somebody said of an attempt in doubt answers that,
 * and not the question about the next attempt.
 */
export function unanswered(fold: RunFold): readonly WaitingStep[] {
  return [...fold.waiting.values()].filter(({ step, kind }) =>
    kind === 'doubt' ? !fold.resolutions.has(step) : !fold.answers.has(step),
  )
}

type Evolve = (fold: RunFold, event: RecordedEvent) => void

function on<T extends keyof StandardPayloads>(
  evolve: (fold: RunFold, data: Payload<T>, event: RecordedEvent<T, Payload<T>>) => void,
): Evolve {
  return (fold, event) => {
    evolve(fold, event.data as Payload<T>, event as RecordedEvent<T, Payload<T>>)
  }
}

/** The outcome of a spawn names the child. */
function addChild(
  { children, open }: RunFold,
  { data }: RecordedEvent<string, Payload<'EffectSucceeded'>>,
): void {
  const { effect: step, observed } = data
  if (open.get(step)?.intent.data.action !== SPAWN_ACTION) return
  const { run, detached } = observed as { readonly run?: unknown; readonly detached?: unknown }
  // Of a doubt that a person resolved nothing is observed.
  if (typeof run !== 'string') return
  children.set(run as RunId, { run: run as RunId, step, detached: detached === true })
}

function settle(fold: RunFold, effect: string): void {
  fold.open.delete(effect)
  fold.tried.delete(effect)
  stopWaiting(fold, effect)
}

function stopWaiting(fold: RunFold, step: string): void {
  fold.waiting.delete(step)
  fold.answers.delete(step)
  fold.resolutions.delete(step)
  fold.lapsed.delete(step)
  fold.refusedAnswers.delete(step)
}

/** An answer counts when it is the first to the call the step waits for now, and may be given. */
function answer(fold: RunFold, event: RecordedEvent, approved: boolean): void {
  const { step, digest, comment, standing } = event.data as Payload<'ApprovalGranted'>
  const waiting = fold.waiting.get(step)
  if (waiting === undefined || waiting.digest !== digest || fold.answers.has(step)) return
  if (refusalOf(waiting, event.principal ?? null, event.time) !== null) return
  const { askedAt } = waiting
  fold.answers.set(step, { event, digest, approved, comment: comment ?? null, askedAt })
  if (standing === undefined || !approved) return
  fold.standing = [standing as GrantId, ...fold.standing].slice(0, STANDING_MAX)
}

/** What the events that are no edge of the graph change. */
const EVOLVE: Readonly<Record<string, Evolve>> = {
  __proto__: null as never,
  RunClaimed: on<'RunClaimed'>(({ view }, { owner, epoch }) => {
    if (view === null) return
    view.owner = owner as OwnerId
    view.epoch = epoch
  }),
  RunSuspended: on<'RunSuspended'>(({ view }) => {
    if (view !== null) view.suspended = true
  }),
  RunResumed: on<'RunResumed'>(({ view }) => {
    if (view !== null) view.suspended = false
  }),
  CapabilityUsed: on<'CapabilityUsed'>((fold, { effect, approval, standing }, event) => {
    fold.open.set(effect, { intent: event, doubt: false })
    stopWaiting(fold, effect)
    if (event.data.action === SPAWN_ACTION && event.data.attempt === 1) fold.spawned += 1
    if (approval !== undefined || standing !== undefined) fold.effects.approved += 1
  }),
  CapabilityDenied: on<'CapabilityDenied'>((fold, denied, event) => {
    const { stage, label } = denied
    if (stage === 'handler' || label !== undefined)
      giveFailure(fold.labels, event, denied, denied.denial)
    settle(fold, denied.effect)
    fold.effects.denied += 1
  }),
  EffectFailed: on<'EffectFailed'>((fold, failed, event) => {
    giveFailure(fold.labels, event, failed, failed.error)
    settle(fold, failed.effect)
    fold.effects.failed += 1
  }),
  // The program is given nothing of it, so it is not labelled with what its handler said.
  EffectRetryScheduled: on<'EffectRetryScheduled'>((fold, { effect }) => {
    fold.open.delete(effect)
    stopWaiting(fold, effect)
  }),
  EffectRevoked: on<'EffectRevoked'>((fold, { effect }) => {
    settle(fold, effect)
    fold.effects.denied += 1
  }),
  EffectInDoubt: on<'EffectInDoubt'>((fold, { effect, error }, event) => {
    const open = fold.open.get(effect)
    if (open === undefined) return
    fold.open.set(effect, { ...open, doubt: true })
    const digest = open.intent.data.argumentsDigest
    const said = error === undefined ? '' : ` Its handler said: ${error.message.slice(0, 512)}`
    const prompt = `Did ${open.intent.data.action} (${effect}) happen?${said}`
    const { id: request, time: askedAt } = event
    const asked = { step: effect, kind: 'doubt', digest, prompt, request, askedAt } as const
    fold.waiting.set(effect, { ...asked, expiresAt: null, approvers: null, escalation: null })
  }),
  ApprovalRequested: on<'ApprovalRequested'>((fold, { step }, event) => {
    fold.waiting.set(step, questionOf(event))
    fold.lapsed.delete(step)
    fold.refusedAnswers.delete(step)
  }),
  ApprovalEscalated: on<'ApprovalEscalated'>((fold, { step, request, to }) => {
    const waiting = fold.waiting.get(step)
    if (waiting?.request === request) fold.waiting.set(step, escalated(waiting, to))
  }),
  ApprovalLapsed: on<'ApprovalLapsed'>((fold, { step, request }, event) => {
    const waiting = fold.waiting.get(step)
    if (waiting?.request !== request || fold.answers.has(step)) return
    fold.waiting.delete(step)
    fold.lapsed.set(step, { event, digest: waiting.digest })
  }),
  AnswerRefused: on<'AnswerRefused'>((fold, { step }) => {
    fold.refusedAnswers.set(step, (fold.refusedAnswers.get(step) ?? 0) + 1)
  }),
  ApprovalGranted: (fold, event) => answer(fold, event, true),
  ApprovalRejected: (fold, event) => answer(fold, event, false),
  ApprovalConsumed: on<'ApprovalConsumed'>((fold, { step }) => stopWaiting(fold, step)),
  EffectDoubtResolved: on<'EffectDoubtResolved'>((fold, { effect }, event) => {
    // The first who says so is believed: what the effect took may have been given back by it.
    const isFirst = fold.open.get(effect)?.doubt === true && !fold.resolutions.has(effect)
    if (isFirst) fold.resolutions.set(effect, event)
  }),
  ValueRevealed: on<'ValueRevealed'>(({ labels }, _data, event) => giveRevealed(labels, event)),
  ValueEndorsed: on<'ValueEndorsed'>(({ labels }, _data, event) => endorse(labels, event)),
  ValueDeclassified: on<'ValueDeclassified'>(({ labels }, _data, event) => {
    declassify(labels, event)
  }),
  SignalConsumed: on<'SignalConsumed'>(({ labels, signals }, { name, signal }, event) => {
    signals.taken.set(name, versionOf(signal))
    signals.count += 1
    giveReceived(labels, event)
  }),
  ChildConcluded: on<'ChildConcluded'>((fold, { child }, event) => {
    fold.children.delete(child as RunId)
    giveEnd(fold.labels, event)
  }),
  PatchMarked: on<'PatchMarked'>(({ patches }, { step }) => {
    patches.add(step)
  }),
  ProgramChanged: on<'ProgramChanged'>(({ view }, { to }) => {
    if (view !== null) view.program = { ...view.program, version: to }
  }),
  RunCommitted: on<'RunCommitted'>(({ view }, { continuedAs }) => {
    if (view !== null && continuedAs !== undefined) view.continuedAs = continuedAs as RunId
  }),
  ScopeCancelled: on<'ScopeCancelled'>((fold, { scopes }) => {
    for (const step of fold.waiting.keys()) {
      // A doubt is a fact about the world: it does not end with the wish for the effect.
      if (liesIn(step, scopes) && !fold.open.has(step)) stopWaiting(fold, step)
    }
  }),
  AbortRequested: on<'AbortRequested'>((fold, _data, event) => {
    fold.abortRequested ??= event
  }),
  ValidationStarted: on<'ValidationStarted'>((fold, { result }) => {
    fold.result = result as ValueRef
  }),
  AbortReasonDeclared: on<'AbortReasonDeclared'>(({ view }, { reason }) => {
    if (view !== null) view.reason = reason
  }),
  RunForciblyTerminated: on<'RunForciblyTerminated'>(({ view }, { reason }) => {
    if (view !== null) view.reason = reason
  }),
}
