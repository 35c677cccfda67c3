/**
 * What a runtime needs beside its runs in order to drive those of a whole log: the index, turns and
 * supervisors. Nothing of it is opened before it is asked for.
 */

import type { EventLog } from '@ice/events/ports'
import type { Clock, PrincipalId } from '@ice/primitives'
import {
  type CommitTimes,
  createRunIndex,
  createSupervisor,
  memoryRunRows,
  memoryTurns,
  type RunsService,
  type Schedules,
  type Supervisor,
  type SupervisorInit,
} from '@ice/runs'
import type { Ownership, Program, RunIndex, RunRows, Turns } from '@ice/runs/ports'
import type { RuntimeOptions, SuperviseOptions } from './ports.ts'

/** What it is made of. */
export interface WorkInit {
  readonly options: Pick<RuntimeOptions, 'rows' | 'turns'>
  /** Path of the SQLite log; `null` where there is none. */
  readonly path: string | null
  readonly log: EventLog
  readonly runs: RunsService
  readonly schedules: Schedules
  readonly ownership: Ownership
  readonly clock: Clock
  readonly programs: readonly Program[]
  readonly principal: PrincipalId
  /** How long the commits of this process take. */
  readonly commits: () => CommitTimes
}

/** The index and the supervisors of one runtime. */
export interface Work {
  index(): Promise<RunIndex>
  supervise(options?: SuperviseOptions): Promise<Supervisor>
  close(): Promise<void>
}

/** Creates it; nothing is opened yet. */
export function createWork(init: WorkInit): Work {
  const { options, log, clock, principal } = init
  let opened: Promise<RunIndex> | null = null
  const supervisors: Supervisor[] = []
  const turns: Turns = options.turns ?? memoryTurns({ clock })
  const index = (): Promise<RunIndex> => {
    opened ??= rowsOf(init).then((rows) => createRunIndex({ log, rows }))
    return opened
  }
  return {
    index,
    async supervise(more = {}) {
      const { programs, runs, schedules, ownership, commits } = init
      const parts: SupervisorInit = {
        ...more,
        ...{
          runs,
          schedules,
          log,
          index: await index(),
          turns,
          ownership,
          clock,
          programs,
          principal,
          commits,
        },
      }
      const supervisor = createSupervisor(parts)
      supervisors.push(supervisor)
      return supervisor
    },
    async close() {
      await Promise.all(supervisors.map((supervisor) => supervisor.drain({ withinMs: 0 })))
      // What was handed in is its owner's to close.
      if (opened !== null && options.rows === undefined) await (await opened).close()
    },
  }
}

async function rowsOf({ options, path }: WorkInit): Promise<RunRows> {
  if (options.rows !== undefined) return options.rows
  if (path === null) return memoryRunRows()
  const { openSqliteRunRows } = await import('@ice/events-sqlite')
  return openSqliteRunRows({ path: `${path}.index` })
}
