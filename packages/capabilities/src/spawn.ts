/**
 * The resource kind `spawn`: which programs a run may start as children, how deep, how many.
 *
 *     resource = { kind: "spawn", [programs], [names], [depthMax], [widthMax] }
 *     programs = [ { name, version }, … ]   ; exactly these
 *     names    = [ name, … ]                ; every version of these; one of the two is there
 *     depthMax = 1 to 32                    ; left out: 1, children that have no children
 *     widthMax = 1 to 10,000                ; left out: 1, one child
 *     claim    = { program, version, depth, width }
 *
 * `depth` is the place of the child below the run the grant was issued to, so that a child's own
 * child is at 2; `width` counts the children its parent has with it.
 */
import type { JsonObject } from '@ice/primitives'
import { boundFault, entriesOf, excess, listsFault, over } from './entries.ts'
import { PROGRAM_NAME_CHARS_MAX, SPAWN_DEPTH_MAX, SPAWN_WIDTH_MAX } from './limits.ts'
import { hasOnly, isRecord, own } from './plain.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { shown, shownList } from './text.ts'

/** The resource of a grant on children. */
export type SpawnResource = {
  readonly kind: 'spawn'
  /** Exact versions of programs. One of `programs` and `names` is there. */
  readonly programs?: readonly { readonly name: string; readonly version: string }[]
  /** Programs of which every version is held. */
  readonly names?: readonly string[]
  /** @units runs below the one the grant was issued to. @defaultValue 1 */
  readonly depthMax?: number
  /** @units children of one parent. @defaultValue 1 */
  readonly widthMax?: number
}

const PRINTABLE = /^[!-~](?:[ -~]*[!-~])?$/
const DEPTH = [1, SPAWN_DEPTH_MAX] as const
const WIDTH = [1, SPAWN_WIDTH_MAX] as const

function nameFault(name: unknown): string | undefined {
  const fits =
    typeof name === 'string' && name.length <= PROGRAM_NAME_CHARS_MAX && PRINTABLE.test(name)
  return fits ? undefined : `${shown(name)} is no name, or no version, of a program`
}

function programFault(program: unknown): string | undefined {
  const isOne = isRecord(program) && hasOnly(program, ['name', 'version'])
  if (!isOne) return 'a program is { name, version }'
  return nameFault(own(program, 'name')) ?? nameFault(own(program, 'version'))
}

const LISTS = [
  ['programs', programFault],
  ['names', nameFault],
] as const

/** Injective: neither part can run into the other. */
function keyOf(name: unknown, version: unknown): string {
  return JSON.stringify([name, version])
}

function keysOf(resource: Resource): readonly string[] {
  const programs = own(resource, 'programs') as SpawnResource['programs']
  return (programs ?? []).map(({ name, version }) => keyOf(name, version))
}

function maxOf(resource: Resource, name: 'depthMax' | 'widthMax'): number {
  return (own(resource, name) as number | undefined) ?? 1
}

function holds(resource: Resource, name: unknown, version: unknown): boolean {
  if (entriesOf(resource, 'names').includes(name as string)) return true
  return keysOf(resource).includes(keyOf(name, version))
}

function numberRefusal(
  resource: Resource,
  name: 'depthMax' | 'widthMax',
  asked: number,
): string | undefined {
  const max = maxOf(resource, name)
  if (asked <= max) return undefined
  return `${asked} is more than the ${name === 'depthMax' ? 'depth' : 'width'} of ${max}`
}

/** The kind `spawn`; state-less and frozen. */
export const spawnKind: ResourceKind = Object.freeze({
  kind: 'spawn',

  checkResource(resource: Resource): string | undefined {
    if (!hasOnly(resource, ['kind', 'programs', 'names', 'depthMax', 'widthMax'])) {
      return 'a "spawn" resource has the members kind, programs, names, depthMax and widthMax'
    }
    if (!Object.hasOwn(resource, 'programs') && !Object.hasOwn(resource, 'names')) {
      return 'a "spawn" resource has programs or names'
    }
    return (
      listsFault(resource, LISTS) ??
      boundFault(resource, 'depthMax', DEPTH) ??
      boundFault(resource, 'widthMax', WIDTH)
    )
  },

  refuses(resource: Resource, _action: string, claim: JsonObject): string | undefined {
    const members = ['program', 'version', 'depth', 'width'] as const
    const isWhole = members.every((name) => Object.hasOwn(claim, name))
    if (!isWhole || !hasOnly(claim, members)) {
      return 'a claim on "spawn" is { program, version, depth, width }'
    }
    const [name, version] = [own(claim, 'program'), own(claim, 'version')]
    const fault =
      nameFault(name) ??
      nameFault(version) ??
      boundFault(claim as Resource, 'depth', DEPTH) ??
      boundFault(claim as Resource, 'width', WIDTH)
    if (fault !== undefined) return fault
    if (!holds(resource, name, version)) {
      const held = [...entriesOf(resource, 'names'), ...keysOf(resource)]
      return `the program ${shown(name)} ${shown(version)} is none of ${shownList(held)}`
    }
    return (
      numberRefusal(resource, 'depthMax', own(claim, 'depth') as number) ??
      numberRefusal(resource, 'widthMax', own(claim, 'width') as number)
    )
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    const programs = own(child, 'programs') as SpawnResource['programs']
    const beyond = (programs ?? []).filter(({ name, version }) => !holds(parent, name, version))
    const found = excess([
      ['programs', beyond.map(({ name, version }) => `${name} ${version}`)],
      ['names', over(entriesOf(parent, 'names'), entriesOf(child, 'names'))],
    ])
    return (
      found ??
      numberRefusal(parent, 'depthMax', maxOf(child, 'depthMax')) ??
      numberRefusal(parent, 'widthMax', maxOf(child, 'widthMax'))
    )
  },
})
