/** Introspection of a composition. */

import type { Taxonomy } from '@ice/events'
import type { EventStore } from '@ice/events/ports'
import type { JsonObject } from '@ice/primitives'
import type { EffectHandler, Program } from '@ice/runs/ports'
import type { RuntimeDescription } from './ports.ts'
import { VERSIONS } from './versions.ts'

/** What there is to describe. */
export interface DescribeInit {
  readonly taxonomy: Taxonomy
  readonly store: EventStore
  readonly subsystems: Readonly<Record<string, JsonObject>>
  readonly effects: readonly EffectHandler[]
  readonly programs: readonly Program[]
  readonly limits: RuntimeDescription['limits']
}

/** Describes a composition by values that can be compared and kept. */
export function describeRuntime(init: DescribeInit): RuntimeDescription {
  return {
    versions: VERSIONS,
    subsystems: init.subsystems,
    taxonomy: { digest: init.taxonomy.digest, types: init.taxonomy.describeAll() },
    durability: init.store.durability,
    effects: init.effects.map(({ action, fate, outcome }) => ({ action, fate, outcome })),
    programs: init.programs.map(({ name, version }) => ({ name, version })),
    limits: init.limits,
  }
}
