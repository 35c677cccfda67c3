/**
 * Takes ready runs and drives them, as many at once as it may.
 *
 *     log ─► index ─► ready, due, orphans ─► shares, priority, age ─► turns ─► drive
 *      ▲                                                                         │
 *      └───────────────────────────── events of the run ◄────────────────────────┘
 *
 * 1. The index says what might be driven, the run's own stream who drives it: two supervisors that
 *    pick the same run meet in its `RunClaimed`, and one is told that it is the other's.
 * 2. One loop: look, pick, rest. It rests until a stretch ends, the log moves, or somebody is due.
 * 3. A run that cannot be driven costs one try and a pause that grows; it never stops the loop.
 * 4. An owner that is not sure of itself takes nothing. One that is dead stops what it drives.
 */

import { hasCode, type RunId, type Timestamp } from '@ice/primitives'
import { RUNS_CODES, RunsError } from '../errors.ts'
import type { RunRow } from '../index-ports.ts'
import {
  CONCURRENCY,
  CONCURRENCY_MAX,
  DRAIN_MS,
  FIRST_AT_ONCE,
  GATHER_MS,
  INDEX_PAGE_ROWS,
  LOOK_INTERVAL_MS,
  LOOK_MS_MAX,
  OVERDUE_AT_ONCE,
  SETBACK_MS_MIN,
} from '../limits.ts'
import { Metrics } from './metrics.ts'
import { Orphans } from './orphans.ts'
import { Picker } from './picker.ts'
import type {
  Drained,
  Supervisor,
  SupervisorInit,
  SupervisorState,
  SupervisorStatus,
} from './ports.ts'
import { Setbacks } from './setbacks.ts'

/**
 * Creates a supervisor; it begins at once.
 *
 * @throws `ICE_RUNS_SUPERVISOR_UNSUPPORTED` for a bound or a weight that is none
 */
export function createSupervisor(init: SupervisorInit): Supervisor {
  const { concurrency = CONCURRENCY } = init
  checkWhole('concurrency', concurrency, CONCURRENCY_MAX)
  for (const [queue, terms] of Object.entries(init.queues ?? {})) {
    const { weight = 1, concurrency: most = 1, keyConcurrency = 1, rate } = terms
    if (!(Number.isFinite(weight) && weight >= 0.001 && weight <= 1_000)) {
      throw unsupported(`The weight of ${queue} is a number from 0.001 to 1,000`)
    }
    checkWhole(`concurrency of ${queue}`, most, Number.MAX_SAFE_INTEGER)
    checkWhole(`keyConcurrency of ${queue}`, keyConcurrency, Number.MAX_SAFE_INTEGER)
    checkWhole(`rate.count of ${queue}`, rate?.count ?? 1, 1_000_000)
    checkWhole(`rate.perMs of ${queue}`, rate?.perMs ?? 1, 86_400_000)
  }
  const loop = new Loop(init, concurrency)
  return {
    status: () => loop.status(),
    metrics: () => loop.metrics.read(),
    drain: (options) => loop.drain(options),
    ended: loop.ended,
  }
}

function checkWhole(name: string, value: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return
  throw unsupported(`The ${name} is a whole number from 1 to ${max}`)
}

function unsupported(message: string): RunsError {
  return new RunsError(RUNS_CODES.supervisorInvalid, message)
}

class Loop {
  readonly ended: Promise<SupervisorState>
  readonly metrics: Metrics
  readonly #init: SupervisorInit
  readonly #concurrency: number
  readonly #running = new Map<RunId, { readonly row: RunRow; readonly work: Promise<void> }>()
  readonly #setbacks = new Setbacks()
  readonly #orphans: Orphans
  readonly #picker: Picker
  /** Fires when what is driven is to be stopped. */
  readonly #stop = new AbortController()
  readonly #overdue = new Set<RunId>()
  #state: SupervisorState = 'running'
  #isReady = false
  #roundAt: number
  #counts = { driven: 0, failed: 0, stopped: 0 }
  /** Ends the rest. */
  #wake = new AbortController()
  /** Where the log stood at the last look, and when that was. */
  #position = -1
  #lookedAt = 0 as Timestamp
  /** When a time of a schedule comes. @units epoch milliseconds */
  #scheduleAt = Number.POSITIVE_INFINITY

  constructor(init: SupervisorInit, concurrency: number) {
    this.#init = init
    this.#concurrency = concurrency
    this.#roundAt = init.clock.monotonicMs()
    this.#orphans = new Orphans({
      ...init,
      onQuarantine: (run, quarantine) => init.onStretch?.(run, { kind: 'quarantined', quarantine }),
    })
    this.#picker = new Picker(init)
    this.metrics = new Metrics({ ...init, status: () => this.status() })
    const told = new AbortController()
    const telling = this.metrics.tell(told.signal)
    this.ended = this.#run().finally(async () => {
      told.abort()
      await telling
    })
  }

  status(): SupervisorStatus {
    return {
      state: this.#state,
      ready: this.#isReady && this.#state === 'running' && this.#init.ownership.isSure(),
      quietMs: this.#init.clock.monotonicMs() - this.#roundAt,
      running: this.#running.size,
      setbacks: this.#setbacks.size,
      driven: this.#counts.driven,
      failed: this.#counts.failed,
    }
  }

  async drain({ withinMs = DRAIN_MS }: { readonly withinMs?: number } = {}): Promise<Drained> {
    const { clock } = this.#init
    if (this.#state === 'running') this.#state = 'draining'
    this.#poke()
    const before = this.#counts.driven
    const over = new AbortController()
    const late = clock.sleep(withinMs, { signal: over.signal }).then(
      () => this.#stop.abort(),
      // All that was driven has come to its end before.
      () => undefined,
    )
    await this.#idle()
    over.abort()
    await late
    await this.ended
    return {
      finished: this.#counts.driven - before - this.#counts.stopped,
      stopped: this.#counts.stopped,
    }
  }

  async #idle(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled([...this.#running.values()].map(({ work }) => work))
    }
  }

  async #run(): Promise<SupervisorState> {
    const { clock, onError } = this.#init
    for (let failures = 0; this.#state === 'running'; ) {
      this.#roundAt = clock.monotonicMs()
      let restMs: number | null = null
      try {
        await this.#round()
        failures = 0
      } catch (error) {
        onError?.(error, null)
        failures += 1
        restMs = Math.min(SETBACK_MS_MIN * 2 ** (failures - 1), 5_000)
      }
      await this.#rest(restMs).catch((error: unknown) => onError?.(error, null))
    }
    if (this.#state === 'lost') this.#stop.abort()
    await this.#idle()
    if (this.#state === 'draining') this.#state = 'stopped'
    return this.#state
  }

  /** One look at everything, and what comes of it. */
  async #round(): Promise<void> {
    const { index, ownership, clock } = this.#init
    if (!ownership.isSure()) {
      if ((await ownership.status(ownership.self)) === 'dead') this.#state = 'lost'
      return
    }
    this.#scheduleAt = (await this.#fire()) ?? Number.POSITIVE_INFINITY
    await this.#picker.giveUnsure()
    this.#position = (await index.catchUp()).position
    const now = clock.now()
    const outlook = await index.outlook(now)
    const { nextDeadline } = outlook
    if (nextDeadline !== null && nextDeadline <= now) await this.#endOverdue()
    // What comes first after a start is not made to wait for all that comes with it.
    const most = this.#isReady ? this.#concurrency : Math.min(this.#concurrency, FIRST_AT_ONCE)
    const free = most - this.#running.size
    if (free > 0) {
      const orphans = await this.#orphans.find(outlook, free, (run) => this.#isTaken(run))
      const again = await this.#again()
      const others = [...orphans, ...again].filter(({ run }) => !this.#isTaken(run))
      const except = [...this.#running.keys(), ...this.#setbacks.waiting(clock.now())]
      const picked = this.#picker.pick({ now, free, others, except, running: this.#rows() })
      for await (const row of picked) this.#take(row)
    }
    this.#lookedAt = now
    this.#isReady = true
  }

  /** Deals with the times of schedules that have come. @returns when the next comes */
  async #fire(): Promise<number | null> {
    const { schedules, programs, onError } = this.#init
    const told = { programs, onError: (error: unknown) => onError?.(error, null) }
    return (await schedules?.fire(told)) ?? null
  }

  #rows(): readonly RunRow[] {
    return [...this.#running.values()].map(({ row }) => row)
  }

  #isTaken(run: RunId): boolean {
    return this.#running.has(run) || this.#setbacks.waiting(this.#init.clock.now()).includes(run)
  }

  /** Runs that could not be driven, and whose pause is over. */
  async #again(): Promise<readonly RunRow[]> {
    const { index, clock, ownership } = this.#init
    const over = this.#setbacks.over(clock.now()).filter((run) => !this.#running.has(run))
    if (over.length === 0) return []
    const found = await index.find({ runs: over, limit: INDEX_PAGE_ROWS })
    const own = found.filter((row) => row.standing === 'held' && row.owner === ownership.self)
    // Whatever else can be driven is found where all others are.
    const still = new Set(own.map(({ run }) => run))
    const waits = new Set(
      found.filter(({ standing }) => standing === 'ready').map(({ run }) => run),
    )
    for (const run of over) if (!still.has(run) && !waits.has(run)) this.#setbacks.forget(run)
    return own
  }

  #take(row: RunRow): void {
    const { run } = row
    const work = this.#drive(row).finally(() => {
      this.#running.delete(run)
      this.#poke()
    })
    this.#running.set(run, { row, work })
  }

  async #drive(row: RunRow): Promise<void> {
    const { runs, clock, onStretch, onError } = this.#init
    const { run } = row
    try {
      const stretch = await runs.drive(run, { signal: this.#stop.signal })
      this.#counts.driven += 1
      if (stretch.kind === 'stopped') this.#counts.stopped += 1
      // The index is behind, or another was quicker: not at once again.
      if (stretch.kind === 'owned') this.#setbacks.add(run, clock.now())
      else this.#setbacks.forget(run)
      onStretch?.(run, stretch)
    } catch (error) {
      this.#counts.failed += 1
      this.#setbacks.add(run, clock.now())
      onError?.(error, run)
    }
    await this.#picker.giveBack(row).catch((error: unknown) => onError?.(error, run))
  }

  /** Asks for the abort of runs that are past their deadline. */
  async #endOverdue(): Promise<void> {
    const { index, clock, runs, principal, onError } = this.#init
    const deadlineBefore = (clock.now() + 1) as Timestamp
    const late = await index.find({ deadlineBefore, limit: OVERDUE_AT_ONCE })
    const by = principal === undefined ? {} : { principal }
    for (const { run } of late) {
      if (this.#overdue.has(run)) continue
      this.#overdue.add(run)
      runs
        .abort(run, { reason: 'Its deadline has passed', ...by })
        .catch((error: unknown) => {
          if (!hasCode(error, RUNS_CODES.concluded)) onError?.(error, run)
        })
        .finally(() => {
          this.#overdue.delete(run)
          this.#poke()
        })
    }
  }

  /** Ends the rest of the loop. */
  #poke(): void {
    this.#wake.abort()
  }

  /** Until the log moves, a stretch ends, or somebody is due; or so long, whatever happens. */
  async #rest(restMs: number | null): Promise<void> {
    const { clock, log } = this.#init
    // Whatever comes of the round comes before the next one.
    await clock.sleep(restMs === null && this.#running.size > 0 ? GATHER_MS : 0)
    const until = clock.monotonicMs() + (restMs ?? Number.POSITIVE_INFINITY)
    const due = restMs === null ? await this.#nextTime() : Number.POSITIVE_INFINITY
    for (;;) {
      if (this.#state !== 'running') return
      const isPoked = this.#wake.signal.aborted
      if (isPoked) this.#wake = new AbortController()
      if (isPoked && restMs === null) return
      const leftMs = Math.min(until - clock.monotonicMs(), due - clock.now())
      if (leftMs <= 0) return
      const { signal } = this.#wake
      await clock.sleep(Math.min(LOOK_INTERVAL_MS, leftMs), { signal }).catch(() => undefined)
      this.#roundAt = clock.monotonicMs()
      if (restMs !== null) continue
      if ((await log.store.head()).position !== this.#position) return
    }
  }

  /** When there will be something to do though nothing happens. */
  async #nextTime(): Promise<number> {
    const { clock, index } = this.#init
    const now = clock.now()
    const isFull = this.#running.size >= this.#concurrency
    const { nextDue, nextDeadline, owners } = await index.outlook(this.#lookedAt)
    const times = [
      this.#scheduleAt,
      isFull ? null : nextDue,
      nextDeadline !== null && nextDeadline > now ? nextDeadline : null,
      this.#setbacks.next(now),
      this.#picker.next(now),
      // Others may die while nothing else happens.
      owners.length > 0 ? this.#orphans.next(now) : null,
    ]
    return Math.min(...times.map((time) => time ?? now + LOOK_MS_MAX))
  }
}
