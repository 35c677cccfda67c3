/** The arguments of each network action, checked and with their defaults. */

import { Buffer } from 'node:buffer'
import type { JsonObject } from '@ice/primitives'
import { z } from 'zod'
import { checked, recordable } from '../arguments.ts'
import {
  composedBytesMax,
  isSecretHandle,
  type SecretHandle,
  textOrSecret,
} from '../secrets/handle.ts'
import { NETWORK_CODES, NetworkError } from './errors.ts'
import { checkedHeaders, framed, type Headers } from './headers.ts'
import {
  ANSWER_BYTES_DEFAULT,
  ANSWER_FOLD_BYTES_MAX,
  REQUEST_BYTES_MAX,
  TOTAL_MS_DEFAULT,
  TOTAL_MS_MAX,
} from './limits.ts'
import { parseTarget } from './url.ts'

/** Arguments of every network action. */
export interface NetworkArguments {
  readonly url: string
  readonly method: string
  /** Texts, and handles of secrets in the place of some. */
  readonly headers: Readonly<Record<string, string | SecretHandle>>
  readonly encoding: 'auto' | 'utf8' | 'base64'
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly redirect: 'follow' | 'manual'
  readonly body?: string | SecretHandle | undefined
  readonly bodyEncoding?: 'utf8' | 'base64' | undefined
  readonly keyHeader?: string | undefined
}

const common = {
  url: z.string(),
  headers: z.record(z.string(), textOrSecret).default({}),
  encoding: z.enum(['auto', 'utf8', 'base64']).default('auto'),
  maxBytes: z.int().min(0).max(ANSWER_FOLD_BYTES_MAX).default(ANSWER_BYTES_DEFAULT),
  timeoutMs: z.int().min(1).max(TOTAL_MS_MAX).default(TOTAL_MS_DEFAULT),
}

const sent = {
  ...common,
  method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']),
  body: textOrSecret.optional(),
  bodyEncoding: z.enum(['utf8', 'base64']).default('utf8'),
  redirect: z.enum(['follow', 'manual']).default('manual'),
}

export const fetchArguments: z.ZodType<NetworkArguments> = z.strictObject({
  ...common,
  method: z.enum(['GET', 'HEAD']).default('GET'),
  redirect: z.enum(['follow', 'manual']).default('follow'),
})

export const sendArguments: z.ZodType<NetworkArguments> = z.strictObject(sent)

export const sendOnceArguments: z.ZodType<NetworkArguments> = z.strictObject({
  ...sent,
  keyHeader: z.string().default('idempotency-key'),
})

/**
 * Checks arguments and brings them into one spelling.
 *
 * @throws {EffectsError} `ICE_EFFECTS_ARGUMENTS_UNSUPPORTED`
 * @throws {NetworkError} `ICE_EFFECTS_NET_URL_UNSUPPORTED`, `…_HEADER_…`, `…_CREDENTIAL_…`,
 * `…_ENCODING_…`, `…_REQUEST_LIMIT`
 */
export function checkedNetworkArguments(
  schema: z.ZodType<NetworkArguments>,
  value: unknown,
): JsonObject & NetworkArguments {
  const args = checked(schema, value)
  const { url } = parseTarget(args.url)
  const { plain, secret } = parted(args.headers)
  const headers = { ...checkedHeaders(plain), ...secretHeaders(plain, secret) }
  if (args.keyHeader !== undefined) {
    checkedHeaders({ ...checkedHeaders(plain), [args.keyHeader]: 'key' })
    secretHeaders({ ...plain, [args.keyHeader]: 'key' }, secret)
  }
  if (isSecretHandle(args.body)) checkSecretBody(args)
  else bodyOf(args, args.body)
  return recordable({ ...args, url: url.href, headers }) as JsonObject & NetworkArguments
}

/** Headers by what stands in them. */
export function parted(headers: NetworkArguments['headers']): {
  readonly plain: Headers
  readonly secret: Readonly<Record<string, SecretHandle>>
} {
  const plain: [string, string][] = []
  const secret: [string, SecretHandle][] = []
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') plain.push([name, value])
    else secret.push([name, value])
  }
  return { plain: Object.fromEntries(plain), secret: Object.fromEntries(secret) }
}

/** Headers that will carry secrets: names as of all headers, each once among all of them. */
function secretHeaders(
  plain: Headers,
  secret: Readonly<Record<string, SecretHandle>>,
): Readonly<Record<string, SecretHandle>> {
  const named = Object.keys(secret).map((name) => [name, 'secret'] as const)
  framed({ ...plain, ...Object.fromEntries(named) })
  const entries = Object.entries(secret)
  return Object.fromEntries(
    entries.map(([name, handle]) => [name.toLowerCase(), recordable(handle) as SecretHandle]),
  )
}

/** A body that is a secret leaves for one origin alone, so no method that may be sent on has it. */
function checkSecretBody({ method, bodyEncoding, redirect }: NetworkArguments): void {
  if (bodyEncoding !== 'base64' && (method !== 'OPTIONS' || redirect === 'manual')) return
  const message = 'A body that is a secret is a text, and is not sent on'
  throw new NetworkError(NETWORK_CODES.encoding, message)
}

/** The bytes of a request's body, where it has one. */
export function bodyOf(
  { bodyEncoding = 'utf8' }: NetworkArguments,
  body: string | undefined,
): Buffer | undefined {
  if (body === undefined) return undefined
  const bytes = Buffer.from(body, bodyEncoding)
  if (bytes.length > REQUEST_BYTES_MAX) {
    const data = { size: bytes.length, limit: REQUEST_BYTES_MAX }
    const message = `The body has ${data.size} bytes, and a request carries ${data.limit}`
    throw new NetworkError(NETWORK_CODES.requestLimit, message, data)
  }
  if (bytes.toString(bodyEncoding) === body) return bytes
  const what = bodyEncoding === 'utf8' ? 'well-formed Unicode' : 'base64 as RFC 4648 §4 writes it'
  throw new NetworkError(NETWORK_CODES.encoding, `The body is not ${what}`)
}

/** How many bytes the body has; of one that is a secret, how many it can have at most. */
export function bodyBytes(args: NetworkArguments): number {
  const { body } = args
  return isSecretHandle(body) ? composedBytesMax(body) : (bodyOf(args, body)?.length ?? 0)
}
