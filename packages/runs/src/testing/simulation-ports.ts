/** What a simulation is told, and what it tells: types only. */

import type { BudgetUnit, ResourceKind } from '@ice/capabilities/ports'
import type { EventStore, RecordedEvent } from '@ice/events/ports'
import type { Clock, EventId, JsonObject, JsonValue, Random, RunId } from '@ice/primitives'
import type { RunsInit } from '../components.ts'
import type {
  AnswerCommand,
  Breaker,
  EffectCall,
  Fate,
  Ownership,
  Program,
  Runs,
  RunView,
  Schema,
  SignalCommand,
  StartOptions,
  WaitingStep,
} from '../ports.ts'
import type { SparseChoices } from './choices.ts'
import type {
  SimulatedSchedule,
  SimulatedSupervision,
  SupervisedParts,
} from './supervision-ports.ts'

/** What a scripted effect comes to: it takes place and gives a value, or it fails. */
export type ScriptedEnd =
  | { readonly gives: JsonValue; readonly delayMs?: number }
  | {
      readonly fails: string
      /** @defaultValue `ICE_SIMULATED_FAILED` */
      readonly code?: string
      readonly retryable?: boolean
      /** It took place and failed afterwards: the witness has it. @defaultValue false */
      readonly acted?: boolean
      readonly delayMs?: number
    }

/** An effect without an outside world: what its calls come to is written down beforehand. */
export interface ScriptedEffect {
  readonly action: string
  /** @defaultValue `idempotent` */
  readonly fate?: Fate
  /** By step id, for one attempt after another; the last holds for all that follow. */
  readonly steps?: Readonly<Record<string, readonly ScriptedEnd[]>>
  /**
   * What a call comes to whose step is not among `steps`. Seeded by the key of the call, so that
   * it comes to the same whenever it is made. @defaultValue it gives its arguments
   */
  readonly end?: (call: EffectCall, random: Random) => ScriptedEnd
  readonly arguments?: Schema<JsonObject>
  /** @defaultValue `{ name: action }` */
  readonly resource?: (args: JsonObject) => JsonObject
  readonly bounds?: (args: JsonObject) => Readonly<Partial<Record<BudgetUnit, number>>>
  /** Its handler is given the calls of a batch at once, and takes each when it likes. */
  readonly together?: true
}

/** A run to start. */
export interface SimulatedStart {
  readonly program: Program
  readonly input: JsonValue
  readonly options?: Omit<StartOptions, 'key'>
  /** Sent at some time, each once. */
  readonly signals?: readonly SignalCommand[]
}

/** What may befall, and how often: per thousand steps of a simulation, until it heals. */
export interface Faults {
  /** A process dies: what it has asked of the store may arrive, or not. @defaultValue 12 */
  readonly crash: number
  /** A process stands still, longer than others wait or not, and comes back. @defaultValue 12 */
  readonly freeze: number
  /** An append does not arrive, and its caller is told that it is unavailable. @defaultValue 6 */
  readonly lose: number
  /** An append arrives, and its acknowledgement is lost. @defaultValue 12 */
  readonly forget: number
  /** An append arrives twice. @defaultValue 4 */
  readonly repeat: number
  /** What was read arrives later than it was read. @defaultValue 100 */
  readonly late: number
  /** Time passes though something could go on. @defaultValue 30 */
  readonly slow: number
  /** A second process drives a run that is being driven. @defaultValue 12 */
  readonly rival: number
  /** Somebody asks for the abort of a run. @defaultValue 0 */
  readonly abort: number
  /** Somebody revokes a grant of a run. @defaultValue 0 */
  readonly revoke: number
  /** The rows of an index are gone. Only with `supervise`. @defaultValue 4 */
  readonly unindex: number
}

/** Something that must hold of every simulation. */
export interface Invariant {
  readonly name: string
  /** @returns what is wrong; `undefined` when it holds */
  check(simulated: Simulated): string | undefined
}

/** Parts to put in the place of the kit's own: what is to be tried, beside programs. */
export interface SimulatedParts extends SupervisedParts {
  /** @defaultValue the store in memory */
  readonly store?: (clock: Clock) => EventStore
  /** @defaultValue `createRuns` */
  readonly runs?: (init: RunsInit) => Runs
  /** @defaultValue what the scheduler knows to be true */
  readonly ownership?: (truth: Ownership) => Ownership
  /** @defaultValue tools, secrets and spawns */
  readonly kinds?: readonly ResourceKind[]
}

/** What is to be simulated. */
export interface SimulationInit {
  readonly starts: readonly SimulatedStart[]
  /** Programs that are not started but needed: of children. */
  readonly programs?: readonly Program[]
  readonly effects: readonly ScriptedEffect[]
  /** What people answer; `null`: nothing. @defaultValue they approve */
  readonly answer?: (waiting: WaitingStep, random: Random) => Omit<AnswerCommand, 'step'> | null
  /** Processes that drive runs. @defaultValue 2 */
  readonly workers?: number
  /**
   * In each process a supervisor picks what it drives, by an index of runs, in turns that all
   * share. Then nobody else takes runs up, but for rivals and people.
   * @defaultValue whoever the seed says takes up what can go on; with `schedules`, all defaults
   */
  readonly supervise?: SimulatedSupervision
  /** Made at some time, fired by the supervisors, and deleted after as many times as they say. */
  readonly schedules?: readonly SimulatedSchedule[]
  /** What keeps effects from being tried while what they call fails. @defaultValue none */
  readonly breakers?: readonly Breaker[]
  /** @defaultValue those of `Faults` */
  readonly faults?: Partial<Faults> | 'none'
  /** Steps after which nothing befalls any more, and all must come to an end. @defaultValue 400 */
  readonly healsAfter?: number
  /** Steps after which that is no progress. @defaultValue 20,000 */
  readonly stepsMax?: number
  readonly invariants?: readonly Invariant[]
  readonly parts?: SimulatedParts
}

/** Which simulations. */
export interface SimulateOptions {
  /** So many seeds: `0`, `1`, … each after `from`. @defaultValue 100 */
  readonly seeds?: number
  /** What the seeds begin with. @defaultValue nothing */
  readonly from?: string
  /** This one seed. */
  readonly seed?: string
  /** With `seed`: these choices, as a failure prints them, instead of those of the seed. */
  readonly choices?: SparseChoices
  /** Of what is simulated: a failure prints it. */
  readonly commit?: string
  /** Simulations spent on a shorter trace of a failure. @defaultValue 150 */
  readonly shrinks?: number
  /** Called after each seed. */
  readonly onSeed?: (done: number, counts: SimulationCounts) => void
}

/** One act, as the world outside of the log saw it. */
export interface Act {
  readonly step: number
  readonly worker: string
  readonly run: RunId
  readonly effect: string
  readonly action: string
  readonly attempt: number
  readonly intent: EventId
  /** Which call of a batch it is, from 0. */
  readonly item?: number
  readonly fate: Fate
  /** Position of the log's head when it took place. */
  readonly head: number
}

/** What happened, in numbers. */
export interface SimulationCounts {
  steps: number
  events: number
  runs: number
  acts: number
  doubts: number
  takeovers: number
  crashes: number
  freezes: number
  lost: number
  replays: number
}

/** One simulation that came to its end. */
export interface Simulated {
  readonly seed: string
  readonly choices: readonly number[]
  /** One line for each step of the scheduler. */
  readonly trace: readonly string[]
  /** SHA-256 over the stored bytes of the whole log, in order. */
  readonly digest: string
  readonly events: readonly RecordedEvent[]
  readonly runs: readonly RunView[]
  readonly acts: readonly Act[]
  readonly counts: SimulationCounts
}

/** What many simulations came to. */
export interface SimulationReport {
  readonly seeds: number
  readonly counts: SimulationCounts
  /** The last of them. */
  readonly last: Simulated
}
