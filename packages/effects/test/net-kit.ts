/** What the tests of the network share: servers on loopback, and calls under a grant. */

import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net'
import type { EventId, GrantId, JsonObject, RunId } from '@ice/primitives'
import type { ByteFold, EffectCall, EffectReport, EffectRequest } from '@ice/runs/ports'
import { connectLog } from '@ice/tooling/prove/parts/connect-log'
import { afterEach } from 'vitest'
import { type NetworkAnswer, type NetworkOptions, networkEffects } from '../src/index.ts'
import type { Credentials } from './certificate.ts'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

/** Has something closed after the test. */
export function closed<T extends { close(): Promise<unknown> }>(thing: T): T {
  closing.push(() => thing.close())
  return thing
}

/** A server of a test. */
export interface Served {
  readonly port: number
  /** `http://127.0.0.1:port` */
  readonly origin: string
  /** Connections that were opened to it. */
  readonly connections: () => number
}

function listening(server: Server, scheme: string, address: string): Promise<Served> {
  let connections = 0
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, address, () => {
      const { port } = server.address() as AddressInfo
      resolve({
        port,
        origin: `${scheme}://${address}:${port}`,
        connections: () => connections,
      })
    })
  })
}

/** An HTTP server on loopback. */
export function serve(listener: RequestListener, address = '127.0.0.1'): Promise<Served> {
  return listening(createHttp(listener), 'http', address)
}

/** An HTTPS server on loopback. */
export function serveTls(credentials: Credentials, listener: RequestListener): Promise<Served> {
  return listening(createHttps(credentials, listener), 'https', '127.0.0.1')
}

/** A server that writes what it likes. */
export function serveRaw(
  onSocket: (socket: Socket) => void,
  address = '127.0.0.1',
): Promise<Served> {
  return listening(createTcp(onSocket), 'http', address)
}

/** A server that answers every connection with the same bytes, once a request has come. */
export function serveBytes(answer: string): Promise<Served> {
  return serveRaw((socket) => socket.once('data', () => socket.end(answer, 'latin1')))
}

/** A grant on a loopback server, or any other that `members` make of it. */
export function grantOn({ port }: Pick<Served, 'port'>, members: JsonObject = {}): JsonObject {
  return {
    kind: 'net',
    hosts: ['127.0.0.1'],
    schemes: ['http', 'https'],
    ports: [port],
    addresses: ['loopback'],
    ...members,
  }
}

/** How a call differs from a plain one. */
export interface NetCallOptions extends NetworkOptions {
  /** Resources of grants above, the nearest first. */
  readonly above?: readonly JsonObject[]
  readonly signal?: AbortSignal
  readonly key?: string
}

/** Performs a request under a grant, as the runtime would once it is authorised. */
export async function performNet(
  resource: JsonObject,
  request: EffectRequest<unknown>,
  options: NetCallOptions = {},
): Promise<EffectReport> {
  const { above = [], signal, key = 'run/step', ...rest } = options
  const handler = networkEffects(rest).find(({ action }) => action === request.action)
  if (handler === undefined) throw new TypeError(`no handler for ${request.action}`)
  const args = handler.arguments.parse(request.arguments)
  return handler.perform({
    run: '0190a1b2-0000-7000-8000-000000000001' as RunId,
    effect: 'step',
    attempt: 1,
    idempotencyKey: key,
    intent: 'run/0190a1b2-0000-7000-8000-000000000001@7' as EventId,
    action: request.action,
    arguments: args,
    resource: handler.resource(args),
    grant: {
      id: '0190a1b2-0000-7000-8000-000000000002' as GrantId,
      resources: [resource, ...above] as unknown as EffectCall['grant']['resources'],
    },
    ...(request.fold === undefined ? {} : { fold: request.fold as ByteFold }),
    signal: signal ?? new AbortController().signal,
  })
}

/** The answer to a request. */
export async function answerOf(
  resource: JsonObject,
  request: EffectRequest<unknown>,
  options: NetCallOptions = {},
): Promise<NetworkAnswer> {
  return (await performNet(resource, request, options)).value as NetworkAnswer
}

/** What a request fails with. */
export interface NetFailure {
  readonly code: string
  readonly message: string
  readonly data: JsonObject
}

/** The failure of a request; one that succeeds is an error. */
export async function failureOf(
  resource: JsonObject,
  request: EffectRequest<unknown>,
  options: NetCallOptions = {},
): Promise<NetFailure> {
  const report = await performNet(resource, request, options).catch((error: unknown) => error)
  if (report instanceof Error && 'code' in report) return report as unknown as NetFailure
  throw report instanceof Error ? report : new TypeError(`no failure: ${JSON.stringify(report)}`)
}

/** The code a request fails with. */
export async function codeOfNet(
  resource: JsonObject,
  request: EffectRequest<unknown>,
  options: NetCallOptions = {},
): Promise<string> {
  return (await failureOf(resource, request, options)).code
}

/** The connections a piece of work tries to open. */
export async function connectionsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const log = connectLog()
  try {
    await work()
    return [...log.tried]
  } finally {
    log.stop()
  }
}
