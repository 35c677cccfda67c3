/** The group commit over one log in PostgreSQL. */
import type { Appended, PreparedUnit } from '@ice/events'
import { CommitQueue } from '@ice/events/adapter'
import { systemClock } from '@ice/primitives'
import { failure } from './failure.ts'
import { streamsOf } from './ledger.ts'
import { PAUSE_MAX_MS, PAUSE_MIN_MS } from './limits.ts'
import type { Writer } from './writer.ts'

/** What a queue tells the store. */
export interface QueueEvents {
  /** This process has made the log grow. */
  readonly grown: () => void
  /** The handle must not be used again. */
  readonly lost: (cause: unknown) => void
}

/** Settings of a queue. */
export interface QueueOptions {
  /** As messages name it. */
  readonly log: string
  /** @units ms */
  readonly lockWaitMs: number
}

/** Units on their way into one log. */
export interface Queue {
  readonly size: number
  /** @throws {TypeError} for what is no unit */
  add(unit: PreparedUnit): Promise<Appended>
  idle(): Promise<void>
}

/** Opens the queue of one log. */
export function openQueue(
  writer: Pick<Writer, 'write'>,
  events: QueueEvents,
  { log, lockWaitMs }: QueueOptions,
): Queue {
  const queue = new CommitQueue<readonly string[]>({
    ...events,
    write: (group) => writer.write(group),
    failure: (error, fate) => failure(error, { doing: 'append to', log, fate }),
    clock: systemClock,
    log,
    data: { log },
    waitMs: lockWaitMs,
    pauseMs: { min: PAUSE_MIN_MS, max: PAUSE_MAX_MS },
  })
  return {
    get size() {
      return queue.size
    },
    add: (unit) => queue.add(unit, streamsOf(unit)),
    idle: () => queue.idle(),
  }
}
