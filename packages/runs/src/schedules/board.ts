/** All schedules of a log, as far as it has been read, each with its times. */

import type { EventLog } from '@ice/events/ports'
import type { Timestamp } from '@ice/primitives'
import { evolveSchedule, type ScheduleFold } from './fold.ts'
import type { ScheduleView } from './ports.ts'
import { type Times, timesOf } from './times.ts'

const FILTER = {
  streamPrefix: 'schedule/',
  types: [
    'ScheduleCreated',
    'ScheduleFired',
    'SchedulePaused',
    'ScheduleResumed',
    'ScheduleDeleted',
  ],
}

/** A schedule, and when its next time is. */
export interface Entry {
  readonly fold: ScheduleFold
  readonly times: Times
  /** The first time that is not dealt with; `null`: paused, deleted, or none comes. */
  readonly next: Timestamp | null
  /** Why its times cannot be told here: another machine may know more time zones. */
  readonly fault: unknown
}

/** Follows the log. Looks that overlap do no harm: an event is folded in once. */
export class Board {
  readonly #log: EventLog
  readonly #entries = new Map<string, Entry>()
  #position = 0

  constructor(log: EventLog) {
    this.#log = log
  }

  get entries(): readonly Entry[] {
    return [...this.#entries.values()]
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** Reads what is new. */
  async catchUp(): Promise<void> {
    const after = this.#position
    const { position } = await this.#log.store.head()
    if (position === after) return
    const moved = new Map<string, ScheduleFold>()
    for await (const batch of this.#log.readAll({ after, filter: FILTER })) {
      for (const event of batch) {
        const id = event.stream.slice('schedule/'.length)
        const fold = evolveSchedule(moved.get(id) ?? this.#entries.get(id)?.fold, event)
        if (fold !== undefined) moved.set(id, fold)
      }
    }
    for (const [id, fold] of moved) this.#set(id, fold)
    this.#position = Math.max(this.#position, position)
  }

  #set(id: string, fold: ScheduleFold): void {
    const known = this.#entries.get(id)
    if (known !== undefined && known.fold.version >= fold.version) return
    const { times, fault } = known ?? read(fold)
    const next = fold.state === 'active' ? times.after(fold.dealt) : null
    this.#entries.set(id, { fold, times, next, fault })
  }
}

const NEVER: Times = { after: () => null, before: () => null }

/** One schedule that cannot be read must not hide the others. */
function read({ cron, zone }: ScheduleFold): Pick<Entry, 'fault' | 'times'> {
  try {
    return { times: timesOf(cron, zone), fault: null }
  } catch (fault) {
    return { times: NEVER, fault }
  }
}

/** A schedule as others see it. */
export function viewOfEntry({ fold, next }: Entry): ScheduleView {
  const { input: _input, dealt: _dealt, run: _run, ...view } = fold
  return { ...view, next }
}
