/**
 * A connection of its own for each request: to an address that was checked, and for a name that is
 * proved by a certificate.
 *
 * 1. Nothing is looked up here: what is connected to is text that was read as an address.
 * 2. No agent, no pool, no session, no proxy of the environment: a connection belongs to one
 *    request of one call, so no grant ever sends on what another has opened.
 * 3. TLS is held to the name the URL had, whatever address it led to, and is never made lenient by
 *    the environment.
 */

import { isIP, type LookupFunction, connect as netConnect, type Socket } from 'node:net'
import { checkServerIdentity, type TLSSocket, connect as tlsConnect } from 'node:tls'
import { errnoOf } from '../errno.ts'
import type { Deadline } from './deadline.ts'
import { NETWORK_CODES, NetworkError } from './errors.ts'
import { CONNECTIONS_MAX } from './limits.ts'
import { shownHost, type Target } from './url.ts'

/** How connections are made. */
export interface ConnectInit {
  readonly deadline: Deadline
  /** Shared by the addresses that are tried: one that is silent leaves time for the next. */
  readonly connectMs: number
  /** PEM of the authorities that are trusted; left out, those that Node brings. */
  readonly certificates: readonly string[] | undefined
}

/** An open connection. */
export interface Connection {
  readonly socket: Socket
  readonly address: string
  /** What TLS came to, where there is TLS. */
  readonly tls: { readonly protocol: string; readonly certificate: string } | undefined
}

/** Ends what would look a name up after all. */
const noLookup: LookupFunction = (name, _options, callback) => {
  callback(new NetworkError(NETWORK_CODES.address, `${name} is no address`), '', 0)
}

/**
 * Connects to the first of the addresses that answers.
 *
 * @throws {NetworkError} `ICE_EFFECTS_NET_UNAVAILABLE`, `…_CERTIFICATE_UNSUPPORTED`,
 * `…_TIME_LIMIT`
 */
export async function connected(
  target: Target,
  addresses: readonly string[],
  init: ConnectInit,
): Promise<Connection> {
  const tried = addresses.slice(0, CONNECTIONS_MAX)
  let failure: unknown
  for (const address of tried) {
    try {
      const socket = await opened(address, target, init, init.connectMs / tried.length)
      return await secured({ socket, address, tls: undefined }, target, init)
    } catch (error) {
      init.deadline.signal.throwIfAborted()
      if (error instanceof NetworkError && error.code === NETWORK_CODES.certificate) throw error
      failure = error
    }
  }
  const errno = errnoOf(failure)
  const why = errno === undefined ? '' : ` (${errno})`
  const message = `${shownHost(target)} could not be reached${why}`
  const data = { sent: false, ...(errno === undefined ? {} : { errno }) }
  throw new NetworkError(NETWORK_CODES.unavailable, message, data)
}

function opened(
  address: string,
  { port }: Target,
  { deadline: { signal } }: ConnectInit,
  shareMs: number,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = netConnect({ host: address, port, lookup: noLookup, noDelay: true })
  const end = (): void => {
    socket.destroy()
    reject(signal.reason)
  }
  const share = setTimeout(() => {
    socket.destroy()
    reject(new NetworkError(NETWORK_CODES.unavailable, 'The server was silent', { sent: false }))
  }, shareMs)
  signal.addEventListener('abort', end)
  // Stays: what breaks between two readers is told by the next, and must not end the process.
  socket.on('error', reject)
  socket.once('connect', () => resolve(socket))
  return promise.finally(() => {
    clearTimeout(share)
    signal.removeEventListener('abort', end)
  })
}

async function secured(
  plain: Connection,
  target: Target,
  { deadline: { signal }, certificates }: ConnectInit,
): Promise<Connection> {
  if (!target.isSecure) return plain
  const { host } = target
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const socket = tlsConnect({
    socket: plain.socket,
    // A server name is a name: RFC 6066 has no addresses there.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    host,
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ...(certificates === undefined ? {} : { ca: [...certificates] }),
  })
  const end = (): void => {
    socket.destroy()
    reject(signal.reason)
  }
  signal.addEventListener('abort', end)
  socket.on('error', (error) => {
    plain.socket.destroy()
    reject(tlsFailure(error, target))
  })
  socket.once('secureConnect', () => resolve(socket))
  await promise.finally(() => signal.removeEventListener('abort', end))
  const certificate = socket.getPeerX509Certificate()?.fingerprint256 ?? ''
  const protocol = socket.getProtocol() ?? ''
  return { socket, address: plain.address, tls: { protocol, certificate } }
}

/** A connection that broke is that; everything else is between us and the certificate. */
function tlsFailure(error: Error, target: Target): unknown {
  const { code = '' } = error as NodeJS.ErrnoException
  if (errnoOf(error) !== undefined || code === 'ECONNRESET') return error
  const reason = /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'TLS'
  const message = `${shownHost(target)} is not trusted to be who it says (${reason})`
  return new NetworkError(NETWORK_CODES.certificate, message, { reason })
}
