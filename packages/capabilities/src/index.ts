/** Authority: grants, attenuation, revocation, counts and decisions over an event log. */

export {
  type AdoptCeilingCommand,
  type AdoptedCeiling,
  adoptCeiling,
} from './adopt-ceiling.ts'
export { APPROVE_ACTION, type ApprovalResource, approvalKind } from './approval-kind.ts'
export type { ArgumentRule, ArgumentWord } from './argument-rule.ts'
export { type Attenuation, checkAttenuation } from './attenuate.ts'
export { type AuthorityComponents, createAuthority } from './authority.ts'
export { callDigest } from './call.ts'
export { caveatFault } from './caveat.ts'
export { decide } from './decide.ts'
export { DENIAL_PRECEDENCE, describe } from './denial.ts'
export { describeGrant } from './describe-grant.ts'
export {
  CAPABILITIES_CODES,
  type CapabilitiesCode,
  CapabilitiesError,
  type DenialCode,
} from './errors.ts'
export { type FsResource, fsKind, relativePathFault } from './fs.ts'
export {
  createGrants,
  type GrantedInit,
  type GrantsComponents,
  grantedEvent,
  grantStream,
} from './grants.ts'
export { createJudge, type JudgeComponents } from './judge.ts'
export { composeKinds, type ResourceKinds } from './kinds.ts'
export { type MemoryResource, memoryKind } from './memory-space.ts'
export { type ModelResource, modelKind } from './model.ts'
export { type NetResource, netKind } from './net.ts'
export { netAddressRefusal } from './net-address.ts'
export type * from './ports.ts'
export { type ProcProgram, type ProcResource, procKind } from './proc.ts'
export { type SecretResource, secretKind } from './secret.ts'
export { type SpawnResource, spawnKind } from './spawn.ts'
export {
  type AuthorityProjectionOptions,
  type AuthorityState,
  authorityProjection,
  type GrantEntry,
  grantState,
} from './state.ts'
export { isStopScope, stopStream } from './stops.ts'
export { type ToolResource, toolKind } from './tool.ts'
