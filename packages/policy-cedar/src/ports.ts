/** The public shapes of a ceiling in Cedar: types only. */

import type { Ceiling } from '@ice/capabilities/ports'
import type { JsonObject } from '@ice/primitives'

/** What a ceiling is made of. */
export interface CedarCeilingOptions {
  /** What people call it; recorded by every intent. At most 128 characters. */
  readonly name: string
  /** @defaultValue the first 12 digits of its digest. At most 64 characters. */
  readonly version?: string
  /** Cedar policies, in Cedar's own text. `@id("…")` names one; two may not have one name. */
  readonly policies: string
  /**
   * What holds for a request that no policy speaks of. `deny`: something has to permit it.
   * `permit`: whatever the chain allows is permitted but for what a policy forbids.
   */
  readonly byDefault: 'permit' | 'deny'
  /**
   * A schema in Cedar's text (see `cedarSchema`). Policies are validated against it when the
   * ceiling is opened, and requests when they are judged: one that does not fit is refused.
   */
  readonly schema?: string
  /** What is known of agents, sessions, people, tools and groups, in Cedar's JSON. */
  readonly entities?: readonly CedarEntity[]
}

/** An entity in Cedar's JSON. */
export interface CedarEntity {
  readonly uid: CedarUid
  readonly attrs: JsonObject
  readonly parents: readonly CedarUid[]
  readonly tags?: JsonObject
}

/** The name of an entity: `{ type: 'Ice::Principal', id: 'os:alice' }`. */
export type CedarUid = { readonly type: string; readonly id: string }

/** A ceiling over policies that were parsed and validated once. */
export interface CedarCeiling extends Ceiling {
  /** Policies, schema, entities, default and engine as canonical JSON: its SHA-256 is `digest`. */
  readonly policyText: string
  /** The names of its policies, in order. */
  readonly policyIds: readonly string[]
  /** What the validator of Cedar warns of; nothing without a schema. */
  readonly warnings: readonly string[]
}
