/**
 * The closed set of event types of one composition. A type that is not here does not exist.
 *
 * Frozen when composed: there is no `register`. What a log was written with is itself recorded
 * (`TaxonomyAdopted`), so that it can be read by a program that has other types.
 */

import { canonicalize, type Hash, sha256Hex } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { EventType } from './event-type.ts'
import type { EventTypeDescription, TaxonomyView } from './ports.ts'
import { STANDARD_DIGEST } from './types/digest.ts'
import { standardTypes } from './types/index.ts'

/** The digest over the descriptions of all types, in the order of their names. */
export function digestOf(descriptions: readonly EventTypeDescription[]): Hash {
  return sha256Hex(canonicalize(descriptions))
}

/** A taxonomy with its declarations: what the gateway and the decoder work with. */
export interface Taxonomy extends TaxonomyView {
  get(type: string): EventType | undefined
  /** All descriptions in the order of their names: what the digest is taken over. */
  describeAll(): readonly EventTypeDescription[]
}

/** Composes a taxonomy. @throws `ICE_EVENTS_DECLARATION_UNSUPPORTED` when a name comes twice */
export function composeTaxonomy(declarations: readonly EventType[]): Taxonomy {
  const types = new Map<string, EventType>()
  for (const declared of declarations) {
    if (types.has(declared.type)) {
      throw new EventsError(EVENTS_CODES.declaration, `${declared.type} is declared twice`, {
        type: declared.type,
      })
    }
    types.set(declared.type, declared)
  }
  const names = Object.freeze([...types.keys()].sort())
  const describeAll = () => names.map((name) => (types.get(name) as EventType).describe())
  let digest = isStandard(declarations) ? STANDARD_DIGEST : undefined
  return Object.freeze({
    types: names,
    get digest(): Hash {
      digest ??= digestOf(describeAll())
      return digest
    },
    has: (type: string) => types.has(type),
    get: (type: string) => types.get(type),
    describe: (type: string) => types.get(type)?.describe(),
    describeAll,
  })
}

function isStandard(declarations: readonly EventType[]): boolean {
  const known = new Set<EventType>(standardTypes)
  return declarations.length === known.size && declarations.every((type) => known.has(type))
}
