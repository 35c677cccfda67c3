/**
 * Error codes of the command. Codes change only at a major version, messages at any time.
 *
 * Every message says what is the matter and why; `next` says what to do about it.
 */

import { IceError, type JsonObject } from '@ice/primitives'

export const CLI_CODES = {
  /** The command line is not one of this command. */
  usage: 'ICE_CLI_USAGE_UNSUPPORTED',
  /** A `--grant`, or a grant of the configuration, does not follow the grammar. */
  grant: 'ICE_CLI_GRANT_UNSUPPORTED',
  /** The configuration is not JSON, or has what a configuration does not have. */
  config: 'ICE_CLI_CONFIG_UNSUPPORTED',
  /** The file that `--config` names is not there. */
  configNotFound: 'ICE_CLI_CONFIG_NOT_FOUND',
  /** `--input` is not JSON, or cannot be read. */
  input: 'ICE_CLI_INPUT_UNSUPPORTED',
  /** A prefix of an id stands for several, or a step has to be named. */
  ambiguous: 'ICE_CLI_AMBIGUOUS_UNSUPPORTED',
  /** A file was named that cannot be loaded, or exports no program. */
  program: 'ICE_CLI_PROGRAM_UNSUPPORTED',
  /** This Node does not run TypeScript. */
  typescript: 'ICE_CLI_TYPESCRIPT_UNSUPPORTED',
  /** No program has this name, and there is no such file. */
  programNotFound: 'ICE_CLI_PROGRAM_NOT_FOUND',
  /** The address of a store cannot be read, or the verb is not for this kind of store. */
  store: 'ICE_CLI_STORE_UNSUPPORTED',
  /** There is no log at the path, or in the schema, of the store. */
  storeNotFound: 'ICE_CLI_STORE_NOT_FOUND',
  /** No run of this log has an id that begins so. */
  runNotFound: 'ICE_CLI_RUN_NOT_FOUND',
  /** No grant of this log has an id that begins so. */
  grantNotFound: 'ICE_CLI_GRANT_NOT_FOUND',
  /** No event of this log stands there. */
  eventNotFound: 'ICE_CLI_EVENT_NOT_FOUND',
  /** The run does not wait for such an answer. */
  stepNotFound: 'ICE_CLI_STEP_NOT_FOUND',
  /** The run has ended: there is nothing to answer any more. */
  concluded: 'ICE_CLI_RUN_CONCLUDED_CONFLICT',
  /** Another process drives the run. */
  owned: 'ICE_CLI_RUN_OWNED_CONFLICT',
  /** A file that was named is not there, or cannot be read. */
  fileNotFound: 'ICE_CLI_FILE_NOT_FOUND',
  /** There is something where a file is to be written. */
  taken: 'ICE_CLI_FILE_CONFLICT',
  /** Something was thrown where nobody waited for it, by the program or by the command. */
  uncaught: 'ICE_CLI_UNCAUGHT_UNAVAILABLE',
  /** What was to be printed could not be written. */
  output: 'ICE_CLI_OUTPUT_UNAVAILABLE',
} as const

/** A code of this command. */
export type CliCode = (typeof CLI_CODES)[keyof typeof CLI_CODES]

/** What goes with a failure of the command. */
export interface CliErrorInit {
  readonly data?: JsonObject
  /** What the reader can do now, one suggestion an entry. */
  readonly next?: readonly string[]
  readonly cause?: unknown
}

/** A failure of the command. */
export class CliError extends IceError {
  declare readonly code: CliCode
  /** What the reader can do now. */
  readonly next: readonly string[]

  constructor(code: CliCode, message: string, { data = {}, next = [], cause }: CliErrorInit = {}) {
    super({ code, message, data, cause })
    this.next = next
  }
}
