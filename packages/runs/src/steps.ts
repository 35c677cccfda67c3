/**
 * The steps of a program: what it asks its context for, and what it is given in the end.
 *
 * A step belongs to its id and to what it asked, never to the order of calls. Each kind of step
 * says in a file of its own how it is recorded (`records.ts` gathers what the log says of them)
 * and what becomes of it while the run is driven (`rulings.ts`).
 */

import type { EventId, Hash, JsonValue, PrincipalId, RunId, Timestamp } from '@ice/primitives'
import type { Owed } from './owed.ts'
import type {
  Answer,
  AwaitedEvent,
  EffectOutcome,
  EffectRequest,
  Proposal,
  Question,
  RunResult,
} from './ports.ts'
import type { Bound } from './references.ts'
import type { Terms } from './retry.ts'

/** What a step asks for. */
export type Ask =
  | EffectAsk
  | RevealAsk
  | ProposalAsk
  | QuestionAsk
  | TimerAsk
  | SignalAsk
  | EventAsk
  | CancelAsk
  | StageAsk
  | CompensationAsk
  | ChildAsk
  | PatchAsk

/** An ask of one kind. */
export type AskOf<K extends Ask['kind']> = Extract<Ask, { readonly kind: K }>

/** An effect, or a batch of calls, as it was asked for. */
export type AskedRequest = Omit<EffectRequest<unknown>, 'arguments'> & {
  /** Of a batch the list of its items. */
  readonly arguments: JsonValue
  /** Of a batch. */
  readonly concurrency?: number
}

export interface EffectAsk {
  readonly kind: 'effect'
  /** A copy: its arguments are bound, and nothing the program does later changes them. */
  readonly request: AskedRequest
  readonly bound: Bound
  readonly terms: Terms
  readonly hold: boolean
  /** Whether it is many calls under one intent. */
  readonly batch: boolean
  /** The proposal it follows. */
  readonly proposal?: Followed | undefined
  /** Of an effect that was staged: the event, by which its arguments are labelled. */
  readonly staged?: EventId
}

/** A proposal that an effect follows: its event, and the agent who made it. */
export interface Followed {
  readonly event: EventId
  readonly agent: string
}

export interface RevealAsk {
  readonly kind: 'reveal'
  readonly id: string
  readonly digest: Hash
  readonly at: string
}

export interface ProposalAsk {
  readonly kind: 'proposal'
  readonly proposal: Proposal
}

export interface QuestionAsk {
  readonly kind: 'question'
  readonly question: Question
  readonly bound: Bound
}

export interface TimerAsk {
  readonly kind: 'timer'
  readonly due: Timestamp
}

export interface SignalAsk {
  readonly kind: 'signal'
  readonly signal: string
  readonly expiresAt: Timestamp | null
}

export interface EventAsk {
  readonly kind: 'event'
  readonly types: readonly string[]
  readonly streamPrefix?: string
  readonly expiresAt: Timestamp | null
}

export interface CancelAsk {
  readonly kind: 'cancel'
  /** Full names of scopes, without the slash that ends them. */
  readonly scopes: readonly string[]
  readonly reason: string
}

export interface StageAsk {
  readonly kind: 'stage'
  readonly request: EffectAsk['request']
  readonly bound: Bound
  readonly proposal?: Followed | undefined
}

/** Asked for by the runtime alone, of a run that has aborted. */
export interface CompensationAsk {
  readonly kind: 'compensation'
  readonly owed: Owed
}

export interface ChildAsk {
  readonly kind: 'child'
  readonly child: RunId
}

export interface PatchAsk {
  readonly kind: 'patch'
}

/** Events that say something of a step, beside outcomes: `records.ts` has what. */
export const STEP_EVENTS: ReadonlySet<string> = new Set([
  'CapabilityUsed',
  'CapabilityDenied',
  'EffectRevoked',
  'EffectFailed',
  'EffectRetryScheduled',
  'EffectDeferred',
  'EffectStaged',
  'DecisionProposed',
  'ApprovalConsumed',
  'ValueRevealed',
  'TimerSet',
  'TimerFired',
  'SignalAwaited',
  'SignalConsumed',
  'EventAwaited',
  'EventMatched',
  'WaitLapsed',
  'ScopeCancelled',
  'ChildAwaited',
  'ChildConcluded',
  'PatchMarked',
])

/** The action that starts a child. */
export const SPAWN_ACTION = 'run.spawn'

/** What a step is given in the end. */
export type Settlement =
  | { readonly kind: 'outcome'; readonly outcome: EffectOutcome }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'revealed'; readonly value: JsonValue }
  | {
      readonly kind: 'received'
      readonly value: JsonValue
      readonly by: PrincipalId | null
      /** The signal. */
      readonly event: EventId
    }
  | { readonly kind: 'matched'; readonly event: AwaitedEvent }
  | { readonly kind: 'ended'; readonly result: RunResult }
  /** What was waited for did not come in time. */
  | { readonly kind: 'lapsed' }
  /** That it is recorded is all there is to know. */
  | { readonly kind: 'done' }

/** A step that was asked for and is not settled. */
export interface Step {
  readonly id: string
  readonly ask: Ask
  /** Of what was asked: a recorded step must have the same. */
  readonly digest: Hash
  /** Version of the run's last event that the program knew of when it asked. */
  readonly askedAt: number
  readonly settle: (settlement: Settlement) => void
}
