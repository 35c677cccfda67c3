/**
 * Error codes of the network effects. Codes change only at a major version, messages at any time.
 *
 * 1. A code that ends in `_DENIED` says that the call, or where it was sent on to, reaches outside
 *    its grant, and that nothing outside was touched. It is recorded as a denial.
 * 2. `_IN_DOUBT` says that a request was sent which may have taken effect, and that nobody knows:
 *    an effect that is not repeated then waits until somebody says what became of it.
 * 3. No message and no data holds an address that a name led to, the query of a URL or the value
 *    of a header. Where a server sent a call on to is told as the server wrote it.
 */

import { IceError, type JsonObject } from '@ice/primitives'

export const NETWORK_CODES = {
  /** The request lies outside the grant, or outside one above it. Nothing was sent. */
  resource: 'ICE_EFFECTS_NET_RESOURCE_DENIED',
  /** The name leads, also or only, to an address the grant does not hold. Nothing went there. */
  address: 'ICE_EFFECTS_NET_ADDRESS_DENIED',
  /** The server sent the call on to what the grant does not hold: `data.to`. Nothing went there. */
  redirect: 'ICE_EFFECTS_NET_REDIRECT_DENIED',
  /** No URL of http or https, or one with a user, a space, a control character or a backslash. */
  url: 'ICE_EFFECTS_NET_URL_UNSUPPORTED',
  /** A header that is malformed, that the handler sets itself, or that steers the connection. */
  header: 'ICE_EFFECTS_NET_HEADER_UNSUPPORTED',
  /** A header that carries a credential: arguments are recorded, and a credential must not be. */
  credential: 'ICE_EFFECTS_NET_CREDENTIAL_UNSUPPORTED',
  /** The URL, the headers or the body are larger than a request may be. */
  requestLimit: 'ICE_EFFECTS_NET_REQUEST_LIMIT',
  /** The body is not in the encoding that was named. */
  encoding: 'ICE_EFFECTS_NET_ENCODING_UNSUPPORTED',
  /** The name is not known. */
  nameNotFound: 'ICE_EFFECTS_NET_NAME_NOT_FOUND',
  /** The server was not reached, or the connection ended too early; `data.sent` says whether the
   * request may have arrived. */
  unavailable: 'ICE_EFFECTS_NET_UNAVAILABLE',
  /** The server's certificate is not one that is trusted for its name, or TLS failed otherwise. */
  certificate: 'ICE_EFFECTS_NET_CERTIFICATE_UNSUPPORTED',
  /** A time cap was reached: `data.stage` is `connect`, `head`, `idle` or `total`. */
  timeLimit: 'ICE_EFFECTS_NET_TIME_LIMIT',
  /** The head of the answer has more bytes than are read. */
  headLimit: 'ICE_EFFECTS_NET_HEAD_LIMIT',
  /** The body of the answer has more bytes than the call allows. */
  bodyLimit: 'ICE_EFFECTS_NET_BODY_LIMIT',
  /** More redirects than are followed. */
  redirectLimit: 'ICE_EFFECTS_NET_REDIRECT_LIMIT',
  /** The answer is not HTTP, is ambiguous, or sends on to what is no URL. */
  answer: 'ICE_EFFECTS_NET_ANSWER_CORRUPT',
  /** The call was aborted after a request of it had been sent. Before that the code is
   * `ICE_EFFECTS_ABORTED`, which proves that nothing was sent. */
  interrupted: 'ICE_EFFECTS_NET_INTERRUPTED_UNAVAILABLE',
  /** The request was sent and no answer came: whether it took effect is not known. */
  doubt: 'ICE_EFFECTS_NET_SENT_IN_DOUBT',
} as const

/** A code of the network effects. */
export type NetworkCode = (typeof NETWORK_CODES)[keyof typeof NETWORK_CODES]

const RETRYABLE: ReadonlySet<string> = new Set([NETWORK_CODES.unavailable, NETWORK_CODES.timeLimit])

/** A failure or a refusal of a network effect. */
export class NetworkError extends IceError {
  declare readonly code: NetworkCode

  constructor(code: NetworkCode, message: string, data: JsonObject = {}) {
    super({ code, message, data, retryable: RETRYABLE.has(code) })
  }
}
