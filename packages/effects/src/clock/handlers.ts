/**
 * The wall clock, as a local observation: read once, and from then on what was recorded.
 *
 * `context.now` of a run needs no effect and no grant: it is the time of the last event. This is
 * for what has to know the time *now*, after a long wait outside.
 */

import { type Clock, systemClock } from '@ice/primitives'
import type { EffectCall, EffectHandler, EffectReport, EffectRequest } from '@ice/runs/ports'
import { z } from 'zod'
import { checked, recordable } from '../arguments.ts'
import { throwIfAborted } from '../bytes.ts'

/** Options of `clockEffects`. */
export interface ClockOptions {
  /** @defaultValue the machine's */
  readonly clock?: Clock
}

/** What `clock.now` gives. */
export type ClockReading = {
  /** Epoch milliseconds, UTC. */
  readonly now: number
}

const none = z.strictObject({})

/** The handler of `clock.now`; its grant is one on the tool of that name. */
export function clockEffects({ clock = systemClock }: ClockOptions = {}): readonly EffectHandler[] {
  return [
    Object.freeze({
      action: 'clock.now',
      fate: 'observe',
      outcome: 'EffectSucceeded',
      arguments: { parse: (value: unknown) => recordable(checked(none, value)) },
      resource: () => ({ name: 'clock.now' }),
      bounds: () => ({}),
      source: () => null,
      async perform({ signal }: EffectCall): Promise<EffectReport> {
        throwIfAborted(signal)
        const value: ClockReading = { now: clock.now() }
        return { value, observed: { ...value } }
      },
    } satisfies EffectHandler),
  ]
}

/** Makes requests for the clock; `grant` is the name a grant has in the run. */
export const clock: {
  readonly now: (grant: string) => EffectRequest<ClockReading>
} = {
  now: (grant) => ({ action: 'clock.now', grant, arguments: {} }),
}
