/**
 * Cedar, as far as it is used here: parsing, validating, and answers that are never guessed at.
 *
 * The trap: Cedar leaves a policy out whose condition fails to evaluate. A `forbid` that compares
 * a member the request has not is then no longer there, so every such error refuses.
 */
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { POLICY_CEDAR_CODES, type PolicyCedarCode, PolicyCedarError } from './errors.ts'
import { FAULTS_TOLD_MAX, TOLD_CHARS_MAX } from './limits.ts'
import type { CedarEntity } from './ports.ts'

/** The version of the engine: part of what a digest is of. */
export const ENGINE_VERSION: string = cedar.getCedarVersion()

/** Policies by their names, in the order of their text. */
export type Policies = Readonly<Record<string, string>>

interface Told {
  readonly message: string
  readonly help?: string | null
  readonly sourceLocations?: readonly { readonly label: string | null; readonly start: number }[]
}

/** What Cedar says, on one line, with the place in the text where it knows one. */
function told({ message, help, sourceLocations = [] }: Told, text: string = ''): string {
  const [place] = sourceLocations
  const line = place === undefined ? '' : `line ${text.slice(0, place.start).split('\n').length}: `
  const wanted = place?.label == null ? '' : `, ${place.label}`
  const more = help == null ? '' : ` (${help})`
  const all = `${text === '' ? '' : line}${message}${wanted}${more}`.replace(/\s+/g, ' ')
  return all.slice(0, TOLD_CHARS_MAX)
}

function unsupported(
  code: PolicyCedarCode,
  what: string,
  faults: readonly string[],
): PolicyCedarError {
  const shown = faults.slice(0, FAULTS_TOLD_MAX)
  return new PolicyCedarError(code, `${what}: ${shown.join('; ')}`, { faults: shown })
}

/** Why policies are none. */
export function badPolicies(faults: readonly string[]): PolicyCedarError {
  return unsupported(POLICY_CEDAR_CODES.policies, 'The policies cannot be used', faults)
}

/**
 * Takes a text of policies apart; a policy is called by its `@id`, or by its place.
 *
 * @throws {PolicyCedarError} `ICE_POLICY_CEDAR_POLICIES_UNSUPPORTED`
 */
export function parsePolicies(text: string): Policies {
  const parts = cedar.policySetTextToParts(text)
  if (parts.type === 'failure') throw badPolicies(parts.errors.map((each) => told(each, text)))
  if (parts.policy_templates.length > 0) throw badPolicies(['a template is no policy'])
  const named = new Map<string, string>()
  for (const [i, policy] of parts.policies.entries()) {
    const id = idOf(policy) ?? `policy${i}`
    if (named.has(id)) throw badPolicies([`two policies are called ${JSON.stringify(id)}`])
    named.set(id, policy)
  }
  return Object.fromEntries(named)
}

function idOf(policy: string): string | undefined {
  const answer = cedar.policyToJson(policy)
  return answer.type === 'success' ? (answer.json.annotations?.['id'] ?? undefined) : undefined
}

/** The policies as JSON, to be looked through. */
export function policyTrees(policies: Policies): readonly unknown[] {
  return Object.values(policies).map((policy) => {
    const answer = cedar.policyToJson(policy)
    return answer.type === 'success' ? answer.json : {}
  })
}

/** @throws {PolicyCedarError} `ICE_POLICY_CEDAR_SCHEMA_UNSUPPORTED` */
export function checkSchema(schema: string): void {
  const answer = cedar.checkParseSchema(schema)
  if (answer.type === 'success') return
  const faults = answer.errors.map((each) => told(each, schema))
  throw unsupported(POLICY_CEDAR_CODES.schema, 'The schema cannot be used', faults)
}

/** The schema as JSON, to be looked through. */
export function schemaTree(schema: string): unknown {
  const answer = cedar.schemaToJson(schema)
  return answer.type === 'success' ? answer.json : {}
}

/** @throws {PolicyCedarError} `ICE_POLICY_CEDAR_ENTITIES_UNSUPPORTED` */
export function checkEntities(entities: readonly CedarEntity[], schema: string | undefined): void {
  const answer = cedar.checkParseEntities({
    entities: entities as cedar.Entities,
    ...(schema === undefined ? {} : { schema }),
  })
  if (answer.type === 'success') return
  throw badEntities(answer.errors.map((each) => told(each)))
}

/** Why entities are none. */
export function badEntities(faults: readonly string[]): PolicyCedarError {
  return unsupported(POLICY_CEDAR_CODES.entities, 'The entities cannot be used', faults)
}

/**
 * Holds policies against a schema.
 *
 * @returns what the validator warns of
 * @throws {PolicyCedarError} `ICE_POLICY_CEDAR_POLICIES_UNSUPPORTED`
 */
export function validatePolicies(policies: Policies, schema: string): readonly string[] {
  const answer = cedar.validate({ schema, policies: { staticPolicies: { ...policies } } })
  if (answer.type === 'failure') throw badPolicies(answer.errors.map((each) => told(each)))
  const { validationErrors, validationWarnings, otherWarnings } = answer
  if (validationErrors.length > 0) {
    throw badPolicies(validationErrors.map(({ error }) => told(error)))
  }
  return [...validationWarnings.map(({ error }) => error), ...otherWarnings].map((each) =>
    told(each),
  )
}

/**
 * Has the engine keep policies and schema, parsed, for the life of the process.
 *
 * @throws {PolicyCedarError} `ICE_POLICY_CEDAR_POLICIES_UNSUPPORTED`
 */
export function prepare(key: string, policies: Policies, schema: string | undefined): void {
  const answer = cedar.preparsePolicySet(key, { staticPolicies: { ...policies } })
  if (answer.type === 'failure') throw badPolicies(answer.errors.map((each) => told(each)))
  if (schema !== undefined) cedar.preparseSchema(key, schema)
}

/** An answer of Cedar to a question. */
export type CedarAnswer =
  | { readonly decided: 'allow' | 'deny'; readonly policies: readonly string[] }
  | { readonly fault: string; readonly policies: readonly string[] }

/** Asks about a call; whatever Cedar is not sure of is a fault. */
export function ask(call: Omit<cedar.StatefulAuthorizationCall, 'validateRequest'>): CedarAnswer {
  const validateRequest = call.preparsedSchemaName !== undefined
  const answer = cedar.statefulIsAuthorized({ ...call, validateRequest })
  if (answer.type === 'failure') {
    return { fault: answer.errors.map((each) => told(each)).join('; '), policies: [] }
  }
  const { decision, diagnostics } = answer.response
  const [error] = diagnostics.errors
  if (error !== undefined) {
    const policies = diagnostics.errors.map(({ policyId }) => policyId).sort()
    return { fault: `the policy "${error.policyId}": ${told(error.error)}`, policies }
  }
  return { decided: decision, policies: diagnostics.reason.toSorted() }
}
