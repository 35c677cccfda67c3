/**
 * Coded errors: every failure a caller can meet, with a code that programs may rely on.
 *
 * 1. A code is `ICE_<PACKAGE>_<REASON>`; it changes only at a major version, messages any time.
 * 2. `data` is JSON, so that an error can be recorded, and holds no value a caller passed in full.
 * 3. Test with `hasCode`, never `instanceof`: two copies of a package make two classes.
 * 4. A bug in the calling program is a `TypeError` without a code, and is not to be caught.
 *
 * The trap: matching messages, which ties every caller to a wording.
 */
import { type ErrorRecord, errorRecord } from './error-record.ts'
import type { JsonObject } from './json.ts'

/** What an error is made of. */
export interface IceErrorInit {
  /** `ICE_<PACKAGE>_<REASON>` in capitals, at most 64 characters. */
  readonly code: string
  /** For people. */
  readonly message: string
  /** For programs; copied one level deep. */
  readonly data?: JsonObject
  /** Whether the same request may succeed later without a change; `false` when left out. */
  readonly retryable?: boolean
  /** What led to it. */
  readonly cause?: unknown
}

const CODE = /^(?=.{1,64}$)ICE(?:_[A-Z][A-Z0-9]*){2,}$/

/** The base of every coded error. */
export class IceError extends Error {
  /** Stable name of the failure: `ICE_<PACKAGE>_<REASON>`. */
  readonly code: string
  /** Facts about the failure, as frozen JSON. */
  readonly data: JsonObject
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean

  /** @throws {TypeError} when the code is not of the form above: a bug */
  constructor(init: IceErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause })
    invariant(CODE.test(init.code), `an error code reads ICE_PACKAGE_REASON, not ${init.code}`)
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true })
    this.code = init.code
    this.data = Object.freeze({ ...init.data })
    this.retryable = init.retryable ?? false
  }

  /** The error as bounded JSON, causes included; see `errorRecord`. */
  toRecord(): ErrorRecord {
    return errorRecord(this)
  }
}

/**
 * Whether an error carries this code as its own property; never throws.
 *
 * Works on errors of another realm, another copy of a package, and on error records.
 */
export function hasCode(error: unknown, code: string): boolean {
  if (typeof error !== 'object' || error === null) return false
  try {
    return Object.hasOwn(error, 'code') && (error as { readonly code: unknown }).code === code
  } catch {
    return false // a throwing getter or a revoked proxy carries no code
  }
}

/**
 * States what must be true here, whatever the caller does.
 *
 * @throws {TypeError} when it is not: a bug, without a code, not to be caught
 */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) throw new TypeError(`invariant: ${why}`)
}
