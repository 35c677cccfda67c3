/** What a supervisor is told, and what it tells: types only. */

import type { EventLog } from '@ice/events/ports'
import type { Clock, PrincipalId, RunId, Timestamp } from '@ice/primitives'
import type { DrivenProgram, RunIndex, Turns } from '../index-ports.ts'
import type { Ownership, Program, Stretch } from '../ports.ts'
import type { RunsService } from '../runs.ts'
import type { Schedules } from '../schedules/ports.ts'

/** How the runs of one queue get their turns. */
export interface QueueTerms {
  /** Its part of what is driven, beside the others that have something. @defaultValue 1 */
  readonly weight?: number
  /** At most so many of its runs at once, over all workers. @defaultValue no bound */
  readonly concurrency?: number
  /** At most so many runs with one concurrency key at once, over all workers. @defaultValue 1 */
  readonly keyConcurrency?: number
  /** At most so many starts in any window of so long, over all workers. @defaultValue no bound */
  readonly rate?: { readonly count: number; readonly perMs: number }
}

/** A program in a version, and the versions whose runs it drives on. */
export type SupervisedProgram = DrivenProgram & Pick<Program, 'takesOver'>

/** What a supervisor is made of. None of it is closed with it. */
export interface SupervisorInit {
  readonly runs: Pick<RunsService, 'abort' | 'drive' | 'isDriven'>
  readonly log: Pick<EventLog, 'append' | 'read' | 'store'>
  readonly index: RunIndex
  readonly turns: Turns
  readonly ownership: Ownership
  readonly clock: Clock
  /** What is started here, and driven, and what it takes over; others are left to other workers. */
  readonly programs: readonly SupervisedProgram[]
  /** Whose times it deals with. @defaultValue none: nothing is started by schedules here */
  readonly schedules?: Pick<Schedules, 'fire'>
  /** Runs at once, from 1 to 500. @defaultValue 32 */
  readonly concurrency?: number
  /** By name; a queue that is not told has the defaults. */
  readonly queues?: Readonly<Record<string, QueueTerms>>
  /** The queues it serves. @defaultValue all */
  readonly only?: readonly string[]
  /** On whose command runs are aborted that are past their deadline. */
  readonly principal?: PrincipalId
  /** Told what a stretch came to; also of a run that it sets aside because owners die on it. */
  readonly onStretch?: (run: RunId, stretch: Stretch) => void
  /** Told what went wrong: of a run, or, with `null`, of a look. It goes on, after a pause. */
  readonly onError?: (error: unknown, run: RunId | null) => void
  /** Who is told of metrics, and of which of them when they pass a threshold. */
  readonly metrics?: MetricsTerms
  /** How long the commits of this process take. @defaultValue not known */
  readonly commits?: () => CommitTimes
}

/** Who is told of metrics. Without a hook nothing is read. A hook that throws ends in `onError`. */
export interface MetricsTerms {
  /** From 1 to 3,600,000. @units milliseconds @defaultValue 10,000 */
  readonly everyMs?: number
  readonly onMetrics?: (metrics: WorkMetrics) => void
  /** An alert is raised while a value is greater. */
  readonly thresholds?: Readonly<Partial<Record<MetricName, number>>>
  /** Told when an alert is raised, and once more when its value is back. */
  readonly onAlert?: (alert: Alert) => void
}

/** A value that a threshold may be set for. */
export type MetricName =
  | 'commitP99Ms'
  | Exclude<
      keyof WorkMetrics,
      'at' | 'commits' | 'driven' | 'failed' | 'queues' | 'state' | 'takes'
    >

/** A value that has passed its threshold, or is back. */
export interface Alert {
  readonly name: MetricName
  readonly value: number
  readonly threshold: number
  readonly raised: boolean
  readonly at: Timestamp
}

/** How long the latest 1,024 commits took, from the call to what is durable. */
export interface CommitTimes {
  /** Commits since the process began. */
  readonly count: number
  /** `null`: there was none yet. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
}

/** Runs of one queue that are not ended, over the whole log. */
export interface QueueMetrics {
  readonly queue: string
  readonly ready: number
  /** Suspended, and its time has come. */
  readonly due: number
  readonly suspended: number
  /** Driven by somebody, or orphaned. */
  readonly held: number
  readonly quarantined: number
  /** With an effect in doubt, however they stand. */
  readonly inDoubt: number
  /** How long the oldest ready run waits. @units milliseconds */
  readonly waitingMs: number
}

/** What a worker can be watched by. Counts are of the whole log, the rest of this process. */
export interface WorkMetrics extends Omit<QueueMetrics, 'queue'> {
  readonly at: Timestamp
  readonly state: SupervisorState
  /** As `ready` of the status: it takes runs. */
  readonly takes: boolean
  readonly quietMs: number
  /** Driven here now. */
  readonly running: number
  readonly setbacks: number
  /** Stretches driven here since it began, and those that failed. */
  readonly driven: number
  readonly failed: number
  /** Events of the log that the index has not taken in: the counts are as old as that. */
  readonly indexLag: number
  readonly commits: CommitTimes | null
  /** By name. */
  readonly queues: readonly QueueMetrics[]
}

/** What a supervisor is about: `lost` when its owner has been taken for dead. */
export type SupervisorState = 'running' | 'draining' | 'stopped' | 'lost'

/** What a supervisor says of itself. */
export interface SupervisorStatus {
  readonly state: SupervisorState
  /** It has caught up with the log at least once, and takes runs. */
  readonly ready: boolean
  /** How long ago its loop last came around. @units milliseconds */
  readonly quietMs: number
  readonly running: number
  /** Runs that could not be driven and are tried again later. */
  readonly setbacks: number
  readonly driven: number
  readonly failed: number
}

/** What a drain came to. */
export interface Drained {
  /** Stretches that came to their own end meanwhile. */
  readonly finished: number
  /** Stretches that were stopped: any process goes on with them. */
  readonly stopped: number
}

/** Takes ready runs and drives them. */
export interface Supervisor {
  status(): SupervisorStatus
  /**
   * What it can be watched by, read now or less than a second ago.
   * @throws what the index throws
   */
  metrics(): Promise<WorkMetrics>
  /**
   * Takes nothing more, waits for what it drives, stops what is left then, and ends.
   * @param options.withinMs - how long it waits @defaultValue 30,000
   */
  drain(options?: { readonly withinMs?: number }): Promise<Drained>
  /** Settles once it has ended: drained, or lost. */
  readonly ended: Promise<SupervisorState>
}
