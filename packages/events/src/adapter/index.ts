/**
 * The half of this package for whoever writes a store: what all stores do alike, so that none has
 * to be trusted with it, nor to write it again.
 */

export {
  blobCorrupt,
  blobNotFound,
  bringsBytes,
  gatherPortions,
  joinPortions,
  namedBlobs,
  portionsOf,
  verifiedPortions,
} from '../blob-bytes.ts'
export { EVENTS_CODES, type EventsCode, EventsError } from '../errors.ts'
export { filtersBytes, matchesBytes } from '../filter.ts'
export { createBell, follow, type Page, type WakeUp, type WakeUpBell } from '../follow.ts'
export {
  type HeadLedger,
  type Judgement,
  judge,
  retryAnswer,
  type SealedWrite,
  type StoredLookup,
} from '../judge.ts'
export {
  BLOB_BYTES_MAX,
  BLOB_GRACE_MS,
  BLOB_PORTION_BYTES,
  BLOB_READ_BYTES_MAX,
  READ_PAGE_EVENTS,
} from '../limits.ts'
export { isPrepared } from '../prepare.ts'
export {
  checkMove,
  checkProcessorKey,
  checkServing,
  checkSnapshot,
  checkSnapshotKey,
  closedError,
  judgeServing,
  moved,
  type ServingFacts,
  sameCheckpoint,
} from '../projections/checks.ts'
export {
  checkBlobs,
  checkQuery,
  checkSignal,
  checkStreamQuery,
  leafFinding,
  takeUnit,
} from '../store-checks.ts'
export { madeOf } from '../young.ts'
export { BoundedMap } from './bounded-map.ts'
export { CommitQueue, type CommitQueueOptions } from './commit-queue.ts'
export {
  damaged,
  type FailedWork,
  type FailureReason,
  type FailureReasons,
  reasonOf,
  unavailable,
} from './failure.ts'
export type {
  GroupDone,
  GroupFailed,
  GroupLost,
  GroupResult,
  GroupUnknown,
  QueuedUnit,
  Settlement,
  UnitFate,
  UnitOutcome,
} from './group.ts'
export {
  CHECK_PROGRESS_EVENTS,
  EVICT_EVENTS,
  GROUP_BYTES_MAX,
  GROUP_EVENTS_MAX,
  HEADS_MAX,
  LOCK_WAIT_MS,
  MOVED_RANGES_MAX,
  QUEUE_BLOB_BYTES_MAX,
  QUEUE_EVENT_BYTES_MAX,
  QUEUE_UNITS_MAX,
} from './limits.ts'
export {
  type CheckedColumns,
  type CheckedPlace,
  type CheckedRow,
  corruptFinding,
  LogCheck,
} from './log-check.ts'
export {
  evictionRefusal,
  type MovableRow,
  type MoveGround,
  type MovePlan,
  mustBeSealed,
  planMove,
  type Seam,
} from './move-plan.ts'
export {
  archived,
  livePage,
  occupiedRefusal,
  unmovedOfLog,
  unmovedOfStream,
} from './moved-pages.ts'
export {
  type LogPage,
  type LogRange,
  type PageReader,
  readLog,
  readStream,
  type StreamPage,
  type StreamRange,
} from './pages.ts'
