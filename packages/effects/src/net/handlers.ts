/** The handlers of the network: each action with its fate, its arguments and its act. */

import type { EffectCall, EffectHandler, EffectReport, Fate } from '@ice/runs/ports'
import type { z } from 'zod'
import {
  bodyBytes,
  checkedNetworkArguments,
  fetchArguments,
  type NetworkArguments,
  sendArguments,
  sendOnceArguments,
} from './arguments.ts'
import { REDIRECTS_MAX } from './limits.ts'
import type { NetworkOptions } from './options.ts'
import { scrubbedError, scrubFor } from './scrub.ts'
import { claimOf, parseTarget, sourceOf } from './url.ts'

/** What is told of an action once. */
interface Action {
  readonly action: string
  readonly fate: Fate
  readonly schema: z.ZodType<NetworkArguments>
}

/**
 * The handlers of the network effects: `net.fetch`, `net.send` and `net.send-once`. They hold
 * nothing between calls, connections neither, and may act at the same time.
 *
 * Nothing of the environment is asked: no proxy, no `NODE_TLS_REJECT_UNAUTHORIZED`.
 */
export function networkEffects(options: NetworkOptions = {}): readonly EffectHandler[] {
  return [
    handlerOf(options, { action: 'net.fetch', fate: 'observe', schema: fetchArguments }),
    handlerOf(options, { action: 'net.send', fate: 'irreversible', schema: sendArguments }),
    handlerOf(options, { action: 'net.send-once', fate: 'idempotent', schema: sendOnceArguments }),
  ]
}

/**
 * The most a call can take: bytes of bodies, sent as often as it may be sent on and received once;
 * and the time after which it gives up. Heads have limits of their own and are not counted.
 */
function boundsOf(args: NetworkArguments): { readonly bytes: number; readonly ms: number } {
  const { maxBytes, timeoutMs, redirect } = args
  const legs = redirect === 'follow' ? REDIRECTS_MAX + 1 : 1
  const bytes = bodyBytes(args) * legs + maxBytes
  return { bytes: Math.min(bytes, Number.MAX_SAFE_INTEGER), ms: timeoutMs }
}

function handlerOf(options: NetworkOptions, { action, fate, schema }: Action): EffectHandler {
  return Object.freeze({
    action,
    fate,
    outcome: 'APIRequestExecuted',
    arguments: { parse: (value: unknown) => checkedNetworkArguments(schema, value) },
    resource: ({ url, method }: EffectCall['arguments']) =>
      claimOf(parseTarget(String(url)), String(method)),
    // Only ever asked about arguments that `parse` gave back.
    bounds: (args: EffectCall['arguments']) => boundsOf(args as unknown as NetworkArguments),
    source: ({ url }: EffectCall['arguments']) => sourceOf(String(url)),
    async perform(call: EffectCall): Promise<EffectReport> {
      const args = checkedNetworkArguments(schema, call.arguments)
      // Loaded with the first request: a process that makes none does not pay for TLS.
      const { travelled } = await import('./trip.ts')
      const scrub = scrubFor(call, options.scrub)
      const scrubbing = scrub === undefined ? options : { ...options, scrub }
      const began = performance.now()
      try {
        const report = await travelled(scrubbing, call, args)
        const ms = Math.ceil(performance.now() - began)
        return { ...report, spent: { ...report.spent, ms } }
      } catch (error) {
        throw scrubbedError(error, scrub)
      }
    },
  })
}
