/**
 * Where an answer sends a call on to, by RFC 9110 §15.4.
 *
 *     301 302   POST becomes GET, every other method stays
 *     303       everything but HEAD becomes GET
 *     307 308   the method and the body stay
 *
 * 1. A request that changes something is sent on only within its origin: whoever allowed it to one
 *    server has not allowed it to another. Its answer is then the redirect itself.
 * 2. What is confidential stays with the origin it was meant for.
 *
 * The trap: a client that follows first and asks afterwards. Here the next request is a value, to
 * be authorised like the first.
 */

import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { NETWORK_CODES, NetworkError } from './errors.ts'
import type { Outgoing } from './exchange.ts'
import type { Headers } from './headers.ts'
import { parseTarget, type Target } from './url.ts'

/** A request with what must not leave its origin. */
export interface Leg extends Outgoing {
  readonly confidential: Headers
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Whether a method changes nothing (RFC 9110 §9.2.1). */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

/**
 * The request an answer asks for next; `undefined` when the answer is the last.
 *
 * @throws {NetworkError} `ICE_EFFECTS_NET_ANSWER_CORRUPT` — it leads to what is no URL of http or
 * https
 */
export function nextLeg(leg: Leg, response: IncomingMessage): Leg | undefined {
  const { statusCode = 0, headers } = response
  if (!REDIRECTS.has(statusCode) || headers.location === undefined) return undefined
  const method = methodAfter(statusCode, leg.method)
  const target = landing(headers.location, leg.target)
  const isSame = target.url.origin === leg.target.url.origin
  if (!isSafe(method) && !isSame) return undefined
  return {
    target,
    method,
    headers: method === leg.method ? leg.headers : withoutBody(leg.headers),
    body: method === leg.method ? leg.body : undefined,
    confidential: isSame ? leg.confidential : {},
  }
}

function methodAfter(status: number, method: string): string {
  if (method === 'HEAD') return method
  if (status === 303) return 'GET'
  return (status === 301 || status === 302) && method === 'POST' ? 'GET' : method
}

/** Node reads a header as bytes of one character each; a server that writes UTF-8 means UTF-8. */
function landing(location: string, from: Target): Target {
  const bytes = Buffer.from(location, 'latin1')
  const text = bytes.toString('utf8').includes('\ufffd') ? location : bytes.toString('utf8')
  try {
    return parseTarget(text, from.url)
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    const message = 'The answer sends on to what is no URL of http or https'
    throw new NetworkError(NETWORK_CODES.answer, message, { reason: error.code })
  }
}

function withoutBody(headers: Headers): Headers {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('content-')),
  )
}
