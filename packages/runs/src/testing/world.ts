/**
 * One simulation: processes, a store, people, and what befalls them, step by step.
 *
 * A step gives one thing its turn: an append that arrives, an answer that comes back, an act, its
 * return, a process that takes up a run, a person who answers. When nothing is left to go on, time
 * passes to what is due next. Until it heals, things befall; then all runs must come to their ends.
 */
import type { EventLog, EventStore } from '@ice/events/ports'
import { type Clock, timestamp } from '@ice/primitives'
import { memoryRunRows } from '../index/memory-rows.ts'
import type { RunRows, Turns } from '../index-ports.ts'
import { viewOf } from '../lifecycle.ts'
import type { Program } from '../ports.ts'
import { memoryTurns } from '../supervise/turns.ts'
import type { Choices } from './choices.ts'
import { Chores } from './chores.ts'
import { groundLog, groundStore } from './ground.ts'
import { Holders } from './holders.ts'
import { judge } from './judge.ts'
import { Observer } from './observer.ts'
import { Pace } from './pace.ts'
import { Scheduler } from './scheduler.ts'
import type {
  Faults,
  Invariant,
  Simulated,
  SimulationCounts,
  SimulationInit,
} from './simulation-ports.ts'
import type { Supervision } from './supervised.ts'
import { Witness } from './witness.ts'
import { START_MS, Worker } from './worker.ts'

/** What befalls when nobody says otherwise. */
const FAULTS: Faults = {
  crash: 12,
  freeze: 12,
  lose: 6,
  forget: 12,
  repeat: 4,
  late: 100,
  slow: 30,
  rival: 12,
  abort: 0,
  revoke: 0,
  unindex: 4,
}

const NO_FAULTS: Faults = {
  ...{ crash: 0, freeze: 0, lose: 0, forget: 0, repeat: 0 },
  ...{ late: 0, slow: 0, rival: 0, abort: 0, revoke: 0, unindex: 0 },
}

const LEASES_MS = [0, 100, 1_000] as const
const AWAY_MS = [20, 300, 3_000] as const
/** Turns after which what has not gone on will not. */
const TURNS_STUCK = 400

/** A simulation that is over. */
export interface Ended extends Simulated {
  readonly broken: string | null
}

/** Nothing that befalls. */
export function noCounts(): SimulationCounts {
  return {
    ...{ steps: 0, events: 0, runs: 0, acts: 0, doubts: 0 },
    ...{ takeovers: 0, crashes: 0, freezes: 0, lost: 0, replays: 0 },
  }
}

/** Simulates once. */
export class World {
  readonly #init: SimulationInit
  readonly #seed: string
  readonly #choices: Choices
  readonly #scheduler = new Scheduler()
  readonly #counts = noCounts()
  readonly #trace: string[] = []
  readonly #store: EventStore
  readonly #log: EventLog
  readonly #observer: Observer
  readonly #witness: Witness
  readonly #programs: readonly Program[]
  readonly #faults: Faults
  readonly #leaseMs: number
  /** All processes there ever were, and the one at each place. */
  readonly #all = new Map<string, Worker>()
  readonly #places: { worker: Worker; lives: number; backAtMs: number }[] = []
  readonly #chores: Chores
  readonly #holders: Holders
  readonly #pace: Pace
  readonly #turns: Turns
  readonly #isSupervised: boolean
  /** Rows of the index, by who has them: a process of its own, or all. */
  readonly #rows = new Map<string, RunRows>()
  readonly #areRowsShared: boolean
  #isHealed: boolean

  constructor(init: SimulationInit, seed: string, choices: Choices) {
    this.#init = init
    this.#seed = seed
    this.#choices = choices
    const { faults = {}, parts = {}, workers = 2 } = init
    this.#isHealed = faults === 'none'
    this.#faults = faults === 'none' ? NO_FAULTS : { ...FAULTS, ...faults }
    this.#leaseMs = LEASES_MS[choices.pick(LEASES_MS.length)] ?? 0
    this.#isSupervised = init.supervise !== undefined || init.schedules !== undefined
    this.#areRowsShared = this.#isSupervised && choices.pick(2) === 0
    const clock = this.#clock()
    this.#turns = (parts.turns ?? ((clock) => memoryTurns({ clock })))(clock)
    this.#store = (parts.store ?? groundStore)(clock)
    this.#log = groundLog(this.#store, clock)
    this.#observer = new Observer(this.#store, this.#log)
    this.#witness = new Witness(this.#observer, (name) => this.#all.get(name))
    this.#holders = new Holders(this.#observer, init.supervise?.queues)
    this.#pace = new Pace(this.#scheduler, this.#observer)
    const started = [...init.starts, ...(init.schedules ?? [])].map(({ program }) => program)
    this.#programs = [...new Set([...started, ...(init.programs ?? [])])]
    for (let place = 0; place < workers; place += 1) {
      const worker = this.#worker(`w${place + 1}`)
      this.#places.push({ worker, lives: 1, backAtMs: 0 })
    }
    this.#chores = new Chores({
      init,
      seed,
      choices,
      scheduler: this.#scheduler,
      observer: this.#observer,
      witness: this.#witness,
      workers: () => this.#places.map(({ worker }) => worker),
      isSupervised: this.#isSupervised,
    })
  }

  /** Goes on until everything has come to its end, or something is broken. */
  async run(): Promise<Ended> {
    const { stepsMax = 20_000, healsAfter = 400 } = this.#init
    await this.#observer.advance()
    for (;;) {
      await this.#scheduler.rest()
      if (this.#broken() !== null) return this.#end(0)
      if (this.#counts.steps >= stepsMax) {
        this.#witness.break(`nothing comes to an end in ${stepsMax} steps: ${this.#chores.left()}`)
        continue
      }
      if (!this.#isHealed && this.#counts.steps >= healsAfter) this.#heal()
      this.#bringBack()
      if (!this.#isHealed) this.#befall()
      if (!(await this.#step())) break
    }
    const programs = new Map(this.#programs.map((each) => [`${each.name} ${each.version}`, each]))
    const [observer, witness] = [this.#observer, this.#witness]
    const { breakers = [], schedules = [], effects } = this.#init
    const parts = { observer, witness, store: this.#store, log: this.#log, programs }
    const judged = await judge({ ...parts, breakers, schedules, effects })
    if (judged.broken !== null) witness.break(judged.broken)
    return this.#end(judged.replays)
  }

  /** @returns false when nothing is left to do */
  async #step(): Promise<boolean> {
    const { ready } = this.#scheduler
    const chores = this.#chores.offered()
    const options = ready.length + chores.length
    const { slow } = this.#isHealed ? NO_FAULTS : this.#faults
    if (options === 0 || this.#choices.chance(slow)) {
      if (await this.#passTime()) return true
      if (options === 0) return this.#isStill()
    }
    const chosen = this.#choices.pick(options)
    const pending = ready[chosen]
    if (pending !== undefined) {
      this.#say(pending.of.name, pending.what)
      this.#scheduler.run(pending)
      return true
    }
    const chore = chores[chosen - ready.length]
    if (chore !== undefined) {
      this.#say(chore.of.name, chore.what)
      chore.go()
    }
    return true
  }

  /** Lets time pass to whatever is due next. @returns whether anything is */
  async #passTime(): Promise<boolean> {
    const { elapsedMs, nextDueMs, nextLookMs } = this.#scheduler
    const back = this.#places.flatMap(({ worker, backAtMs }) =>
      worker.isDead ? backAtMs : (worker.backAtMs ?? []),
    )
    const due = [nextDueMs, this.#chores.nextDueMs, ...back].filter((at) => at !== null)
    const isOver = this.#chores.isOver && !this.#witness.isAtWork
    if (nextLookMs !== null && !isOver) due.push(this.#pace.lookAt(nextLookMs, due))
    if (due.length === 0 || (isOver && back.length === 0)) return false
    if (this.#isHealed && !isOver && this.#pace.isStarving) {
      this.#witness.break(`nobody goes on with what is left: ${this.#chores.left()}`)
    }
    const at = Math.max(Math.min(...due), elapsedMs)
    this.#say('time', `passes by ${at - elapsedMs} ms`)
    await this.#scheduler.passTo(at)
    return true
  }

  /** Whether something still computes. What neither goes on nor has ended is stuck. */
  async #isStill(): Promise<boolean> {
    await this.#scheduler.rest(TURNS_STUCK)
    if (this.#scheduler.ready.length > 0 || this.#chores.offered().length > 0) return true
    if (!this.#chores.isOver) {
      this.#witness.break(`nothing goes on, and not all has ended: ${this.#chores.left()}`)
      return true
    }
    return false
  }

  #befall(): void {
    const { crash, freeze, rival, abort, revoke, unindex } = this.#faults
    const here = this.#places.filter(({ worker }) => !worker.isDead && !worker.isFrozen)
    const place = (): (typeof here)[number] | undefined => here[this.#choices.pick(here.length)]
    if (here.length > 0 && this.#choices.chance(crash)) this.#crash(place())
    if (here.length > 0 && this.#choices.chance(freeze)) {
      const forMs = AWAY_MS[this.#choices.pick(AWAY_MS.length)] ?? 0
      const frozen = place()?.worker
      frozen?.freeze(forMs)
      this.#counts.freezes += 1
      this.#say(`${frozen?.name}`, `stands still for ${forMs} ms`)
    }
    if (this.#choices.chance(rival)) this.#chores.wantRival()
    if (this.#choices.chance(abort)) this.#chores.wantAbort()
    if (this.#choices.chance(revoke)) this.#chores.wantRevocation()
    if (this.#isSupervised && this.#choices.chance(unindex)) {
      this.#rows.delete([...this.#rows.keys()][this.#choices.pick(this.#rows.size)] ?? '')
      this.#say('the index', 'is gone')
    }
  }

  #crash(place: { worker: Worker; backAtMs: number } | undefined, how = 'dies'): void {
    if (place === undefined) return
    place.worker.isDead = true
    place.backAtMs = this.#scheduler.elapsedMs + (AWAY_MS[this.#choices.pick(AWAY_MS.length)] ?? 0)
    this.#counts.crashes += 1
    this.#say(place.worker.name, how)
  }

  /** Whoever was away long enough comes back; the dead are replaced. */
  #bringBack(): void {
    const { elapsedMs } = this.#scheduler
    for (const place of this.#places) {
      const { worker } = place
      const [base] = worker.name.split('.')
      if (worker.hasEnded && !worker.isDead) this.#crash(place, 'ends, for it is dead to all')
      if (worker.isDead && (this.#isHealed || place.backAtMs <= elapsedMs)) {
        place.lives += 1
        place.worker = this.#worker(`${base}.${place.lives}`)
        this.#say(place.worker.name, `comes in the place of ${worker.name}`)
      } else if (worker.isFrozen && (this.#isHealed || (worker.backAtMs ?? 0) <= elapsedMs)) {
        this.#say(worker.name, 'comes back')
        worker.thaw()
      }
    }
  }

  #heal(): void {
    this.#isHealed = true
    this.#say('the world', 'heals')
  }

  #worker(name: string): Worker {
    const worker = new Worker({
      name,
      seed: this.#seed,
      scheduler: this.#scheduler,
      choices: this.#choices,
      store: this.#store,
      observer: this.#observer,
      witness: this.#witness,
      effects: this.#init.effects,
      programs: this.#programs,
      breakers: this.#init.breakers ?? [],
      parts: this.#init.parts ?? {},
      supervision: this.#isSupervised ? (of) => this.#supervision(of) : null,
      faults: () => (this.#isHealed ? NO_FAULTS : this.#faults),
      counts: this.#counts,
      isGone: (owner) => this.#all.get(owner)?.isGone ?? true,
      leaseMs: this.#leaseMs,
    })
    this.#all.set(name, worker)
    return worker
  }

  /** How a process picks what it drives. */
  #supervision(of: Worker): Supervision {
    const whose = this.#areRowsShared ? 'all' : of.name
    return {
      terms: this.#init.supervise ?? {},
      rows: () => {
        const rows = this.#rows.get(whose) ?? (this.#init.parts?.rows ?? memoryRunRows)()
        this.#rows.set(whose, rows)
        return rows
      },
      turns: this.#turns,
      begin: (run) => this.#holders.begin(of, run),
      broken: (why) => this.#witness.break(`the supervisor of ${of.name} fails: ${why}`),
    }
  }

  #clock(): Clock {
    const of = { name: 'the store', isDead: false, isFrozen: false }
    return {
      now: () => timestamp(START_MS + Math.floor(this.#scheduler.elapsedMs)),
      monotonicMs: () => this.#scheduler.elapsedMs,
      sleep: (ms, { signal } = {}) => this.#scheduler.sleep(of, ms, { signal }),
    }
  }

  #say(who: string, what: string): void {
    this.#counts.steps += 1
    this.#trace.push(`${this.#counts.steps} ${this.#scheduler.elapsedMs} ms  ${who}: ${what}`)
  }

  #broken(): string | null {
    return (
      this.#witness.broken ?? this.#observer.broken ?? this.#holders.broken ?? this.#chores.broken
    )
  }

  async #end(replays: number): Promise<Ended> {
    for (const worker of this.#all.values()) worker.isDead = true
    const { events, folds } = this.#observer
    const typed = (type: string): number => events.filter((event) => event.type === type).length
    const counts = {
      ...this.#counts,
      ...{ events: events.length, runs: folds.size, acts: this.#witness.acts.length, replays },
      ...{ doubts: typed('EffectInDoubt'), takeovers: typed('RunClaimed') },
    }
    const simulated: Simulated = {
      seed: this.#seed,
      choices: [...this.#choices.made],
      trace: this.#trace,
      digest: await this.#observer.digest(),
      events,
      runs: [...folds.values()].flatMap((fold) => (fold.view === null ? [] : viewOf(fold))),
      acts: this.#witness.acts,
      counts,
    }
    const { invariants = [] } = this.#init
    return { ...simulated, broken: this.#broken() ?? firstBroken(invariants, simulated) }
  }
}

function firstBroken(invariants: readonly Invariant[], simulated: Simulated): string | null {
  for (const { name, check } of invariants) {
    const why = check(simulated)
    if (why !== undefined) return `${name}: ${why}`
  }
  return null
}
