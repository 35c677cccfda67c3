/** The public face of a composed runtime: types only. */

import type { Authority, Ceiling, Grants, ResourceKind } from '@ice/capabilities/ports'
import type { Notifier, SecretStore } from '@ice/effects'
import type { EventType } from '@ice/events'
import type { Durability, EventLog, EventStore, EventTypeDescription } from '@ice/events/ports'
import type { Clock, JsonObject, PrincipalId, Random } from '@ice/primitives'
import type { Breaker, EffectHandler, Ownership, Program, Runs } from '@ice/runs/ports'

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
  /** Event types beside the standard ones. */
  readonly types?: readonly EventType[]
  /** Resource kinds beside the built-in ones. */
  readonly kinds?: readonly ResourceKind[]
  /** Programs this runtime can resume by name. */
  readonly programs?: readonly Program[]
  /** On whose command things are done unless said otherwise. @defaultValue the system's user */
  readonly principal?: PrincipalId
}

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
  readonly grants: Grants
  readonly authority: Authority
  readonly clock: Clock
  readonly principal: PrincipalId
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
