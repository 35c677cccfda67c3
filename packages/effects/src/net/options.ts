/** How the network effects are made. */

import type { EffectCall } from '@ice/runs/ports'
import type { Headers } from './headers.ts'
import type { Resolver } from './resolve.ts'

/** Caps on the stages of a call; see `limits.ts` for what they are otherwise. */
export interface NetworkTimeLimits {
  /** @units milliseconds */
  readonly connectMs?: number
  /** @units milliseconds */
  readonly headMs?: number
  /** @units milliseconds */
  readonly idleMs?: number
}

/** Options of `networkEffects`. */
export interface NetworkOptions {
  /** Looks names up. @defaultValue the resolver of the system */
  readonly resolver?: Resolver
  /** PEM of the authorities to trust, and no others. @defaultValue those that Node brings */
  readonly certificates?: readonly string[]
  readonly limits?: NetworkTimeLimits
  /**
   * Headers that are sent and never recorded, such as `authorization`. Asked once a call, after it
   * was authorised; they go to this origin alone and are dropped when a redirect leaves it.
   */
  readonly confidential?: (call: EffectCall, origin: string) => Promise<Headers>
  /**
   * Takes secrets out of a text. Everything that is recorded of a call goes through it: the body
   * (bytes that are no text as one character each), headers, URLs, and the messages of failures.
   */
  readonly scrub?: (text: string) => string
}
