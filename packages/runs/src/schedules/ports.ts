/** Schedules as others see them: types only. */

import type { EventLog } from '@ice/events/ports'
import type { Clock, GrantId, PrincipalId, RunId, StreamVersion, Timestamp } from '@ice/primitives'
import type { DrivenProgram } from '../index-ports.ts'
import type { Program, Runs, StartOptions } from '../ports.ts'
import type { ScheduledStart } from '../start.ts'

/**
 * What becomes of a time while the run of an earlier one has not ended: it is passed over (`skip`),
 * waits for that end, at most `catchUpMs` (`queue`), or is given a run beside it (`all`).
 */
export type Overlap = 'skip' | 'queue' | 'all'

/** How each run of a schedule is started. Grants are ids: what they limit, all runs share. */
export interface ScheduleStart
  extends Pick<
    StartOptions,
    'agent' | 'concurrencyKey' | 'labels' | 'priority' | 'queue' | 'session' | 'standing' | 'tags'
  > {
  readonly grants?: Readonly<Record<string, GrantId>>
}

/** A schedule to be made. */
export interface ScheduleSpec {
  /** Letters, digits, `.`, `_` and `-`, from 1 to 128. Never used twice in a log. */
  readonly id: string
  /** Five fields of cron, or six, the first of them seconds. At most 256 characters. */
  readonly cron: string
  /** IANA name of the time zone that the fields are read in. @defaultValue `UTC` */
  readonly zone?: string
  /** @defaultValue `skip` */
  readonly overlap?: Overlap
  /**
   * How late a run may be started; older times are passed over.
   * @units milliseconds, 1,000 to 30 days @defaultValue one hour
   */
  readonly catchUpMs?: number
  /** Without a queue, the runs wait in the default one. */
  readonly start?: ScheduleStart
  /** On whose command the runs act. @defaultValue the composition's */
  readonly principal?: PrincipalId
}

/** Why a time was passed over. */
export type Skipped = 'overlap' | 'late' | 'paused'

/** A schedule as it stands. */
export interface ScheduleView {
  readonly id: string
  readonly version: StreamVersion
  readonly cron: string
  readonly zone: string
  readonly program: { readonly name: string; readonly version: string }
  readonly overlap: Overlap
  readonly catchUpMs: number
  readonly start: ScheduleStart
  readonly principal: PrincipalId | null
  readonly createdAt: Timestamp
  readonly state: 'active' | 'paused' | 'deleted'
  /** Why it is paused, or was deleted. */
  readonly reason: string | null
  /** What was dealt with last. */
  readonly last: {
    readonly due: Timestamp
    readonly run: RunId | null
    readonly skipped: Skipped | null
  } | null
  /** The next time not dealt with, also one that has come; `null`: paused, deleted, or none. */
  readonly next: Timestamp | null
}

/** What a command on a schedule says. */
export interface ScheduleCommand {
  /** Not empty; at most 2,048 characters. */
  readonly reason: string
  readonly principal?: PrincipalId
}

/** What firing is told. */
export interface FireOptions {
  /** Programs that are known here: schedules of others are left to other workers. */
  readonly programs: readonly DrivenProgram[]
  /** Told of a schedule that could not be fired; it is tried again after a pause. */
  readonly onError?: (error: unknown) => void
}

/** The schedules of a log. */
export interface Schedules {
  /**
   * Makes a schedule, by one append. Its first time is the first after that.
   *
   * @throws `ICE_RUNS_SCHEDULE_UNSUPPORTED` — a member that is none, a time that never comes;
   *   `ICE_RUNS_SCHEDULE_CONFLICT` — the id is, or was, another's; `ICE_RUNS_SCHEDULE_LIMIT`;
   *   `ICE_RUNS_INPUT_UNSUPPORTED`; `ICE_RUNS_GRANTS_UNSUPPORTED`
   */
  add(program: Program, input: unknown, spec: ScheduleSpec): Promise<ScheduleView>
  /** In the order of their ids; those that are deleted only when asked for. */
  list(options?: { readonly deleted?: boolean }): Promise<readonly ScheduleView[]>
  /** @throws `ICE_RUNS_SCHEDULE_NOT_FOUND` */
  view(id: string): Promise<ScheduleView>
  /**
   * Starts no runs until it is resumed. One that is paused stays as it is.
   * @throws `ICE_RUNS_SCHEDULE_NOT_FOUND`, `ICE_RUNS_REASON_UNSUPPORTED`,
   *   `ICE_RUNS_SCHEDULE_CONFLICT` — it is deleted, or others change it all the time
   */
  pause(id: string, command: ScheduleCommand): Promise<ScheduleView>
  /** Starts runs again, for times to come: those of the pause are passed over. Throws as `pause` */
  resume(id: string, command: ScheduleCommand): Promise<ScheduleView>
  /** Ends it for good; its runs go on. Throws as `pause` */
  delete(id: string, command: ScheduleCommand): Promise<ScheduleView>
  /**
   * Deals with the times that have come: for a supervisor, and as often as one likes. Each is
   * dealt with once, by however many processes.
   * @returns when to come again; `null`: not before the log moves
   */
  fire(options: FireOptions): Promise<Timestamp | null>
}

/** What schedules are made of. */
export interface SchedulesInit {
  readonly log: EventLog
  readonly clock: Clock
  readonly principal: PrincipalId
  readonly runs: Pick<Runs, 'view'> & {
    startScheduled(start: ScheduledStart): Promise<RunId>
  }
}
