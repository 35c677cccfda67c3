/**
 * The resource kind `tool`: effects of a product's own, told apart by name.
 *
 *     resource = { kind: "tool", name }  |  { kind: "tool", names: [ name, … ] }
 *     claim    = { name }
 *
 * Names are compared exactly: no prefix, no pattern, no case folding.
 */
import type { JsonObject } from '@ice/primitives'
import { RESOURCE_ENTRIES_MAX, TOOL_NAME_CHARS_MAX } from './limits.ts'
import { hasOnly, own } from './plain.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { shown, shownList } from './text.ts'

/** The resource of a grant on tools. */
export type ToolResource =
  | { readonly kind: 'tool'; readonly name: string }
  | { readonly kind: 'tool'; readonly names: readonly string[] }

const NAME = /^[!-~](?:[ -~]*[!-~])?$/

/** Whether this is the name of a tool. */
export function isToolName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TOOL_NAME_CHARS_MAX && NAME.test(value)
}

function nameFault(name: unknown): string | undefined {
  if (isToolName(name)) return undefined
  return `a tool's name is 1 to ${TOOL_NAME_CHARS_MAX} printable characters, not ${shown(name)}`
}

function namesFault(names: unknown): string | undefined {
  if (!Array.isArray(names) || names.length === 0) return '"names" is a list of names, not empty'
  if (names.length > RESOURCE_ENTRIES_MAX) {
    return `"names" has more than ${RESOURCE_ENTRIES_MAX} names`
  }
  for (const name of names) {
    const fault = nameFault(name)
    if (fault !== undefined) return fault
  }
  return undefined
}

function namesOf(resource: Resource): readonly string[] {
  const names = own(resource, 'names') as readonly string[] | undefined
  return names ?? [own(resource, 'name') as string]
}

/** The kind `tool`; state-less and frozen. */
export const toolKind: ResourceKind = Object.freeze({
  kind: 'tool',

  checkResource(resource: Resource): string | undefined {
    const several = Object.hasOwn(resource, 'names')
    if (!hasOnly(resource, ['kind', several ? 'names' : 'name'])) {
      return 'a "tool" resource has the members kind and either name or names'
    }
    return several ? namesFault(own(resource, 'names')) : nameFault(own(resource, 'name'))
  },

  refuses(resource: Resource, _action: string, claim: JsonObject): string | undefined {
    if (!hasOnly(claim, ['name'])) return 'a claim on "tool" is { name }'
    const name = own(claim, 'name')
    const names = namesOf(resource)
    if (names.includes(name as string)) return undefined
    return `the tool ${shown(name)} is none of ${shownList(names)}`
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    const held = namesOf(parent)
    const over = namesOf(child).filter((name) => !held.includes(name))
    return over.length === 0 ? undefined : `${shownList(over)} is not among ${shownList(held)}`
  },
})
