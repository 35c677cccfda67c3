/** What runs are made of: ports, given complete by whoever composes them. */

import type { Authority, Grants } from '@ice/capabilities/ports'
import type { EventLog } from '@ice/events/ports'
import type { Clock, Ids, PrincipalId, RunId } from '@ice/primitives'
import type { Breakers } from './breakers.ts'
import type { Chunks } from './chunks.ts'
import type { RunFold } from './lifecycle.ts'
import type {
  Breaker,
  CompensationPolicy,
  EffectHandler,
  Invariant,
  Ownership,
  Program,
} from './ports.ts'
import type { Rights } from './rights.ts'
import type { Completion } from './settle.ts'
import type { Watch } from './watch.ts'

/** What `createRuns` takes. */
export interface RunsInit {
  readonly log: EventLog
  readonly authority: Authority
  /** Makes the grants of children. @defaultValue none: children are given no grants */
  readonly delegate?: Grants['delegate']
  /** Children are driven here, by whoever starts them. @defaultValue true */
  readonly drivesChildren?: boolean
  readonly ownership: Ownership
  readonly clock: Clock
  readonly ids: Ids
  readonly effects: readonly EffectHandler[]
  /** What keeps effects from being tried while what they call fails; frozen. @defaultValue none */
  readonly breakers?: readonly Breaker[]
  /** Programs that can be resumed by name and version; `start` and `execute` add theirs. */
  readonly programs?: readonly Program[]
  /** On whose command things are done unless said otherwise. */
  readonly principal: PrincipalId
  /** Bounds that `RunProvisioned` records. */
  readonly limits?: Readonly<Record<string, number>>
  /** What must hold of every run that is to commit. @defaultValue nothing */
  readonly invariants?: readonly Invariant[]
  /** How compensations that fail are tried again. @defaultValue six times, within some minutes */
  readonly compensation?: Partial<CompensationPolicy>
}

/** The same, as the parts of this room use it. */
export interface Components {
  readonly log: EventLog
  readonly authority: Authority
  readonly ownership: Ownership
  readonly clock: Clock
  readonly ids: Ids
  readonly handlers: ReadonlyMap<string, EffectHandler>
  readonly principal: PrincipalId
  readonly limits: Readonly<Record<string, number>>
  readonly invariants: readonly Invariant[]
  readonly compensation: CompensationPolicy
  readonly watch: Watch
  readonly rights: Rights
  readonly breakers: Breakers
  readonly chunks: Chunks
  /** Records what a handler came back with when its run was over; never throws. */
  late(run: RunId, completion: Completion): void
  /** @throws `ICE_RUNS_SIGNAL_UNSUPPORTED` — a program known here does not take it */
  checkSignal(fold: RunFold, signal: string, payload: unknown): void
  /** @throws `ICE_RUNS_PROGRAM_NOT_FOUND` */
  programOf(fold: RunFold): Program
  /** @throws `ICE_RUNS_PROGRAM_NOT_FOUND` */
  programNamed(name: string, version: string): Program
  /** Makes a grant that hangs below another. */
  readonly delegate: Grants['delegate']
  /**
   * Something has become of a run that nobody may be driving: whoever drives runs is told.
   * @param by - the run that brought it about: this one is driven for as long as that one stays
   */
  kick(run: RunId, by: RunId): void
  /** Whether the run is being driven here. */
  isDriven(run: RunId): boolean
}
