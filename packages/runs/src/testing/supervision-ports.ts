/** What a simulation is told of supervisors, breakers and schedules: types only. */

import type { Clock, JsonValue } from '@ice/primitives'
import type { RunRows, Turns } from '../index-ports.ts'
import type { GrantSpec, Program } from '../ports.ts'
import type { ScheduleSpec, Schedules, SchedulesInit } from '../schedules/ports.ts'
import type { Supervisor, SupervisorInit } from '../supervise/ports.ts'

/** How the supervisors of all processes pick what is driven. */
export type SimulatedSupervision = Pick<SupervisorInit, 'concurrency' | 'queues'>

/** A schedule to be made, and deleted once it has done enough. */
export interface SimulatedSchedule {
  readonly program: Program
  readonly input: JsonValue
  /** Its grants are those of `grants`. */
  readonly spec: ScheduleSpec
  /** Issued before it is made; its runs act on them. */
  readonly grants?: Readonly<Record<string, GrantSpec>>
  /** Times that it deals with before somebody deletes it. */
  readonly times: number
}

/** Parts of supervision to put in the place of the kit's own. */
export interface SupervisedParts {
  /** @defaultValue rows in memory; by the seed all processes share them, or each has its own */
  readonly rows?: () => RunRows
  /** @defaultValue turns in memory, which all processes share */
  readonly turns?: (clock: Clock) => Turns
  /** @defaultValue `createSupervisor` */
  readonly supervisor?: (init: SupervisorInit) => Supervisor
  /** @defaultValue `createSchedules` */
  readonly schedules?: (init: SchedulesInit) => Schedules
}
