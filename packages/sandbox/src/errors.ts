/**
 * Error codes of the sandbox. Codes change only at a major version, messages at any time: test with
 * `hasCode(error, code)`, never with `instanceof` across packages.
 *
 * 1. Everything the sandbox throws to its host has one of these codes, whatever a guest does.
 * 2. A code that ends in `_LIMIT`, and every failure of the engine, ends the guest: it cannot catch
 *    it, and its memory is given up.
 * 3. What a guest says of itself (`data.name`, `data.message`, `data.stack`) is its own text,
 *    clipped. It is not to be believed, and never interpreted.
 */
import { IceError, type JsonObject } from '@ice/primitives'

export const SANDBOX_CODES = {
  /** The source has more bytes than allowed, or is no well-formed text. */
  sourceLimit: 'ICE_SANDBOX_SOURCE_LIMIT',
  /** The source does not parse, or exports no default function; `data.message` says more. */
  sourceUnsupported: 'ICE_SANDBOX_SOURCE_UNSUPPORTED',
  /** A limit that was asked for is out of its bounds; `data.limit` names it. */
  limitsUnsupported: 'ICE_SANDBOX_LIMITS_UNSUPPORTED',
  /** The name of a global is no identifier, or is taken. */
  globalsUnsupported: 'ICE_SANDBOX_GLOBALS_UNSUPPORTED',
  /** The guest has used up its fuel. It ends at the same point on every machine. */
  fuelLimit: 'ICE_SANDBOX_FUEL_LIMIT',
  /** The guest wanted more memory than it may have. */
  memoryLimit: 'ICE_SANDBOX_MEMORY_LIMIT',
  /** The engine went deeper than the stack it may use, in parsing or in a built-in function. */
  stackLimit: 'ICE_SANDBOX_STACK_LIMIT',
  /** A value that goes in or out has more bytes, levels or nodes than allowed. */
  valueLimit: 'ICE_SANDBOX_VALUE_LIMIT',
  /** A value that goes in or out is not JSON: a function, a cycle, a number that is not finite. */
  valueUnsupported: 'ICE_SANDBOX_VALUE_UNSUPPORTED',
  /** The guest waits for more steps at once than allowed. */
  pendingLimit: 'ICE_SANDBOX_PENDING_LIMIT',
  /** The guest has made more scopes than allowed. */
  scopeLimit: 'ICE_SANDBOX_SCOPE_LIMIT',
  /** Something that says it is a handle, and that this guest was never given. */
  handleNotFound: 'ICE_SANDBOX_HANDLE_NOT_FOUND',
  /** The guest asked for randomness where there is none. */
  randomUnsupported: 'ICE_SANDBOX_RANDOM_UNSUPPORTED',
  /** The guest threw, or was rejected; `data` has what it says: `name`, `message`, `stack`. */
  guestFailed: 'ICE_SANDBOX_GUEST_FAILED',
  /** The guest waits for something that will never come: nothing it asked for is open. */
  stalled: 'ICE_SANDBOX_STALLED',
  /** The engine's file is not the one this version was made for. */
  engineCorrupt: 'ICE_SANDBOX_ENGINE_CORRUPT',
  /** The engine's file cannot be read, or the machine has no room for another guest. */
  engineUnavailable: 'ICE_SANDBOX_ENGINE_UNAVAILABLE',
  /** The engine failed within, for a reason that is none of the limits. */
  engineFailed: 'ICE_SANDBOX_ENGINE_FAILED',
} as const

/** A code of the sandbox. */
export type SandboxCode = (typeof SANDBOX_CODES)[keyof typeof SANDBOX_CODES]

const RETRYABLE: ReadonlySet<string> = new Set([SANDBOX_CODES.engineUnavailable])

/** A failure of the sandbox, or of the guest within. */
export class SandboxError extends IceError {
  declare readonly code: SandboxCode

  constructor(code: SandboxCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, retryable: RETRYABLE.has(code), cause })
  }
}
