/** Error codes of the survey. Codes change only at a major version, messages at any time. */

import { IceError, type JsonObject } from '@ice/primitives'

export const SURVEY_CODES = {
  /** An earlier report is there and could not be replaced; `data.code` is the effect's reason. */
  report: 'ICE_SURVEY_REPORT_UNAVAILABLE',
} as const

/** A code of the survey. */
export type SurveyCode = (typeof SURVEY_CODES)[keyof typeof SURVEY_CODES]

/** A survey that cannot come to its end. */
export class SurveyError extends IceError {
  declare readonly code: SurveyCode

  constructor(code: SurveyCode, message: string, data: JsonObject = {}) {
    super({ code, message, data })
  }
}
