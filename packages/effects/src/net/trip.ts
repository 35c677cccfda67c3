/**
 * A call from its first request to its last answer.
 *
 *     authorise ─► look up ─► check addresses ─► connect ─► send ─► answer ─┬─► report
 *         ▲                                                                 │
 *         └────────────────────── at most 5 redirects ◄─────────────────────┘
 *
 * 1. Every leg is held against every link of the chain before anything is looked up for it, and
 *    every address before anything is sent to it.
 * 2. What was answered has taken place. When a request that changes something was answered with a
 *    redirect that cannot be followed, or with a body that cannot be had, the call succeeds and
 *    says what is missing.
 * 3. What was sent and not answered is in doubt, if it is not to be repeated.
 * 4. `ICE_EFFECTS_ABORTED` proves that nothing was sent. A call that is aborted later says so.
 */

import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { netKind } from '@ice/capabilities'
import { hasCode, invariant } from '@ice/primitives'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import { throwIfAborted } from '../bytes.ts'
import { EFFECTS_CODES } from '../errors.ts'
import { isSecretHandle } from '../secrets/handle.ts'
import { revealed } from '../secrets/with-secrets.ts'
import { bodyOf, type NetworkArguments, parted } from './arguments.ts'
import { type Connection, connected } from './connect.ts'
import { Deadline } from './deadline.ts'
import { NETWORK_CODES, NetworkError } from './errors.ts'
import { exchanged } from './exchange.ts'
import { framed, type Headers } from './headers.ts'
import { CONNECT_MS, HEAD_MS, REDIRECTS_MAX } from './limits.ts'
import type { NetworkOptions } from './options.ts'
import { isSafe, type Leg, nextLeg } from './redirect.ts'
import { type Landed, type Passed, report } from './report.ts'
import { checkedAddresses, type Resolution, systemResolver } from './resolve.ts'
import { claimOf, parseTarget, shownHost, shownUrl } from './url.ts'

/** Everything one call needs. */
export interface Trip {
  readonly options: NetworkOptions
  readonly call: EffectCall
  readonly args: NetworkArguments
  readonly deadline: Deadline
  readonly names: Map<string, readonly string[]>
  readonly passed: Passed[]
  /** A request that changes something was sent, and its answer did not come. */
  unanswered: boolean
  /** Some request, of whatever method, may have arrived. */
  sent: boolean
}

/** Carries a call out, and lets go of everything it opened. */
export async function travelled(
  options: NetworkOptions,
  call: EffectCall,
  args: NetworkArguments,
): Promise<EffectReport> {
  throwIfAborted(call.signal)
  const deadline = new Deadline(call.signal, args.timeoutMs)
  const start = { names: new Map(), passed: [], unanswered: false, sent: false }
  const trip: Trip = { options, call, args, deadline, ...start }
  try {
    return await travel(trip)
  } catch (error) {
    if (!trip.sent || !hasCode(error, EFFECTS_CODES.aborted)) throw error
    const message = 'The call was aborted after a request had been sent'
    throw new NetworkError(NETWORK_CODES.interrupted, message, { sent: true })
  } finally {
    deadline.end()
  }
}

async function travel(trip: Trip): Promise<EffectReport> {
  let leg = firstLeg(trip)
  authorise(trip, leg)
  leg = { ...leg, ...(await confidentialOf(trip, leg)) }
  let landed = await land(trip, leg)
  for (;;) {
    try {
      const next = trip.args.redirect === 'manual' ? undefined : nextLeg(leg, landed.response)
      if (next === undefined) return await report(trip, landed)
      landed = await follow(trip, landed, next)
      leg = next
    } catch (error) {
      landed.connection.socket.destroy()
      if (trip.call.action === 'net.fetch' || trip.unanswered) throw error
      return report(trip, landed, error)
    }
  }
}

function firstLeg({ call, args }: Trip): Leg {
  const target = parseTarget(args.url)
  const key: Headers =
    args.keyHeader === undefined
      ? {}
      : { [args.keyHeader.toLowerCase()]: sha256(call.idempotencyKey) }
  return {
    target,
    method: args.method,
    headers: { ...parted(args.headers).plain, ...key },
    body: isSecretHandle(args.body) ? undefined : bodyOf(args, args.body),
    confidential: {},
  }
}

/** What is not recorded: asked for only once the call is known to stay within its grant. */
async function confidentialOf(
  { options, call, args, deadline }: Trip,
  leg: Leg,
): Promise<Pick<Leg, 'confidential' | 'body'>> {
  const { confidential } = options
  const { plain, secret } = parted(args.headers)
  const given =
    confidential === undefined
      ? {}
      : await deadline.bounded(() => confidential(call, leg.target.url.origin))
  const headers: [string, string][] = Object.entries(framed(given))
  for (const [name, handle] of Object.entries(secret)) {
    headers.push([name, await deadline.bounded(() => revealed(call, handle))])
  }
  const { body } = args
  const carried = Object.fromEntries(headers)
  // Held together with the headers that are recorded: they make one message.
  framed({ ...plain, ...carried })
  if (!isSecretHandle(body)) return { confidential: carried, body: leg.body }
  return {
    confidential: carried,
    body: bodyOf(args, await deadline.bounded(() => revealed(call, body))),
  }
}

/** Goes on to the next leg, once the connection of the last is closed. */
async function follow(trip: Trip, landed: Landed, next: Leg): Promise<Landed> {
  landed.connection.socket.destroy()
  if (trip.passed.length >= REDIRECTS_MAX) {
    const message = `The call was sent on more than ${REDIRECTS_MAX} times`
    throw new NetworkError(NETWORK_CODES.redirectLimit, message, { limit: REDIRECTS_MAX })
  }
  const { statusCode = 0 } = landed.response
  trip.passed.push({
    status: statusCode,
    to: shownUrl(next.target.url),
    address: landed.connection.address,
  })
  return land(trip, next)
}

/** One leg: authorised, checked, connected, sent, answered. */
async function land(trip: Trip, leg: Leg): Promise<Landed> {
  const { deadline, options, call } = trip
  authorise(trip, leg)
  const connectMs = options.limits?.connectMs ?? CONNECT_MS
  deadline.enter('connect', connectMs)
  const resolution: Resolution = {
    resolver: options.resolver ?? systemResolver,
    deadline,
    resources: call.grant.resources,
    known: trip.names,
  }
  const addresses = await checkedAddresses(leg.target, resolution)
  const init = { deadline, connectMs, certificates: options.certificates }
  const connection = await connected(leg.target, addresses, init)
  deadline.enter('head', options.limits?.headMs ?? HEAD_MS)
  try {
    deadline.signal.throwIfAborted()
    const response = await answered(trip, leg, connection)
    return { leg, response, connection }
  } catch (error) {
    connection.socket.destroy()
    throw error
  }
}

/** @throws {NetworkError} `ICE_EFFECTS_NET_RESOURCE_DENIED`, `ICE_EFFECTS_NET_REDIRECT_DENIED` */
function authorise({ call, passed }: Trip, { target, method }: Leg): void {
  const claim = claimOf(target, method)
  invariant(call.grant.resources.length > 0, 'a call has the resources of its chain')
  for (const resource of call.grant.resources) {
    const why = judged(resource, call.action, claim)
    if (why === undefined) continue
    if (passed.length === 0) throw new NetworkError(NETWORK_CODES.resource, `Refused: ${why}`)
    const to = shownUrl(target.url)
    const message = `The server sent the call on to ${shownHost(target)}, and ${why}`
    throw new NetworkError(NETWORK_CODES.redirect, message, { to, method })
  }
}

function judged(
  resource: EffectCall['grant']['resources'][number],
  action: string,
  claim: ReturnType<typeof claimOf>,
): string | undefined {
  if (resource.kind !== netKind.kind) return 'the grant is not about the network'
  return netKind.checkResource(resource) ?? netKind.refuses(resource, action, claim)
}

async function answered(trip: Trip, leg: Leg, connection: Connection): Promise<IncomingMessage> {
  const outgoing = { ...leg, headers: { ...leg.headers, ...leg.confidential } }
  trip.sent = true
  try {
    return await exchanged(outgoing, connection, trip.deadline)
  } catch (error) {
    if (isSafe(leg.method)) throw error
    trip.unanswered = true
    if (trip.call.action !== 'net.send') throw error
    const reason = error instanceof NetworkError ? error.code : 'ICE_EFFECTS_ABORTED'
    const message = `The request was sent to ${shownHost(leg.target)}, and no answer came`
    throw new NetworkError(NETWORK_CODES.doubt, message, { reason })
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
