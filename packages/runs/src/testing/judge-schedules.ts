/**
 * Whether each time of a schedule was dealt with once, with at most one run.
 *
 * 1. What is dealt with is a time of the schedule, later than the one before, and no time lies
 *    between the two: but for a row that was too late, of which the last is recorded.
 * 2. Each run of a schedule is the run of one time, and was not started before it; each run that a
 *    time names is there.
 * 3. Where runs must not overlap, the one before had ended.
 */
import type { RecordedEvent } from '@ice/events/ports'
import type { Timestamp } from '@ice/primitives'
import { timesOf } from '../schedules/times.ts'
import type { SimulatedSchedule } from './supervision-ports.ts'

interface Told {
  readonly continuedAs?: string
  readonly due?: number
  readonly run?: string
  readonly schedule?: string
  readonly skipped?: string
}

/** @returns what is wrong with what schedules have started */
export function firedOnce(
  events: readonly RecordedEvent[],
  schedules: readonly SimulatedSchedule[],
): string | null {
  for (const { spec } of schedules) {
    const broken = dealtWith(events, spec)
    if (broken !== null) return broken
  }
  return null
}

function dealtWith(
  events: readonly RecordedEvent[],
  { id, cron, zone = 'UTC', overlap = 'skip' }: SimulatedSchedule['spec'],
): string | null {
  const times = timesOf(cron, zone)
  const runs = runsOf(events, id)
  let dealt: Timestamp | null = null
  let last: string | null = null
  for (const { stream, type, data, time, position } of events) {
    const { due = 0, run, skipped } = data as Told
    if (stream !== `schedule/${id}`) continue
    if (type === 'ScheduleCreated') dealt = time
    if (type !== 'ScheduleFired' || dealt === null) continue
    const next = times.after(dealt)
    const isTime = times.after((due - 1) as Timestamp) === due
    if (due <= dealt || !isTime) return `schedule ${id} deals with ${due}, which is no time of it`
    if (next !== due && skipped !== 'late') return `schedule ${id} has passed ${next} by`
    dealt = due as Timestamp
    if (run === undefined) continue
    if (!runs.has(run)) return `schedule ${id} names run ${run}, which is not there`
    const isOver = last === null || overlap === 'all' || hasEnded(events, last, position)
    if (!isOver) return `schedule ${id} has started ${run} before ${last} had ended`
    last = run
  }
  return startedOnce(events, id, runs)
}

/** When the runs of a schedule were created. */
function runsOf(events: readonly RecordedEvent[], id: string): ReadonlyMap<string, number> {
  const runs = new Map<string, number>()
  for (const { stream, type, data, time } of events) {
    const isOurs = type === 'RunCreated' && (data as Told).schedule === id
    if (isOurs) runs.set(stream.slice('run/'.length), time)
  }
  return runs
}

function startedOnce(
  events: readonly RecordedEvent[],
  id: string,
  runs: ReadonlyMap<string, number>,
): string | null {
  const due = new Map<string, number>()
  for (const { stream, type, data } of events) {
    const { due: at = 0, run } = data as Told
    if (stream !== `schedule/${id}` || type !== 'ScheduleFired' || run === undefined) continue
    if (due.has(run)) return `run ${run} is of two times of schedule ${id}`
    due.set(run, at)
  }
  for (const [run, time] of runs) {
    const at = due.get(run)
    if (at === undefined) return `run ${run} of schedule ${id} is of no time`
    if (time < at) return `run ${run} of schedule ${id} began at ${time}, before ${at}`
  }
  return null
}

/** Whether a run, and what went on for it, had ended before a position. */
function hasEnded(events: readonly RecordedEvent[], first: string, position: number): boolean {
  let run: string | undefined = first
  while (run !== undefined) {
    const own = events.filter((each) => each.stream === `run/${run}` && each.position < position)
    if (own.at(-1)?.type !== 'RunTerminated') return false
    run = own.map(({ data }) => (data as Told).continuedAs).find((next) => next !== undefined)
  }
  return true
}
