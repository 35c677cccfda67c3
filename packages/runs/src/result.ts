/** The result of a run that is over. */

import type { BlobStore } from '@ice/events/ports'
import { invariant } from '@ice/primitives'
import type { RunFold } from './lifecycle.ts'
import type { RunResult } from './ports.ts'
import { openValue } from './value.ts'

/** Reads the result that the run's own events name. */
export async function resultOf(fold: RunFold, blobs: BlobStore): Promise<RunResult> {
  const conclusion = fold.view?.conclusion
  invariant(conclusion != null, 'only a concluded run has a result')
  if (conclusion !== 'committed') return { conclusion, reason: fold.view?.reason ?? '' }
  invariant(fold.result !== null, 'a committed run has a validated result')
  return { conclusion, value: await openValue(fold.result, blobs) }
}
