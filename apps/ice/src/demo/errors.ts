/** Error codes of the demonstration. Codes change only at a major version, messages at any time. */

import { IceError, type JsonObject } from '@ice/primitives'

export const DEMO_CODES = {
  /** There is no folder of this name. */
  folderNotFound: 'ICE_DEMO_FOLDER_NOT_FOUND',
  /** What has this name is no folder, or cannot be the root of a grant. */
  folder: 'ICE_DEMO_FOLDER_UNSUPPORTED',
  /** The folder may not be read by this user. */
  unreadable: 'ICE_DEMO_FOLDER_DENIED',
  /** The place for the reports or the log may not be written by this user. */
  unwritable: 'ICE_DEMO_OUTPUT_DENIED',
  /** A process of the demonstration ended in another way than the demonstration ended it. */
  worker: 'ICE_DEMO_WORKER_UNAVAILABLE',
} as const

/** A code of the demonstration. */
export type DemoCode = (typeof DEMO_CODES)[keyof typeof DEMO_CODES]

/** A demonstration that cannot be given. */
export class DemoError extends IceError {
  declare readonly code: DemoCode

  constructor(code: DemoCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, cause })
  }
}
