/**
 * Error codes of the file effects. Codes change only at a major version, messages at any time:
 * test with `hasCode(error, code)`, never with `instanceof` across packages.
 *
 * 1. A code that ends in `_DENIED` says two things: the call reaches outside its grant, and
 *    nothing was touched. It is recorded as a denial; every other code as a failure.
 * 2. No message and no data name a path outside the grant, and neither names the root itself.
 */

import { IceError, type JsonObject } from '@ice/primitives'

export const EFFECTS_CODES = {
  /** The path, or a link on it, leads out of the grant's root. Nothing was touched. */
  pathEscape: 'ICE_EFFECTS_PATH_ESCAPE_DENIED',
  /** The path leads, through a link, to a place in the root that the grant does not hold. */
  outsideWithin: 'ICE_EFFECTS_OUTSIDE_WITHIN_DENIED',
  /** The root of the grant does not lie within the root of the grant above it. */
  rootEscape: 'ICE_EFFECTS_ROOT_ESCAPE_DENIED',
  /** The grant is about something else than files, or is malformed. */
  resource: 'ICE_EFFECTS_RESOURCE_DENIED',
  /** The file has further names, which may lie outside the grant, and is not replaced. */
  hardLink: 'ICE_EFFECTS_HARD_LINK_DENIED',
  /** The arguments are not those of the action; `data.pointer` names the place. */
  argumentsInvalid: 'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED',
  /** The path is no path: empty, a NUL, a backslash, a lone surrogate, a needless escape. */
  pathUnsupported: 'ICE_EFFECTS_PATH_UNSUPPORTED',
  /** The path or a name in it is too long, or lies too deep. */
  pathLimit: 'ICE_EFFECTS_PATH_LIMIT',
  /** More links on the way than a walk follows: a loop. */
  linkLimit: 'ICE_EFFECTS_LINK_LIMIT',
  /** Nothing is there, or a directory on the way to it is missing. */
  notFound: 'ICE_EFFECTS_FILE_NOT_FOUND',
  /** The root of the grant is not there, or is no directory. */
  rootNotFound: 'ICE_EFFECTS_ROOT_NOT_FOUND',
  /** Something on the way, or what was to be listed, is no directory. */
  notADirectory: 'ICE_EFFECTS_NOT_A_DIRECTORY_UNSUPPORTED',
  /** What is there is no file: `data.kind` is `directory`, `link` or `other`. It was not opened. */
  notAFile: 'ICE_EFFECTS_NOT_A_FILE_UNSUPPORTED',
  /** Something of this name is there already, and was left as it is. */
  fileExists: 'ICE_EFFECTS_FILE_EXISTS_CONFLICT',
  /** The file is not UTF-8, or the content is not in the encoding that was named. */
  encoding: 'ICE_EFFECTS_ENCODING_UNSUPPORTED',
  /** The file has more bytes than the call allows: `data.size` of `data.limit`. */
  outputLimit: 'ICE_EFFECTS_OUTPUT_LIMIT',
  /** The content has more bytes than one write carries. */
  inputLimit: 'ICE_EFFECTS_INPUT_LIMIT',
  /** The patch is no unified diff of one file. */
  patchUnsupported: 'ICE_EFFECTS_PATCH_UNSUPPORTED',
  /** The file has another content than the patch is for; `data.hunk` and `data.line` say where. */
  patchConflict: 'ICE_EFFECTS_PATCH_CONFLICT',
  /** Somebody has gone on from what the effect left: undoing it would undo that too. */
  movedOn: 'ICE_EFFECTS_MOVED_ON_CONFLICT',
  /** What was kept for a compensation is not what this handler keeps. Nothing was changed. */
  keptCorrupt: 'ICE_EFFECTS_KEPT_CORRUPT',
  /** The operating system does not let this process do it; `data.errno` is its reason. */
  permission: 'ICE_EFFECTS_PERMISSION_UNAVAILABLE',
  /** The machine could not do it now; `data.errno` is its reason. */
  unavailable: 'ICE_EFFECTS_UNAVAILABLE',
  /** This filesystem or platform has no such operation; `data.errno` is its reason. */
  platform: 'ICE_EFFECTS_PLATFORM_UNSUPPORTED',
  /** The call's signal fired, and nothing was changed. */
  aborted: 'ICE_EFFECTS_ABORTED',
} as const

export { NETWORK_CODES, type NetworkCode, NetworkError } from './net/errors.ts'
export { NOTIFY_CODES, type NotifyCode, NotifyError } from './notify/errors.ts'
export { PROCESS_CODES, type ProcessCode, ProcessError } from './proc/errors.ts'
export { SECRET_CODES, type SecretCode, SecretError } from './secrets/errors.ts'

/** A code of the file effects. */
export type EffectsCode = (typeof EFFECTS_CODES)[keyof typeof EFFECTS_CODES]

const RETRYABLE: ReadonlySet<string> = new Set([EFFECTS_CODES.unavailable])

/** A failure or a refusal of a file effect. */
export class EffectsError extends IceError {
  declare readonly code: EffectsCode

  constructor(code: EffectsCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, retryable: RETRYABLE.has(code), cause })
  }
}
