/** Error codes of the runtime. Codes change only at a major version, messages at any time. */

import { IceError, type JsonObject } from '@ice/primitives'

export const RUNTIME_CODES = {
  /** The options contradict each other. */
  options: 'ICE_RUNTIME_OPTIONS_UNSUPPORTED',
  /** The log was moved by others so often that the runtime could not record its composition. */
  adoption: 'ICE_RUNTIME_ADOPTION_CONFLICT',
  /** The log is in the same life as the one it was taken from: nothing was restored. */
  incarnation: 'ICE_RUNTIME_INCARNATION_CONFLICT',
} as const

/** A code of this package. */
export type RuntimeCode = (typeof RUNTIME_CODES)[keyof typeof RUNTIME_CODES]

/** A failure to compose a runtime. */
export class RuntimeError extends IceError {
  declare readonly code: RuntimeCode

  constructor(code: RuntimeCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, cause })
  }
}
