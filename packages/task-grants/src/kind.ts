/**
 * The resource kind `task-tool`: one tool, and the addresses its words may mention.
 *
 *     resource = { kind: "task-tool", tool, mentions: "any" | [ form, … ] }
 *     claim    = { tool, mentions: [ form, … ] }
 *
 * Names and forms are compared exactly. Which mentions a call has is worked out by `Task.call`.
 */
import type { Resource, ResourceKind } from '@ice/capabilities/ports'
import type { JsonObject, JsonValue } from '@ice/primitives'
import { MENTIONS_MAX, NAME_CHARS_MAX } from './limits.ts'

function own(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function hasExactly(object: JsonObject, names: readonly string[]): boolean {
  const keys = Object.keys(object)
  return keys.length === names.length && names.every((name) => keys.includes(name))
}

function isTool(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= NAME_CHARS_MAX
}

function isForms(value: unknown, max: number = MENTIONS_MAX): value is readonly string[] {
  return (
    Array.isArray(value) && value.length <= max && value.every((form) => typeof form === 'string')
  )
}

/** The kind `task-tool`; state-less and frozen. */
export const taskToolKind: ResourceKind = Object.freeze({
  kind: 'task-tool',

  checkResource(resource: Resource): string | undefined {
    if (!hasExactly(resource, ['kind', 'tool', 'mentions'])) {
      return 'a "task-tool" resource has the members kind, tool and mentions'
    }
    if (!isTool(own(resource, 'tool'))) return '"tool" is the name of a tool'
    const mentions = own(resource, 'mentions')
    if (mentions === 'any' || isForms(mentions)) return undefined
    return `"mentions" is "any" or a list of at most ${MENTIONS_MAX} forms`
  },

  refuses(resource: Resource, _action: string, claim: JsonObject): string | undefined {
    if (!hasExactly(claim, ['tool', 'mentions'])) return 'a claim is { tool, mentions }'
    if (own(claim, 'tool') !== own(resource, 'tool')) {
      return `the tool is not ${JSON.stringify(own(resource, 'tool'))}`
    }
    const mentioned = own(claim, 'mentions')
    // One more than a grant can hold: such a call is within "any" alone.
    if (!isForms(mentioned, MENTIONS_MAX + 1)) return '"mentions" is a list of forms'
    const held = own(resource, 'mentions')
    if (held === 'any') return undefined
    const over = mentioned.filter((form) => !(held as readonly string[]).includes(form))
    if (over.length === 0) return undefined
    const first = JSON.stringify(over[0]?.slice(0, 80))
    return `it mentions ${first}, which the task does not: ${over.length} of ${mentioned.length}`
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    if (own(parent, 'tool') !== own(child, 'tool')) return 'it is about another tool'
    const held = own(parent, 'mentions')
    const asked = own(child, 'mentions')
    if (held === 'any') return undefined
    const isWithin = isForms(asked) && asked.every((form) => (held as string[]).includes(form))
    return isWithin ? undefined : 'it may mention more'
  },
})
