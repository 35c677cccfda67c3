/**
 * The resource kind `memory`: which records may be recalled or promoted.
 *
 *     resource = { kind: "memory", spaces, types }
 *     spaces   = [ name, … ]        ; these and what is below, segment by segment; see segments.ts
 *     types    = [ type, … ]        ; types of records, exactly
 *     claim    = { space, types }   ; every type that is asked for
 *     type     = 1*64( ALPHA / DIGIT / "." / "_" / "-" )
 *
 * A claim on several types is within a resource that holds all of them: a question that also asks
 * for what is not held is refused, and not answered in part.
 */
import type { JsonObject } from '@ice/primitives'
import { entriesOf, excess, listFault, listsFault, over } from './entries.ts'
import { hasOnly, own } from './plain.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { isUnder, segmentsFault } from './segments.ts'
import { shown, shownList } from './text.ts'

/** The resource of a grant on memory. */
export type MemoryResource = {
  readonly kind: 'memory'
  /** Spaces, with everything below them: `team/notes`. */
  readonly spaces: readonly string[]
  /** Types of records: `preference`. */
  readonly types: readonly string[]
}

const TYPE = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/

function typeFault(type: unknown): string | undefined {
  const fits = typeof type === 'string' && TYPE.test(type)
  return fits ? undefined : `${shown(type)} is no type of a record`
}

const LISTS = [
  ['spaces', segmentsFault],
  ['types', typeFault],
] as const

function holdsSpace(resource: Resource, space: string): boolean {
  return entriesOf(resource, 'spaces').some((prefix) => isUnder(space, prefix))
}

/** The kind `memory`; state-less and frozen. */
export const memoryKind: ResourceKind = Object.freeze({
  kind: 'memory',

  checkResource(resource: Resource): string | undefined {
    const isWhole = LISTS.every(([name]) => Object.hasOwn(resource, name))
    if (!isWhole || !hasOnly(resource, ['kind', 'spaces', 'types'])) {
      return 'a "memory" resource has the members kind, spaces and types'
    }
    return listsFault(resource, LISTS)
  },

  refuses(resource: Resource, _action: string, claim: JsonObject): string | undefined {
    if (!hasOnly(claim, ['space', 'types'])) return 'a claim on "memory" is { space, types }'
    const space = own(claim, 'space')
    const fault = segmentsFault(space) ?? listFault('types', own(claim, 'types'), typeFault)
    if (fault !== undefined) return fault
    if (!holdsSpace(resource, space as string)) {
      return `the space ${shown(space)} is none of ${shownList(entriesOf(resource, 'spaces'))}`
    }
    const held = entriesOf(resource, 'types')
    const beyond = over(held, own(claim, 'types') as readonly string[])
    if (beyond.length === 0) return undefined
    return `the types ${shownList(beyond)} are not among ${shownList(held)}`
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    return excess([
      ['spaces', entriesOf(child, 'spaces').filter((space) => !holdsSpace(parent, space))],
      ['types', over(entriesOf(parent, 'types'), entriesOf(child, 'types'))],
    ])
  },
})
