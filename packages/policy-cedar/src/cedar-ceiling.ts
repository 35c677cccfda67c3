/**
 * A ceiling over policies in Cedar.
 *
 * 1. Everything that decides is read when the ceiling is opened, and its digest is of all of it:
 *    policies, schema, entities, default and version of the engine.
 * 2. Pure: no clock, no state but what was parsed. The same request gets the same verdict.
 * 3. Closed: a policy that cannot be evaluated, a request that does not fit the schema, and
 *    arguments that Cedar cannot hold refuse.
 */
import type { CeilingRequest, CeilingVerdict } from '@ice/capabilities/ports'
import { canonicalize, parseStrict, sha256Hex } from '@ice/primitives'
import { type Costly, callOf } from './call.ts'
import {
  ask,
  badEntities,
  badPolicies,
  checkEntities,
  checkSchema,
  ENGINE_VERSION,
  type Policies,
  parsePolicies,
  policyTrees,
  prepare,
  schemaTree,
  validatePolicies,
} from './engine.ts'
import { POLICY_CEDAR_CODES, PolicyCedarError } from './errors.ts'
import { ENTITIES_MAX, POLICIES_MAX, POLICY_BYTES_MAX } from './limits.ts'
import { declaredParts, lookedAt } from './looked-at.ts'
import type { CedarCeiling, CedarCeilingOptions, CedarEntity } from './ports.ts'
import { Unjudgeable } from './values.ts'

/** The policy that permits what nothing else speaks of. */
const PERMIT_ALL = 'permit(principal, action, resource);'
const DEFAULT_ID = 'by default'

/** Entities of these types are made for each request. */
const OWN_TYPES: ReadonlySet<string> = new Set(['Ice::Run', 'Ice::Resource'])

/**
 * Opens a ceiling.
 *
 * @throws {PolicyCedarError} `ICE_POLICY_CEDAR_POLICIES_UNSUPPORTED`,
 *   `ICE_POLICY_CEDAR_SCHEMA_UNSUPPORTED`, `ICE_POLICY_CEDAR_ENTITIES_UNSUPPORTED`,
 *   `ICE_POLICY_CEDAR_SIZE_LIMIT` — with what is wrong, and where
 */
export function openCedarCeiling(options: CedarCeilingOptions): CedarCeiling {
  const { name, byDefault, schema, policies: text } = options
  const policyText = textOf(options)
  const { entities } = parseStrict(policyText) as { readonly entities: readonly CedarEntity[] }
  if (schema !== undefined) checkSchema(schema)
  checkOwnTypes(entities)
  checkEntities(entities, schema)
  const written = parsePolicies(text)
  const policies = withDefault(written, byDefault)
  const warnings = schema === undefined ? [] : validatePolicies(policies, schema)
  const digest = sha256Hex(policyText)
  prepare(digest, policies, schema)
  const shownFor = costlyParts(policies, schema)
  const judge = ({ request, chain }: CeilingRequest): CeilingVerdict => {
    try {
      const call = callOf({ request, chain }, shownFor(request.action))
      const answer = ask({
        ...(call as unknown as Parameters<typeof ask>[0]),
        entities: [...entities, ...call.entities] as Parameters<typeof ask>[0]['entities'],
        preparsedPolicySetId: digest,
        ...(schema === undefined ? {} : { preparsedSchemaName: digest }),
      })
      return verdictOf(answer, request.action)
    } catch (error) {
      if (!(error instanceof Unjudgeable)) throw error
      const reason = `the request cannot be shown to the policies: ${error.message}`
      return { permits: false, policies: [], reason }
    }
  }
  return Object.freeze({
    name,
    version: options.version ?? digest.slice(0, 12),
    digest,
    policyText,
    policyIds: Object.freeze(Object.keys(policies)),
    warnings: Object.freeze(warnings),
    judge,
  })
}

/** All that decides, as the text that the digest is of. */
function textOf(options: CedarCeilingOptions): string {
  const { byDefault, policies, schema = null, entities = [] } = options
  const text = canonicalize({
    ...{ engine: `cedar ${ENGINE_VERSION}`, mapping: 1 },
    ...{ byDefault, policies, schema, entities },
  })
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX) {
    throw limit(`Policies, schema and entities have at most ${POLICY_BYTES_MAX} bytes`)
  }
  if (entities.length > ENTITIES_MAX) throw limit(`There are at most ${ENTITIES_MAX} entities`)
  return text
}

function limit(message: string): PolicyCedarError {
  return new PolicyCedarError(POLICY_CEDAR_CODES.limit, message)
}

function checkOwnTypes(entities: readonly CedarEntity[]): void {
  const faults = entities
    .filter(({ uid }) => OWN_TYPES.has(uid.type))
    .map(({ uid }) => `${uid.type} is made for each request`)
  if (faults.length > 0) throw badEntities(faults)
}

function withDefault(policies: Policies, byDefault: 'permit' | 'deny'): Policies {
  const count = Object.keys(policies).length
  if (count > POLICIES_MAX) throw limit(`There are at most ${POLICIES_MAX} policies`)
  if (Object.hasOwn(policies, DEFAULT_ID)) throw badPolicies([`"${DEFAULT_ID}" is taken`])
  return byDefault === 'permit' ? { ...policies, [DEFAULT_ID]: PERMIT_ALL } : policies
}

/** Which costly parts are shown, by the action: what is declared, or what is looked at. */
function costlyParts(
  policies: Policies,
  schema: string | undefined,
): (action: string) => ReadonlySet<Costly> {
  const looked = lookedAt(policyTrees(policies))
  if (schema === undefined) return () => looked
  const tree = schemaTree(schema)
  return (action) => declaredParts(tree, action) ?? looked
}

function verdictOf(answer: ReturnType<typeof ask>, action: string): CeilingVerdict {
  const { policies } = answer
  if ('fault' in answer)
    return { permits: false, policies, reason: `it is not sure: ${answer.fault}` }
  if (answer.decided === 'allow') return { permits: true, policies }
  const named = policies.map((id) => JSON.stringify(id)).join(', ')
  const reason = policies.length === 0 ? `nothing permits ${action}` : `forbidden by ${named}`
  return { permits: false, policies, reason }
}
