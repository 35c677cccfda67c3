/**
 * The ports of runs: types only.
 *
 * A *program* proposes effects; the runtime decides, records the intent, lets a *handler* act,
 * and records the outcome. A run has one *owner* at a time.
 */

import type { BudgetShare, BudgetUnit, Caveat, Label, Resource } from '@ice/capabilities/ports'
import type { RecordedEvent } from '@ice/events/ports'
import type {
  EventId,
  GrantId,
  JsonObject,
  JsonValue,
  OwnerId,
  PrincipalId,
  RunId,
  Timestamp,
} from '@ice/primitives'
import type { CompensationCall, CompensationReport, Compensations } from './compensation-ports.ts'
import type {
  AbortCommand,
  DoubtCommand,
  Quarantine,
  QuarantineCommand,
  ReleaseCommand,
} from './ending-ports.ts'

export type {
  CompensationCall,
  CompensationPolicy,
  CompensationReport,
  Compensations,
} from './compensation-ports.ts'
export type {
  AbortCommand,
  DoubtCommand,
  Invariant,
  Quarantine,
  QuarantineCommand,
  ReleaseCommand,
} from './ending-ports.ts'

import type {
  BatchCall,
  BatchReport,
  Chunk,
  EffectCounts,
  EffectGrant,
  RunPlace,
  SecretUse,
} from './attempt-ports.ts'
import type {
  AnswerCommand,
  Answered,
  DeclassifyCommand,
  EndorseCommand,
  SignalCommand,
  ValueOfRun,
} from './command-ports.ts'
import type { ByteFold, EventQuery, Program, Schema } from './program-ports.ts'

export type {
  BatchCall,
  BatchedCall,
  BatchReport,
  Breaker,
  Chunk,
  EffectCounts,
  EffectGrant,
  RunPlace,
  SecretUse,
} from './attempt-ports.ts'
export type {
  AnswerCommand,
  Answered,
  DeclassifyCommand,
  EndorseCommand,
  SignalCommand,
  StandingCommand,
  ValueOfRun,
} from './command-ports.ts'
export type {
  DrivenProgram,
  IndexMark,
  Listening,
  Outlook,
  QueueCount,
  ReadyQuery,
  RowsMove,
  RunFilter,
  RunIndex,
  RunPageQuery,
  RunRow,
  RunRows,
  Standing,
  Turn,
  TurnRequest,
  Turns,
} from './index-ports.ts'
export type { OwnerStatus, Ownership } from './ownership-ports.ts'
export type {
  Answer,
  AttemptTerms,
  AwaitedEvent,
  BatchItem,
  BatchRequest,
  Branches,
  ByteFold,
  Check,
  Child,
  CompensationRequest,
  EffectOutcome,
  EffectRequest,
  EventQuery,
  Program,
  ProgramName,
  Proposal,
  Question,
  Received,
  Reference,
  RetryPolicy,
  RunContext,
  Schema,
  SpawnGrant,
  SpawnOptions,
  StagedRequest,
  WaitTerms,
  Won,
} from './program-ports.ts'

/** The nine states of RFC-ICE-005. Only `TERMINATED` is terminal. */
export type RunState =
  | 'CREATED'
  | 'PROVISIONED'
  | 'CONTEXT_READY'
  | 'EXECUTING'
  | 'VALIDATING'
  | 'COMMITTED'
  | 'ABORTED'
  | 'TERMINATED_BY_RUNTIME'
  | 'TERMINATED'

/** The six phases of a run; commit and abort are the two ways through the fifth. */
export type Phase =
  | 'provisioning'
  | 'context'
  | 'execution'
  | 'validation'
  | 'commit'
  | 'abort'
  | 'teardown'

/** How a run ended. */
export type Conclusion = 'committed' | 'aborted' | 'terminated_by_runtime'

/**
 * What may happen to an effect whose owner died between intent and outcome: `observe` changes
 * nothing and is repeated, `idempotent` is repeated with the same key, `irreversible` is in doubt
 * until a probe or a person resolves it.
 */
export type Fate = 'observe' | 'idempotent' | 'irreversible'

/** One authorised call of a handler. Its intent is durable before the handler sees it. */
export interface EffectCall {
  readonly run: RunId
  /** The full step id. */
  readonly effect: string
  readonly attempt: number
  /** The same for every attempt of this effect: `<run>/<effect>`. */
  readonly idempotencyKey: string
  readonly intent: EventId
  readonly action: string
  readonly arguments: JsonObject
  readonly resource: JsonObject
  readonly grant: EffectGrant
  /** The secrets its arguments have handles of, and no others: names, never values. */
  readonly secrets?: readonly SecretUse[]
  readonly fold?: ByteFold
  /**
   * Fires when the run is aborted, its owner stops, the right to the effect ends, or the time of
   * the attempt is over; the handler cleans up and rejects. Its reason proves nothing: see
   * `EffectHandler`. Who comes back long after its time was over is not listened to any more.
   */
  readonly signal: AbortSignal
  /**
   * Says that the handler is still at work; costs nothing, and is recorded nowhere. Left out where
   * whoever calls the handler does not listen.
   */
  readonly heartbeat?: () => void
  /**
   * Shows whoever watches the run what has come so far: a text as it is written. It is recorded
   * nowhere, waits for nobody, and is a heartbeat too. What is not JSON, or more than 64 KiB of it,
   * is dropped. Secrets are taken out of each chunk by itself: one that two chunks share is not
   * found. Left out as `heartbeat` is.
   */
  readonly emit?: (chunk: JsonValue) => void
}

/** What a handler reports of an effect that took place. */
export interface EffectReport {
  /** Given to the program, and recorded (as a blob when it is large). */
  readonly value: JsonValue
  /** What was seen, for auditors: small, and recorded inline. */
  readonly observed: JsonObject
  /**
   * Where the value came from and who may read it, where the handler knows all of it. Left out, it
   * is the label of the arguments, joined with `sources` or with `EffectHandler.source`.
   */
  readonly label?: Label
  /** The untrusted sources it came from, where only the act could tell: after a redirect. */
  readonly sources?: readonly string[]
  /**
   * What was really spent, in whole amounts; what is left out of it was spent as far as `bounds`
   * reached. More than the bound is recorded as it was: the run's purse pays for it as far as it
   * goes, and the rest is charged to the budget (`RunView.overspent`).
   */
  readonly spent?: Readonly<Partial<Record<BudgetUnit, number>>>
  /**
   * What undoing it needs to know and could not find out later: the content that was replaced.
   * Recorded with the outcome, as a blob when it is large, and not given to the program. A handler
   * that can undo what it did says so by this; left out, this one effect cannot be undone, and
   * `observed.notKept` says why.
   */
  readonly kept?: JsonObject
}

/**
 * Carries out one kind of effect.
 *
 * A handler that finds, before it has acted, that the call reaches outside its grant throws an
 * error whose code ends in `_DENIED`: the effect is then recorded as denied. One that cannot know
 * whether an irreversible effect took place throws a code that ends in `_IN_DOUBT`: the effect is
 * then in doubt, and waits until somebody resolves it. A code of its own that ends in `_ABORTED`
 * says that its signal had fired before it acted: a proof that nothing happened. Anything else it
 * throws is recorded as a failure; but when the right to an irreversible effect had ended, or the
 * time of the attempt was over, as a doubt. The reason of the signal, thrown as it is, is no proof,
 * and neither is a code of `ICE_PRIMITIVES_`, `ICE_EVENTS_` or `ICE_RUNS_`. An error that says it
 * is `retryable` may be tried again, where the program wants that. What is thrown may have a
 * `spent` of its own, like a report: without one a failure has spent the whole of `bounds`.
 */
export interface EffectHandler {
  readonly action: string
  readonly fate: Fate
  /** Event type of the outcome; its payload is that of every outcome. */
  readonly outcome: string
  /** Checks and normalises arguments before anything is decided. */
  readonly arguments: Schema<JsonObject>
  /**
   * What the call claims of the grant's resource. Pure.
   * @param place - where the run that asks stands among others
   */
  resource(args: JsonObject, place?: RunPlace): JsonObject
  /**
   * The most a call can take of each unit but `uses` and `rate`, which count calls; `perform` keeps
   * to it. A grant that limits a unit that is left out here refuses the call. Pure.
   * @defaultValue nothing
   */
  bounds?(args: JsonObject): Readonly<Partial<Record<BudgetUnit, number>>>
  /**
   * The untrusted source that results come from (`net:example.com`), or `null` when they are as
   * trusted as the arguments are. Pure. @defaultValue `<action>`
   */
  source?(args: JsonObject): string | null
  /**
   * How long it may be silent, where a request does not say: it calls `heartbeat` more often.
   * @units milliseconds. @defaultValue for ever
   */
  readonly heartbeatMs?: number
  perform(call: EffectCall): Promise<EffectReport>
  /**
   * Carries out the calls of a batch together: a report for each, in their order. What it throws is
   * said of all of them. @defaultValue `perform` for each, with the key of its own
   */
  performBatch?(call: BatchCall): Promise<readonly BatchReport[]>
  /**
   * Undoes an effect whose outcome has `kept`: afterwards the world is, as far as the effect
   * changed it, what it was before. Only ever called once the effect has an outcome, in the reverse
   * order of outcomes, and for one effect not twice at a time.
   *
   * 1. Idempotent by its key: what is undone already stays as it is, and is a success.
   * 2. It looks first. Where the world is no longer what the effect left, somebody has gone on from
   *    there: it throws a code that ends in `_CONFLICT`, and has changed nothing.
   * 3. Any other code says that it may be tried again, but for one that ends in `_DENIED` or
   *    `_CORRUPT`: the call reaches outside its grant, or `kept` is none of this handler's.
   *
   * @defaultValue the effect cannot be undone
   */
  compensate?(call: CompensationCall): Promise<CompensationReport>
}

/** A run as its events tell it. */
export interface RunView {
  readonly run: RunId
  readonly state: RunState
  readonly phase: Phase
  readonly program: { readonly name: string; readonly version: string }
  readonly owner: OwnerId
  readonly epoch: number
  /** Version of the run's stream. */
  readonly version: number
  readonly createdAt: Timestamp
  readonly updatedAt: Timestamp
  readonly principal: PrincipalId | null
  /** For whom, and in which session, it acts, where that was said. */
  readonly agent: string | null
  readonly session: string | null
  readonly key: string | null
  readonly grants: Readonly<Record<string, GrantId>>
  /** Steps that wait for a person. */
  readonly waitingFor: readonly WaitingStep[]
  /** Steps that wait for something else. */
  readonly waits: readonly Wait[]
  readonly suspended: boolean
  /** Effects with an intent and no outcome. */
  readonly open: readonly string[]
  readonly inDoubt: readonly string[]
  readonly effects: EffectCounts
  /** Effects that wait for the commit, or were released by it and are not settled. */
  readonly staged: readonly string[]
  /** What became of undoing its effects, of a run that has aborted. */
  readonly compensations: Compensations
  /** What it holds of the budgets above it: slices allotted, less what its intents took. */
  readonly purse: readonly BudgetShare[]
  /** What handlers took beyond their bounds and beyond all that the run held. */
  readonly overspent: readonly BudgetShare[]
  /** The join of the labels of all that the program was given: its high-water mark. */
  readonly label: Label
  readonly conclusion: Conclusion | null
  /** It has concluded, and still owes something before its end. */
  readonly finishing: boolean
  /** Why it is set aside; `null`: it is not. */
  readonly quarantine: Quarantine | null
  readonly reason: string | null
  readonly tags: Readonly<Record<string, string>>
  /** Whose child it is, by which step. */
  readonly parent: {
    readonly run: RunId
    readonly step: string
    /** Runs above it. */
    readonly depth: number
    readonly detached?: true | undefined
  } | null
  /** The first run of its line: itself, unless it goes on for another. */
  readonly line: RunId
  /** The run that goes on in its place. */
  readonly continuedAs: RunId | null
}

/**
 * A step that waits for a person: to approve exactly this effect, to answer a question of the
 * program, or to say what became of an effect in doubt.
 */
export interface WaitingStep {
  readonly step: string
  readonly kind: 'effect' | 'question' | 'validation' | 'doubt'
  /** Of the call, of the question, or of the intent's arguments. */
  readonly digest: string
  readonly prompt: string
  readonly request: EventId
  readonly askedAt: Timestamp
  /** When it lapses; `null`: never. */
  readonly expiresAt: Timestamp | null
  /** Who may answer; `null`: any principal. */
  readonly approvers: readonly string[] | null
  /** When, and to whom, it goes on; `null` when it does not, or has. */
  readonly escalation: { readonly at: Timestamp; readonly to: readonly string[] } | null
  /** What would be allowed, of an effect. */
  readonly call?: {
    readonly grant: GrantId
    readonly action: string
    readonly resource: JsonObject
    readonly argumentsDigest?: string
  }
  /** The grant it would be done under, of an effect. */
  readonly grant?: GrantId
  /** The agent whose proposal it follows, of an effect that says so. */
  readonly proposer?: string
  /**
   * Why no answer counts any more: the right to the effect has ended, and whoever drives the run
   * next denies it. Told by `view` and `list`, as authority stands when they are asked.
   */
  readonly ended?: { readonly code: string; readonly message: string }
}

/** A step that waits for no person: for a time, or for what others do. */
export interface Wait {
  readonly step: string
  /** `retry`: an effect, for its next attempt. */
  readonly kind: 'timer' | 'signal' | 'event' | 'child' | 'retry' | 'compensation'
  /** The event that says so. */
  readonly event: EventId
  /** When the step goes on by itself; `null`: never. */
  readonly due: Timestamp | null
  /** The name of the signal. */
  readonly signal?: string
  /** The run it waits for. */
  readonly child?: RunId
  /** Which event, and from which position on. */
  readonly query?: EventQuery & { readonly after: number }
}

/** How a run is started. */
export interface StartOptions {
  /** The same key and input give the same run; the same key and another input a conflict. */
  readonly key?: string
  /**
   * Grants bound to the run under the names its program uses: to be issued to it at its start, or,
   * by their ids, ones that exist. Those stay whose they are: a decision asks whether the run, its
   * agent, session or principal holds them. So runs come to share what one grant limits.
   */
  readonly grants?: Readonly<Record<string, GrantSpec | GrantId>>
  readonly principal?: PrincipalId
  /** For which agent, and in which session, the run acts: their stop switches concern it. */
  readonly agent?: string
  readonly session?: string
  /** Standing approvals held by the agent or the session, which the run may use. At most 16. */
  readonly standing?: readonly GrantId[]
  readonly tags?: Readonly<Record<string, string>>
  /**
   * Where it waits for a worker: any may take it up, though who started it lives. Left out, it is
   * driven by whoever started it, and by another once that is dead, or once it has been suspended.
   */
  readonly queue?: string
  /** Of runs with the same key so many are driven at once as workers are told. */
  readonly concurrencyKey?: string
  /** Before others of its queue, from -1,000 to 1,000. @defaultValue 0 */
  readonly priority?: number
  /** When it is to be over: a supervisor then asks for its abort. */
  readonly deadline?: Timestamp
  /**
   * Labels of the input by JSON pointer, `''` for the whole: a user's own words are trusted, a
   * document that came with them is not. @defaultValue trusted, and for everyone
   */
  readonly labels?: Readonly<Record<string, Label>>
  /**
   * JSON pointers of what the program is given a `Reference` to, and not the value. None may lie
   * within another. The program's input schema has to take a reference there.
   */
  readonly hold?: readonly string[]
}

/** A root grant to issue to a run at its start. */
export interface GrantSpec {
  readonly actions: readonly string[]
  readonly resource: Resource
  readonly caveats?: readonly Caveat[]
  readonly expiresAt?: Timestamp | null
  readonly delegable?: number
}

/** The end of a run, as `result` gives it. */
export type RunResult =
  | {
      readonly conclusion: 'committed'
      readonly value: JsonValue
      /** The run that went on in its place; `result` follows it. */
      readonly continuedAs?: RunId
    }
  | { readonly conclusion: 'aborted' | 'terminated_by_runtime'; readonly reason: string }

/** What one stretch of driving a run came to. */
export type Stretch =
  | { readonly kind: 'concluded'; readonly result: RunResult }
  /** It waits and holds nothing; to be driven on once what it waits for is there, or due. */
  | {
      readonly kind: 'suspended'
      readonly waitingFor: readonly WaitingStep[]
      readonly waits: readonly Wait[]
      /** When it goes on by itself; `null`: never. */
      readonly until: Timestamp | null
    }
  /** `options.signal` fired: nothing was concluded, and any process may go on with it. */
  | { readonly kind: 'stopped' }
  /** Another process owns it. */
  | { readonly kind: 'owned'; readonly owner: OwnerId }
  /** It is set aside until somebody releases it; nothing of it was run. */
  | { readonly kind: 'quarantined'; readonly quarantine: Quarantine }

/** Starts, drives, observes and ends runs. */
export interface Runs {
  /**
   * Records the run; does not drive it.
   * @throws `ICE_RUNS_KEY_CONFLICT`, `ICE_RUNS_INPUT_UNSUPPORTED`, `ICE_RUNS_GRANTS_UNSUPPORTED`
   */
  start(program: Program, input: unknown, options?: StartOptions): Promise<RunId>
  /** Drives a run until it concludes, suspends, or is another's. Replays what is recorded. */
  drive(run: RunId, options?: DriveOptions): Promise<Stretch>
  /** `start`, then `drive`. */
  execute(
    program: Program,
    input: unknown,
    options?: StartOptions & DriveOptions,
  ): Promise<Executed>
  /**
   * Watches what handlers of a run emit that is driven by this process, from now on. Who does not
   * keep up misses some, and is told how many; who throws is not called again. Chunks are no
   * events: they may be of attempts that fail.
   * @returns an end to that
   */
  watch(run: RunId, onChunk: (chunk: Chunk) => void | Promise<void>): () => void
  /** Waits for the conclusion, whichever process brings it about. */
  result(run: RunId, options?: { readonly signal?: AbortSignal }): Promise<RunResult>
  /** @throws `ICE_RUNS_NOT_FOUND` */
  view(run: RunId): Promise<RunView>
  list(query?: RunQuery): AsyncIterable<RunView>
  /**
   * Answers a waiting step, in one append with the standing approval that is wanted. The answer is
   * `principal`'s: whoever calls this has authenticated them. One that does not count is recorded
   * as refused, and thrown.
   *
   * @throws `ICE_RUNS_STEP_NOT_FOUND`, `ICE_RUNS_STEP_CONFLICT`, `ICE_RUNS_ANSWERER_DENIED`,
   * `ICE_RUNS_ANSWER_LATE_CONFLICT`, `ICE_RUNS_STANDING_UNSUPPORTED`
   */
  answer(run: RunId, answer: AnswerCommand): Promise<Answered>
  /**
   * Sends a run a value. It waits until a step takes it, also when none asks for it yet. The same
   * key is the same signal, however often it is sent.
   * @throws `ICE_RUNS_NOT_FOUND`, `ICE_RUNS_CONCLUDED_CONFLICT`, `ICE_RUNS_SIGNAL_UNSUPPORTED`,
   * `ICE_RUNS_SIGNAL_LIMIT`, `ICE_RUNS_KEY_CONFLICT` — the key stands for another value
   */
  signal(run: RunId, command: SignalCommand): Promise<void>
  /**
   * Says what became of an effect in doubt: whether it happened, or, of one that was being undone,
   * whether it was. Of a run that is over it changes nothing, and stands in `effect/<id>`.
   * @throws `ICE_RUNS_STEP_NOT_FOUND`
   */
  resolveDoubt(run: RunId, command: DoubtCommand): Promise<void>
  /**
   * The values of a run that keep a label of their own, oldest first: what `endorse` is for.
   * @throws `ICE_RUNS_NOT_FOUND`
   */
  labels(run: RunId): Promise<readonly ValueOfRun[]>
  /**
   * A person vouches for a value: these sources no longer count. Holds for all that is labelled
   * from then on, also for a step that waits; what was recorded keeps its label.
   * @throws `ICE_RUNS_STEP_NOT_FOUND`, `ICE_RUNS_STEP_CONFLICT` — it is another value than
   * `digest` says —, `ICE_RUNS_LABEL_CONFLICT` — it does not come from such a source
   */
  endorse(run: RunId, command: EndorseCommand): Promise<void>
  /** A person lets more people read a value. @throws as `endorse` */
  declassify(run: RunId, command: DeclassifyCommand): Promise<void>
  /**
   * Sets a run aside: nobody drives it until it is released. Its owner, if it has one, stops its
   * handlers, and records what they come back with. One that is set aside stays as it is.
   * @throws `ICE_RUNS_NOT_FOUND`, `ICE_RUNS_CONCLUDED_CONFLICT` — it is over —,
   * `ICE_RUNS_REASON_UNSUPPORTED`
   */
  quarantine(run: RunId, command: QuarantineCommand): Promise<void>
  /**
   * Lets a run go on that was set aside; does not drive it.
   * @throws as `quarantine`, and `ICE_RUNS_NOT_QUARANTINED_CONFLICT`
   */
  release(run: RunId, command: ReleaseCommand): Promise<void>
  /**
   * Asks for an abort; a run nobody owns is concluded at once, and finishes what it owes. It also
   * releases a run from its quarantine. @throws `ICE_RUNS_CONCLUDED_CONFLICT`
   */
  abort(run: RunId, command: AbortCommand): Promise<void>
}

export interface Executed {
  readonly run: RunId
  readonly stretch: Stretch
}

export interface DriveOptions {
  /** Stay and wait, for people and for times, instead of suspending. @defaultValue false */
  readonly wait?: boolean
  /** Stops driving: effects in flight are aborted, nothing is concluded. */
  readonly signal?: AbortSignal
  /** Called with every event of the run as it is acknowledged or replayed. */
  readonly onEvent?: (event: RecordedEvent) => void
  /**
   * Called with what handlers emit meanwhile, the next once what it returns has settled: `watch` of
   * the run for as long as it is driven.
   */
  readonly onChunk?: (chunk: Chunk) => void | Promise<void>
}

export interface RunQuery {
  readonly state?: RunState
  readonly program?: string
  readonly limit?: number
}
