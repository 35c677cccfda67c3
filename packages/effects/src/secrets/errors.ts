/**
 * Error codes of secrets. Codes change only at a major version, messages at any time.
 *
 * No message and no data holds a value, a part of one, or its length.
 */

import { IceError, type JsonObject } from '@ice/primitives'

export const SECRET_CODES = {
  /** The call was authorised without this secret. Nothing was sent. */
  notCarried: 'ICE_EFFECTS_SECRET_DENIED',
  /** An argument holds the value of a secret: it is refused before it is recorded. */
  exposed: 'ICE_EFFECTS_SECRET_EXPOSED_UNSUPPORTED',
  /** The store has no secret of this name, or it has no value now. */
  notFound: 'ICE_EFFECTS_SECRET_NOT_FOUND',
  /** The secret is shorter than can be kept out of a record, or longer than is carried. */
  size: 'ICE_EFFECTS_SECRET_SIZE_LIMIT',
  /** More secrets, or more values of them, than are looked for. */
  count: 'ICE_EFFECTS_SECRET_COUNT_LIMIT',
  /** The secret is no text, and stands where only a text can. */
  encoding: 'ICE_EFFECTS_SECRET_ENCODING_UNSUPPORTED',
  /** This runtime has no store of secrets. */
  noStore: 'ICE_EFFECTS_SECRET_STORE_UNAVAILABLE',
  /** The file of secrets is not one: others may read it, it is a link, or it is no such JSON. */
  file: 'ICE_EFFECTS_SECRET_FILE_UNSUPPORTED',
} as const

/** A code of secrets. */
export type SecretCode = (typeof SECRET_CODES)[keyof typeof SECRET_CODES]

/** A failure or a refusal that is about a secret. */
export class SecretError extends IceError {
  declare readonly code: SecretCode

  constructor(code: SecretCode, message: string, data: JsonObject = {}) {
    super({ code, message, data })
  }
}
