/** Requests for the network effects, with the type of what they give: for programs. */

import type { JsonObject, JsonValue } from '@ice/primitives'
import type { ByteFold, EffectRequest } from '@ice/runs/ports'
import type { SecretHandle } from '../secrets/handle.ts'
import type { NetworkAnswer } from './report.ts'

type Common = {
  /** Of http or https, without a user. */
  readonly url: string
  /** No credentials, for arguments are recorded: handles of secrets, which stay behind when a
   * server sends on to another origin. */
  readonly headers?: Readonly<Record<string, string | SecretHandle>>
  /** What the body of the answer becomes. @defaultValue 'auto': text if it is, else base64 */
  readonly encoding?: 'auto' | 'utf8' | 'base64'
  /** @defaultValue 1 MiB; at most 7 MiB without a fold */
  readonly maxBytes?: number
  /** For all of the call, redirects included. @defaultValue 60,000; at most 600,000 */
  readonly timeoutMs?: number
}

/** What to look at. */
export type FetchRequest = Common & {
  /** @defaultValue 'GET' */
  readonly method?: 'GET' | 'HEAD'
  /** @defaultValue 'follow' */
  readonly redirect?: 'follow' | 'manual'
}

/** What to send where. */
export type SendRequest = Common & {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  readonly body?: string | SecretHandle
  /** What `body` is. @defaultValue 'utf8' */
  readonly bodyEncoding?: 'utf8' | 'base64'
  /** @defaultValue 'manual': what a server sends on to is asked for by another effect */
  readonly redirect?: 'follow' | 'manual'
}

/** What to send where, under a key by which the server tells a repetition. */
export type SendOnceRequest = SendRequest & {
  /** The header the server takes the key from. @defaultValue 'idempotency-key' */
  readonly keyHeader?: string
}

/** An answer whose body was folded. */
export type FoldedAnswer<R extends JsonValue> = NetworkAnswer & { readonly folded: R }

/** Makes requests; `grant` is the name a grant has in the run. */
export interface NetworkRequests {
  /** Looks at something: GET or HEAD, repeated freely. */
  fetch(grant: string, request: FetchRequest): EffectRequest<NetworkAnswer>
  /** What a fold makes of an answer of any size, in constant memory. */
  fetch<S, R extends JsonValue>(
    grant: string,
    request: FetchRequest,
    fold: ByteFold<S, R>,
  ): EffectRequest<FoldedAnswer<R>>
  /** Changes something, once: in doubt when it was sent and not answered. */
  send(grant: string, request: SendRequest): EffectRequest<NetworkAnswer>
  /** Changes something under a key: repeated with the same key after a crash. */
  sendOnce(grant: string, request: SendOnceRequest): EffectRequest<NetworkAnswer>
}

function request<R>(action: string, grant: string, args: JsonObject): EffectRequest<R> {
  return { action, grant, arguments: args }
}

function fetchOf<R>(grant: string, args: FetchRequest, fold?: ByteFold): EffectRequest<R> {
  const plain = request<R>('net.fetch', grant, args as JsonObject)
  return fold === undefined ? plain : { ...plain, fold }
}

/** Makes requests for the network effects. */
export const net: NetworkRequests = {
  fetch: fetchOf as NetworkRequests['fetch'],
  send: (grant, args) => request('net.send', grant, args as JsonObject),
  sendOnce: (grant, args) => request('net.send-once', grant, args as JsonObject),
}
