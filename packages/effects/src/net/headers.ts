/**
 * Headers: which a call may set, and which of an answer it is given.
 *
 * 1. What a call sets is checked character by character, so that no value ends its line.
 * 2. The handler alone sets what frames a message and what steers a connection.
 * 3. Credentials are refused by the words their names are made of: arguments are recorded for ever.
 *    They come in by `confidential`, which is not.
 * 4. An answer gives on what is listed here. What is not known to be harmless is left out: cookies
 *    and challenges are credentials too.
 */

import type { IncomingHttpHeaders } from 'node:http'
import { shownPath } from '../shown.ts'
import { NETWORK_CODES, type NetworkCode, NetworkError } from './errors.ts'
import { ANSWER_HEADER_CHARS_MAX, REQUEST_HEADER_CHARS_MAX, REQUEST_HEADERS_MAX } from './limits.ts'

/** Names in lower case, each with its value. */
export type Headers = Readonly<Record<string, string>>

const NAME = /^[a-z0-9!#$%&'*+\-.^_`|~]{1,128}$/
const VALUE = /^(?:[!-~](?:[\t -~]*[!-~])?)?$/

const OURS: ReadonlySet<string> = new Set(
  (
    'accept-encoding connection content-length expect forwarded host http2-settings keep-alive ' +
    'te trailer transfer-encoding upgrade via proxy-connection x-forwarded-for ' +
    'x-forwarded-host x-forwarded-proto x-real-ip x-http-method x-http-method-override ' +
    'x-method-override x-original-url x-rewrite-url'
  ).split(' '),
)

const SECRET_WORDS =
  'auth|authorization|authentication|cookie2?|credential|jwt|passwd|password|secret|session|' +
  'signature|token|apikey|key'
const CREDENTIAL = new RegExp(`(?:^|[-_.])(?:${SECRET_WORDS})s?(?:$|[-_.])`)

const GIVEN: ReadonlySet<string> = new Set(
  (
    'accept-patch accept-post accept-ranges age allow cache-control content-disposition ' +
    'content-encoding content-language content-length content-location content-range ' +
    'content-type date deprecation etag expires last-modified link location ratelimit ' +
    'ratelimit-limit ratelimit-policy ratelimit-remaining ratelimit-reset retry-after server ' +
    'sunset vary warning x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset x-request-id'
  ).split(' '),
)

/**
 * Headers of a call, names in lower case.
 *
 * @throws {NetworkError} `ICE_EFFECTS_NET_HEADER_UNSUPPORTED`,
 * `ICE_EFFECTS_NET_CREDENTIAL_UNSUPPORTED`, `ICE_EFFECTS_NET_REQUEST_LIMIT`
 */
export function checkedHeaders(headers: Headers): Headers {
  const checked = framed(headers)
  for (const name of Object.keys(checked)) {
    if (CREDENTIAL.test(name.replace('idempotency-key', ''))) {
      const why = 'carries a credential by its name, and arguments are recorded'
      throw refused(name, why, NETWORK_CODES.credential)
    }
  }
  return checked
}

/** Headers that may be credentials: checked in everything else. @throws as `checkedHeaders` */
export function framed(headers: Headers): Headers {
  const entries = Object.entries(headers)
  const chars = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (entries.length > REQUEST_HEADERS_MAX || chars > REQUEST_HEADER_CHARS_MAX) {
    const message =
      `A request has at most ${REQUEST_HEADERS_MAX} headers of ` +
      `${REQUEST_HEADER_CHARS_MAX} characters together`
    throw new NetworkError(NETWORK_CODES.requestLimit, message)
  }
  const checked = new Map<string, string>()
  for (const [given, value] of entries) {
    const name = given.toLowerCase()
    if (!NAME.test(name)) throw refused(given, 'is no name of a header')
    if (OURS.has(name)) throw refused(name, 'is set by the handler alone')
    if (checked.has(name)) throw refused(name, 'stands there twice')
    if (!VALUE.test(value)) throw refused(name, 'has a value that is not printable ASCII')
    checked.set(name, value)
  }
  return Object.fromEntries(checked)
}

function refused(
  name: string,
  why: string,
  code: NetworkCode = NETWORK_CODES.header,
): NetworkError {
  return new NetworkError(code, `The header ${shownPath(name)} ${why}`)
}

/** The headers of an answer that are given on and recorded. */
export function givenHeaders(headers: IncomingHttpHeaders): Headers {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      const isFit = typeof value === 'string' && value.length <= ANSWER_HEADER_CHARS_MAX
      return isFit && GIVEN.has(name) ? [[name, value] as const] : []
    }),
  )
}
