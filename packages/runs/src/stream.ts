/** The stream of a run. */

import type { RunId, StreamId } from '@ice/primitives'

/** `run/<id>`: everything that happens to one run, in order. */
export function runStream(run: RunId): StreamId {
  return `run/${run}` as StreamId
}
