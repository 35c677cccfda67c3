/**
 * Runs whose owner is dead, and runs of this process that nobody drives: who started them has not
 * begun, or a command took them up here and failed.
 *
 * Owners are few, however many runs they hold: each is asked for, and of those that are dead a page
 * of runs after the other. A dead owner stays dead.
 *
 * A run whose owners die on it one after another may be what kills them: each takeover waits twice
 * as long, and after `CRASHES_MAX` without any progress in between it is left for a person.
 */

import type { EventLog } from '@ice/events/ports'
import type { Clock, OwnerId, RunId, StreamId } from '@ice/primitives'
import type { DrivenProgram, Outlook, RunIndex, RunRow, Turns } from '../index-ports.ts'
import {
  CRASHES_MAX,
  INDEX_PAGE_ROWS,
  OWN_GRACE_MS,
  OWNERS_INTERVAL_MS,
  SETBACK_MS_MIN,
} from '../limits.ts'
import type { Ownership } from '../ports.ts'

/** What it takes to find orphans. */
export interface OrphansInit {
  readonly index: Pick<RunIndex, 'find'>
  readonly log: Pick<EventLog, 'read'>
  readonly ownership: Ownership
  readonly turns: Turns
  readonly clock: Clock
  readonly programs: readonly DrivenProgram[]
  /** Where it can be told which runs of this process nobody drives. */
  readonly runs?: { isDriven?(run: RunId): boolean }
  /** Told once of a run that is left for a person. */
  readonly onPoison: (row: RunRow) => void
}

/** What does not count as progress between two takeovers. */
const NO_PROGRESS: ReadonlySet<string> = new Set([
  'RunClaimed',
  'RunResumed',
  'CapabilityUsed',
  'EffectInDoubt',
])

const DEAD_MAX = 1_024
const LEFT_MAX = 1_024

/** @units rows that a page of orphans has at least, however few are wanted. */
const PAGE_ROWS_MIN = 64

/** Finds orphans, a page at a time. */
export class Orphans {
  readonly #init: OrphansInit
  readonly #dead = new Map<OwnerId, RunId | null>()
  /** Runs that are left for a person, by the number of crashes at which they were. */
  readonly #left = new Map<RunId, number>()
  #asked = Number.NEGATIVE_INFINITY
  /** When all runs of this process were looked at. */
  #ownAt = Number.NEGATIVE_INFINITY

  constructor(init: OrphansInit) {
    this.#init = init
  }

  /** Runs that are left for a person. */
  get left(): readonly RunId[] {
    return [...this.#left.keys()]
  }

  /** When owners are asked for again. */
  next(now: number): number {
    const { clock } = this.#init
    return now + Math.max(this.#asked + OWNERS_INTERVAL_MS - clock.monotonicMs(), 1)
  }

  /** Up to so many orphans that may be taken over now, and are not taken here already. */
  async find(
    { owners }: Outlook,
    limit: number,
    isTaken: (run: RunId) => boolean,
  ): Promise<readonly RunRow[]> {
    const { ownership } = this.#init
    await this.#askForOwners(owners)
    const found: RunRow[] = []
    for (const owner of owners) {
      if (found.length >= limit) break
      if (owner === ownership.self) {
        found.push(...(await this.#own(isTaken)))
      } else if (this.#dead.has(owner)) {
        found.push(...(await this.#page(owner, limit - found.length, isTaken)))
      }
    }
    return found.slice(0, limit)
  }

  /** Runs that this process holds and nobody here drives, after a grace. */
  async #own(isTaken: (run: RunId) => boolean): Promise<readonly RunRow[]> {
    const { ownership, index, clock, runs } = this.#init
    const held = { owner: ownership.self, standings: ['held'], limit: INDEX_PAGE_ROWS } as const
    const isDriven = runs?.isDriven?.bind(runs)
    // Most of them are at work: all of them are looked at as seldom as the owners are.
    const isAll = isDriven !== undefined && clock.monotonicMs() - this.#ownAt >= OWNERS_INTERVAL_MS
    if (isAll) this.#ownAt = clock.monotonicMs()
    const rows = await index.find(isAll ? held : { ...held, states: ['CREATED'] })
    const since = clock.now() - OWN_GRACE_MS
    return rows.filter(
      (row) => row.since <= since && !isTaken(row.run) && isDriven?.(row.run) !== true,
    )
  }

  async #askForOwners(holders: readonly OwnerId[]): Promise<void> {
    const { ownership, turns, clock } = this.#init
    if (clock.monotonicMs() - this.#asked < OWNERS_INTERVAL_MS) return
    for (const owner of new Set([...holders, ...(await turns.owners())])) {
      if (owner === ownership.self || this.#dead.has(owner)) continue
      if ((await ownership.status(owner)) === 'alive') continue
      await turns.drop(owner)
      this.#dead.set(owner, null)
    }
    // Those that hold nothing any more need not be remembered.
    const held = new Set(holders)
    for (const owner of this.#dead.keys()) {
      if (this.#dead.size <= DEAD_MAX) break
      if (!held.has(owner)) this.#dead.delete(owner)
    }
    this.#asked = clock.monotonicMs()
  }

  /** The next page of the runs of a dead owner; behind the last it begins anew. */
  async #page(
    owner: OwnerId,
    most: number,
    isTaken: (run: RunId) => boolean,
  ): Promise<readonly RunRow[]> {
    const after = this.#dead.get(owner) ?? null
    const programs = [...new Set(this.#init.programs.map(({ name }) => name))]
    // More than are wanted, for some may not be; yet not all, each time that one is wanted.
    const limit = Math.min(2 * most + PAGE_ROWS_MIN, INDEX_PAGE_ROWS)
    const query = { owner, standings: ['held'], programs, limit } as const
    const page = await this.#init.index.find(after === null ? query : { ...query, after })
    const taken: RunRow[] = []
    let last: RunId | null = null
    for (const row of page) {
      if (taken.length >= most) break
      last = row.run
      if (!isTaken(row.run) && (await this.#mayBeTaken(row))) taken.push(row)
    }
    const isEnd = page.length < limit && last === (page.at(-1)?.run ?? null)
    this.#dead.set(owner, isEnd ? null : last)
    return taken
  }

  async #mayBeTaken(row: RunRow): Promise<boolean> {
    const { run, crashes, since } = row
    if (crashes === 0) return true
    if (this.#left.get(run) === crashes) return false
    const pauseMs = SETBACK_MS_MIN * 2 ** Math.min(crashes - 1, CRASHES_MAX)
    if (since + pauseMs > this.#init.clock.now()) return false
    if (crashes < CRASHES_MAX || (await this.#takeoversInARow(row)) < CRASHES_MAX) {
      this.#left.delete(run)
      return true
    }
    this.#left.set(run, crashes)
    for (const oldest of this.#left.keys()) {
      if (this.#left.size <= LEFT_MAX) break
      this.#left.delete(oldest)
    }
    this.#init.onPoison(row)
    return false
  }

  /** Takeovers since anything was settled. */
  async #takeoversInARow({ run, crashedAt }: RunRow): Promise<number> {
    const stream = `run/${run}` as StreamId
    let takeovers = 0
    for await (const batch of this.#init.log.read({ stream, after: crashedAt - 1 })) {
      for (const { type } of batch) {
        if (type === 'RunClaimed') takeovers += 1
        else if (!NO_PROGRESS.has(type)) takeovers = 0
      }
    }
    return takeovers
  }
}
