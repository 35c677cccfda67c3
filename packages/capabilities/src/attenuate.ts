/**
 * Attenuation: whether a grant to be made claims no more than the one it is made from.
 *
 * This is for people: it tells of a mistake when it is made. Authority does not rest on it, for a
 * decision takes the AND of all links whatever a child claims. Caveats are not compared: those of
 * the parent hold in any case, and what a child adds can only narrow.
 */
import type { ResourceKinds } from './kinds.ts'
import type { Grant } from './ports.ts'
import { shown, shownList, shownTime } from './text.ts'

/** Two grants, and the kinds that know what lies within what. */
export interface Attenuation {
  readonly parent: Grant
  readonly child: Grant
  readonly kinds: ResourceKinds
}

/** Why the child is not within the parent, reason by reason; none when it is. Pure. */
export function checkAttenuation({ parent, child, kinds }: Attenuation): readonly string[] {
  const reasons = [
    child.parent === parent.id ? undefined : `its parent is not ${parent.id}`,
    delegableReason(parent, child),
    actionsReason(parent, child),
    resourceReason(parent, child, kinds),
    startReason(parent, child),
    endReason(parent, child),
  ]
  return reasons.filter((reason) => reason !== undefined)
}

function delegableReason(parent: Grant, child: Grant): string | undefined {
  if (parent.delegable === 0) return `the grant ${parent.id} cannot be delegated`
  if (child.delegable < parent.delegable) return undefined
  return `delegable ${child.delegable} is more than the ${parent.delegable - 1} that are left`
}

function actionsReason(parent: Grant, child: Grant): string | undefined {
  const over = child.actions.filter((action) => !parent.actions.includes(action))
  if (over.length === 0) return undefined
  return `the actions ${shownList(over)} are not among ${shownList(parent.actions)}`
}

function resourceReason(parent: Grant, child: Grant, kinds: ResourceKinds): string | undefined {
  const [held, asked] = [parent.resource, child.resource]
  if (held.kind !== asked.kind) {
    return `the resource is of the kind ${shown(held.kind)}, not ${shown(asked.kind)}`
  }
  const kind = kinds.get(held.kind)
  if (kind === undefined) return `the resource kind ${shown(held.kind)} is not registered`
  const fault = kind.checkResource(held) ?? kind.checkResource(asked)
  return fault ?? kind.exceeds(held, asked)
}

function startReason(parent: Grant, child: Grant): string | undefined {
  if (child.notBefore >= parent.notBefore) return undefined
  return `it would hold from ${shownTime(child.notBefore)}, before ${shownTime(parent.notBefore)}`
}

function endReason(parent: Grant, child: Grant): string | undefined {
  if (parent.expiresAt === null) return undefined
  if (child.expiresAt !== null && child.expiresAt <= parent.expiresAt) return undefined
  const until = child.expiresAt === null ? 'for ever' : `until ${shownTime(child.expiresAt)}`
  return `it would hold ${until}, longer than ${shownTime(parent.expiresAt)}`
}
