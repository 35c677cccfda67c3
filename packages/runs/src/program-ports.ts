/**
 * What a program is, and what it is given: types only.
 *
 * A program proposes and waits. Nothing it can call here performs anything by itself.
 */

import type { ApprovalTerms, Caveat, Denial, Resource } from '@ice/capabilities/ports'
import type {
  ErrorRecord,
  EventId,
  JsonObject,
  JsonValue,
  PrincipalId,
  Random,
  RunId,
  Timestamp,
} from '@ice/primitives'
import type { RunResult } from './ports.ts'

/** A schema as zod and others have it: parses or throws. */
export interface Schema<T> {
  parse(value: unknown): T
}

/** A fold over the bytes an effect streams, run inside the effect: only its result is recorded. */
export interface ByteFold<S = unknown, R extends JsonValue = JsonValue> {
  /** Called once an effect. */
  readonly start: () => S
  /** May change `state` in place; must keep no reference to `chunk`. */
  readonly step: (state: S, chunk: Uint8Array) => S
  readonly finish: (state: S) => R
}

/**
 * How often an effect is tried, and how far apart. Tried again is what failed with an error that
 * says it is `retryable`, or with a code that `on` names. A denial is final, and so is a doubt.
 */
export interface RetryPolicy {
  /**
   * Attempts that may end without a result, the first among them: 1 to 1,000. One that the death of
   * its owner cut short has not ended, and is not counted.
   */
  readonly attempts: number
  /** From the end of the first attempt to the second. @units milliseconds. @defaultValue 1,000 */
  readonly firstMs?: number
  /** How much longer each wait is than the one before: 1 to 100. @defaultValue 2 */
  readonly factor?: number
  /** The longest wait. @units milliseconds. @defaultValue 60,000, or `firstMs` if that is more */
  readonly maxMs?: number
  /**
   * The part of a wait that chance may take away, 0 to 1. Drawn from the run, the step and the
   * attempt: the same wherever it is reckoned. @defaultValue 0.2
   */
  readonly jitter?: number
  /** Codes of errors that are tried again whatever they say of themselves: at most 64. */
  readonly on?: readonly string[]
}

/** How long an effect may take, and how often it is tried. */
export interface AttemptTerms {
  /** Left out: that of the program, or else one attempt. `{ attempts: 1 }` is one attempt. */
  readonly retry?: RetryPolicy
  /** For one attempt; then its handler is aborted. @units milliseconds. @defaultValue no bound */
  readonly timeoutMs?: number
  /**
   * From the first intent to the last end, waits and approvals between attempts included. Where
   * none has been made yet, from when the first was put off. @units milliseconds
   */
  readonly totalTimeoutMs?: number
  /**
   * How long a handler may be silent: one that does not call `heartbeat` for so long is aborted.
   * @units milliseconds. @defaultValue that of the handler
   */
  readonly heartbeatMs?: number
}

/** An effect as a program asks for it. `R` is what its outcome gives. */
export interface EffectRequest<R = JsonValue> extends AttemptTerms {
  readonly action: string
  /** The name a grant has in this run (see `CapabilitiesBound`). */
  readonly grant: string
  readonly arguments: JsonObject
  /**
   * The step id of the `propose`, in this scope or within it, that the effect carries out: recorded
   * as a cause of whatever is decided about it.
   * @throws `ICE_RUNS_PROPOSAL_NOT_FOUND`, as `effect` does — it is not recorded yet, or too old
   */
  readonly proposal?: string
  /** For effects that stream bytes: reduce them in place instead of recording them. */
  readonly fold?: ByteFold
  /**
   * What undoes it when the run aborts; left out, its handler does, if it can. Decided with the
   * effect, under a grant of its own: an effect whose undoing is not allowed is denied.
   */
  readonly compensation?: CompensationRequest
  /** Never set: carries `R` in the type. */
  readonly result?: R
}

/** Many calls of one action under one intent. `R` is what each of them gives. */
export interface BatchRequest<R = JsonValue> extends AttemptTerms {
  readonly action: string
  readonly grant: string
  /** The arguments of each call: 1 to 256. */
  readonly items: readonly JsonObject[]
  /** How many are at work at once, where the handler takes them one by one. @defaultValue 16 */
  readonly concurrency?: number
  /** As `EffectRequest.proposal`. */
  readonly proposal?: string
  /** Never set: carries `R` in the type. */
  readonly result?: R
}

/** What one call of a batch came to. */
export type BatchItem<R = JsonValue> = { readonly ok: R } | { readonly error: ErrorRecord }

/**
 * An effect that undoes another. Its arguments hold no references and are at most 4 KiB; nobody is
 * asked to approve it.
 */
export type CompensationRequest = {
  readonly action: string
  /** The name a grant has in this run. */
  readonly grant: string
  readonly arguments: JsonObject
}

/** An effect that is carried out once the run has committed: nothing undoes it after that. */
export type StagedRequest = Omit<EffectRequest<unknown>, 'compensation' | 'fold'>

/**
 * Stands for a value that the program does not see: the outcome of an effect it asked to be held,
 * or a held part of its input. It may stand anywhere in what the program hands to its context.
 * Only the object itself is one: a copy, or the same written by hand, is refused.
 *
 * `R` is what it stands for.
 */
export type Reference<R = JsonValue> = {
  readonly $ref: string
  /** JSON pointer of the part it stands for; left out: all of it. */
  readonly at?: string
  /** Never set: carries `R` in the type. */
  readonly result?: R & JsonValue
}

/** What became of an effect. */
export type EffectOutcome<R = JsonValue> =
  | { readonly kind: 'succeeded'; readonly value: R; readonly event: EventId }
  | { readonly kind: 'failed'; readonly error: ErrorRecord; readonly event: EventId }
  | { readonly kind: 'denied'; readonly denial: Denial; readonly event: EventId }

/** What a program is given. Nothing here performs anything by itself. */
export interface RunContext {
  readonly run: RunId
  /** Time of the last event delivered to the program: the same on every replay. */
  readonly now: Timestamp
  /** Seeded from the run id and the scope: the same on every replay. */
  readonly random: Random
  /**
   * Asks for an effect and waits for its outcome.
   * @param id - unique in the run, within this scope: what a recorded outcome belongs to
   * @throws `ICE_RUNS_EFFECT_DENIED`, `ICE_RUNS_EFFECT_FAILED`, `ICE_RUNS_STEP_CONFLICT`
   */
  effect<R>(id: string, request: EffectRequest<R>): Promise<R>
  /** As `effect`, but a denial or a failure is a value. */
  attempt<R>(id: string, request: EffectRequest<R>): Promise<EffectOutcome<R>>
  /**
   * Asks for many calls of one action at once: one intent, one outcome, and one approval. It is
   * allowed when each call is, and pays for all of them. Gives what became of each, in their order.
   * A batch of which nothing succeeded has failed; its fate after a crash, and a doubt, are of all
   * of it.
   * @throws `ICE_RUNS_EFFECT_DENIED`, `ICE_RUNS_EFFECT_FAILED`, `ICE_RUNS_STEP_CONFLICT`,
   * `ICE_RUNS_ATTEMPTS_UNSUPPORTED`
   */
  batch<R>(id: string, request: BatchRequest<R>): Promise<readonly BatchItem<R>[]>
  /**
   * As `effect`, but the program is given a reference instead of the result: what is in it does
   * not count among what the program has seen. A refusal or a failure is thrown, and does.
   * @throws `ICE_RUNS_EFFECT_DENIED`, `ICE_RUNS_EFFECT_FAILED`, `ICE_RUNS_STEP_CONFLICT`
   */
  hold<R>(id: string, request: EffectRequest<R>): Promise<Reference<R>>
  /**
   * Stages an effect: it is decided when the run is to commit, its intent is recorded with the
   * commit, and it acts after that. A denial then aborts the run. Gives nothing; staged in a branch
   * that loses, it is dropped.
   * @throws `ICE_RUNS_STAGED_LIMIT`, `ICE_RUNS_STEP_CONFLICT`, `ICE_RUNS_REFERENCE_DENIED`
   */
  stage(id: string, request: StagedRequest): Promise<void>
  /**
   * A reference to a part of what another stands for, by JSON pointer. Nothing is looked at: a call
   * with a part that is not there is refused.
   * @throws `ICE_RUNS_REFERENCE_DENIED` — it is no reference of this run, or no pointer
   */
  part<R = JsonValue>(reference: Reference<unknown>, pointer: string): Reference<R>
  /**
   * Gives what a reference stands for, `null` for a part that is not there. From here on its label
   * is the run's too.
   * @throws `ICE_RUNS_REFERENCE_DENIED` — it is no reference of this run
   */
  reveal<R>(id: string, reference: Reference<R>): Promise<R>
  /** Records what an agent proposes. Changes nothing. */
  propose(id: string, proposal: Proposal): Promise<void>
  /** Waits for a person's answer. */
  approval(id: string, question: Question): Promise<Answer>
  /** A UUIDv7 of `now` and of `random`: the same on every replay. */
  uuid(): string
  /**
   * Waits for so many milliseconds, or until a time. A run that only waits is suspended: it holds
   * no process.
   * @throws `ICE_RUNS_WAIT_UNSUPPORTED`
   */
  sleep(id: string, until: number | { readonly until: Timestamp }): Promise<void>
  /**
   * Waits for a signal that the program declares: the earliest of its name that no step has taken.
   * `null`: nobody sent one in time.
   * @throws `ICE_RUNS_SIGNAL_UNSUPPORTED` — it is not declared, or does not fit its schema
   */
  signal<T = unknown>(id: string, signal: string, terms?: WaitTerms): Promise<Received<T> | null>
  /**
   * Waits for an event of the log that comes after this step was asked for. Gives which one it is,
   * and nothing of what is in it. `null`: none came in time.
   * @throws `ICE_RUNS_WAIT_UNSUPPORTED`
   */
  event(id: string, query: EventQuery, terms?: WaitTerms): Promise<AwaitedEvent | null>
  /** Goes all ways at once, and on with the first that ends; cancels the others. */
  race<T>(id: string, branches: Branches<T>): Promise<Won<T>>
  /** The same with the first that succeeds. @throws `AggregateError` — none did */
  any<T>(id: string, branches: Branches<T>): Promise<Won<T>>
  /** Goes all ways to their ends; the first that fails cancels the others, and is thrown. */
  all<T>(id: string, branches: Branches<T>): Promise<Readonly<Record<string, T>>>
  /**
   * `each` over items, so many at a time, each in a scope of its index; results in order. The first
   * that fails cancels those at work, and is thrown.
   */
  map<I, T>(
    id: string,
    items: readonly I[],
    each: (context: RunContext, item: I, index: number) => Promise<T>,
    options?: { /** @defaultValue 16 */ readonly concurrency?: number },
  ): Promise<readonly T[]>
  /**
   * Starts a run as a child of this one, under a grant of the kind `spawn`.
   * @param program - registered wherever the child may be driven
   * @throws as `effect`
   */
  spawn<O = JsonValue>(
    id: string,
    program: ProgramName,
    input: unknown,
    options: SpawnOptions,
  ): Promise<Child<O>>
  /**
   * Ends this run as committed, and has another of the same program go on in its place, with the
   * same grants and the same inbox: for work without an end. Never returns.
   */
  continueAs(input: unknown): Promise<never>
  /**
   * Whether to go the way of a patch: `false` where a run that began before the patch has gone past
   * this point already.
   */
  patched(id: string): Promise<boolean>
  /** A context whose ids and randomness lie within `name`. */
  scope(name: string): RunContext
}

/** Which program. */
export interface ProgramName {
  readonly name: string
  readonly version: string
}

/** How a child is started. */
export interface SpawnOptions {
  /** The name of the grant that allows it. */
  readonly grant: string
  /** By the name its program uses: a grant of this run, as it is or narrower. Must be delegable. */
  readonly grants?: Readonly<Record<string, string | SpawnGrant>>
  /** It goes on when its parent has ended. @defaultValue false */
  readonly detached?: boolean
  readonly tags?: Readonly<Record<string, string>>
}

/** What of a grant a child is given. */
export interface SpawnGrant {
  readonly from: string
  readonly actions?: readonly string[]
  readonly resource?: Resource
  readonly caveats?: readonly Caveat[]
  readonly expiresAt?: Timestamp | null
  readonly delegable?: number
}

/** A run that was started by this one. */
export interface Child<O> {
  readonly run: RunId
  /**
   * Waits for its end, and gives its result. @param step - @defaultValue `<id>/end`
   * @throws `ICE_RUNS_CHILD_UNAVAILABLE` — it has no result
   */
  result(step?: string): Promise<O>
  /** The same, but however it ended is a value. */
  settled(step?: string): Promise<RunResult>
}

/** Ways of a program that go on at the same time, each in a scope of its name. */
export type Branches<T> = Readonly<Record<string, (context: RunContext) => Promise<T>>>

/** The branch that was first, and what it came to. */
export interface Won<T> {
  readonly name: string
  readonly value: T
}

/** How long a step waits. */
export interface WaitTerms {
  /** @units milliseconds. @defaultValue for ever */
  readonly timeoutMs?: number
}

/** What somebody sent. */
export interface Received<T> {
  readonly value: T
  readonly by: PrincipalId | null
  readonly event: EventId
}

/** Which events a step waits for. */
export interface EventQuery {
  /** One of these. */
  readonly types: readonly string[]
  readonly streamPrefix?: string
}

/** An event that a step waited for. */
export interface AwaitedEvent {
  readonly event: EventId
  readonly type: string
  readonly stream: string
}

/** What an agent proposes, and why: becomes a `DecisionProposed` of that agent. */
export interface Proposal {
  readonly agent: string
  readonly content: JsonValue
  readonly reason: string
}

/** What a person is asked. Terms left out: anybody may answer, at any time. */
export interface Question extends ApprovalTerms {
  readonly prompt: string
  readonly details?: JsonValue
}

/** What a person said. */
export interface Answer {
  readonly approved: boolean
  readonly by: PrincipalId | null
  readonly comment: string | null
  /** Nobody answered in time: then `approved` is false, and `by` is `null`. */
  readonly lapsed?: true
}

/**
 * A check of a program's result. Pure; throwing, or returning a reason, fails the validation, and
 * so does a person who is asked and says no, or nobody in time.
 */
export interface Check<O> {
  readonly name: string
  check(output: O): string | undefined | { readonly ask: Question }
}

/** Durable code: the same input and the same outcomes give the same steps and the same result. */
export interface Program<I = unknown, O = unknown> {
  readonly name: string
  readonly version: string
  readonly input: Schema<I>
  readonly output: Schema<O>
  /** Names of the grants the program uses; each must be bound when a run starts. */
  readonly needs?: readonly string[]
  readonly checks?: readonly Check<O>[]
  /** Versions whose runs it can drive on: a replay of theirs goes its way. */
  readonly takesOver?: readonly string[]
  /** What may be sent to its runs, and what that looks like. */
  readonly signals?: Readonly<Record<string, Schema<unknown>>>
  /** Of the effects that bring none of their own. @throws as `RunContext.effect` does */
  readonly retry?: RetryPolicy
  run(context: RunContext, input: I): Promise<O>
}
