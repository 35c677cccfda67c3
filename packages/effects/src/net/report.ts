/**
 * What a call gives its program, and what auditors see of it.
 *
 * Everything here is recorded for ever. So it holds listed headers, URLs without their queries, and
 * nothing that was sent; and all of it goes through `scrub`.
 */

import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { errorRecord, type JsonObject, type JsonValue } from '@ice/primitives'
import type { ByteFold, EffectReport } from '@ice/runs/ports'
import type { Digest } from '../bytes.ts'
import { bodyBytes } from './arguments.ts'
import { type BodyInit, type Content, contentOf, readBody } from './body.ts'
import type { Connection } from './connect.ts'
import { NETWORK_CODES, NetworkError } from './errors.ts'
import { givenHeaders, type Headers } from './headers.ts'
import { ANSWER_BYTES_MAX, IDLE_MS } from './limits.ts'
import type { Leg } from './redirect.ts'
import { scrubbed } from './scrub.ts'
import type { Trip } from './trip.ts'
import { shownUrl, sourceOf } from './url.ts'

/** A redirect that was followed. */
export interface Passed {
  readonly status: number
  /** Without its query. */
  readonly to: string
  /** The address that answered with it. */
  readonly address: string
}

/** An answer whose head has come. */
export interface Landed {
  readonly leg: Leg
  readonly response: IncomingMessage
  readonly connection: Connection
}

/** What `net.fetch`, `net.send` and `net.send-once` give. */
export type NetworkAnswer = {
  /** Where the answer came from, without its query. */
  readonly url: string
  readonly status: number
  /** Those that are listed in the guide, names in lower case. */
  readonly headers: Headers
  /** `null` where it was folded, or is missing. */
  readonly body: string | null
  readonly encoding: 'utf8' | 'base64'
  /** What the request's fold made of the body. */
  readonly folded?: JsonValue
  /** Why the body is missing, or the redirect was not followed: a code. Never for `net.fetch`. */
  readonly missing?: string
}

interface Taken {
  readonly digest: Digest
  readonly members: Pick<NetworkAnswer, 'body' | 'encoding'> & Partial<NetworkAnswer>
}

/**
 * Reads the body and reports.
 *
 * @param failure - why the call stops here, though it was sent on
 */
export async function report(trip: Trip, landed: Landed, failure?: unknown): Promise<EffectReport> {
  const { leg, response, connection } = landed
  try {
    const taken = failure === undefined ? await taking(trip, landed) : missing(failure)
    const url = shownUrl(leg.target.url)
    const { statusCode: status = 0 } = response
    const headers = givenHeaders(response.headers)
    const answer: NetworkAnswer = { url, status, headers, ...taken.members }
    const { address, tls } = connection
    const observed = {
      url,
      method: leg.method,
      status,
      address,
      ...taken.digest,
      ...(tls === undefined ? {} : { tls }),
      ...(trip.passed.length === 0 ? {} : { redirects: trip.passed.map((one) => ({ ...one })) }),
    }
    const { scrub } = trip.options
    const value = scrubbed(answer as JsonObject, scrub)
    // A leg that dropped the body on its way is counted with it: more, never less.
    const sent = bodyBytes(trip.args) * (trip.passed.length + 1)
    return {
      value,
      observed: scrubbed(observed as JsonObject, scrub) as JsonObject,
      // Whoever sent the call on had a say in what it brought back.
      sources: [trip.args.url, ...trip.passed.map(({ to }) => to)].map(sourceOf),
      spent: { bytes: sent + taken.digest.bytes },
    }
  } finally {
    connection.socket.destroy()
  }
}

const NO_BYTES: Digest = {
  bytes: 0,
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
}

function missing(failure: unknown): Taken {
  const { code } = errorRecord(failure)
  return { digest: NO_BYTES, members: { body: null, encoding: 'utf8', missing: code } }
}

/** What is compressed cannot be looked into, and nobody has asked for it. */
function checkOpen({ call }: Trip, { response }: Landed): void {
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity' || (call.secrets ?? []).length === 0) return
  const message = 'The answer is compressed, where the secrets that were sent cannot be looked for'
  throw new NetworkError(NETWORK_CODES.encoding, message)
}

async function taking(trip: Trip, landed: Landed): Promise<Taken> {
  try {
    checkOpen(trip, landed)
    const { fold } = trip.call
    return await (fold === undefined ? contained(trip, landed) : folded(trip, landed, fold))
  } catch (error) {
    // What a request did, it did: only its answer is not to be had.
    if (trip.call.action === 'net.fetch') throw error
    return missing(error)
  }
}

function initOf({ deadline, options }: Trip, { leg }: Landed, limit: number): BodyInit {
  return { deadline, idleMs: options.limits?.idleMs ?? IDLE_MS, limit, method: leg.method }
}

async function folded(trip: Trip, landed: Landed, fold: ByteFold): Promise<Taken> {
  let state = fold.start()
  const init = initOf(trip, landed, trip.args.maxBytes)
  const digest = await readBody(landed.response, init, (chunk) => {
    state = fold.step(state, chunk)
  })
  return { digest, members: { body: null, encoding: 'utf8', folded: fold.finish(state) } }
}

async function contained(trip: Trip, landed: Landed): Promise<Taken> {
  const limit = Math.min(trip.args.maxBytes, ANSWER_BYTES_MAX)
  const chunks: Buffer[] = []
  const digest = await readBody(landed.response, initOf(trip, landed, limit), (chunk) => {
    chunks.push(chunk)
  })
  return { digest, members: safeContent(trip, Buffer.concat(chunks)) }
}

/** Bytes are scrubbed before base64 hides what is in them. */
function safeContent({ args, options: { scrub } }: Trip, bytes: Buffer): Content {
  const content = contentOf(bytes, args.encoding)
  if (scrub === undefined || content.encoding === 'utf8') return content
  const clean = Buffer.from(scrub(bytes.toString('latin1')), 'latin1')
  return { body: clean.toString('base64'), encoding: 'base64' }
}
