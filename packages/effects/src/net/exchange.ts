/**
 * One request and the head of its answer, over one connection.
 *
 * HTTP/1.1 by Node's own strict parser, told to close afterwards. No compression is asked for, and
 * none is undone: a bomb stays as small as it was sent.
 */

import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Connection } from './connect.ts'
import type { Deadline } from './deadline.ts'
import { NETWORK_CODES, NetworkError } from './errors.ts'
import type { Headers } from './headers.ts'
import { ANSWER_HEAD_BYTES_MAX } from './limits.ts'
import type { Target } from './url.ts'

/** What is sent. */
export interface Outgoing {
  readonly target: Target
  readonly method: string
  readonly headers: Headers
  readonly body: Buffer | undefined
}

/**
 * Sends a request and waits for the head of its answer. From the moment this is called, the
 * request may have arrived.
 *
 * @throws {NetworkError} `ICE_EFFECTS_NET_UNAVAILABLE`, `…_HEAD_LIMIT`, `…_ANSWER_CORRUPT`,
 * `…_TIME_LIMIT`; `ICE_EFFECTS_ABORTED`
 */
export function exchanged(
  outgoing: Outgoing,
  { socket }: Connection,
  { signal }: Deadline,
): Promise<IncomingMessage> {
  if (socket.destroyed) return Promise.reject(cut())
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = httpRequest({
    createConnection: () => socket,
    method: outgoing.method,
    path: `${outgoing.target.url.pathname}${outgoing.target.url.search}`,
    headers: framedBy(outgoing),
    setHost: false,
    maxHeaderSize: ANSWER_HEAD_BYTES_MAX,
    insecureHTTPParser: false,
  })
  const end = (): void => {
    request.destroy()
    reject(signal.reason)
  }
  signal.addEventListener('abort', end)
  let answer: IncomingMessage | undefined
  request.on('error', (error) => {
    // Of a body that is no HTTP only the request is told why; whoever reads has to know.
    answer?.destroy(error)
    reject(failure(error))
  })
  request.once('response', (response) => {
    answer = response
    // Read or thrown away later; what breaks in between is told by whoever reads.
    response.on('error', () => undefined)
    resolve(response)
  })
  request.once('upgrade', (_response, upgraded) => {
    upgraded.destroy()
    reject(corrupt('changes the protocol, which nobody asked for'))
  })
  request.once('close', () => reject(cut()))
  send(request, outgoing)
  return promise.finally(() => signal.removeEventListener('abort', end))
}

function send(request: ClientRequest, { body }: Outgoing): void {
  if (body === undefined) request.end()
  else request.end(body)
}

function framedBy({ target, method, headers, body }: Outgoing): Record<string, string | number> {
  const isBodied = body !== undefined || method === 'POST' || method === 'PUT' || method === 'PATCH'
  return {
    accept: '*/*',
    'user-agent': 'ice',
    ...headers,
    host: target.url.host,
    'accept-encoding': 'identity',
    ...(isBodied ? { 'content-length': body?.length ?? 0 } : {}),
    connection: 'close',
  }
}

/** What Node says of an answer, in words of ours: its own may hold the bytes it stumbled over. */
export function failure(error: Error): NetworkError {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = `The head of the answer has more than ${ANSWER_HEAD_BYTES_MAX} bytes`
    return new NetworkError(NETWORK_CODES.headLimit, message, { limit: ANSWER_HEAD_BYTES_MAX })
  }
  return code.startsWith('HPE_') ? corrupt(`is not HTTP (${code})`) : cut(code)
}

function corrupt(why: string): NetworkError {
  return new NetworkError(NETWORK_CODES.answer, `The answer ${why}`)
}

function cut(errno = ''): NetworkError {
  const why = errno === '' ? '' : ` (${errno})`
  const data = { sent: true, ...(errno === '' ? {} : { errno }) }
  const message = `The connection ended before the answer was whole${why}`
  return new NetworkError(NETWORK_CODES.unavailable, message, data)
}
