/**
 * The registry of resource kinds: closed when it is composed.
 *
 * A kind is code that decides, so it is taken over by its functions: changing the object a kind
 * was registered with changes nothing. What a kind throws is a refusal, never a permission.
 */
import type { JsonObject } from '@ice/primitives'
import { CAPABILITIES_CODES, CapabilitiesError } from './errors.ts'
import { REASON_CHARS_MAX } from './limits.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { clip, shown, thrownMessage } from './text.ts'

/** A closed set of resource kinds. */
export interface ResourceKinds {
  /** The kind of this name; names are compared exactly, and nothing is inherited. */
  get(kind: string): ResourceKind | undefined
}

/**
 * Composes a registry.
 *
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_KIND_CONFLICT` — two kinds have one name
 */
export function composeKinds(kinds: Iterable<ResourceKind>): ResourceKinds {
  const byName = new Map<string, ResourceKind>()
  for (const kind of kinds) {
    const sealed = seal(kind)
    if (byName.has(sealed.kind)) {
      throw new CapabilitiesError(
        CAPABILITIES_CODES.kindConflict,
        `Two resource kinds are called ${shown(sealed.kind)}`,
        { kind: clip(sealed.kind) },
      )
    }
    byName.set(sealed.kind, sealed)
  }
  return Object.freeze({ get: (kind: string) => byName.get(kind) })
}

function seal(source: ResourceKind): ResourceKind {
  const { kind } = source
  const checkResource = source.checkResource.bind(source)
  const refuses = source.refuses.bind(source)
  const exceeds = source.exceeds.bind(source)
  return Object.freeze({
    kind,
    checkResource: (resource: Resource) => asked(kind, () => checkResource(resource)),
    refuses: (resource: Resource, action: string, claim: JsonObject) =>
      asked(kind, () => refuses(resource, action, claim)),
    exceeds: (parent: Resource, child: Resource) => asked(kind, () => exceeds(parent, child)),
  })
}

/** A reason of a kind; what is neither a reason nor its absence is a reason too. */
function asked(kind: string, ask: () => string | undefined): string | undefined {
  try {
    const reason: unknown = ask()
    if (reason === undefined) return undefined
    return typeof reason === 'string' ? clip(reason, REASON_CHARS_MAX) : `${kind} gave no answer`
  } catch (error) {
    return `${kind} failed: ${clip(thrownMessage(error))}`
  }
}
