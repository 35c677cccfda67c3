/**
 * Schedules: made, listed, paused, resumed, deleted, fired.
 *
 * A schedule is a stream of its own, and its id is never used again: what was started under it
 * would otherwise seem to be another's. Commands are appended at the version that was read, and
 * tried again on what others wrote meanwhile.
 */

import type { AppendRequest, NewEvent } from '@ice/events/ports'
import { hasCode, type StreamId, type Timestamp } from '@ice/primitives'
import { RUNS_CODES, RunsError } from '../errors.ts'
import { sealInput } from '../input.ts'
import { PROSE_CHARACTERS_MAX, REFOLDS_MAX, SCHEDULES_MAX } from '../limits.ts'
import type { Program } from '../ports.ts'
import { checkGrants } from '../start.ts'
import { Board, type Entry, viewOfEntry } from './board.ts'
import { Firing } from './firing.ts'
import { scheduleStream } from './fold.ts'
import type {
  ScheduleCommand,
  ScheduleSpec,
  Schedules,
  SchedulesInit,
  ScheduleView,
} from './ports.ts'
import { checkSpec } from './spec.ts'
import { timesOf } from './times.ts'

/** The schedules of a log. Nothing is read before it is asked for. */
export function createSchedules(init: SchedulesInit): Schedules {
  const board = new Board(init.log)
  const firing = new Firing(init, board)
  const find = async (id: string): Promise<Entry> => {
    await board.catchUp()
    const entry = board.get(id)
    if (entry !== undefined) return entry
    throw new RunsError(RUNS_CODES.scheduleNotFound, 'No schedule has this id', { id: String(id) })
  }
  const command = async (id: string, { reason, principal }: ScheduleCommand, events: Events) => {
    checkReason(reason)
    for (let n = 0; n < REFOLDS_MAX; n += 1) {
      const entry = await find(id)
      const { fold } = entry
      if (fold.state === 'deleted') throw conflict(id, `The schedule ${id} is deleted`)
      const by = principal ?? init.principal
      const told = events(entry, reason).map((event) => ({ ...event, principal: by }))
      if (told.length === 0) return viewOfEntry(entry)
      const stream = scheduleStream(fold.id)
      try {
        await init.log.append({
          writes: [{ stream, expectedVersion: fold.version, events: told }],
        })
        return viewOfEntry(await find(id))
      } catch (error) {
        if (!hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) throw error
      }
    }
    throw conflict(id, `The schedule ${id} is changed by others all the time`)
  }
  return {
    async add(program, input, spec) {
      const request = await creation(init, board, { program, input, spec })
      try {
        await init.log.append(request)
      } catch (error) {
        if (!hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) throw error
        throw taken(spec.id)
      }
      return viewOfEntry(await find(spec.id))
    },
    async list({ deleted = false } = {}) {
      await board.catchUp()
      const views = board.entries.map(viewOfEntry)
      return views.filter(({ state }) => deleted || state !== 'deleted').sort(byId)
    },
    view: async (id) => viewOfEntry(await find(id)),
    pause: (id, told) => command(id, told, pausing),
    resume: (id, told) => command(id, told, (entry, why) => resuming(entry, why, init.clock.now())),
    delete: (id, told) =>
      command(id, told, ({ fold }, reason) => [
        { type: 'ScheduleDeleted', data: { schedule: fold.id, reason } },
      ]),
    fire: (options) => firing.fire(options),
  }
}

/** What a command has to say of a schedule; nothing, where it is so already. */
type Events = (entry: Entry, reason: string) => readonly NewEvent[]

const pausing: Events = ({ fold }, reason) =>
  fold.state === 'paused' ? [] : [{ type: 'SchedulePaused', data: { schedule: fold.id, reason } }]

/** The last time of the pause stands for all of it. */
function resuming({ fold, times }: Entry, reason: string, now: Timestamp): readonly NewEvent[] {
  if (fold.state !== 'paused') return []
  const schedule = fold.id
  const due = times.before((now + 1) as Timestamp)
  const passed = { type: 'ScheduleFired', data: { schedule, due, skipped: 'paused' } }
  const resumed = { type: 'ScheduleResumed', data: { schedule, reason } }
  return due !== null && due > fold.dealt ? [passed, resumed] : [resumed]
}

interface Creation {
  readonly program: Program
  readonly input: unknown
  readonly spec: ScheduleSpec
}

async function creation(
  init: SchedulesInit,
  board: Board,
  { program, input, spec }: Creation,
): Promise<AppendRequest> {
  const { id, zone, overlap, catchUpMs, start } = checkSpec(spec)
  if (timesOf(spec.cron, zone).after(init.clock.now()) === null) {
    const message = 'These fields of cron name a time that never comes'
    throw new RunsError(RUNS_CODES.scheduleInvalid, message, { what: 'cron' })
  }
  const grants = Object.entries(start.grants ?? {})
  checkGrants(program, grants)
  for (const [name, grant] of grants) await checkThere(init, name, grant)
  await board.catchUp()
  // Not left to the append: one that says the same in the same millisecond would be the same one.
  if (board.get(id) !== undefined) throw taken(id)
  const alive = board.entries.filter(({ fold }) => fold.state !== 'deleted')
  if (alive.length >= SCHEDULES_MAX) {
    const message = `A log has at most ${SCHEDULES_MAX} schedules that are not deleted`
    throw new RunsError(RUNS_CODES.scheduleLimit, message, { max: SCHEDULES_MAX })
  }
  const { labels } = start
  const { sealed } = sealInput(program, input, labels === undefined ? {} : { labels })
  const data = {
    ...{ schedule: id, cron: spec.cron, zone, overlap, catchUpMs, start: { ...start } },
    program: { name: program.name, version: program.version },
    input: sealed.ref,
  }
  const principal = spec.principal ?? init.principal
  const events = [{ type: 'ScheduleCreated', data, principal }]
  const stream = scheduleStream(id)
  return {
    writes: [{ stream, expectedVersion: 'no_stream', events }],
    ...(sealed.blob === null ? {} : { blobs: [sealed.blob] }),
  }
}

async function checkThere({ log }: SchedulesInit, name: string, grant: string): Promise<void> {
  for await (const [event] of log.read({ stream: `grant/${grant}` as StreamId, limit: 1 })) {
    if (event !== undefined) return
  }
  const message = `What stands for ${name} is the id of no grant of this log`
  throw new RunsError(RUNS_CODES.grantsInvalid, message, { names: [name] })
}

function checkReason(reason: unknown): void {
  const length = typeof reason === 'string' ? reason.length : 0
  if (length >= 1 && length <= PROSE_CHARACTERS_MAX) return
  const message = `A reason is a text of 1 to ${PROSE_CHARACTERS_MAX} characters`
  throw new RunsError(RUNS_CODES.reasonInvalid, message)
}

function taken(id: string): RunsError {
  return conflict(id, `The id ${id} is, or was, that of another schedule`)
}

function conflict(id: string, message: string): RunsError {
  return new RunsError(RUNS_CODES.scheduleConflict, message, { id })
}

function byId(a: ScheduleView, b: ScheduleView): number {
  return a.id < b.id ? -1 : 1
}
