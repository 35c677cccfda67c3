/**
 * Which processes are alive, told by leases that the clock of the database runs down.
 *
 *     owner ── renews every quarter of the lease ──► until = clock of the database + lease
 *     others ─ status: until is over ──► the lease is removed, and can never be renewed again
 *
 * 1. One row for a process, however many runs it owns; none for a run.
 * 2. Death is decided in the row of the lease, by whoever removes it: a renewal that is under way
 *    comes before it or finds nothing. So an owner that was found dead stays dead.
 * 3. An owner is sure of itself for a part of the lease, from the moment at which it *asked* for
 *    it, on both of its clocks. The part left is for clocks that run unequally fast.
 *
 * The trap this closes: a process that was stopped (SIGSTOP, a paused machine, a long collection)
 * goes on as if no time had passed. Its appends conflict, because others have claimed its runs;
 * but an act makes no append. `isSure` compares clocks before each, and asks nobody.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { EVENTS_CODES, EventsError } from '@ice/events'
import { type OwnerId, ownerId } from '@ice/primitives'
import type { Ownership } from '@ice/runs/ports'
import { EVENTS_POSTGRES_CODES, EventsPostgresError } from './errors.ts'
import { LEASE_MS, LEASE_MS_MAX, LEASE_MS_MIN, PAUSE_MAX_MS } from './limits.ts'
import type { Session } from './session.ts'
import { type PostgresWorkOptions, WorkPlace } from './work-place.ts'

/** How a process owns runs. */
export interface PostgresOwnershipOptions extends PostgresWorkOptions {
  /**
   * How long others wait before they take over the runs of a process that says nothing.
   * @units ms, from 1,000 to 600,000 @defaultValue 15,000
   */
  readonly leaseMs?: number
}

/** Ownership by a lease. */
export interface PostgresOwnership extends Ownership {
  /** Fires when the lease has ended under this process: it is dead to all, and has to end. */
  readonly lapsed: AbortSignal
}

/** The part of a lease for which its holder is sure, and the part after which it renews. */
const SURE = 0.8
const RENEW = 0.25

/**
 * Takes a lease for this process, under a name of its own, and renews it until `close`.
 *
 * @throws `ICE_EVENTS_POSTGRES_OPTION_UNSUPPORTED`, `ICE_EVENTS_UNAVAILABLE`
 */
export async function openPostgresOwnership(
  options: PostgresOwnershipOptions,
): Promise<PostgresOwnership> {
  const { leaseMs = LEASE_MS, ...rest } = options
  if (!Number.isSafeInteger(leaseMs) || leaseMs < LEASE_MS_MIN || leaseMs > LEASE_MS_MAX) {
    throw new EventsPostgresError(
      EVENTS_POSTGRES_CODES.option,
      `"leaseMs" is a whole number from ${LEASE_MS_MIN} to ${LEASE_MS_MAX}.`,
      { option: 'leaseMs' },
    )
  }
  const place = await WorkPlace.open({ ...rest })
  const lease = new Lease(place, leaseMs)
  try {
    await lease.take()
  } catch (error) {
    await place.close()
    throw error
  }
  return {
    self: lease.self,
    lapsed: lease.lapsed,
    isSure: () => lease.isSure(),
    status: async (owner) => (owner === lease.self ? lease.own() : statusOf(place, owner)),
    async close() {
      await lease.end()
      await place.close()
    },
  }
}

async function statusOf(place: WorkPlace, owner: OwnerId): Promise<'alive' | 'dead'> {
  // A name with a NUL is nobody's: the server would refuse it.
  if (owner.includes('\0')) return 'dead'
  const alive = `SELECT 1 FROM ${place.s}.owners WHERE owner = $1 AND until > clock_timestamp()`
  if ((await place.run('read', alive, [owner])).length > 0) return 'alive'
  const over = `DELETE FROM ${place.s}.owners WHERE owner = $1 AND until <= clock_timestamp()`
  await place.run('write', over, [owner])
  return (await place.run('read', alive, [owner])).length > 0 ? 'alive' : 'dead'
}

/** The lease of this process. */
class Lease {
  readonly self: OwnerId = ownerId(randomUUID())
  readonly #place: WorkPlace
  readonly #leaseMs: number
  readonly #lapsed = new AbortController()
  readonly #ending = new AbortController()
  /** When the last renewal that took was asked for, by both clocks. */
  #asked = { monotonic: Number.NEGATIVE_INFINITY, wall: 0 }
  #session: Session | undefined
  #renewing: Promise<void> = Promise.resolve()

  constructor(place: WorkPlace, leaseMs: number) {
    this.#place = place
    this.#leaseMs = leaseMs
  }

  get lapsed(): AbortSignal {
    return this.#lapsed.signal
  }

  isSure(): boolean {
    if (this.#ending.signal.aborted || this.#lapsed.signal.aborted) return false
    const sureMs = this.#leaseMs * SURE
    // The one stands still while a machine sleeps, the other is set by hand: both have to say so.
    const passed = performance.now() - this.#asked.monotonic
    return passed < sureMs && Math.abs(Date.now() - this.#asked.wall) < sureMs
  }

  async own(): Promise<'alive' | 'dead'> {
    if (this.#ending.signal.aborted) {
      throw new EventsError(EVENTS_CODES.notOpen, 'The ownership is closed')
    }
    return this.#lapsed.signal.aborted ? 'dead' : 'alive'
  }

  async take(): Promise<void> {
    const { s } = this.#place
    await this.#place.run(
      'write',
      `DELETE FROM ${s}.owners WHERE until < clock_timestamp() - interval '1 day'`,
    )
    const asked = now()
    const text =
      `INSERT INTO ${s}.owners VALUES ($1, clock_timestamp() + $2 * interval '1 ms') ` +
      `ON CONFLICT (owner) DO UPDATE SET until = excluded.until`
    await this.#place.run('write', text, [this.self, this.#leaseMs])
    this.#asked = asked
    this.#renewing = this.#renew()
  }

  async #renew(): Promise<void> {
    const { signal } = this.#ending
    let waitMs = this.#leaseMs * RENEW
    while (!signal.aborted && !this.#lapsed.signal.aborted) {
      await pause(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      try {
        await this.#renewOnce()
        waitMs = this.#leaseMs * RENEW
      } catch {
        // The server is not to be reached. `isSure` runs down by itself; try until it is there.
        waitMs = PAUSE_MAX_MS
      }
    }
  }

  async #renewOnce(): Promise<void> {
    if (this.#session === undefined || this.#session.isLost) {
      this.#session = await this.#place.connect()
    }
    const asked = now()
    const text =
      `UPDATE ${this.#place.s}.owners SET until = clock_timestamp() + $2 * interval '1 ms' ` +
      'WHERE owner = $1 AND until > clock_timestamp() RETURNING 1'
    // A connection that says nothing is given up while there is still time to make another.
    const answerMs = this.#leaseMs * RENEW
    const renewed = await this.#session.run({ text }, [this.self, this.#leaseMs], answerMs)
    if (renewed.length > 0) this.#asked = asked
    else this.#lapsed.abort()
  }

  async end(): Promise<void> {
    if (this.#ending.signal.aborted) return
    this.#ending.abort()
    await this.#renewing
    await this.#session?.close()
    // Without a lease its runs are taken over at once, and not only when it would have ended.
    const text = `DELETE FROM ${this.#place.s}.owners WHERE owner = $1`
    await this.#place.run('write', text, [this.self]).catch(() => undefined)
  }
}

function now(): { readonly monotonic: number; readonly wall: number } {
  return { monotonic: performance.now(), wall: Date.now() }
}
