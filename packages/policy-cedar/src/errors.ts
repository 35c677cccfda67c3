/**
 * Codes of a ceiling that cannot be opened. Codes change only at a major version, messages at any
 * time: test with `hasCode(error, code)`, never with `instanceof` across packages.
 */
import { IceError, type JsonObject } from '@ice/primitives'

export const POLICY_CEDAR_CODES = {
  /** A policy does not parse, is a template, or does not fit the schema; all in `data.faults`. */
  policies: 'ICE_POLICY_CEDAR_POLICIES_UNSUPPORTED',
  /** The schema does not parse, or is contradictory. */
  schema: 'ICE_POLICY_CEDAR_SCHEMA_UNSUPPORTED',
  /** The entities are none, do not fit the schema, or are of a type that requests alone have. */
  entities: 'ICE_POLICY_CEDAR_ENTITIES_UNSUPPORTED',
  /** More text, policies or entities than are taken. */
  limit: 'ICE_POLICY_CEDAR_SIZE_LIMIT',
} as const

/** A code of this package. */
export type PolicyCedarCode = (typeof POLICY_CEDAR_CODES)[keyof typeof POLICY_CEDAR_CODES]

/** A ceiling cannot be opened. */
export class PolicyCedarError extends IceError {
  declare readonly code: PolicyCedarCode

  constructor(code: PolicyCedarCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, cause })
  }
}
