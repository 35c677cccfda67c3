/**
 * The codes of this package. A code changes only at a major version, a message at any time: test
 * with `hasCode(error, code)`.
 */
import { IceError, type JsonObject } from '@ice/primitives'

export const TASK_GRANTS_CODES = {
  /** The prompt is no text, or longer than the limit. */
  promptLimit: 'ICE_TASK_GRANTS_PROMPT_LIMIT',
  /** A tool is malformed, there are too many, or two have one name; reasons in `data.reasons`. */
  toolsUnsupported: 'ICE_TASK_GRANTS_TOOLS_UNSUPPORTED',
  /** A call is of a tool that the task does not have. */
  toolNotFound: 'ICE_TASK_GRANTS_TOOL_NOT_FOUND',
  /** The arguments of a call are no JSON object within bounds. */
  argumentsLimit: 'ICE_TASK_GRANTS_ARGUMENTS_LIMIT',
} as const

/** A code of this package. */
export type TaskGrantsCode = (typeof TASK_GRANTS_CODES)[keyof typeof TASK_GRANTS_CODES]

/** A task that cannot be declared, or a call that cannot be read. */
export class TaskGrantsError extends IceError {
  declare readonly code: TaskGrantsCode

  /** `data` is JSON for programs. */
  constructor(code: TaskGrantsCode, message: string, data: JsonObject = {}) {
    super({ code, message, data })
  }
}
