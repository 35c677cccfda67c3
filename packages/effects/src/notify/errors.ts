/** Error codes of notifications. Codes change only at a major version, messages at any time. */

import { IceError, type JsonObject } from '@ice/primitives'

export const NOTIFY_CODES = {
  /** This runtime has nobody to tell. */
  noNotifier: 'ICE_EFFECTS_NOTIFIER_UNAVAILABLE',
  /** The notification could not be shown now; `data.errno` is the reason, where there is one. */
  unavailable: 'ICE_EFFECTS_NOTICE_UNAVAILABLE',
} as const

/** A code of notifications. */
export type NotifyCode = (typeof NOTIFY_CODES)[keyof typeof NOTIFY_CODES]

/** A failure of a notification. */
export class NotifyError extends IceError {
  declare readonly code: NotifyCode

  constructor(code: NotifyCode, message: string, data: JsonObject = {}) {
    super({ code, message, data, retryable: code === NOTIFY_CODES.unavailable })
  }
}
