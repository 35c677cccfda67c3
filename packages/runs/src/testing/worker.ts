/**
 * A process of a simulation: runs over a log that is far away, with a clock of its own that may be
 * wrong, and a lease that others go by.
 *
 * One that has died never goes on; another takes its place, under a name of its own. One that is
 * frozen does nothing until it comes back, and does not know that it was away: until it has renewed
 * its lease, others may take it for dead, and it is not sure of itself. One with a supervisor that
 * was away for too long is dead to all for good, and ends when it finds that out.
 */
import type { Grants } from '@ice/capabilities/ports'
import type { EventStore } from '@ice/events/ports'
import { type Clock, type GrantId, type OwnerId, type RunId, timestamp } from '@ice/primitives'
import { seededIds } from '@ice/primitives/testing'
import type { Breaker, GrantSpec, Ownership, Program, Runs } from '../ports.ts'
import { createRuns, type RunsService } from '../runs.ts'
import type { Schedules } from '../schedules/ports.ts'
import type { Choices } from './choices.ts'
import { createGround, type Ground, issueGrants, PRINCIPAL } from './ground.ts'
import { networked } from './network.ts'
import type { Observer } from './observer.ts'
import type { Scheduler } from './scheduler.ts'
import { scriptedHandlers } from './scripted.ts'
import type {
  Faults,
  ScriptedEffect,
  SimulatedParts,
  SimulationCounts,
} from './simulation-ports.ts'
import { type Supervision, supervised } from './supervised.ts'
import type { Seen, Witness } from './witness.ts'

/** When simulations begin: 2025-01-01T00:00:00Z. */
export const START_MS = 1_735_689_600_000

/** How wrong the clock of a process is. The calm choice is first. */
const SKEWS_MS = [0, 0, 40, -40, 5_000, -5_000] as const

/** What a process is made of. */
export interface WorkerInit {
  readonly name: string
  readonly seed: string
  readonly scheduler: Scheduler
  readonly choices: Choices
  readonly store: EventStore
  readonly observer: Observer
  readonly witness: Witness
  readonly effects: readonly ScriptedEffect[]
  readonly programs: readonly Program[]
  readonly breakers: readonly Breaker[]
  readonly parts: SimulatedParts
  /** How a supervisor picks what it drives; `null`: it has none. */
  readonly supervision: ((worker: Worker) => Supervision) | null
  readonly faults: () => Faults
  readonly counts: SimulationCounts
  /** What is known of the owners of runs. */
  readonly isGone: (owner: OwnerId) => boolean
  /** For how long others wait for a process that is silent. */
  readonly leaseMs: number
}

/** A process. */
export class Worker implements Seen {
  readonly name: string
  readonly runs: Runs
  readonly grants: Grants
  /** Runs it was told to drive, and is at. */
  readonly driving: Set<RunId> = new Set()
  isDead = false
  /** When it comes back, and since when it is away; `null`: it is there. */
  #away: { readonly sinceMs: number; readonly untilMs: number } | null = null
  #isRenewing = false
  wasGone = false
  /** It has found out that it is dead to all, and has ended. */
  hasEnded = false
  readonly schedules: Schedules | null
  readonly #ground: Ground
  readonly #init: WorkerInit

  constructor(init: WorkerInit) {
    this.#init = init
    this.name = init.name
    const clock = this.#clock(SKEWS_MS[init.choices.pick(SKEWS_MS.length)] ?? 0)
    const ids = seededIds(`${init.seed}/${init.name}`, clock)
    const { kinds, runs = createRuns, ownership = (truth) => truth } = init.parts
    this.#ground = createGround({ store: this.#network(), clock, ids, kinds })
    const { log, authority, grants } = this.#ground
    this.grants = grants
    const own = ownership(this.#ownership())
    this.runs = runs({
      log,
      authority,
      delegate: this.grants.delegate,
      drivesChildren: init.supervision === null,
      ownership: own,
      clock,
      ids,
      effects: this.#handlers(clock),
      breakers: init.breakers,
      programs: init.programs,
      principal: PRINCIPAL,
    })
    this.schedules = init.supervision === null ? null : this.#supervised(clock, own)
  }

  /** Issues grants for a schedule. */
  issue(specs: Readonly<Record<string, GrantSpec>>): Promise<Readonly<Record<string, GrantId>>> {
    return issueGrants(this.#ground, specs)
  }

  get isFrozen(): boolean {
    return this.#away !== null
  }

  /** When it comes back; `null`: it is there, or dead. */
  get backAtMs(): number | null {
    return this.isDead ? null : (this.#away?.untilMs ?? null)
  }

  /** Whether others take it for dead now. */
  get isGone(): boolean {
    const { scheduler, leaseMs } = this.#init
    const isSilent = this.#away !== null && scheduler.elapsedMs - this.#away.sinceMs >= leaseMs
    if (isSilent || this.#isRenewing) this.wasGone = true
    return this.isDead || isSilent || this.#isRenewing
  }

  freeze(forMs: number): void {
    const sinceMs = this.#init.scheduler.elapsedMs
    this.#away = { sinceMs, untilMs: sinceMs + forMs }
  }

  thaw(): void {
    const { isGone } = this
    this.#away = null
    if (!isGone || this.#isRenewing || this.isDead) return
    this.#isRenewing = true
    if (this.#init.supervision !== null) return
    this.#init.scheduler.post(this, 'renew the lease').then(() => {
      this.#isRenewing = false
    })
  }

  #clock(skewMs: number): Clock {
    const { scheduler } = this.#init
    return {
      now: () => timestamp(START_MS + skewMs + Math.floor(scheduler.elapsedMs)),
      monotonicMs: () => scheduler.elapsedMs,
      sleep: (ms, { signal } = {}) => scheduler.sleep(this, ms, { signal }),
    }
  }

  #supervised(clock: Clock, ownership: Ownership): Schedules {
    const { supervision, scheduler, choices, faults, programs, parts, counts } = this.#init
    const lost = (): void => {
      counts.lost += 1
    }
    const { supervisor, schedules } = supervised({
      ...(supervision as NonNullable<typeof supervision>)(this),
      distant: { scheduler, choices, of: this, faults, lost },
      log: this.#ground.log,
      // Whoever puts a service of its own in the place of the kit's, and schedules, has all of it.
      runs: this.runs as RunsService,
      ...{ ownership, clock, programs, parts },
    })
    supervisor.ended.then(() => {
      this.hasEnded = true
    })
    return schedules
  }

  #ownership(): Ownership & { isSure(): boolean } {
    const { isGone } = this.#init
    return {
      self: this.name as OwnerId,
      status: async (owner) => (isGone(owner) ? 'dead' : 'alive'),
      isSure: () => !this.isGone,
      close: async () => undefined,
    }
  }

  #network(): EventStore {
    const { store, scheduler, choices, faults, observer, witness, counts } = this.#init
    return networked({
      store,
      scheduler,
      choices,
      faults,
      of: this,
      arriving: (unit) => witness.arriving(this, unit),
      arrived: () => observer.advance(),
      heard: (unit, appended) => witness.heard(unit, appended),
      lost: () => {
        counts.lost += 1
      },
    })
  }

  #handlers(clock: Clock) {
    const { scheduler, witness, effects, counts } = this.#init
    return scriptedHandlers(effects, {
      scheduler,
      of: this,
      sleep: (ms) => clock.sleep(ms),
      called: (call) => witness.called(this, call),
      acted: (call, effect) => witness.acted(this, call, effect, counts.steps),
      over: (call, report) => witness.over(call, report),
    })
  }
}
