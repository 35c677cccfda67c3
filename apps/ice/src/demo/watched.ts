/**
 * The read handler of the demonstration: reports each read at the moment of the act, and stands
 * still at the read it was told to.
 */

import { fileSystemEffects } from '@ice/effects'
import { invariant } from '@ice/primitives'
import type { EffectHandler } from '@ice/runs/ports'

/** What is told of reads as they happen. */
export interface Watcher {
  acted(effect: string): void
  /** From now on nothing is read; called once for each read that is held. */
  held(): void
}

/** Wraps `fs.read`. @param holdAt - the first read, from 1, that is held; 0 for none */
export function watchedRead(holdAt: number, watcher: Watcher): EffectHandler {
  const real = fileSystemEffects().find(({ action }) => action === 'fs.read')
  invariant(real !== undefined, 'the file effects have fs.read')
  let reads = 0
  return {
    ...real,
    async perform(call) {
      if (!call.effect.startsWith('read')) return real.perform(call)
      reads += 1
      watcher.acted(call.effect)
      if (holdAt > 0 && reads >= holdAt) {
        watcher.held()
        // Never: whoever asked for this kills the process.
        await new Promise<never>(() => undefined)
      }
      return real.perform(call)
    },
  }
}
