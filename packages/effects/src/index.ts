/**
 * Handlers for real effects, held to the grant they act under: rooted files, the network, and
 * processes.
 */
export type { Containment } from './anchor.ts'
export {
  describeFileSystem,
  type FileSystemDescription,
  type FileSystemOptions,
} from './choose.ts'
export { type ClockOptions, type ClockReading, clock, clockEffects } from './clock/handlers.ts'
export type { DeleteResult } from './delete.ts'
export { EFFECTS_CODES, type EffectsCode, EffectsError } from './errors.ts'
export { fileSystemEffects } from './handlers.ts'
export {
  CHUNK_BYTES,
  DEPTH_MAX,
  FOLD_BYTES_MAX,
  KEPT_BYTES_MAX,
  LINKS_MAX,
  LIST_BATCH_ENTRIES,
  LIST_ENTRIES_DEFAULT,
  LIST_ENTRIES_MAX,
  LIST_NAME_BYTES_MAX,
  NAME_BYTES_MAX,
  PATH_BYTES_MAX,
  READ_BYTES_DEFAULT,
  READ_BYTES_MAX,
  STEPS_MAX,
  WRITE_BYTES_MAX,
} from './limits.ts'
export type { ListEntry, ListPage } from './list.ts'
export { nameBytes, nameText } from './names.ts'
export { NETWORK_CODES, type NetworkCode, NetworkError } from './net/errors.ts'
export { networkEffects } from './net/handlers.ts'
export type { NetworkOptions, NetworkTimeLimits } from './net/options.ts'
export type { NetworkAnswer } from './net/report.ts'
export {
  type FetchRequest,
  type FoldedAnswer,
  type NetworkRequests,
  net,
  type SendOnceRequest,
  type SendRequest,
} from './net/requests.ts'
export { type Resolver, systemResolver } from './net/resolve.ts'
export { NOTIFY_CODES, type NotifyCode, NotifyError } from './notify/errors.ts'
export { type NoticeRequest, type NoticeResult, notify, notifyEffects } from './notify/handlers.ts'
export type { Notice, Notified, Notifier } from './notify/notifier.ts'
export { type NoticeStream, terminalNotifier } from './notify/terminal.ts'
export { type PatchPreview, previewPatch } from './patch/apply.ts'
export type { PatchResult } from './patch/patch.ts'
export type { Kept } from './proc/capture.ts'
export { PROCESS_CODES, type ProcessCode, ProcessError } from './proc/errors.ts'
export { processEffects } from './proc/handlers.ts'
export type { ProcessLimits, ProcessOptions } from './proc/options.ts'
export type { ProcessResult } from './proc/report.ts'
export {
  type FoldedResult,
  type ObserveRequest,
  type ProcessRequests,
  proc,
  type RunRequest,
} from './proc/requests.ts'
export { describeProcesses, type ProcessDescription } from './proc/sandbox.ts'
export {
  type FileSystemRequests,
  fs,
  type ListRequest,
  type PatchRequest,
  type PathRequest,
  type ReadRequest,
  type WriteRequest,
} from './requests.ts'
export { SECRET_CODES, type SecretCode, SecretError } from './secrets/errors.ts'
export { fileSecrets } from './secrets/file.ts'
export { isSecretHandle, type SecretHandle, textOrSecret } from './secrets/handle.ts'
export {
  SECRET_BYTES_MAX,
  SECRET_BYTES_MIN,
  SECRETS_FILE_BYTES_MAX,
  SECRETS_MAX,
} from './secrets/limits.ts'
export { Scrubber } from './secrets/scrubber.ts'
export {
  type EnvironmentSecrets,
  environmentSecrets,
  memorySecrets,
  type SecretOptions,
  type SecretStore,
  secretNotFound,
} from './secrets/store.ts'
export { ScrubStream } from './secrets/stream.ts'
export { revealed, type SecretCall, withSecrets } from './secrets/with-secrets.ts'
export type { FileStat } from './stat.ts'
export type { EntryKind } from './walk.ts'
export type { WriteResult } from './write.ts'
