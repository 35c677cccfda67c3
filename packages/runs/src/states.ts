/**
 * The states of runs, and where they stand for whoever drives them, as lists.
 *
 * Stores of an index number them by their places here: the order never changes, and what is new
 * comes last.
 */

import type { Standing } from './index-ports.ts'
import type { RunState } from './ports.ts'

/** Every state of a run. */
export const RUN_STATES: readonly RunState[] = [
  'CREATED',
  'PROVISIONED',
  'CONTEXT_READY',
  'EXECUTING',
  'VALIDATING',
  'COMMITTED',
  'ABORTED',
  'TERMINATED_BY_RUNTIME',
  'TERMINATED',
]

/** Every standing of a run. */
export const RUN_STANDINGS: readonly Standing[] = [
  'ready',
  'asleep',
  'held',
  'quarantined',
  'ended',
]
