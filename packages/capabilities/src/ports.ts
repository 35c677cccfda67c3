/**
 * The ports of authority: types only.
 *
 * A *grant* is the recorded issue of a right. A *request* names the grant it acts under; nobody
 * searches for one that would do. A *decision* is a pure function of the grants as they are
 * recorded and of the request: no clock of its own, no I/O, no randomness.
 */

import type { Guard, RecordedEvent } from '@ice/events/ports'
import type {
  EventId,
  GrantId,
  Hash,
  JsonObject,
  JsonValue,
  Label,
  PrincipalId,
  RunId,
  StreamId,
  Timestamp,
} from '@ice/primitives'

/** Who may use it: `run/<id>`, `agent/<id>`, `session/<id>`, `principal/<id>`, `tool/<name>`. */
export type Holder = `${'run' | 'agent' | 'session' | 'principal' | 'tool'}/${string}`

/**
 * What a grant is about. `kind` names a registered resource kind, which says what the other
 * members mean, what a claim on it looks like, and when one resource lies within another.
 */
export type Resource = JsonObject & { readonly kind: string }

/** What a budget counts; money in millionths of the currency (ISO 4217). */
export type BudgetUnit = 'uses' | 'rate' | 'tokens' | 'bytes' | 'ms' | `money/${string}`

/** Who may approve, and what happens while nobody does. */
export type ApprovalTerms = {
  /** Principals; left out: any. */
  readonly by?: readonly string[]
  /** After so long the question lapses, which denies. @units ms */
  readonly timeoutMs?: number
  /** After so long those in `escalateTo` may answer too. @units ms */
  readonly escalateAfterMs?: number
  readonly escalateTo?: readonly string[]
}

/** What a stop switch is about: `operator/<principal>` is what is done on someone's command. */
export type StopScope = 'all' | `${'run' | 'agent' | 'session' | 'operator'}/${string}`

/** A stop switch that has been touched. */
export interface StopState {
  readonly scope: StopScope
  readonly stopped: boolean
  /** Version of its stream: what an intent guards. */
  readonly version: number
  /** The event that threw or lifted it. */
  readonly event: EventId
  readonly at: Timestamp
  readonly by: PrincipalId | null
  readonly reason: string | null
}

/** Whom a request speaks for, and so which stop switches concern it. */
export interface Party {
  readonly run: RunId
  readonly agent?: string | undefined
  readonly session?: string | undefined
  readonly principal?: string | undefined
  /** The agent whose proposal it follows: it lends no authority, and its switch concerns it. */
  readonly proposer?: string | undefined
}

/** What a person is to be asked about a call that nothing else refuses. */
export interface ApprovalAsk {
  /** Of exactly this call. */
  readonly digest: Hash
  /** Who may answer; `null`: any principal. Empty: nobody, before the question goes on. */
  readonly approvers: readonly string[] | null
  /** After so long the question lapses; `null`: never. @units ms */
  readonly timeoutMs: number | null
  /** After so long these may answer too. @units ms */
  readonly escalation: { readonly afterMs: number; readonly to: readonly string[] } | null
}

/** A condition under which a grant may be used. An unknown kind denies. */
export type Caveat =
  /** At most so many uses, over all holders and all descendants. */
  | { readonly kind: 'count'; readonly max: number }
  /** The same within each window of so many milliseconds, counted from the epoch. */
  | { readonly kind: 'rate'; readonly max: number; readonly windowMs: number }
  /** At most so much, over all holders and all descendants; each call states its own bound. */
  | {
      readonly kind: 'budget'
      readonly unit: Exclude<BudgetUnit, 'uses' | 'rate'>
      readonly max: number
    }
  /** Only at these times: days 0 (Sunday) to 6, minutes of the day, UTC. */
  | {
      readonly kind: 'time-window'
      readonly days?: readonly number[]
      readonly from: number
      readonly to: number
    }
  /** Only in this run. */
  | { readonly kind: 'same-run'; readonly run: RunId }
  /** Only with arguments that fit this part of JSON Schema. */
  | { readonly kind: 'arguments'; readonly schema: JsonObject }
  /** Only when what stands at these JSON pointers of the arguments is trusted. */
  | { readonly kind: 'trusted'; readonly paths: readonly string[] }
  /** Only when all of these may read what stands at these JSON pointers of the arguments. */
  | {
      readonly kind: 'readers'
      readonly paths: readonly string[]
      readonly include: readonly string[]
    }
  /** Each use needs a person's approval of exactly that call. */
  | ({ readonly kind: 'approval' } & ApprovalTerms)
  /** Only these actions need `approval`: the others pass without one. */
  | ({ readonly kind: 'approval-for'; readonly actions: readonly string[] } & ApprovalTerms)

export type { Label } from '@ice/primitives'

/** So much of one unit of a grant's budget; `window` is the number of a rate's window. */
export interface BudgetShare {
  readonly grant: GrantId
  readonly unit: BudgetUnit
  readonly amount: number
  readonly window?: number
}

/** A right to do `actions` on `resource`, under `caveats`, within its parent's. */
export interface Grant {
  readonly id: GrantId
  readonly holder: Holder
  readonly actions: readonly string[]
  readonly resource: Resource
  readonly caveats: readonly Caveat[]
  readonly parent: GrantId | null
  /** How many further links may hang below this one; 0: it cannot be delegated. */
  readonly delegable: number
  readonly notBefore: Timestamp
  /** The first instant at which it no longer holds; `null`: it does not expire. */
  readonly expiresAt: Timestamp | null
  readonly revocable: boolean
}

/** What became of a grant, folded from its stream. */
export interface GrantState {
  readonly grant: Grant
  readonly label: string | null
  readonly issuedBy: PrincipalId | null
  readonly issuedAt: Timestamp
  /** The event that revoked it, if one did. */
  readonly revokedBy: EventId | null
  /** Version of the grant's stream: what an intent guards. */
  readonly version: number
}

/** What a request wants to touch; interpreted by the resource kind of the grant it names. */
export interface AuthorityRequest {
  readonly run: RunId
  /** The first run of its line, where that is another: it holds what that one holds. */
  readonly line?: RunId
  /** The agent for which the run acts, where there is one. */
  readonly agent?: string
  /** The agent whose proposal the effect follows, where it says so. */
  readonly proposer?: string
  /** The session the run belongs to, where there is one. */
  readonly session?: string
  /** On whose command the run acts, where that is known. */
  readonly principal?: string
  /** The tool that acts for the run, where it is held to a grant of its own. */
  readonly tool?: string
  readonly grant: GrantId
  readonly action: string
  /** The claim on the resource: for `fs` `{ path: 'src/a.ts' }`, relative to the grant's root. */
  readonly resource: JsonObject
  readonly arguments: JsonValue
  readonly argumentsDigest: Hash
  /**
   * The digest of `arguments`, where `argumentsDigest` is of another writing of them: one in which
   * references stand in the place of contents, and bind them by their digests.
   */
  readonly givenDigest?: Hash
  /**
   * Labels of the arguments by JSON pointer; `''` is the whole, and holds for what has none of its
   * own. Left out: of unknown source, and readable by nobody.
   */
  readonly labels?: Readonly<Record<string, Label>>
  /**
   * The most this call can take of each unit that is not counted in calls. A limit on a unit that
   * is left out here refuses the call; 0 takes nothing of it.
   */
  readonly bounds?: Readonly<Partial<Record<BudgetUnit, number>>>
  /**
   * How many calls the intent is for, of which this is one: `bounds` are those of all together, and
   * each counts. A batch is decided call by call, each time with what all of them take.
   * @units 1 to 256. @defaultValue 1
   */
  readonly calls?: number
  /**
   * What the run holds of the budgets above it: slices allotted, less what its intents took.
   * Trusted, but for its shape: it is folded from the run's stream by the run's owner, and is of
   * this run and no other. Shares of one grant, unit and window are added up.
   */
  readonly purse?: readonly BudgetShare[]
  /** The time the decision is for: the event's, never a wall clock. */
  readonly at: Timestamp
  /** The digest of an approval of exactly this call, if one was recorded for it. */
  readonly approved?: {
    readonly digest: Hash
    readonly event: EventId
    /** Who said yes; left out: nobody who is named. */
    readonly by?: string
    /** When the question was put, and when it was answered: what timed terms are held against. */
    readonly askedAt?: Timestamp
    readonly answeredAt?: Timestamp
  }
  /** A standing approval: a grant of the kind `approval` that is to stand for a person's yes. */
  readonly standing?: GrantId
  /** The digest an approval of this call has to carry: `Authority.callDigest` of this request. */
  readonly callDigest: Hash
}

/** One coded cause of a denial, with what caused it in turn. */
export interface DenialCause {
  /** `ICE_CAPABILITIES_…` */
  readonly code: string
  readonly message: string
  readonly data: JsonObject
  readonly causes: readonly DenialCause[]
}

/**
 * A refusal. `code` is *the* reason: the first in the documented precedence of all that apply;
 * `causes` are all of them. Never thrown by a decision.
 */
export interface Denial extends DenialCause {}

/** An allowed request: what the intent has to carry, guard and pay. */
export interface Authorization {
  readonly grant: GrantId
  /** From the named grant to its root. */
  readonly chain: readonly GrantId[]
  /** The resource of each link, in the order of `chain`: what a handler is held to. */
  readonly resources: readonly Resource[]
  /**
   * Streams that must not have moved when the intent is recorded: each link's grant, nearest
   * first, then the policy, then the stop switches, then the budgets of `allotments`. At most 64.
   */
  readonly guards: readonly Guard[]
  /**
   * The first instant at which some link no longer holds, or after the window of a rate it takes
   * from; the intent's `notAfter` is one less.
   */
  readonly expiresAt: Timestamp | null
  /** The approval it stands on; `null` when it needed none, also if one was given. */
  readonly approval: EventId | null
  /** The standing approval it stands on instead; its chain is guarded too. */
  readonly standing?: GrantId | null
  /**
   * What the intent takes out of the run's purse, `allotments` included: one share for each limit
   * of each link, nearest first; at most 64.
   */
  readonly spends: readonly BudgetShare[]
  /**
   * Slices that the purse lacks for the call, each with the stream of its budget. Empty when the
   * purse covers the call. They are to be had before the intent is recorded: drawn at any version
   * (`BudgetAllotted` with `ifLeft`), after which the call is decided anew on what was given; or
   * allotted beside the intent, at the version the decision stood on.
   */
  readonly allotments: readonly Allotment[]
  /** The policy that was asked too; left out when none is in force. */
  readonly ceiling?: CeilingVersion | null
}

/** A slice to be drawn or allotted: one `BudgetAllotted`. */
export interface Allotment extends BudgetShare {
  /** `budget/<grant>`. */
  readonly stream: StreamId
  /** Version of that stream on which the decision stands: the `expectedVersion` of a write that
   * allots without `ifLeft`. */
  readonly version: number
}

/** What a budget gave to a run: what it has of one limit, in a window where that has one. */
export interface Slice extends BudgetShare {
  /** Version of the event of the budget's stream that gave it the last of it. */
  readonly last: number
}

/** What is known of a budget about one run. */
export interface Slices {
  /** Up to which version the budget's stream is known. */
  readonly version: number
  /** What the run was allotted and has not given back, spent or not. */
  readonly held: readonly Slice[]
}

/** Which policy is meant. */
export interface CeilingVersion {
  readonly name: string
  readonly version: string
  /** Of all that decides: policies, schema, entities. */
  readonly digest: Hash
}

/** What a ceiling is asked: a request, with the chain that allows it. */
export interface CeilingRequest {
  readonly request: AuthorityRequest
  readonly chain: readonly Grant[]
}

/** What a ceiling says. */
export type CeilingVerdict =
  | { readonly permits: true; readonly policies: readonly string[] }
  | { readonly permits: false; readonly policies: readonly string[]; readonly reason: string }

/**
 * An organisation's policy over all requests: asked after the chain allows, and able only to
 * refuse. Pure and synchronous; what it throws refuses, and so does whatever is no verdict.
 */
export interface Ceiling extends CeilingVersion {
  judge(asked: CeilingRequest): CeilingVerdict
}

/** The answer to a request. */
export type Decision =
  | { readonly ok: Authorization }
  /** `ask` is there when a person's yes is all that is missing, and somebody could give it. */
  | { readonly denied: Denial; readonly ask?: ApprovalAsk }

/** What makes a call this call and no other. */
export interface CallIdentity {
  readonly run: RunId
  readonly grant: GrantId
  readonly action: string
  readonly resource: JsonObject
  readonly argumentsDigest: Hash
}

/** A root grant to be: members left out get their defaults. */
export interface RootGrantSpec {
  readonly id: GrantId
  readonly holder: Holder
  readonly actions: readonly string[]
  readonly resource: Resource
  readonly caveats?: readonly Caveat[]
  /** @defaultValue 0 */
  readonly notBefore?: Timestamp
  /** @defaultValue null: it does not expire */
  readonly expiresAt?: Timestamp | null
  /** @defaultValue 0: it cannot be delegated */
  readonly delegable?: number
  /** @defaultValue true */
  readonly revocable?: boolean
}

/** What the rest of the system needs to ask of authority. */
export interface Authority {
  /**
   * Decides on what is known here; never throws, whatever the request is. Allowing on stale
   * knowledge is harmless (the guards refuse); a denial is only final after `refresh`.
   */
  decide(request: AuthorityRequest): Decision
  /**
   * The versions a decision about this request stands on: links, nearest first, the policy, the
   * stop switches, and the budgets of the links; the first 64. None where no grant is known. What a
   * denial records, so that it can be judged again.
   */
  basis(request: AuthorityRequest): readonly Guard[]
  /**
   * Catches up with the log as it stands at the call, or later.
   *
   * @param grants - only these, the grants above them, their budgets and their stop switches:
   * what the decisions of a run need, at a price that does not grow with the log. Left out, every
   * grant of the log is read and kept.
   * @param party - whose stop switches are wanted beside those of the holders
   */
  refresh(grants?: readonly GrantId[], party?: Party): Promise<void>
  /**
   * The digest that an approval of this call has to carry: SHA-256 of the canonical JSON of the
   * call's members, so exact and injective.
   * @throws `ICE_PRIMITIVES_CANONICAL_UNSUPPORTED`, `ICE_PRIMITIVES_CANONICAL_LIMIT` — a member
   * is not JSON
   */
  callDigest(call: CallIdentity): Hash
  /**
   * Validates and normalises a root grant; the caller records it (`CapabilityGranted`).
   * @returns a frozen copy
   * @throws `ICE_CAPABILITIES_GRANT_UNSUPPORTED` — malformed, or of a kind that is not
   * registered; every reason is in `data.reasons`
   */
  rootGrant(spec: RootGrantSpec): Grant
  /** A grant as it stands, or `undefined`: unknown, or over for so long that it was forgotten. */
  grant(id: GrantId): GrantState | undefined
  /**
   * What the budget of a grant gave to a run, as far as it is known here: whoever drew a slice
   * learns from it whether there was one. `undefined` where the grant or its budget is not known.
   * A run that 1,024 others came after is forgotten, and then it holds nothing.
   */
  slices(grant: GrantId, run: RunId): Slices | undefined
  /**
   * Feeds events that the caller has read or written itself; others come by `refresh`. In any
   * order, repeated or incomplete: what does not follow on what is known is left to `refresh`.
   */
  observe(events: Iterable<RecordedEvent>): void
}

/**
 * The meaning of one kind of resource. All functions are pure, and total over plain JSON;
 * `refuses` and `exceeds` are only asked about resources that `checkResource` accepted.
 */
export interface ResourceKind {
  readonly kind: string
  /** Why a grant's resource is malformed, or `undefined`. */
  checkResource(resource: Resource): string | undefined
  /** Why the claim is outside the resource, or `undefined` when it is within. */
  refuses(resource: Resource, action: string, claim: JsonObject): string | undefined
  /** Why a child's resource is not within its parent's, or `undefined` when it is. */
  exceeds(parent: Resource, child: Resource): string | undefined
}

/** Issues, narrows and ends grants. Each command is one event, recorded by the runtime. */
export interface Grants {
  /** Every grant the log knows, oldest first. */
  list(): Promise<readonly GrantState[]>
  /**
   * Makes a narrower grant below an existing one, in one append that is guarded by every link
   * above it: a parent revoked meanwhile gets no child.
   * @throws `ICE_CAPABILITIES_ESCALATION_DENIED` — the child claims more than its parent, or the
   * parent authorises nothing any more, with the reasons in `data.reasons`;
   * `ICE_CAPABILITIES_GRANT_UNSUPPORTED`, `ICE_CAPABILITIES_GRANT_NOT_FOUND`
   */
  delegate(command: DelegateCommand): Promise<GrantId>
  /**
   * Ends a grant and, with it, everything below it. Revoking a revoked grant changes nothing, but
   * for `compensations`: what intents under it have reserved for undoing what they did outlives a
   * revocation, and ends only by one that says so, at once or later.
   * @returns the grants that no longer authorise anything because of it: first the grant itself,
   * then what is below it and was not revoked on its own; the same when repeated
   * @throws `ICE_CAPABILITIES_GRANT_NOT_FOUND`, `ICE_CAPABILITIES_NOT_REVOCABLE`
   */
  revoke(grant: GrantId, command: RevokeGrantCommand): Promise<readonly GrantId[]>
  /**
   * Stops a scope: once this is recorded, no intent that it concerns can be. Stopping what is
   * stopped changes nothing.
   * @throws `ICE_CAPABILITIES_SCOPE_UNSUPPORTED`
   */
  stop(scope: StopScope, command: RevokeCommand): Promise<StopState>
  /**
   * Lifts a stop. Lifting what is not stopped changes nothing, and then `null` is the answer where
   * it never was. Handlers that were aborted stay so.
   * @throws `ICE_CAPABILITIES_SCOPE_UNSUPPORTED`
   */
  resume(scope: StopScope, command: RevokeCommand): Promise<StopState | null>
  /** Every switch that was ever thrown, in the order of its first event. */
  stops(): Promise<readonly StopState[]>
  /**
   * What revoking this grant, or stopping this scope, would affect as the log stands; records
   * nothing. Reads the whole log.
   * @throws `ICE_CAPABILITIES_GRANT_NOT_FOUND`, `ICE_CAPABILITIES_SCOPE_UNSUPPORTED`
   */
  preview(target: EndingTarget): Promise<EndingPreview>
}

/** What is to end. */
export type EndingTarget = { readonly grant: GrantId } | { readonly scope: StopScope }

/** What an end would affect. */
export interface EndingPreview {
  /** Grants that authorise something now and would authorise nothing, oldest first. */
  readonly grants: readonly GrantId[]
  /** Runs that are bound to them or concerned, and have not concluded. */
  readonly runs: readonly RunId[]
  /** Effects with an intent and no outcome: their handlers are aborted. */
  readonly effects: readonly {
    readonly run: RunId
    readonly effect: string
    readonly action: string
    readonly fate: string
    readonly intent: EventId
  }[]
  /** Questions that wait for a person, and would be put in vain. */
  readonly approvals: readonly {
    readonly run: RunId
    readonly step: string
    readonly prompt: string
    readonly request: EventId
  }[]
}

/**
 * Who hands what on to whom. Members left out are inherited; `delegable` left out is 0. Caveats
 * come in addition to those above, which hold anyway and are not repeated.
 */
export interface DelegateCommand {
  readonly parent: GrantId
  readonly holder: Holder
  readonly actions?: readonly string[]
  readonly resource?: Resource
  readonly caveats?: readonly Caveat[]
  readonly expiresAt?: Timestamp | null
  readonly delegable?: number
  readonly principal?: PrincipalId
}

/** Who ends a grant, and why. */
export interface RevokeCommand {
  readonly reason: string
  readonly principal?: PrincipalId
}

/** Who ends a grant, why, and whether what was done under it may still be undone. */
export interface RevokeGrantCommand extends RevokeCommand {
  /** End the rights to compensations, too. @defaultValue false */
  readonly compensations?: boolean
}

/** What is different in authority when recorded decisions are judged again. */
export type AuthorityChange =
  /** This policy had been in force from the beginning, and no other. */
  | { readonly policy: Ceiling }
  /** The grant had been revoked when it was issued. */
  | { readonly revoke: GrantId }
  /** The grant of this id had been issued as this one; what its budget gave is reckoned anew. */
  | { readonly grant: Grant }

/**
 * Authority as a log had it, event by event, with or without a change: what recorded decisions are
 * judged again by. It reads no log, and is fed every event in order.
 */
export interface Judge extends Pick<Authority, 'basis' | 'callDigest' | 'decide'> {
  /** The grant whose budget is reckoned anew: `allot` and `giveBack` are called for it. */
  readonly recounts: GrantId | null
  observe(event: RecordedEvent): void
  /** The version of a stream of authority as it is known here; 0 where it is not. */
  versionOf(stream: StreamId): number
  /** Which policy those who decided had loaded. Nothing where the policy is changed. */
  load(ceiling: Ceiling | null): void
  /** Slices that a decision took of the budget that is reckoned anew. */
  allot(run: RunId, shares: readonly BudgetShare[]): void
  giveBack(run: RunId, shares: readonly BudgetShare[]): void
}
