/** The handlers of the network: each action with its fate, its arguments and its act. */

import type { EffectCall, EffectHandler, EffectReport, Fate } from '@ice/runs/ports'
import type { z } from 'zod'
import {
  checkedNetworkArguments,
  fetchArguments,
  type NetworkArguments,
  sendArguments,
  sendOnceArguments,
} from './arguments.ts'
import type { NetworkOptions } from './options.ts'
import { scrubbedError } from './scrub.ts'
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

function handlerOf(options: NetworkOptions, { action, fate, schema }: Action): EffectHandler {
  return Object.freeze({
    action,
    fate,
    outcome: 'APIRequestExecuted',
    arguments: { parse: (value: unknown) => checkedNetworkArguments(schema, value) },
    resource: ({ url, method }: EffectCall['arguments']) =>
      claimOf(parseTarget(String(url)), String(method)),
    source: ({ url }: EffectCall['arguments']) => sourceOf(String(url)),
    async perform(call: EffectCall): Promise<EffectReport> {
      const args = checkedNetworkArguments(schema, call.arguments)
      // Loaded with the first request: a process that makes none does not pay for TLS.
      const { travelled } = await import('./trip.ts')
      try {
        return await travelled(options, call, args)
      } catch (error) {
        throw scrubbedError(error, options.scrub)
      }
    },
  })
}
