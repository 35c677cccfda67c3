/**
 * Error codes of the process effects. Codes change only at a major version, messages at any time.
 *
 * 1. A code that ends in `_DENIED` says that the call reaches outside its grant, and that nothing
 *    was started. It is recorded as a denial.
 * 2. Every other code but `_IN_DOUBT` says that the program was not started, or that it was one
 *    that only observes. What a program did, and how it ended, is an outcome and no failure: also
 *    when it was ended by a cap or by an abort.
 * 3. `_IN_DOUBT` says that the program was started and that nobody knows how it ended.
 * 4. No message and no data names the root, or anything outside of it but the program.
 */

import { IceError, type JsonObject } from '@ice/primitives'

export const PROCESS_CODES = {
  /** The call lies outside the grant, or outside one above it. Nothing was started. */
  resource: 'ICE_EFFECTS_PROC_RESOURCE_DENIED',
  /** The arguments or the variables are larger than a call may carry. */
  argumentsLimit: 'ICE_EFFECTS_PROC_ARGUMENTS_LIMIT',
  /** An argument is the handle of a secret, and every process of the machine can read arguments.
   * A variable and the standard input can be one. */
  secretArgument: 'ICE_EFFECTS_PROC_SECRET_ARGUMENT_UNSUPPORTED',
  /** There is no program of this path: nothing, no file, or one that this process may not execute
   * or that is neither ELF nor a script that names its interpreter. */
  program: 'ICE_EFFECTS_PROC_PROGRAM_NOT_FOUND',
  /** The root lies where no box can have one: in `/proc`, `/sys` or `/dev`. */
  root: 'ICE_EFFECTS_PROC_ROOT_UNSUPPORTED',
  /** The call needs a box, and this machine has none that works: `data.reason`. */
  sandbox: 'ICE_EFFECTS_PROC_SANDBOX_UNSUPPORTED',
  /** Programs are started on Linux, with `prlimit` of util-linux, and this machine lacks it. */
  platform: 'ICE_EFFECTS_PROC_PLATFORM_UNSUPPORTED',
  /** The machine could not start the program now. Nothing of it ran. */
  start: 'ICE_EFFECTS_PROC_START_UNAVAILABLE',
  /** The call was aborted while a program that only observes was running. Before its start the code
   * is `ICE_EFFECTS_ABORTED`, which proves that nothing was started. */
  interrupted: 'ICE_EFFECTS_PROC_INTERRUPTED_UNAVAILABLE',
  /** The program was started, and how it ended, or whether all of it did, is not known. */
  doubt: 'ICE_EFFECTS_PROC_END_IN_DOUBT',
} as const

/** A code of the process effects. */
export type ProcessCode = (typeof PROCESS_CODES)[keyof typeof PROCESS_CODES]

const RETRYABLE: ReadonlySet<string> = new Set([PROCESS_CODES.start])

/** A failure or a refusal of a process effect. */
export class ProcessError extends IceError {
  declare readonly code: ProcessCode

  constructor(code: ProcessCode, message: string, data: JsonObject = {}) {
    super({ code, message, data, retryable: RETRYABLE.has(code) })
  }
}
