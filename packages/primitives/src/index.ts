/**
 * The ground all packages stand on: ids, time, chance, canonical JSON, hashes, errors.
 */
export type { Brand } from './brand.ts'
export { canonicalize } from './canonical.ts'
export type { Clock, SleepOptions } from './clock.ts'
export {
  AbortedError,
  CanonicalLimitError,
  type CanonicalReason,
  CanonicalUnsupportedError,
  type ErrorRecord,
  errorRecord,
  hasCode,
  IceError,
  type IceErrorInit,
  InvalidIdError,
  InvalidNumberError,
  invariant,
  JsonCorruptError,
  type JsonCorruptReason,
  JsonLimitError,
  type JsonPlace,
  JsonUnsupportedError,
  type JsonUnsupportedReason,
  TextUnsupportedError,
  UNCODED,
} from './errors.ts'
export { createSha256, leafHash, nodeHash, type Sha256, sha256Hex } from './hash.ts'
export {
  type AgentId,
  agentId,
  type BlobDigest,
  blobDigest,
  type EventId,
  type EventPlace,
  eventId,
  type GrantId,
  grantId,
  type Hash,
  hash,
  isAgentId,
  isBlobDigest,
  isEventId,
  isGrantId,
  isHash,
  isOwnerId,
  isPrincipalId,
  isRunId,
  isSessionId,
  isStreamId,
  type OwnerId,
  ownerId,
  type PrincipalId,
  parseEventId,
  principalId,
  type RunId,
  runId,
  type SessionId,
  type StreamId,
  sessionId,
  streamId,
} from './ids.ts'
export type { JsonArray, JsonObject, JsonPrimitive, JsonValue } from './json.ts'
export {
  declassifyLabel,
  endorseLabel,
  isTrusted,
  joinLabels,
  type Label,
  mayRead,
  readLabel,
  sameLabel,
  sourceLabel,
  TRUSTED_LABEL,
  UNKNOWN_LABEL,
  UNKNOWN_SOURCE,
} from './label.ts'
export { beginsWith, labelAt, type PathLabel, readLabels } from './label-map.ts'
export {
  isPosition,
  isStreamVersion,
  isTimestamp,
  type Position,
  position,
  type StreamVersion,
  streamVersion,
  type Timestamp,
  timestamp,
} from './numbers.ts'
export { type ParseLimits, parseStrict } from './parse.ts'
export { type Found, findAt, readPointer, writePointer } from './pointer.ts'
export { type Random, seededRandom } from './random.ts'
export { isRedacted, type Redacted, redact, reveal } from './redacted.ts'
export { err, isOk, ok, type Result } from './result.ts'
export { settled, systemClock, systemRandom } from './system.ts'
export { createIds, type Ids, type IdsOptions, uuidv7 } from './uuid.ts'
