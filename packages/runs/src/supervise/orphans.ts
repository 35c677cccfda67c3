/**
 * Runs whose owner is dead, and runs of this process that nobody drives: who started them has not
 * begun, or a command took them up here and failed.
 *
 * Owners are few, however many runs they hold: each is asked for, and of those that are dead a page
 * of runs after the other. A dead owner stays dead.
 *
 * A run whose owners die on it one after another may be what kills them: each takeover waits twice
 * as long, and in the end it is quarantined (`crash-loop.ts`).
 */

import type { EventLog } from '@ice/events/ports'
import type { Clock, OwnerId, RunId } from '@ice/primitives'
import type { DrivenProgram, Outlook, RunIndex, RunRow, Turns } from '../index-ports.ts'
import {
  CRASHES_MAX,
  INDEX_PAGE_ROWS,
  OWN_GRACE_MS,
  OWNERS_INTERVAL_MS,
  SETBACK_MS_MIN,
} from '../limits.ts'
import type { Ownership, Quarantine } from '../ports.ts'
import type { RunsService } from '../runs.ts'
import { setAside, takeoversOf } from './crash-loop.ts'

/** What it takes to find orphans. */
export interface OrphansInit {
  readonly index: Pick<RunIndex, 'find'>
  readonly log: Pick<EventLog, 'append' | 'read'>
  readonly ownership: Ownership
  readonly turns: Turns
  readonly clock: Clock
  readonly programs: readonly DrivenProgram[]
  readonly runs: Pick<RunsService, 'isDriven'>
  /** Told of a run that was set aside, because its owners die on it. */
  readonly onQuarantine: (run: RunId, quarantine: Quarantine) => void
}

const DEAD_MAX = 1_024

/** @units rows that a page of orphans has at least, however few are wanted. */
const PAGE_ROWS_MIN = 64

/** Finds orphans, a page at a time. */
export class Orphans {
  readonly #init: OrphansInit
  readonly #dead = new Map<OwnerId, RunId | null>()
  #asked = Number.NEGATIVE_INFINITY

  constructor(init: OrphansInit) {
    this.#init = init
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
    const isTime = await this.#askForOwners(owners)
    const found: RunRow[] = []
    for (const owner of owners) {
      if (found.length >= limit) break
      if (owner === ownership.self) {
        // Most of them are at work here: they are not gone through at every look.
        if (isTime) found.push(...(await this.#own(isTaken)))
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
    const before = clock.now() - OWN_GRACE_MS
    const rows = await index.find(held)
    return rows.filter(({ run, since }) => since <= before && !isTaken(run) && !runs.isDriven(run))
  }

  /** @returns whether it was time to ask */
  async #askForOwners(holders: readonly OwnerId[]): Promise<boolean> {
    const { ownership, turns, clock } = this.#init
    if (clock.monotonicMs() - this.#asked < OWNERS_INTERVAL_MS) return false
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
    return true
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
    const { log, clock, onQuarantine } = this.#init
    const { run, crashes, since, owner } = row
    if (crashes === 0) return true
    const pauseMs = SETBACK_MS_MIN * 2 ** Math.min(crashes - 1, CRASHES_MAX)
    if (since + pauseMs > clock.now()) return false
    if (crashes < CRASHES_MAX) return true
    const takeovers = await takeoversOf(log, row)
    if (takeovers.count < CRASHES_MAX) return true
    // The index is behind: whoever took it over last may be alive.
    if (takeovers.owner !== owner) return false
    const quarantine = await setAside(log, row, takeovers)
    if (quarantine !== null) onQuarantine(run, quarantine)
    return false
  }
}
