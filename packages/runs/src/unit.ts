/** What of a run fits into one append: a unit has so many events, guards, streams and bytes. */

import type { BlobDraft, Guard, StreamWrite } from '@ice/events/ports'
import { UNIT_BLOB_BYTES_MAX, UNIT_EVENTS_MAX, UNIT_GUARDS_MAX, UNIT_NOTES_MAX } from './limits.ts'

interface Waiting {
  readonly blob: BlobDraft | null
  readonly guards: readonly Guard[]
  readonly beside?: readonly StreamWrite[]
}

/** What the append holds already. */
export interface Held {
  readonly facts: number
  readonly bytes: number
  /** Streams beside the run that its facts write to. */
  readonly written: ReadonlySet<string>
}

/** As many intents, in their order, as fit into an append; the others wait for the next. */
export function fitting<I extends Waiting>(
  intents: readonly I[],
  held: Held,
): { readonly taken: I[]; readonly left: I[] } {
  const guards = new Set<string>()
  const written = new Set(held.written)
  let { bytes } = held
  let count = 0
  for (const { blob, guards: own, beside = [] } of intents) {
    const more = own.filter(({ stream }) => !guards.has(stream)).length
    const fits =
      count + held.facts < UNIT_EVENTS_MAX &&
      guards.size + more <= UNIT_GUARDS_MAX &&
      bytes < UNIT_BLOB_BYTES_MAX &&
      written.size + beside.length <= UNIT_NOTES_MAX &&
      // What this append writes is not yet what the intent was decided on.
      ![...own, ...beside].some(({ stream }) => written.has(stream))
    if (!fits) break
    count += 1
    bytes += blob?.bytes.byteLength ?? 0
    for (const { stream } of own) guards.add(stream)
    for (const { stream } of beside) written.add(stream)
  }
  return { taken: intents.slice(0, count), left: intents.slice(count) }
}
