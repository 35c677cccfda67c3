/**
 * The ports of ends: types only. What keeps a run from its end, and what must hold at it.
 */

import type { ErrorRecord, EventId, JsonValue, PrincipalId, Timestamp } from '@ice/primitives'
import type { RunView } from './ports.ts'

/** Why a run is set aside, and until when: until somebody releases it. */
export interface Quarantine {
  /** Of a divergence with both sides: `step`, `why`, `recorded` and `asked` in its `data`. */
  readonly error: ErrorRecord
  /** The event that says so. */
  readonly event: EventId
  readonly at: Timestamp
  /** Who set it aside; `null`: the runtime. */
  readonly by: PrincipalId | null
}

/** Who sets a run aside, and why. */
export interface QuarantineCommand {
  readonly reason: string
  readonly principal?: PrincipalId
}

/** Who lets a run go on, and why. */
export interface ReleaseCommand {
  readonly reason: string
  readonly principal?: PrincipalId
}

/**
 * What must hold of every run of this runtime when it is to commit, whatever its program. Pure;
 * throwing, or returning a reason, fails the validation.
 */
export interface Invariant {
  readonly name: string
  check(run: RunView, result: JsonValue): string | undefined
}

/** Who ends a run without a result, why, and how. */
export interface AbortCommand {
  readonly reason: string
  /** End it now, whoever owns it, without the program: recorded as a forced termination. */
  readonly force?: boolean
  readonly principal?: PrincipalId
}

/** What a probe or a person found out about an effect in doubt. */
export interface DoubtCommand {
  readonly effect: string
  readonly happened: boolean
  /** What the program is to be given, when it happened. @defaultValue null */
  readonly result?: JsonValue
  readonly evidence: string
  readonly principal?: PrincipalId
}
