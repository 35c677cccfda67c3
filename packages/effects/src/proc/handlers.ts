/** The handlers of the process effects: each action with its fate, its arguments and its act. */

import type { EffectCall, EffectHandler, EffectReport, Fate } from '@ice/runs/ports'
import type { z } from 'zod'
import {
  checkedProcessArguments,
  claimOf,
  inputBytes,
  observeArguments,
  type ProcessArguments,
  recordedArguments,
  runArguments,
} from './arguments.ts'
import { STREAM_BYTES_MAX } from './limits.ts'
import { type ProcessOptions, settingsOf } from './options.ts'

/** What is told of an action once. */
interface Action {
  readonly action: string
  readonly fate: Fate
  readonly schema: z.ZodType<ProcessArguments>
}

/**
 * The handlers of the process effects: `proc.run` and `proc.observe`. They hold nothing between
 * calls but the knowledge that a box works here, and may act at the same time.
 *
 * Nothing of the environment is asked or handed on.
 */
export function processEffects(options: ProcessOptions = {}): readonly EffectHandler[] {
  return [
    handlerOf(options, { action: 'proc.run', fate: 'irreversible', schema: runArguments }),
    handlerOf(options, { action: 'proc.observe', fate: 'observe', schema: observeArguments }),
  ]
}

/**
 * The most a call can take: bytes of its streams, and the time after which its program is killed.
 */
function boundsOf(
  args: ProcessArguments,
  graceMs: number,
): { readonly bytes: number; readonly ms: number } {
  const bytes = inputBytes(args) + 2 * (STREAM_BYTES_MAX + 1)
  return { bytes, ms: args.timeoutMs + graceMs }
}

function handlerOf(options: ProcessOptions, { action, fate, schema }: Action): EffectHandler {
  const settings = settingsOf(options)
  const parsed = (value: unknown): ProcessArguments => checkedProcessArguments(schema, value)
  return Object.freeze({
    action,
    fate,
    outcome: 'EffectSucceeded',
    arguments: { parse: (value: unknown) => recordedArguments(parsed(value)) },
    // What comes here is what `parse` gave: it claims as it stands.
    resource: (args: EffectCall['arguments']) => claimOf(args as unknown as ProcessArguments),
    // Only ever asked about arguments that `parse` gave back.
    bounds: (args: EffectCall['arguments']) =>
      boundsOf(args as unknown as ProcessArguments, settings.limits.graceMs),
    async perform(call: EffectCall): Promise<EffectReport> {
      // Loaded with the first program: a process that starts none does not pay for it.
      const { performed } = await import('./perform.ts')
      return performed(settings, call)
    },
  })
}
