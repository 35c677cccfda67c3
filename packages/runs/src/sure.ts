/** Nobody acts who may be taken for dead: another may have claimed the run, and act instead. */

import type { RunId } from '@ice/primitives'
import type { Components } from './components.ts'
import { RUNS_CODES, RunsError } from './errors.ts'

/** @throws `ICE_RUNS_OWNERSHIP_CONFLICT` */
export function mustBeSure({ ownership }: Pick<Components, 'ownership'>, run: RunId): void {
  if (ownership.isSure()) return
  const message =
    `This process cannot be sure that it still owns run ${run}: it was silent for longer than ` +
    'its lease. It does nothing more; whoever takes the run up goes on from its record'
  throw new RunsError(RUNS_CODES.ownershipLost, message, { run })
}
