/** Intents as they wait to be recorded, and what came of recording them. See `journal.ts`. */

import type { BudgetShare } from '@ice/capabilities/ports'
import type { StandardPayloads } from '@ice/events/define'
import type { BlobDraft, Guard, RecordedEvent, StreamWrite } from '@ice/events/ports'
import type { EventId, Timestamp } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { Drawn } from './hand.ts'
import { STAGED_MAX } from './limits.ts'

/** An authorised effect that waits to be recorded. */
export interface Intent {
  readonly data: StandardPayloads['CapabilityUsed']
  readonly causes: readonly EventId[]
  readonly blob: BlobDraft | null
  readonly guards: readonly Guard[]
  readonly spends: readonly BudgetShare[]
  readonly expiresAt: Timestamp | null
  /** What its append writes to streams that are neither the run's nor of budgets. */
  readonly beside?: readonly StreamWrite[]
}

/** What came of an append: the intents that are durable now, or those that were refused. */
export interface Flushed<I extends Intent> {
  readonly recorded: readonly { readonly intent: I; readonly event: RecordedEvent }[]
  readonly refused: readonly I[]
  /** The draw of slices that was recorded with it. */
  readonly drawn: Drawn | null
  /** Position of the first event of the append, or before; 0 where nothing was recorded. */
  readonly position: number
}

/** Says that no append could hold the intents of all that was staged. */
export function tooMany(staged: number): RunsError {
  const message =
    'What was staged does not fit into the append of the commit: at most ' +
    `${STAGED_MAX} effects, under as many grants as one append guards`
  return new RunsError(RUNS_CODES.stagedLimit, message, { staged, stagedMax: STAGED_MAX })
}
