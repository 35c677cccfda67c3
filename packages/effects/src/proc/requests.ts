/** Requests for the process effects, with the type of what they give: for programs of a run. */

import type { JsonObject, JsonValue } from '@ice/primitives'
import type { ByteFold, EffectRequest, Reference } from '@ice/runs/ports'
import type { SecretHandle } from '../secrets/handle.ts'
import type { ProcessResult } from './report.ts'

/** What to start, only to look. */
export type ObserveRequest = {
  /** An absolute path that the grant holds. */
  readonly program: string
  /** Everybody on the machine can read them while the program runs: no secrets. */
  readonly args?: readonly string[]
  /** All of the environment but `PWD`. Recorded, but for what handles of secrets stand for.
   * @defaultValue none */
  readonly env?: Readonly<Record<string, string | SecretHandle>>
  /** Relative to the root of the grant. @defaultValue '.' */
  readonly cwd?: string
  /** What the program reads. @defaultValue nothing */
  readonly stdin?: string | SecretHandle | Reference<string>
  /** What `stdin` is. @defaultValue 'utf8' */
  readonly stdinEncoding?: 'utf8' | 'base64'
  /** What the streams become. @defaultValue 'auto': text if they are, else base64 */
  readonly encoding?: 'auto' | 'base64'
  /** How much of each stream is kept. @defaultValue 1 MiB; at most 3 MiB */
  readonly maxBytes?: number
  /** @defaultValue 60,000; at most 3,600,000 */
  readonly timeoutMs?: number
}

/** What to start. */
export type RunRequest = ObserveRequest & {
  /** Whether the program may change what lies below the root. @defaultValue false */
  readonly write?: boolean
  /** Whether it has the network of the machine, all of it. @defaultValue false */
  readonly network?: boolean
  /** Without a box it can do all that the user can: needs `write` and `network`, said. */
  readonly sandbox?: 'required' | 'unsandboxed'
}

/** A result whose standard output was folded. */
export type FoldedResult<R extends JsonValue> = ProcessResult & { readonly folded: R }

/** Makes requests; `grant` is the name a grant has in the run. */
export interface ProcessRequests {
  /** Starts a program once: in doubt when its owner died while it ran. */
  run(grant: string, request: RunRequest): EffectRequest<ProcessResult>
  /** What a fold makes of the standard output. */
  run<S, R extends JsonValue>(
    grant: string,
    request: RunRequest,
    fold: ByteFold<S, R>,
  ): EffectRequest<FoldedResult<R>>
  /** Starts a program that can change nothing, and is started again after a crash. */
  observe(grant: string, request: ObserveRequest): EffectRequest<ProcessResult>
  observe<S, R extends JsonValue>(
    grant: string,
    request: ObserveRequest,
    fold: ByteFold<S, R>,
  ): EffectRequest<FoldedResult<R>>
}

function requestOf(action: string) {
  return (grant: string, args: ObserveRequest, fold?: ByteFold): EffectRequest<never> => {
    const plain = { action, grant, arguments: args as JsonObject }
    return fold === undefined ? plain : { ...plain, fold }
  }
}

/** Makes requests for the process effects. */
export const proc: ProcessRequests = {
  run: requestOf('proc.run') as ProcessRequests['run'],
  observe: requestOf('proc.observe') as ProcessRequests['observe'],
}
