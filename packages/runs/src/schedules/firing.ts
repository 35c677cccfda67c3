/**
 * Deals with the times of schedules that have come, each exactly once, by however many processes.
 *
 *     append, all of it or nothing:
 *       schedule/<id>   ScheduleFired { due, run }   at the version that was read
 *       run/<run>       RunCreated { schedule }
 *       key/…           RunRequested                 of the key schedule/<id>/<due>
 *
 * 1. The version decides: of two that read the same, one appends, and the other reads again.
 * 2. The key is a second lock, and tells whoever looks at a run which time it is of. Somebody else
 *    may have started a run under it: that run is then the one of this time.
 * 3. A schedule that cannot be fired is told of and left for a while; it stops no other.
 */

import { hasCode, type RunId, type StreamVersion, type Timestamp } from '@ice/primitives'
import { RUNS_CODES, type RunsError } from '../errors.ts'
import { DEFAULT_QUEUE } from '../index/row.ts'
import { SCHEDULE_FIRES_AT_ONCE, SCHEDULE_LOOK_MS, SCHEDULE_RETRY_MS } from '../limits.ts'
import type { ScheduledStart } from '../start.ts'
import { openValue } from '../value.ts'
import type { Board, Entry } from './board.ts'
import { decide } from './decide.ts'
import { type ScheduleFold, scheduleStream } from './fold.ts'
import type { FireOptions, SchedulesInit, Skipped } from './ports.ts'
import { startOf } from './spec.ts'

type Dealt = { readonly run: RunId } | { readonly skipped: Skipped }

/** Fires the schedules of a board. */
export class Firing {
  readonly #init: SchedulesInit
  readonly #board: Board
  /** Schedules that could not be fired, and until when they are left, by the monotonic clock. */
  readonly #left = new Map<string, number>()

  constructor(init: SchedulesInit, board: Board) {
    this.#init = init
    this.#board = board
  }

  /** @returns when to come again; `null`: not before the log moves */
  async fire({ programs, onError }: FireOptions): Promise<Timestamp | null> {
    await this.#board.catchUp()
    const times: number[] = []
    for (const { fold } of this.#board.entries) {
      const { name, version } = fold.program
      if (!programs.some((known) => known.name === name && known.version === version)) continue
      const time = await this.#one(fold.id, onError)
      if (time !== null) times.push(time)
    }
    return times.length === 0 ? null : (Math.min(...times) as Timestamp)
  }

  async #one(id: string, onError: FireOptions['onError']): Promise<number | null> {
    const { clock } = this.#init
    const leftMs = (this.#left.get(id) ?? 0) - clock.monotonicMs()
    if (leftMs > 0) return clock.now() + leftMs
    this.#left.delete(id)
    try {
      return await this.#fireOne(id)
    } catch (error) {
      this.#left.set(id, clock.monotonicMs() + SCHEDULE_RETRY_MS)
      onError?.(error)
      return clock.now() + SCHEDULE_RETRY_MS
    }
  }

  async #fireOne(id: string): Promise<number | null> {
    const { clock } = this.#init
    for (let n = 0; n < SCHEDULE_FIRES_AT_ONCE; n += 1) {
      const entry = this.#board.get(id)
      if (entry === undefined) return null
      if (entry.fault !== null) throw entry.fault
      const now = clock.now()
      const decision = await decide(entry, now, () => this.#isOver(entry.fold.run))
      if (decision.kind === 'nothing') return entry.next
      if (decision.kind === 'wait') return now + SCHEDULE_LOOK_MS
      if (decision.kind === 'start') await this.#start(entry, decision.due)
      else await this.#record(entry.fold, decision.due, { skipped: decision.skipped })
      await this.#board.catchUp()
    }
    return clock.now()
  }

  async #start({ fold }: Entry, due: Timestamp): Promise<void> {
    const { log, runs } = this.#init
    const start: ScheduledStart = {
      schedule: fold.id,
      program: fold.program,
      input: await openValue(fold.input, log.store.blobs),
      options: {
        queue: DEFAULT_QUEUE,
        ...startOf(fold.start),
        ...(fold.principal === null ? {} : { principal: fold.principal }),
        key: `${scheduleStream(fold.id)}/${due}`,
      },
      beside: (run) => [this.#write(fold, due, { run })],
    }
    try {
      await runs.startScheduled(start)
    } catch (error) {
      if (!isConflict(error)) throw error
      await this.#board.catchUp()
      // Another was quicker; or, where the schedule has not moved, somebody has taken the key.
      if (this.#board.get(fold.id)?.fold.version !== fold.version) return
      await this.#record(fold, due, { run: await this.#holder(start) })
    }
  }

  /** The run that the key of a start stands for, whatever its input. */
  async #holder({ beside: _, ...start }: ScheduledStart): Promise<RunId> {
    try {
      return await this.#init.runs.startScheduled(start)
    } catch (error) {
      if (!hasCode(error, RUNS_CODES.keyConflict)) throw error
      const { run } = (error as RunsError).data
      if (typeof run !== 'string') throw error
      return run as RunId
    }
  }

  async #record(fold: ScheduleFold, due: Timestamp, dealt: Dealt): Promise<void> {
    try {
      await this.#init.log.append({ writes: [this.#write(fold, due, dealt)] })
    } catch (error) {
      if (!isConflict(error)) throw error
    }
  }

  #write({ id, version }: ScheduleFold, due: Timestamp, dealt: Dealt) {
    const data = { schedule: id, due, ...dealt }
    const events = [{ type: 'ScheduleFired', data, principal: this.#init.principal }]
    return { stream: scheduleStream(id), expectedVersion: version as StreamVersion, events }
  }

  /** Whether a run, and all that went on for it, has ended. */
  async #isOver(first: RunId | null): Promise<boolean> {
    for (let run = first; run !== null; ) {
      const view = await this.#init.runs.view(run)
      if (view.state !== 'TERMINATED') return false
      run = view.continuedAs
    }
    return true
  }
}

function isConflict(error: unknown): boolean {
  return hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')
}
