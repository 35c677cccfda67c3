/**
 * A schedule, folded from its stream.
 *
 * `dealt` is the mark: its time and all before it are dealt with. So of a row of times that are
 * passed over together, after an outage or a pause, the last is recorded and stands for all.
 */

import type { StandardPayloads } from '@ice/events/define'
import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import type { PrincipalId, RunId, StreamId, StreamVersion, Timestamp } from '@ice/primitives'
import type { ScheduleStart, ScheduleView } from './ports.ts'

/** A schedule as its stream tells it; what its times are is worked out from it. */
export interface ScheduleFold extends Omit<ScheduleView, 'next'> {
  readonly input: ValueRef
  readonly dealt: Timestamp
  /** The run that was started last. */
  readonly run: RunId | null
}

/** The stream of a schedule. */
export function scheduleStream(id: string): StreamId {
  return `schedule/${id}` as StreamId
}

/** The next state; the same, of an event that is folded in already. */
export function evolveSchedule(
  fold: ScheduleFold | undefined,
  event: RecordedEvent,
): ScheduleFold | undefined {
  if (fold === undefined) return event.type === 'ScheduleCreated' ? created(event) : undefined
  if (event.version <= fold.version) return fold
  const next = { ...fold, version: event.version as StreamVersion }
  if (event.type === 'ScheduleFired') return fired(next, event)
  const { reason = null } = event.data as { readonly reason?: string }
  if (event.type === 'SchedulePaused') return { ...next, state: 'paused', reason }
  if (event.type === 'ScheduleResumed') return { ...next, state: 'active', reason: null }
  if (event.type === 'ScheduleDeleted') return { ...next, state: 'deleted', reason }
  return next
}

function created(event: RecordedEvent): ScheduleFold {
  const data = event.data as StandardPayloads['ScheduleCreated']
  const { schedule: id, cron, zone, program, overlap, catchUpMs } = data
  return {
    ...{ id, cron, zone, program, overlap, catchUpMs },
    version: event.version as StreamVersion,
    input: data.input as ValueRef,
    start: data.start as ScheduleStart,
    principal: (event.principal ?? null) as PrincipalId | null,
    createdAt: event.time,
    state: 'active',
    reason: null,
    last: null,
    dealt: event.time,
    run: null,
  }
}

function fired(fold: ScheduleFold, event: RecordedEvent): ScheduleFold {
  const { due, run, skipped } = event.data as StandardPayloads['ScheduleFired']
  const last = {
    due: due as Timestamp,
    run: (run ?? null) as RunId | null,
    skipped: skipped ?? null,
  }
  const dealt = Math.max(fold.dealt, due) as Timestamp
  return { ...fold, last, dealt, run: last.run ?? fold.run }
}
