/** Runs with a fixed lifecycle, and the durable programs they execute. */

export type { AskedStep, RecordedStep } from './asked-step.ts'
export {
  type CheckInit,
  checkHistories,
  checkHistory,
  type HistoryCheck,
  type HistoryDifference,
} from './checking.ts'
export type { RunsInit } from './components.ts'
export { EDGES } from './edges.ts'
export { RUNS_CODES, type RunsCode, RunsError } from './errors.ts'
export { forkRun } from './fork.ts'
export type {
  ChangedEvent,
  DiffEvent,
  Fork,
  ForkDecision,
  ForkDiff,
  ForkEnd,
  ForkInit,
  ReplacedAnswer,
  ReplacedOutcome,
  Replacements,
  Unanswered,
} from './fork-ports.ts'
export { memoryRunRows } from './index/memory-rows.ts'
export { DEFAULT_QUEUE } from './index/row.ts'
export { createRunIndex, type RunIndexInit } from './index/run-index.ts'
export { runOfKey } from './keys.ts'
export { type LabelledValue, labelledValues } from './labels.ts'
export { effectStream } from './late.ts'
export {
  type RunFold,
  runProjection,
  unanswered,
  viewOf,
} from './lifecycle.ts'
export { GRANTS_MAX, INLINE_VALUE_BYTES_MAX, STEP_ID_BYTES_MAX, VALUE_BYTES_MAX } from './limits.ts'
export { memoryOwnership } from './memory.ts'
export { isOutcome } from './outcome.ts'
export type * from './ports.ts'
export { defineProgram } from './program.ts'
export { withRights } from './question-rights.ts'
export { isReference } from './references.ts'
export { type Rejudged, type RejudgeInit, rejudge, type Verdict } from './rejudge.ts'
export { type RecordedStart, recordedStart } from './restart.ts'
export { doubtOpenEffects, type OpenInDoubt } from './restored.ts'
export { createRuns, type RunsService } from './runs.ts'
export type {
  FireOptions,
  Overlap,
  ScheduleCommand,
  ScheduleSpec,
  ScheduleStart,
  Schedules,
  SchedulesInit,
  ScheduleView,
  Skipped,
} from './schedules/ports.ts'
export { createSchedules } from './schedules/schedules.ts'
export type { ScheduledStart } from './start.ts'
export { RUN_STANDINGS, RUN_STATES } from './states.ts'
export { timedLog } from './supervise/metrics.ts'
export type {
  Alert,
  CommitTimes,
  Drained,
  MetricName,
  MetricsTerms,
  QueueMetrics,
  QueueTerms,
  Supervisor,
  SupervisorInit,
  SupervisorState,
  SupervisorStatus,
  WorkMetrics,
} from './supervise/ports.ts'
export { createSupervisor } from './supervise/supervisor.ts'
export { memoryTurns } from './supervise/turns.ts'
export { openValue, type SealedValue, sealValue } from './value.ts'
