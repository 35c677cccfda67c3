/** A ceiling whose policies are written in Cedar. */

export { openCedarCeiling } from './cedar-ceiling.ts'
export { POLICY_CEDAR_CODES, type PolicyCedarCode, PolicyCedarError } from './errors.ts'
export type * from './ports.ts'
export { type CedarActions, cedarSchema } from './schema.ts'
