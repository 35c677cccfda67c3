/**
 * What a process of a simulation has beside its runs when supervisors pick what is driven: an index
 * over rows, turns, schedules, and the supervisor that goes by them.
 *
 * The supervisor looks whether there is something to do again and again. Its clock tells the
 * scheduler that these are only looks, so that a year in which nothing happens is not a billion of
 * them.
 */
import type { EventLog } from '@ice/events/ports'
import { type Clock, hasCode, type IceError, type RunId } from '@ice/primitives'
import { createRunIndex } from '../index/run-index.ts'
import type { RunRows, Turns } from '../index-ports.ts'
import type { Ownership, Program } from '../ports.ts'
import type { RunsService } from '../runs.ts'
import type { Schedules } from '../schedules/ports.ts'
import { createSchedules } from '../schedules/schedules.ts'
import type { Supervisor } from '../supervise/ports.ts'
import { createSupervisor } from '../supervise/supervisor.ts'
import { type DistantInit, distantRows, distantTurns } from './distant.ts'
import { told } from './errands.ts'
import { PRINCIPAL } from './ground.ts'
import type { SimulatedParts } from './simulation-ports.ts'
import type { SimulatedSupervision } from './supervision-ports.ts'

/** What all processes share, and what they tell of. */
export interface Supervision {
  readonly terms: SimulatedSupervision
  readonly rows: () => RunRows
  readonly turns: Turns
  /** A process drives a run. @returns what to do once it does not any more */
  readonly begin: (run: RunId) => () => void
  /** Something went wrong that no fault explains. */
  readonly broken: (why: string) => void
}

/** What the supervisor of one process is made of. */
export interface SupervisedInit extends Supervision {
  readonly distant: DistantInit
  readonly log: EventLog
  readonly runs: RunsService
  readonly ownership: Ownership
  readonly clock: Clock
  readonly programs: readonly Program[]
  readonly parts: SimulatedParts
}

/** What may go wrong in a look, or in a stretch, under faults: it is tried again. */
const PASSING = [
  'ICE_EVENTS_UNAVAILABLE',
  'ICE_SIMULATED_UNAVAILABLE',
  'ICE_RUNS_OWNERSHIP_CONFLICT',
  'ICE_RUNS_INDEX_CONFLICT',
] as const

/** The supervisor of one process, and its schedules. */
export function supervised(init: SupervisedInit): {
  readonly supervisor: Supervisor
  readonly schedules: Schedules
} {
  const { distant, log, runs, ownership, terms, parts } = init
  const { supervisor = createSupervisor, schedules: made = createSchedules } = parts
  const clock = lookingClock(init)
  const schedules = made({ log, clock, principal: PRINCIPAL, runs })
  const drive: RunsService['drive'] = async (run, options) => {
    const end = init.begin(run)
    try {
      return await runs.drive(run, options)
    } finally {
      end()
    }
  }
  return {
    schedules,
    supervisor: supervisor({
      ...terms,
      runs: { abort: runs.abort, drive, isDriven: runs.isDriven },
      log,
      index: createRunIndex({ log, rows: distantRows(init.rows, distant) }),
      turns: distantTurns(init.turns, distant),
      ownership,
      clock,
      programs: init.programs,
      schedules,
      principal: PRINCIPAL,
      onError: (error) => {
        if (!PASSING.some((code) => hasCode(error, code))) init.broken(coded(error))
      },
    }),
  }
}

function lookingClock({ clock, distant }: SupervisedInit): Clock {
  const { scheduler, of } = distant
  return {
    ...clock,
    sleep: (ms, { signal } = {}) =>
      ms === 0
        ? scheduler.post(of, 'looks around')
        : scheduler.sleep(of, ms, { signal, isLook: true }),
  }
}

function coded(error: unknown): string {
  const { code = '' } = error as Partial<IceError>
  return `${code} ${told(error)}`
}
