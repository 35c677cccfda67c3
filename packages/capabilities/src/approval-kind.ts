/**
 * The resource kind `approval`: a standing approval, which stands for a person's yes to every call
 * that it covers.
 *
 *     resource = { kind: "approval", grant, actions, resources?, arguments? }
 *     claim    = { grants, action, resource, argumentsDigest }        ; of the call to be approved
 *
 * It covers calls under `grant` or what hangs below it, of one of `actions`; with `resources` only
 * those that claim exactly one of them, with `arguments` only those whose arguments have one of
 * these digests. Claims are compared as canonical JSON.
 *
 * Holding one allows nothing by itself: the call is decided first, by a grant of its own kind, and
 * only its approval is taken from here.
 */
import { canonicalize, isGrantId, isHash, type JsonObject } from '@ice/primitives'
import { isActionName } from './action.ts'
import { ACTIONS_MAX, STANDING_ENTRIES_MAX } from './limits.ts'
import { hasOnly, isRecord, own } from './plain.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { shown, shownList } from './text.ts'

/** The one action of a grant of this kind. */
export const APPROVE_ACTION = 'approval.stand'

/** The resource of a standing approval. */
export interface ApprovalResource {
  readonly kind: 'approval'
  readonly grant: string
  readonly actions: readonly string[]
  readonly resources?: readonly JsonObject[]
  readonly arguments?: readonly string[]
}

const MEMBERS = ['kind', 'grant', 'actions', 'resources', 'arguments'] as const
const CLAIM_MEMBERS = ['grants', 'action', 'resource', 'argumentsDigest'] as const

function listOf(holder: object, name: string): readonly unknown[] | undefined {
  const list = own(holder, name)
  return Array.isArray(list) ? list : undefined
}

function listFault(resource: Resource, name: string, is: (entry: unknown) => boolean) {
  if (!Object.hasOwn(resource, name)) return undefined
  const list = listOf(resource, name)
  const fits = list !== undefined && list.length > 0 && list.length <= STANDING_ENTRIES_MAX
  return fits && list.every(is) ? undefined : `"${name}" has 1 to ${STANDING_ENTRIES_MAX} entries`
}

/** The kind `approval`; state-less and frozen. */
export const approvalKind: ResourceKind = Object.freeze({
  kind: 'approval',

  checkResource(resource: Resource): string | undefined {
    if (!hasOnly(resource, MEMBERS)) return `it has the members ${MEMBERS.join(', ')}`
    const actions = listOf(resource, 'actions')
    if (!isGrantId(own(resource, 'grant'))) return '"grant" is the id of a grant'
    if (actions === undefined || actions.length === 0 || actions.length > ACTIONS_MAX) {
      return `"actions" names 1 to ${ACTIONS_MAX} actions`
    }
    if (!actions.every(isActionName)) return '"actions" holds what is no action'
    return listFault(resource, 'resources', isRecord) ?? listFault(resource, 'arguments', isHash)
  },

  refuses(resource: Resource, action: string, claim: JsonObject): string | undefined {
    if (action !== APPROVE_ACTION) return `it is about ${APPROVE_ACTION}, not ${shown(action)}`
    if (!hasOnly(claim, CLAIM_MEMBERS)) return `a claim has ${CLAIM_MEMBERS.join(', ')}`
    const { grant, actions } = resource as unknown as ApprovalResource
    if (listOf(claim, 'grants')?.includes(grant) !== true) {
      return `it covers calls under the grant ${grant}`
    }
    const called = own(claim, 'action')
    if (!actions.includes(called as string)) return `it covers ${shownList(actions)}`
    if (!isAmong(listOf(resource, 'resources'), own(claim, 'resource'))) {
      return 'it covers calls that claim something else'
    }
    return isAmong(listOf(resource, 'arguments'), own(claim, 'argumentsDigest'))
      ? undefined
      : 'it covers calls with other arguments'
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    const [held, asked] = [parent, child] as unknown as readonly [
      ApprovalResource,
      ApprovalResource,
    ]
    if (held.grant !== asked.grant) return `it is about calls under the grant ${held.grant}`
    const over = asked.actions.filter((each) => !held.actions.includes(each))
    if (over.length > 0) return `${shownList(over)} is not among ${shownList(held.actions)}`
    const wider = (['resources', 'arguments'] as const).find((name) => !isWithin(held, asked, name))
    return wider === undefined ? undefined : `it holds other ${wider}`
  },
})

/** Whether a list that may be left out, for anything, holds the value. */
function isAmong(list: readonly unknown[] | undefined, value: unknown): boolean {
  if (list === undefined) return true
  if (value === undefined) return false
  const wanted = canonicalize(value)
  return list.some((each) => canonicalize(each) === wanted)
}

function isWithin(
  held: ApprovalResource,
  asked: ApprovalResource,
  name: 'resources' | 'arguments',
): boolean {
  const [outer, inner] = [held[name], asked[name]]
  if (outer === undefined) return true
  return inner?.every((each) => isAmong(outer, each)) ?? false
}
