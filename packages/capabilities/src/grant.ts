/**
 * Grants: what makes one well formed, and the copy that is issued.
 *
 * Two depths of looking. A *structural* fault makes a recorded grant unusable, whoever reads it.
 * A grant that is *issued* must also be of a kind and under caveats that are known here, so that
 * a mistake is told when it is made and not when the grant is first used.
 */
import { canonicalize, isGrantId, isTimestamp, type JsonValue } from '@ice/primitives'
import { isActionName } from './action.ts'
import { caveatRules } from './caveat.ts'
import { CAPABILITIES_CODES, CapabilitiesError } from './errors.ts'
import { isHolder } from './holder.ts'
import type { ResourceKinds } from './kinds.ts'
import {
  ACTION_CHARS_MAX,
  ACTIONS_MAX,
  CAVEATS_MAX,
  CHAIN_LINKS_MAX,
  GRANT_CHARS_MAX,
} from './limits.ts'
import { deepFreeze, hasOnly, isRecord, own } from './plain.ts'
import type { Grant, Resource, RootGrantSpec } from './ports.ts'
import { clippedList, shown } from './text.ts'

const MEMBERS = [
  'id',
  'holder',
  'actions',
  'resource',
  'caveats',
  'parent',
  'delegable',
  'notBefore',
  'expiresAt',
  'revocable',
] as const

/** Why this is not a grant, reason by reason; none when it is. Total over plain JSON. */
export function structuralFaults(value: unknown): readonly string[] {
  if (!isRecord(value)) return [`a grant is an object, not ${shown(value)}`]
  const member = (name: (typeof MEMBERS)[number]): unknown => own(value, name)
  const id = member('id')
  const parent = member('parent')
  const expiresAt = member('expiresAt')
  const resource = member('resource')
  const faults = [
    hasOnly(value, MEMBERS) || `a grant has the members ${MEMBERS.join(', ')} and no others`,
    isGrantId(id) || `its id is a UUIDv7 in lower case, not ${shown(id)}`,
    isHolder(member('holder')) ||
      `its holder is <run|agent|session|principal|tool>/<id>, not ${shown(member('holder'))}`,
    actionsFault(member('actions')),
    (isRecord(resource) && typeof own(resource, 'kind') === 'string') ||
      'its resource is an object with a kind',
    caveatsFault(member('caveats')),
    parent === null ||
      isGrantId(parent) ||
      `its parent is null or a grant id, not ${shown(parent)}`,
    parent === null || parent !== id || 'it is its own parent',
    isDelegable(member('delegable')) || `delegable is 0 to ${CHAIN_LINKS_MAX - 1}`,
    isTimestamp(member('notBefore')) || 'notBefore is a time in epoch milliseconds',
    expiresAt === null || isTimestamp(expiresAt) || 'expiresAt is null or epoch milliseconds',
    typeof member('revocable') === 'boolean' || 'revocable is true or false',
  ]
  return faults.filter((fault): fault is string => typeof fault === 'string')
}

function actionsFault(actions: unknown): true | string {
  if (!Array.isArray(actions) || actions.length === 0 || actions.length > ACTIONS_MAX) {
    return `it has 1 to ${ACTIONS_MAX} actions`
  }
  const bad = actions.find((action) => !isActionName(action))
  if (bad !== undefined || actions.includes(undefined)) {
    return `an action is 1 to ${ACTION_CHARS_MAX} of A-Z a-z 0-9 . _ : + ~ -, not ${shown(bad)}`
  }
  return true
}

function caveatsFault(caveats: unknown): true | string {
  const fits = Array.isArray(caveats) && caveats.length <= CAVEATS_MAX && caveats.every(isRecord)
  return fits || `its caveats are a list of at most ${CAVEATS_MAX} objects`
}

function isDelegable(value: unknown): boolean {
  return (
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < CHAIN_LINKS_MAX
  )
}

/** Why a resource is none of a registered kind, or `undefined`. */
export function resourceFault(resource: Resource, kinds: ResourceKinds): string | undefined {
  const kind = kinds.get(resource.kind)
  if (kind === undefined) return `the resource kind ${shown(resource.kind)} is not registered`
  return kind.checkResource(resource)
}

/** Why a grant is not to be issued, reason by reason. */
function issueFaults(value: unknown, kinds: ResourceKinds): readonly string[] {
  const structural = structuralFaults(value)
  if (structural.length > 0) return structural
  const grant = value as Grant
  const { notBefore, expiresAt } = grant
  const faults = [
    resourceFault(grant.resource, kinds),
    ...caveatRules(grant.caveats).faults,
    expiresAt !== null && expiresAt <= notBefore ? 'it expires before it holds' : undefined,
    new Set(grant.actions).size < grant.actions.length ? 'it names an action twice' : undefined,
  ]
  return faults.filter((fault) => fault !== undefined)
}

/**
 * A grant as it is to be issued: a frozen copy that shares nothing with what was handed in.
 *
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_GRANT_UNSUPPORTED` — with every reason in
 *   `data.reasons`
 */
export function issuable(draft: Grant, kinds: ResourceKinds): Grant {
  const copy = plainCopy(draft)
  const faults = issueFaults(copy, kinds)
  if (faults.length > 0) throw unsupported(faults)
  return deepFreeze(copy as unknown as Grant)
}

function plainCopy(draft: Grant): JsonValue {
  let text: string
  try {
    text = canonicalize(draft)
  } catch (cause) {
    throw unsupported(['it is not JSON'], cause)
  }
  if (text.length > GRANT_CHARS_MAX) {
    throw unsupported([`it has ${text.length} characters of JSON; at most ${GRANT_CHARS_MAX} fit`])
  }
  return JSON.parse(text) as JsonValue
}

function unsupported(reasons: readonly string[], cause?: unknown): CapabilitiesError {
  return new CapabilitiesError(
    CAPABILITIES_CODES.grantUnsupported,
    `No such grant can be issued: ${reasons.join('; ')}`,
    { reasons: clippedList(reasons) },
    cause,
  )
}

/**
 * The root grant of a spec, with what was left out filled in.
 *
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_GRANT_UNSUPPORTED`
 */
export function rootGrant(spec: RootGrantSpec, kinds: ResourceKinds): Grant {
  return issuable(drafted(spec), kinds)
}

function drafted(spec: RootGrantSpec): Grant {
  try {
    const { id, holder, actions, resource, caveats, notBefore, expiresAt } = spec
    return {
      id,
      holder,
      actions: Array.isArray(actions) ? [...new Set(actions)] : actions,
      resource,
      caveats: caveats ?? [],
      parent: null,
      delegable: spec.delegable ?? 0,
      notBefore: notBefore ?? (0 as Grant['notBefore']),
      expiresAt: expiresAt ?? null,
      revocable: spec.revocable ?? true,
    }
  } catch (cause) {
    throw unsupported(['it cannot be read'], cause)
  }
}
