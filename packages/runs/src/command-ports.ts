/** What people do to a run from outside, and what it comes to: types only. */

import type { Grant, Label } from '@ice/capabilities/ports'
import type { JsonValue, PrincipalId, Timestamp } from '@ice/primitives'

export interface AnswerCommand {
  readonly step: string
  readonly approved: boolean
  readonly principal?: PrincipalId
  readonly comment?: string
  /** Refuses when the step now waits for another call than this one. */
  readonly digest?: string
  /** Approve what is like it from now on, too. */
  readonly standing?: StandingCommand
  /** Record nothing: only say what would be. @defaultValue false */
  readonly dryRun?: boolean
}

/** What is to be approved once and for all. */
export interface StandingCommand {
  /**
   * `call`: the same action, resource and arguments; `place`: the same action and resource, with
   * any arguments; `action`: the action, wherever its grant allows it. @defaultValue `'call'`
   */
  readonly covers?: 'call' | 'place' | 'action'
  /** Who holds it; what outlives the run needs a count or an end. @defaultValue `'run'` */
  readonly holder?: 'run' | 'agent' | 'session'
  /** At most so many uses. */
  readonly count?: number
  readonly expiresAt?: Timestamp
}

/** What an answer came to. */
export interface Answered {
  /** The standing approval it issued, or would. */
  readonly standing: Grant | null
}

/** What is sent to a run. */
export interface SignalCommand {
  readonly signal: string
  readonly payload?: JsonValue
  readonly key?: string
  /** Where the payload comes from. @defaultValue trusted, and for everyone */
  readonly label?: Label
  readonly principal?: PrincipalId
}

/** A value of a run, with its label. */
export interface ValueOfRun {
  /** The step that gave it; the input is `$input`, a held part of it that and its pointer. */
  readonly step: string
  /** SHA-256 of its canonical JSON. */
  readonly digest: string
  readonly label: Label
  /** The program has only a reference to it. */
  readonly held: boolean
}

/** Who vouches for which value of a run, against which sources, and why. */
export interface EndorseCommand {
  readonly step: string
  readonly sources: readonly string[]
  readonly reason: string
  readonly principal?: PrincipalId
  /** Refuses when the step gave another value than this one. */
  readonly digest?: string
}

/** Who lets whom read which value of a run, and why; `null` is everyone. */
export interface DeclassifyCommand {
  readonly step: string
  readonly readers: readonly string[] | null
  readonly reason: string
  readonly principal?: PrincipalId
  /** Refuses when the step gave another value than this one. */
  readonly digest?: string
}
