/** Parts of what a journal appends: the guards of intents, what they take, how large it all is. */

import type { BlobDraft, Guard, StreamWrite } from '@ice/events/ports'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Intent } from './facts.ts'
import { STAGED_MAX } from './limits.ts'
import { type Purse, put, take } from './purse.ts'

/** Takes out of a purse what an intent that waits will take. */
export function reserve(purse: Purse, { allotments, spends }: Intent): void {
  put(purse, allotments)
  take(purse, spends)
}

/** Each guarded stream once; what the unit itself writes is guarded by its expected version. */
export function uniqueGuards(intents: readonly Intent[], writes: readonly StreamWrite[]): Guard[] {
  const written = new Set<string>(writes.map(({ stream }) => stream))
  const guards = new Map<string, Guard>()
  for (const intent of intents) {
    for (const guard of intent.guards) {
      if (written.has(guard.stream)) continue
      // Of two decisions on different versions the older one must hold, or both are refused.
      const known = guards.get(guard.stream)
      if (known === undefined || guard.version < known.version) guards.set(guard.stream, guard)
    }
  }
  return [...guards.values()]
}

/** @units bytes of blobs that one append will carry */
export function bytesOf(blobs: readonly BlobDraft[]): number {
  return blobs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
}

/** Says that no append could hold the intents of all that was staged. */
export function tooMany(staged: number): RunsError {
  const message =
    'What was staged does not fit into the append of the commit: at most ' +
    `${STAGED_MAX} effects, under as many grants and budgets as one append guards and writes`
  return new RunsError(RUNS_CODES.stagedLimit, message, { staged, stagedMax: STAGED_MAX })
}
