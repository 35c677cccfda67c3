/** The schedules of a simulation: made at some time, and deleted once they have done enough. */
import type { StreamId, Timestamp } from '@ice/primitives'
import { timesOf } from '../schedules/times.ts'
import type { Errands } from './errands.ts'
import type { Observer } from './observer.ts'
import type { SimulatedSchedule } from './supervision-ports.ts'
import type { Worker } from './worker.ts'

/** Something that somebody can be asked for. */
export interface Offer {
  readonly what: string
  go(of: Worker): void
}

/** Keeps schedules. */
export class Timetable {
  readonly #schedules: readonly SimulatedSchedule[]
  readonly #observer: Observer
  readonly #errands: Errands

  constructor(schedules: readonly SimulatedSchedule[], observer: Observer, errands: Errands) {
    this.#schedules = schedules
    this.#observer = observer
    this.#errands = errands
  }

  /** Whether all were made, and are deleted. */
  get isOver(): boolean {
    return this.#schedules.every(({ spec }) => this.#told(spec.id, 'ScheduleDeleted') > 0)
  }

  /** When the next time of one comes that is there; `null`: none does. */
  nextAfter(now: Timestamp): Timestamp | null {
    const times = this.#schedules.flatMap(({ spec: { id, cron, zone = 'UTC' } }) => {
      const isThere =
        this.#told(id, 'ScheduleCreated') > 0 && this.#told(id, 'ScheduleDeleted') === 0
      return isThere ? (timesOf(cron, zone).after(now) ?? []) : []
    })
    return times.length === 0 ? null : (Math.min(...times) as Timestamp)
  }

  /** What can be done for them now. */
  offered(): readonly Offer[] {
    return this.#schedules.flatMap((schedule) => {
      const { id } = schedule.spec
      if (this.#told(id, 'ScheduleCreated') === 0) return this.#making(schedule)
      const isDue = this.#told(id, 'ScheduleFired') >= schedule.times
      return isDue ? this.#deleting(id) : []
    })
  }

  #making({ program, input, spec, grants = {} }: SimulatedSchedule): readonly Offer[] {
    const key = `make schedule ${spec.id}`
    if (!this.#errands.isFree(key)) return []
    const go = (by: Worker): void => {
      const ask = async (): Promise<void> => {
        const start = { ...spec.start, grants: await by.issue(grants) }
        await by.schedules?.add(program, input, { ...spec, start })
      }
      this.#errands.run({ key, by, ask, settledBy: 'ICE_RUNS_SCHEDULE_CONFLICT' })
    }
    return [{ what: `is asked to make the schedule ${spec.id}`, go }]
  }

  #deleting(id: string): readonly Offer[] {
    const key = `delete schedule ${id}`
    if (this.#told(id, 'ScheduleDeleted') > 0 || !this.#errands.isFree(key)) return []
    const go = (by: Worker): void => {
      const ask = async (): Promise<unknown> => by.schedules?.delete(id, { reason: 'enough' })
      this.#errands.run({ key, by, ask, settledBy: 'ICE_RUNS_SCHEDULE_CONFLICT' })
    }
    return [{ what: `is asked to delete the schedule ${id}`, go }]
  }

  #told(id: string, type: string): number {
    const stream = `schedule/${id}` as StreamId
    return this.#observer.events.filter((each) => each.stream === stream && each.type === type)
      .length
  }
}
