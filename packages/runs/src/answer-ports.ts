/** How a waiting step is answered, and what that comes to: types only. */

import type { Grant } from '@ice/capabilities/ports'
import type { PrincipalId, Timestamp } from '@ice/primitives'

/** What somebody says about a waiting step. */
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
