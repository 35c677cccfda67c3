/// <reference lib="es2024.string" />
/** The body of an answer: read to its end or to a cap, and turned into what a call gives. */

import type { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Digest } from '../bytes.ts'
import type { Deadline } from './deadline.ts'
import { NETWORK_CODES, NetworkError } from './errors.ts'
import { failure } from './exchange.ts'

/** How far to read. */
export interface BodyInit {
  readonly deadline: Deadline
  readonly idleMs: number
  /** @units bytes */
  readonly limit: number
  /** Of the request: an answer to HEAD announces a body and has none. */
  readonly method: string
}

/**
 * Reads a body. `sink` gets each chunk once.
 *
 * @throws {NetworkError} `ICE_EFFECTS_NET_BODY_LIMIT`, `…_UNAVAILABLE`, `…_ANSWER_CORRUPT`,
 * `…_TIME_LIMIT`; `ICE_EFFECTS_ABORTED`
 */
export async function readBody(
  response: IncomingMessage,
  { deadline, idleMs, limit, method }: BodyInit,
  sink: (chunk: Buffer) => void,
): Promise<Digest> {
  const { signal } = deadline
  const announced = Number(response.headers['content-length'] ?? 0)
  if (method !== 'HEAD' && announced > limit) throw tooLarge(announced, limit)
  const hash = createHash('sha256')
  let bytes = 0
  const end = (): void => {
    response.destroy()
  }
  signal.addEventListener('abort', end)
  try {
    deadline.enter('idle', idleMs)
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > limit) throw tooLarge(bytes, limit)
      hash.update(chunk)
      sink(chunk)
      signal.throwIfAborted()
      deadline.enter('idle', idleMs)
    }
    signal.throwIfAborted()
  } catch (error) {
    signal.throwIfAborted()
    throw isOfNode(error) ? failure(error) : error
  } finally {
    signal.removeEventListener('abort', end)
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** What a fold throws stays as it is. */
function isOfNode(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof NetworkError) return false
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && /^(?:E[A-Z]+|HPE_\w+|ERR_STREAM_\w+)$/.test(code)
}

function tooLarge(size: number, limit: number): NetworkError {
  const message = `The answer has ${size} bytes or more, and the call allows ${limit}`
  return new NetworkError(NETWORK_CODES.bodyLimit, message, { size, limit })
}

/** A body as a program is given it. */
export interface Content {
  readonly body: string
  readonly encoding: 'utf8' | 'base64'
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a text has none but tabs and line ends
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/

/**
 * What bytes are given as: `auto` takes what is UTF-8 without control characters for text.
 *
 * @throws {NetworkError} `ICE_EFFECTS_NET_ENCODING_UNSUPPORTED`
 */
export function contentOf(bytes: Buffer, wanted: 'auto' | 'utf8' | 'base64'): Content {
  const text = wanted === 'base64' ? undefined : textOf(bytes)
  if (text !== undefined && (wanted === 'utf8' || !CONTROLS.test(text))) {
    return { body: text, encoding: 'utf8' }
  }
  if (wanted !== 'utf8') return { body: bytes.toString('base64'), encoding: 'base64' }
  const message = 'The answer is not UTF-8; ask for it in base64, or fold its bytes'
  throw new NetworkError(NETWORK_CODES.encoding, message)
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
