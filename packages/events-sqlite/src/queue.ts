/**
 * The group commit over one file: a transaction begins, takes units and ends within one turn.
 *
 * When the write lock is held by another process, all units wait, and none overtakes.
 */
import {
  CommitQueue,
  GROUP_BYTES_MAX,
  type GroupResult,
  type QueuedUnit,
  type UnitOutcome,
} from '@ice/events/adapter'
import { systemClock } from '@ice/primitives'
import { failure, isBusy } from './failure.ts'
import { LOCK_PAUSE_MAX_MS, LOCK_PAUSE_MIN_MS } from './limits.ts'
import { CommitLost, type Writer } from './writer.ts'

/** What a queue tells the store. */
export interface QueueEvents {
  /** The log has grown, by this process or another. */
  readonly grown: () => void
  /** The handle must not be used again. */
  readonly lost: (cause: unknown) => void
}

/** What a queue needs of a writer. */
export type GroupWriter = Pick<Writer, 'begin' | 'take' | 'commit' | 'rollback'>

/** Settings of a queue. */
export interface QueueOptions {
  readonly path: string
  /** @units ms */
  readonly lockWaitMs: number
}

/** Opens the queue of one file. */
export function openQueue(
  writer: GroupWriter,
  events: QueueEvents,
  { path, lockWaitMs }: QueueOptions,
): CommitQueue {
  return new CommitQueue({
    ...events,
    write: (group) => writeGroup(writer, group),
    failure: (error, fate) => failure(error, { doing: 'append to', path, fate }),
    clock: systemClock,
    log: path,
    data: { path },
    waitMs: lockWaitMs,
    pauseMs: { min: LOCK_PAUSE_MIN_MS, max: LOCK_PAUSE_MAX_MS },
  })
}

function writeGroup(writer: GroupWriter, group: readonly QueuedUnit[]): GroupResult {
  let grown: boolean
  try {
    grown = writer.begin()
  } catch (error) {
    if (error instanceof CommitLost) return { kind: 'lost', error: error.cause, fate: 'none' }
    return { kind: 'failed', error, mayRetry: isBusy(error) }
  }
  const outcomes: UnitOutcome[] = []
  let bytes = 0
  let concerned = 0
  try {
    while (concerned < group.length && bytes < GROUP_BYTES_MAX) {
      const { unit } = group[concerned] as QueuedUnit
      concerned += 1
      const outcome = writer.take(unit)
      outcomes.push(outcome)
      if (!('appended' in outcome)) continue
      bytes += outcome.bytes
      grown ||= outcome.events > 0
    }
    writer.commit()
  } catch (error) {
    return undo(writer, error, concerned)
  }
  return { kind: 'done', outcomes, grown }
}

function undo(writer: GroupWriter, error: unknown, concerned: number): GroupResult {
  if (error instanceof CommitLost) {
    return { kind: 'lost', error: error.cause, fate: 'unknown', concerned }
  }
  try {
    writer.rollback()
  } catch (second) {
    const cause = second instanceof CommitLost ? second.cause : second
    return { kind: 'lost', error: cause, fate: 'none', concerned }
  }
  return { kind: 'failed', error, mayRetry: false, concerned }
}
