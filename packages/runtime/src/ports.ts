/** The public face of a composed runtime: types only. */

import type { Authority, Ceiling, Grants, ResourceKind } from '@ice/capabilities/ports'
import type { Notifier, SecretStore } from '@ice/effects'
import type { EventType } from '@ice/events'
import type { Durability, EventLog, EventStore, EventTypeDescription } from '@ice/events/ports'
import type { Clock, JsonObject, PrincipalId, Random } from '@ice/primitives'
import type { Schedules, Supervisor, SupervisorInit } from '@ice/runs'
import type {
  Breaker,
  CompensationPolicy,
  EffectHandler,
  Invariant,
  Ownership,
  Program,
  RunIndex,
  RunRows,
  Runs,
  Turns,
} from '@ice/runs/ports'

/** What `createRuntime` is told. Every member has a default; every subsystem can be replaced. */
export interface RuntimeOptions {
  /**
   * Path of the SQLite log, or `':memory:'` for none. Ignored when `store` is given.
   * @defaultValue `.ice/ice.db`
   */
  readonly path?: string
  /**
   * Folder of the segments that older runs of the SQLite log were moved to. It need not be there.
   *
   * @defaultValue `<path>.segments`
   */
  readonly archive?: string
  readonly store?: EventStore
  readonly ownership?: Ownership
  /** Makes the authority over the runtime's log. */
  readonly authority?: (components: AuthorityInit) => Authority
  /**
   * The organisation's policy. While the log has another in force, or none, nothing is allowed.
   *
   * @defaultValue none: nothing is allowed either once one is in force
   */
  readonly ceiling?: Ceiling
  /**
   * Puts `ceiling` in force while the runtime is composed, with the text that people read, unless
   * it is, or was and has been replaced: bringing it back is a command of its own.
   *
   * @defaultValue it is not
   */
  readonly adoptCeiling?: { readonly policyText: string }
  readonly clock?: Clock
  readonly random?: Random
  /** Handlers beside the built-in ones; one for the same action replaces it. */
  readonly effects?: readonly EffectHandler[]
  /** What keeps effects from being tried while what they call fails. @defaultValue none */
  readonly breakers?: readonly Breaker[]
  /**
   * Where secrets come from. All handlers, those in `effects` too, are then surrounded: what a
   * call carries is revealed inside it, and every value of the store is taken out of what is
   * recorded. Left out: a call that carries a secret fails.
   */
  readonly secrets?: SecretStore
  /** Who `notify.send` tells. Left out: nobody, and it fails. */
  readonly notifier?: Notifier
  /** Leave the built-in handlers out. @defaultValue false */
  readonly bare?: boolean
  /** What must hold of every run that is to commit. @defaultValue nothing */
  readonly invariants?: readonly Invariant[]
  /** How compensations that fail are tried again. @defaultValue six times, within some minutes */
  readonly compensation?: Partial<CompensationPolicy>
  /** Event types beside the standard ones. */
  readonly types?: readonly EventType[]
  /** Resource kinds beside the built-in ones. */
  readonly kinds?: readonly ResourceKind[]
  /** Programs this runtime can resume by name. */
  readonly programs?: readonly Program[]
  /** On whose command things are done unless said otherwise. @defaultValue the system's user */
  readonly principal?: PrincipalId
  /**
   * Where the index of runs keeps its rows. Not opened, nor closed, by the runtime.
   * @defaultValue `<path>.index` of the SQLite log, else memory
   */
  readonly rows?: RunRows
  /** Bounds of queues over all workers. @defaultValue those of this process alone */
  readonly turns?: Turns
  /**
   * Whether children and successors of runs are driven here as soon as they are there. A worker
   * leaves that to its supervisor. @defaultValue true
   */
  readonly drivesChildren?: boolean
}

/** What a supervisor of a runtime is told beside what the runtime is made of. */
export type SuperviseOptions = Omit<
  SupervisorInit,
  | 'clock'
  | 'commits'
  | 'index'
  | 'log'
  | 'ownership'
  | 'principal'
  | 'programs'
  | 'runs'
  | 'schedules'
  | 'turns'
>

/** What an authority of the reader's own is given. */
export interface AuthorityInit {
  readonly log: EventLog
  readonly kinds: readonly ResourceKind[]
  readonly ceiling?: Ceiling
}

/** A composed runtime. */
export interface Runtime {
  readonly log: EventLog
  readonly runs: Runs
  /** Runs that are started at times; a supervisor deals with these, in any process. */
  readonly schedules: Schedules
  readonly grants: Grants
  readonly authority: Authority
  readonly clock: Clock
  readonly principal: PrincipalId
  /** The index of the runs of the log; opened when it is first asked for. */
  index(): Promise<RunIndex>
  /**
   * Drives the runs of the whole log, as far as their programs are known here, until it is drained
   * or the runtime is closed. @throws `ICE_RUNS_SUPERVISOR_UNSUPPORTED`
   */
  supervise(options?: SuperviseOptions): Promise<Supervisor>
  /** What this runtime is made of. */
  describe(): RuntimeDescription
  /** Stops driving, closes the log. Runs that were going on can be resumed. */
  close(): Promise<void>
}

/** Introspection: enough to tell two runtimes apart and to reproduce one. */
export interface RuntimeDescription {
  readonly versions: Readonly<Record<string, string>>
  readonly subsystems: Readonly<Record<string, JsonObject>>
  readonly taxonomy: { readonly digest: string; readonly types: readonly EventTypeDescription[] }
  readonly durability: Durability
  readonly effects: readonly JsonObject[]
  readonly programs: readonly { readonly name: string; readonly version: string }[]
  readonly limits: Readonly<Record<string, Readonly<Record<string, number>>>>
}
