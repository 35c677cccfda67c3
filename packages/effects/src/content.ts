/// <reference lib="es2024.string" />
/** The bytes a call wants written. */

import { Buffer } from 'node:buffer'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { WRITE_BYTES_MAX } from './limits.ts'

/** Content as it stands in arguments. */
export interface Content {
  readonly content: string
  readonly encoding: 'utf8' | 'base64'
}

/**
 * The bytes of a content.
 *
 * @throws {EffectsError} `ICE_EFFECTS_ENCODING_UNSUPPORTED` — base64 with anything left out,
 * added or changed, text with a lone surrogate; `ICE_EFFECTS_INPUT_LIMIT`
 */
export function contentBytes({ content, encoding }: Content): Buffer {
  const bytes = Buffer.from(content, encoding)
  if (bytes.length > WRITE_BYTES_MAX) {
    const data = { size: bytes.length, limit: WRITE_BYTES_MAX }
    const message = `The content has ${data.size} bytes, and a write carries ${data.limit}`
    throw new EffectsError(EFFECTS_CODES.inputLimit, message, data)
  }
  const isSame = encoding === 'utf8' ? content.isWellFormed() : bytes.toString(encoding) === content
  if (isSame) return bytes
  const what = encoding === 'utf8' ? 'well-formed Unicode' : 'base64 as RFC 4648 §4 writes it'
  throw new EffectsError(EFFECTS_CODES.encoding, `The content is not ${what}`)
}
