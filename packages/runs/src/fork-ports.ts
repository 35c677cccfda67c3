/** What a fork takes and what it comes to: types only. */

import type { Judge } from '@ice/capabilities/ports'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { EventId, JsonObject, JsonValue, PrincipalId, RunId } from '@ice/primitives'
import type { Program, ProgramName, RunResult } from './ports.ts'
import type { RejudgeInit, Verdict } from './rejudge.ts'

/**
 * What a fork needs. There is no handler among it, and none is reached: what an effect comes to is
 * read from the record, or replaced, or unknown.
 */
export interface ForkInit {
  /** Only read. */
  readonly log: EventLog
  readonly run: RunId
  readonly programs: readonly Program[]
  /**
   * The last version that stays as it is recorded.
   * @defaultValue the one before what is replaced, or the opening of the execution window
   */
  readonly at?: number
  readonly replace?: Replacements
  /** A new judge: under the change of authority, where there is one. It holds from `at` on. */
  readonly judge: () => Judge
  readonly policyOf?: RejudgeInit['policyOf']
  readonly signal?: AbortSignal
}

/** What is another than recorded, by the full ids of steps. */
export interface Replacements {
  /** The whole input, as a start would take it. */
  readonly input?: { readonly value: unknown }
  /** What effects come to. Also of those that the record has no outcome of. */
  readonly outcomes?: Readonly<Record<string, ReplacedOutcome>>
  /** What people say: to a question of the program, or to an effect that they are asked about. */
  readonly answers?: Readonly<Record<string, ReplacedAnswer>>
  /** What a step that waits for a signal is given. */
  readonly signals?: Readonly<Record<string, { readonly value: JsonValue }>>
}

/** Another outcome. Its label is that of the recorded one. */
export type ReplacedOutcome =
  | { readonly value: JsonValue }
  | { readonly error: { readonly code: string; readonly message: string } }

/** Another answer. */
export interface ReplacedAnswer {
  readonly approved: boolean
  readonly comment?: string
  /** @defaultValue who answered, else the first who may, else the principal of the run */
  readonly by?: PrincipalId
}

/** A run that never was, beside the one that was. */
export interface Fork {
  readonly run: RunId
  readonly at: number
  readonly program: ProgramName
  /** What would have been recorded beyond `at`. */
  readonly events: readonly RecordedEvent[]
  /** Every effect that was asked for beyond `at`. */
  readonly decisions: readonly ForkDecision[]
  /** What nothing is known of: the branches that ended there. */
  readonly unanswered: readonly Unanswered[]
  readonly diff: ForkDiff
  readonly result: {
    /** `null`: it has not ended. */
    readonly was: ForkEnd | null
    /** `null`: it goes no further than what is unanswered. */
    readonly would: ForkEnd | null
    readonly same: boolean
  }
}

/** How a run ended, or went on as another. */
export type ForkEnd = RunResult | { readonly conclusion: 'continued'; readonly input: JsonValue }

/** How authority decides an effect, in the record and in the fork. */
export interface ForkDecision {
  readonly effect: string
  readonly action: string
  readonly resource: JsonObject | null
  /** Of the recorded decision. */
  readonly event: EventId | null
  /**
   * `new`: the record has no such call. `unjudged`: it has, and it cannot be judged again; the
   * recorded verdict stands.
   */
  readonly outcome: 'same' | 'flip' | 'new' | 'unjudged'
  readonly was: Verdict | null
  readonly would: Verdict | null
  /** Why it was not judged. */
  readonly reason: string | null
}

/** A step that the record says nothing of. */
export interface Unanswered {
  readonly step: string
  readonly kind: string
  readonly why: string
}

/** Events beyond `at`, by what they are about, but for who owned the run and when it slept. */
export interface ForkDiff {
  readonly same: number
  readonly added: readonly DiffEvent[]
  readonly missing: readonly DiffEvent[]
  readonly changed: readonly ChangedEvent[]
}

/** An event that only one of the two has. */
export interface DiffEvent {
  readonly type: string
  readonly step: string | null
  readonly says: JsonObject
}

/** An event that both have, and that says something else. */
export interface ChangedEvent {
  readonly type: string
  readonly step: string | null
  readonly was: JsonObject
  readonly would: JsonObject
}
