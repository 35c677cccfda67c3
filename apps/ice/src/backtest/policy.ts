/**
 * Policies for judging again: of files, and as a log recorded them.
 *
 * The engine is loaded only when a policy is: most logs have none.
 */
import type { Ceiling } from '@ice/capabilities/ports'
import type { EventLog, RecordedEvent, ValueRef } from '@ice/events/ports'
import { errorRecord, parseStrict } from '@ice/primitives'
import { openValue } from '@ice/runs'
import { readText } from '../args/file.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { plain } from '../terminal/text.ts'

/** A policy in files. */
export interface PolicyFiles {
  /** Policies in Cedar's text. */
  readonly policy?: string
  readonly policySchema?: string
  /** Entities in Cedar's JSON. */
  readonly policyEntities?: string
  /** What holds for a request that no policy speaks of. @defaultValue deny */
  readonly policyDefault?: string
}

type CedarOptions = Parameters<typeof import('@ice/policy-cedar').openCedarCeiling>[0]

/** Opens the policy of files. @throws `ICE_CLI_USAGE_UNSUPPORTED`, `ICE_POLICY_CEDAR_…` */
export async function openPolicy(files: PolicyFiles, cwd: string): Promise<Ceiling> {
  const { policy = '', policyDefault = 'deny', policySchema, policyEntities } = files
  if (policyDefault !== 'deny' && policyDefault !== 'permit') {
    throw new CliError(CLI_CODES.usage, '--policy-default is deny or permit')
  }
  const { openCedarCeiling } = await import('@ice/policy-cedar')
  return openCedarCeiling({
    name: policy.slice(-128),
    policies: readText(policy, cwd),
    byDefault: policyDefault,
    ...(policySchema === undefined ? {} : { schema: readText(policySchema, cwd) }),
    ...(policyEntities === undefined ? {} : { entities: entitiesOf(policyEntities, cwd) }),
  })
}

function entitiesOf(path: string, cwd: string): NonNullable<CedarOptions['entities']> {
  try {
    return parseStrict(readText(path, cwd)) as unknown as NonNullable<CedarOptions['entities']>
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError(CLI_CODES.usage, `${plain(path)} is not JSON as it has to be`, { cause })
  }
}

/** The policy that an event put in force, out of its own text; or why it cannot be had. */
export async function recordedPolicy(
  { store }: Pick<EventLog, 'store'>,
  { data }: RecordedEvent,
): Promise<Ceiling | string> {
  const { name, version, digest, policy } = data as {
    readonly name: string
    readonly version: string
    readonly digest: string
    readonly policy: ValueRef
  }
  try {
    const text = await openValue(policy, store.blobs)
    if (typeof text !== 'string') return 'its text is none'
    const made = parseStrict(text) as Readonly<Record<string, unknown>>
    if (!`${made['engine']}`.startsWith('cedar ')) return 'it is not one of Cedar'
    const { openCedarCeiling } = await import('@ice/policy-cedar')
    const { policies, byDefault, schema, entities } = made
    const written = { policies, byDefault, entities, ...(schema === null ? {} : { schema }) }
    const ceiling = openCedarCeiling({ ...(written as unknown as CedarOptions), name, version })
    if (ceiling.digest === digest) return ceiling
    return `its engine is not the one here (${made['engine']})`
  } catch (error) {
    const { code, message } = errorRecord(error)
    return `${code}: ${message}`
  }
}
