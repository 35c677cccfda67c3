/**
 * The secrets that a call carries: handles in its arguments, each decided under a grant of its own.
 *
 *     handle = { "$secret": name, "grant": the name a grant has in this run, … }
 *
 * 1. A handle names its grant, as a request does; nobody looks for one that would do. What else
 *    stands in a handle (where in a text the value goes) is for the handler's schema.
 * 2. Each is decided about the same call: its action, its arguments, its time. The claim is the
 *    secret's name and where it goes: the origin or the program that the effect claims.
 * 3. The intent guards the chains of all of them, so a secret whose grant is revoked is not sent,
 *    and it records names and grants. A value is never seen here.
 * 4. However many secrets a call takes under one counted grant, it is one use of it.
 *
 * The trap: authorising the request and not what it carries, so that whoever may speak to two
 * servers can hand one the other's key.
 */

import type {
  Authority,
  AuthorityRequest,
  Authorization,
  BudgetShare,
  Denial,
} from '@ice/capabilities/ports'
import type { Guard } from '@ice/events/ports'
import type { GrantId, JsonObject, JsonValue } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { SECRETS_PER_CALL_MAX, UNIT_BUDGETS_MAX, UNIT_GUARDS_MAX } from './limits.ts'
import type { SecretUse } from './ports.ts'

/** The member that makes an object a handle. */
const HANDLE = '$secret'

/** A secret that a call is to carry. */
export interface Carried {
  readonly name: string
  readonly grant: GrantId
  /** What is claimed of the grant's resource. */
  readonly claim: JsonObject
}

/**
 * The secrets in the arguments of a call, each once.
 *
 * @throws {RunsError} `ICE_RUNS_SECRET_HANDLE_DENIED`, `ICE_RUNS_GRANT_UNBOUND_DENIED`
 */
export function carriedBy(
  args: JsonObject,
  resource: JsonObject,
  grants: ReadonlyMap<string, GrantId>,
): readonly Carried[] {
  const found = new Map<string, Carried>()
  for (const handle of handlesIn(args)) {
    const carried = carriedOf(handle, resource, grants)
    found.set(JSON.stringify([carried.name, carried.grant]), carried)
    if (found.size > SECRETS_PER_CALL_MAX) {
      throw refused(`A call carries at most ${SECRETS_PER_CALL_MAX} secrets`)
    }
  }
  return [...found.values()]
}

/** Every object with a member `$secret`, wherever it stands; nothing is looked for inside one. */
function* handlesIn(value: JsonValue): Iterable<JsonObject> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value) && Object.hasOwn(value, HANDLE)) {
    yield value as JsonObject
    return
  }
  for (const member of Object.values(value)) yield* handlesIn(member)
}

function carriedOf(
  handle: JsonObject,
  resource: JsonObject,
  grants: ReadonlyMap<string, GrantId>,
): Carried {
  const name = handle[HANDLE]
  const bound = Object.hasOwn(handle, 'grant') ? handle['grant'] : undefined
  if (typeof name !== 'string' || typeof bound !== 'string') {
    throw refused('A secret is named by { "$secret": name, "grant": name of its grant }')
  }
  const grant = grants.get(bound)
  if (grant !== undefined) return { name, grant, claim: { name, ...placeOf(resource) } }
  const message = 'This run has no grant of the name that a secret is asked for under'
  throw new RunsError(RUNS_CODES.grantUnbound, message, { grant: bound.slice(0, 256) })
}

/** Where an effect takes what it carries, as far as its claim says so. */
function placeOf(resource: JsonObject): JsonObject {
  const place: Record<string, JsonValue> = {}
  if (Object.hasOwn(resource, 'host')) place['origin'] = originOf(resource)
  if (Object.hasOwn(resource, 'program')) place['program'] = resource['program'] as JsonValue
  return place
}

/** As `new URL` writes an origin: without the usual port. */
function originOf({ scheme, host, port }: JsonObject): string {
  const isUsual = (scheme === 'https' && port === 443) || (scheme === 'http' && port === 80)
  return `${scheme}://${host}${isUsual ? '' : `:${port}`}`
}

function refused(message: string): RunsError {
  return new RunsError(RUNS_CODES.secretHandle, message)
}

/** What came of deciding about every secret of a call. */
export type Carrying =
  | { readonly granted: readonly Authorization[]; readonly uses: readonly SecretUse[] }
  | { readonly denied: Denial; readonly secret: Carried }

/**
 * Decides about the secrets of a call that authority allows, or would with an approval.
 *
 * @param asked - the call's own request, without an approval: that was of the call, not of these
 */
export function decideCarried(
  secrets: readonly Carried[],
  authority: Pick<Authority, 'callDigest' | 'decide'>,
  asked: AuthorityRequest,
): Carrying {
  const granted: Authorization[] = []
  const uses: SecretUse[] = []
  for (const secret of secrets) {
    const { name, grant, claim: resource } = secret
    const { run, action, argumentsDigest } = asked
    const callDigest = authority.callDigest({ run, grant, action, resource, argumentsDigest })
    const decision = authority.decide({ ...asked, grant, resource, callDigest })
    if ('denied' in decision) return { denied: explained(decision.denied), secret }
    granted.push(decision.ok)
    const { chain, resources } = decision.ok
    uses.push({ name, grant: { id: grant, resources }, chain })
  }
  return { granted, uses }
}

/** A secret as an intent records it: its name, and the authority it is taken under. */
export function secretRecord({ name, grant, chain }: SecretUse): {
  readonly name: string
  readonly grant: string
  readonly chain: string[]
} {
  return { name, grant: grant.id, chain: [...chain] }
}

/** Nobody is asked about a secret alone: the approval of the call is of its handles too. */
function explained(denial: Denial): Denial {
  if (denial.code !== 'ICE_CAPABILITIES_APPROVAL_REQUIRED') return denial
  const message =
    'The grant of a secret wants an approval; it belongs on the grant of the effect, ' +
    'where a person approves the whole call'
  return { code: RUNS_CODES.secretApproval, message, data: {}, causes: [denial] }
}

/** All that two authorizations stand on and pay, each once. */
export function joined(one: Authorization, other: Authorization): Authorization {
  const allotments = once([...one.allotments, ...other.allotments], shareKey)
  return { ...joinedBasis(one, other), allotments }
}

type Basis = Pick<Authorization, 'expiresAt' | 'guards' | 'spends'>

/** The same of intents, which have drawn what they lacked. */
export function joinedBasis<T extends Basis>(one: T, other: Basis): T {
  const ends = [one.expiresAt, other.expiresAt].filter((end) => end !== null)
  return {
    ...one,
    guards: lowest([...one.guards, ...other.guards]),
    spends: once([...one.spends, ...other.spends], shareKey),
    expiresAt: ends.length === 0 ? null : (Math.min(...ends) as (typeof ends)[number]),
  }
}

function shareKey({ grant, unit, window }: BudgetShare): string {
  return `${grant}/${unit}/${window ?? ''}`
}

function once<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const found = new Map<string, T>()
  for (const item of items) if (!found.has(keyOf(item))) found.set(keyOf(item), item)
  return [...found.values()]
}

/** Of two decisions on different versions of a stream the older one must hold. */
function lowest(guards: readonly Guard[]): readonly Guard[] {
  const found = new Map<string, Guard>()
  for (const guard of guards) {
    const known = found.get(guard.stream)
    if (known === undefined || guard.version < known.version) found.set(guard.stream, guard)
  }
  return [...found.values()]
}

/** Whether no append could guard and pay all of this. */
export function isTooWide({
  guards,
  spends,
  allotments,
}: Pick<Authorization, 'allotments' | 'guards' | 'spends'>): boolean {
  if (guards.length > UNIT_GUARDS_MAX || spends.length > UNIT_GUARDS_MAX) return true
  return new Set(allotments.map(({ stream }) => stream)).size > UNIT_BUDGETS_MAX
}

/** Says that no append could. */
export function tooWide(): Denial {
  const message = 'The grants of this call and of its secrets are more than one append can guard'
  return { code: RUNS_CODES.secretHandle, message, data: {}, causes: [] }
}
