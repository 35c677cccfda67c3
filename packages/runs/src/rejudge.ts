/**
 * Judging recorded decisions again: as they were, which must give what is recorded, and under a
 * change of authority. No effect, no program, no handler; nothing is written.
 *
 *     log ──► run folds ──request of the record──► judge as it was ──► recorded verdict, or why not
 *      └────► both judges ─────────────────────► judge, changed ────► the same, or a flip
 *
 * 1. One pass over the log. A decision is judged on what stood before it: the fold of its run, and
 *    authority as both judges have it.
 * 2. A denial says which versions it was decided on. Where others wrote to these between the
 *    decision and its append, authority is folded again from these streams alone, as far as that.
 * 3. A decision that does not come out as it was recorded is told so, with the reason. It is never
 *    counted as unchanged.
 *
 * Each decision is judged on the record before it, not on what the run would have done instead:
 * what a program makes of a denial only its program knows.
 */
import type { BudgetShare, Denial, Judge } from '@ice/capabilities/ports'
import type { EventLog, RecordedEvent, ValueRef } from '@ice/events/ports'
import {
  type EventId,
  errorRecord,
  type GrantId,
  type Hash,
  type JsonObject,
  type JsonValue,
  type RunId,
  type StreamId,
  type Timestamp,
} from '@ice/primitives'
import { budgetStream } from './budget-writes.ts'
import { carriedBy } from './carried.ts'
import { filled } from './contents.ts'
import type { Call, Ruling } from './effects.ts'
import { RUNS_CODES } from './errors.ts'
import { batchAsked, ruleCall } from './items.ts'
import { type Payload, type RunFold, runProjection } from './lifecycle.ts'
import type { EffectHandler } from './ports.ts'
import { copyOf, put, sharesOf } from './purse.ts'
import { Recount } from './recount.ts'
import { recordedReferences } from './references.ts'
import { ONCE } from './retry.ts'
import { openValue } from './value.ts'

type Decided = Payload<'CapabilityUsed'> | Payload<'CapabilityDenied'>

/** What a decision comes to; `asked`: a person would be asked first. */
export type Verdict =
  | { readonly verdict: 'allowed' }
  | { readonly verdict: 'asked'; readonly approvers: readonly string[] | null }
  | { readonly verdict: 'denied'; readonly denial: Denial }

/** A recorded decision, judged again. */
export interface Rejudged {
  readonly event: EventId
  readonly position: number
  readonly time: Timestamp
  readonly run: RunId
  readonly effect: string
  readonly attempt: number
  readonly action: string
  readonly resource: JsonObject
  readonly grant: string
  /**
   * `outside`: refused before authority was asked. `unreproducible`: judged as it was, it does not
   * come out as it was recorded; then nothing is said of the change.
   */
  readonly outcome: 'same' | 'flip' | 'unreproducible' | 'outside'
  readonly was: Verdict
  /** Under the change; `null` where it was not judged. */
  readonly would: Verdict | null
  /** Why it is unreproducible. */
  readonly reason: string | null
}

/** What judging again needs. */
export interface RejudgeInit {
  readonly log: Pick<EventLog, 'read' | 'readAll' | 'store'>
  /** New judges: without, and with the change. Also called for a state that has passed. */
  readonly judges: () => { readonly recorded: Judge; readonly changed: Judge }
  /** The policy that a `PolicyAdopted` put in force, or why it cannot be had. */
  readonly policyOf?: (event: RecordedEvent) => Promise<Parameters<Judge['load']>[0] | string>
  /** Only decisions of this run. */
  readonly run?: RunId
  /** Only decisions behind this position. */
  readonly after?: number
  /** Only decisions recorded then or later. */
  readonly since?: Timestamp
  readonly signal?: AbortSignal
}

const AUTHORITY = ['grant/', 'budget/', 'stop/', 'policy/'] as const

/** Judges the decisions of a log again, oldest first. @throws what the log throws */
export async function* rejudge(init: RejudgeInit): AsyncIterable<Rejudged> {
  yield* new Rejudging(init).all()
}

class Rejudging {
  readonly #init: RejudgeInit
  readonly #recorded: Judge
  readonly #changed: Judge
  readonly #recount: Recount
  readonly #folds = new Map<string, RunFold | string>()
  /** The policy in force, or why it cannot be had. */
  #policy: Parameters<Judge['load']>[0] | string = null

  constructor(init: RejudgeInit) {
    this.#init = init
    const { recorded, changed } = init.judges()
    this.#recorded = recorded
    this.#changed = changed
    this.#recount = new Recount(changed)
  }

  async *all(): AsyncIterable<Rejudged> {
    const { log, run, after = 0, since = 0, signal } = this.#init
    for await (const batch of log.readAll({})) {
      for (const event of batch) {
        if (signal?.aborted === true) return
        const { stream } = event
        if (AUTHORITY.some((prefix) => stream.startsWith(prefix))) await this.#observe(event)
        if (!stream.startsWith('run/')) continue
        const isLate = event.position > after && event.time >= since
        const isWanted = isLate && (run === undefined || stream === `run/${run}`)
        const isNeeded = isWanted || this.#changed.recounts !== null
        if (isNeeded && isDecision(event)) {
          const judged = await this.#judge(event)
          if (isWanted) yield judged
        }
        this.#fold(event)
      }
    }
  }

  async #observe(event: RecordedEvent): Promise<void> {
    this.#recorded.observe(event)
    this.#changed.observe(event)
    if (event.type !== 'PolicyAdopted') return
    this.#policy = (await this.#init.policyOf?.(event)) ?? 'nobody here can load it'
  }

  #fold(event: RecordedEvent): void {
    const { stream } = event
    const known = this.#folds.get(stream) ?? runProjection.initialState()
    if (typeof known === 'string') return
    this.#recount.follow(stream.slice('run/'.length) as RunId, event)
    try {
      this.#folds.set(stream, runProjection.evolve(known, event))
    } catch (error) {
      // Only a log that was not written by us holds what no run can do.
      this.#folds.set(stream, `its run cannot be folded: ${errorRecord(error).message}`)
    }
    if (event.type === 'RunTerminated') this.#folds.delete(stream)
  }

  async #judge(event: RecordedEvent<string, Decided>): Promise<Rejudged> {
    const { data } = event
    const { effect, attempt, action, grant } = data
    const run = event.stream.slice('run/'.length) as RunId
    const was = verdictOf(data)
    const told = {
      event: event.id,
      ...{ position: event.position, time: event.time, run, effect, attempt, action, grant },
      resource: data.resource as JsonObject,
      was,
    }
    if (isOutside(was)) return { ...told, outcome: 'outside', would: null, reason: null }
    const fold = this.#folds.get(event.stream)
    const lost = (reason: string): Rejudged => {
      return { ...told, outcome: 'unreproducible', would: null, reason }
    }
    if (typeof fold !== 'object' || fold.view === null) {
      return lost(typeof fold === 'string' ? fold : 'its run has no beginning in this log')
    }
    try {
      const asked = await this.#asked(event, fold)
      const judges = await this.#judgesFor(data, was)
      if (typeof judges === 'string') return lost(judges)
      const again = ruled(judges.recorded, asked, asked.purse)
      const difference = differenceOf(was, again, asked)
      if (difference !== null) return lost(difference)
      const would = this.#changedVerdict(judges.changed, asked, was)
      if (asked.isLacking && isAboutArguments(would)) return lost(LACKING)
      const outcome = would.verdict === was.verdict ? 'same' : 'flip'
      return { ...told, outcome, would, reason: null }
    } catch (error) {
      const { code, message } = errorRecord(error)
      return lost(`its request cannot be made again: ${code}: ${message}`)
    }
  }

  /** What a person refused, or never answered, is judged as if nobody had been asked. */
  #changedVerdict(judge: Judge, asked: Asked, was: Verdict): Verdict {
    const { call, fold } = asked
    const purse = this.#recount.purse(call.run, asked.purse)
    const isByPerson = was.verdict === 'denied' && BY_PERSONS.has(was.denial.code)
    const unasked = isByPerson ? { ...fold, answers: new Map(), lapsed: new Map() } : fold
    const ruling = rulingOf(judge, { ...asked, fold: unasked }, purse)
    if (ruling.kind === 'intent') {
      const { lacks: allotments, intent } = ruling
      this.#recount.take(call.run, call.effect, { allotments, spends: intent.spends })
    }
    const would = verdictOfRuling(ruling)
    return isByPerson && would.verdict !== 'allowed' ? was : would
  }

  async #asked(event: RecordedEvent<string, Decided>, fold: RunFold): Promise<Asked> {
    const { data, time: at } = event
    const { blobs } = this.#init.log.store
    const isLacking = data.arguments === undefined
    const value = isLacking ? null : await openValue(data.arguments as ValueRef, blobs)
    const references = recordedReferences(value)
    const given = await filled(value, references, { labels: fold.labels, blobs })
    const { bounds, resource, secret } = { secret: undefined, ...data }
    const run = event.stream.slice('run/'.length) as RunId
    const claimed = resource as JsonObject
    const call: Call = {
      ...{ run, effect: data.effect, attempt: data.attempt, handler: HANDLER },
      request: { action: data.action, grant: '', arguments: value as JsonObject },
      sealed: { ref: { inline: null }, digest: data.argumentsDigest as Hash, blob: null },
      terms: ONCE,
      ...{ args: given as JsonObject, given, resource: claimed, grant: data.grant as GrantId },
      bounds: (bounds ?? boundsOf(data)) as Call['bounds'],
      // A secret that was refused is judged by itself: what it was carried by is not recorded.
      secrets: secret === undefined ? carriedBy(given as JsonObject, claimed, fold.grants) : [],
      ...{ bound: { value: value as JsonValue, references, stray: null }, unfilled: null },
      ...{ hold: false, batch: false, askedAt: event.version },
      labels: data.labels as Call['labels'],
      ...(data.proposer === undefined ? {} : { proposal: followedBy(event, data.proposer) }),
    }
    const held = 'purse' in data ? data.purse : undefined
    const purse = (held as readonly BudgetShare[] | undefined) ?? pursed(fold, data)
    const whole = batchAsked(call, data, fold.grants)
    return { call: whole, fold, purse, at, isLacking, isSecret: secret !== undefined }
  }

  /** The judges in the state that a decision was made on, with the policy that was loaded. */
  async #judgesFor(data: Decided, was: Verdict): Promise<Judges | string> {
    const loaded = loadedBy(was)
    if (loaded === undefined && typeof this.#policy === 'string') {
      const isAsked = 'ceiling' in data || isRefusedByPolicy(was)
      if (isAsked) return `the policy that was in force is not at hand: ${this.#policy}`
    }
    const policy = typeof this.#policy === 'string' ? null : this.#policy
    const isPassed = data.basis.some(({ stream, version }) => {
      return this.#recorded.versionOf(stream as StreamId) !== version
    })
    const judges: Judges = isPassed
      ? await this.#stateOf(data.basis)
      : { recorded: this.#recorded, changed: this.#changed }
    judges.recorded.load(loaded === undefined ? policy : loaded)
    judges.changed.load(loaded === undefined ? policy : loaded)
    return judges
  }

  async #stateOf(basis: Decided['basis']): Promise<Judges> {
    const judges = this.#init.judges()
    for (const { stream, version } of basis) {
      if (version === 0) continue
      const query = { stream: stream as StreamId, limit: version }
      for await (const batch of this.#init.log.read(query)) {
        for (const event of batch) {
          judges.recorded.observe(event)
          judges.changed.observe(event)
        }
      }
    }
    return judges
  }
}

/** The proposal that a decision names as its first cause. */
function followedBy({ causes, id }: RecordedEvent, agent: string): Call['proposal'] {
  return { event: causes[0] ?? id, agent }
}

type Judges = ReturnType<RejudgeInit['judges']>

/** A request of the record, as far as it can be made again. */
interface Asked {
  readonly call: Call
  readonly fold: RunFold
  readonly purse: readonly BudgetShare[]
  readonly at: Timestamp
  /** The record does not have the arguments: it was written before denials told them. */
  readonly isLacking: boolean
  readonly isSecret: boolean
}

const LACKING = 'the record has no arguments, and something asks about them'
const BY_PERSONS: ReadonlySet<string> = new Set([
  RUNS_CODES.approvalRejected,
  RUNS_CODES.approvalLapsed,
])
const POLICY_REFUSED = 'ICE_CAPABILITIES_CEILING_REFUSED'

/** What carries effects out has no say in what is decided. */
const HANDLER = { fate: 'observe' } as EffectHandler

function isDecision(event: RecordedEvent): event is RecordedEvent<string, Decided> {
  if (event.type === 'CapabilityUsed') return true
  const { stage } = event.data as { readonly stage?: unknown }
  return event.type === 'CapabilityDenied' && stage === 'decision'
}

function verdictOf(data: Decided): Verdict {
  if (!('denial' in data)) return { verdict: 'allowed' }
  const { code, causes } = data.denial as Partial<Denial>
  const isDenial = typeof code === 'string' && Array.isArray(causes)
  const message = 'The record has no reason that can be read'
  // Only a log that did not go through the gateway holds a denial of another shape.
  const denial = isDenial ? data.denial : { code: '', message, data: {}, causes: [] }
  return { verdict: 'denied', denial: denial as unknown as Denial }
}

/**
 * What a run held when an intent was decided: what its stream tells before it, and slices that were
 * in hand. In older logs an intent allotted its slices itself, at a version that it was decided on.
 */
function pursed({ purse }: RunFold, data: Decided): readonly BudgetShare[] {
  const allotted = ('allotted' in data ? data.allotted : undefined) ?? []
  const drawn = allotted.filter(({ grant }) => {
    return !data.basis.some(({ stream }) => stream === budgetStream(grant as GrantId))
  })
  const whole = copyOf(purse)
  put(whole, drawn)
  return sharesOf(whole.held)
}

/** Whether authority was never asked: no handler, arguments it does not take, no such grant. */
function isOutside(was: Verdict): boolean {
  if (was.verdict !== 'denied' || !was.denial.code.startsWith('ICE_RUNS_')) return false
  return !BY_PERSONS.has(was.denial.code) && was.denial.code !== RUNS_CODES.secretApproval
}

function rulingOf(judge: Judge, { call, fold, at }: Asked, purse: readonly BudgetShare[]): Ruling {
  return ruleCall(call, { fold, authority: judge, purse, at, fresh: true })
}

function ruled(judge: Judge, asked: Asked, purse: readonly BudgetShare[]): Verdict {
  return verdictOfRuling(rulingOf(judge, asked, purse))
}

function verdictOfRuling(ruling: Ruling): Verdict {
  if (ruling.kind === 'intent') return { verdict: 'allowed' }
  if (ruling.kind === 'approval') return { verdict: 'asked', approvers: ruling.ask.approvers }
  const { denial } = ruling.fact.data as Payload<'CapabilityDenied'>
  return { verdict: 'denied', denial: denial as unknown as Denial }
}

/** Why a decision does not come out as it was recorded; `null` when it does. */
function differenceOf(was: Verdict, again: Verdict, { isLacking, isSecret }: Asked): string | null {
  // Nobody is asked about a secret alone.
  if (isSecret && was.verdict === 'denied' && was.denial.code === RUNS_CODES.secretApproval) {
    return again.verdict === 'asked' ? null : `it was refused an approval, and is ${again.verdict}`
  }
  const lacking = isLacking ? `; ${LACKING}` : ''
  if (was.verdict !== again.verdict) {
    const why = again.verdict === 'denied' ? `: ${again.denial.message}` : ''
    return `it is recorded as ${was.verdict}, and comes out as ${again.verdict}${why}${lacking}`
  }
  if (was.verdict !== 'denied' || again.verdict !== 'denied') return null
  if (was.denial.code === again.denial.code) return null
  return `it is recorded with ${was.denial.code}, and comes out with ${again.denial.code}${lacking}`
}

function isAboutArguments(would: Verdict): boolean {
  if (would.verdict !== 'denied') return false
  const codes = [would.denial, ...would.denial.causes].map(({ code }) => code)
  return codes.some((code) => code === 'ICE_CAPABILITIES_REQUEST_INVALID')
}

/** In logs that do not tell what a call said it takes, what it took of a unit says so. */
function boundsOf(data: Decided): Record<string, number> {
  const shares = ('spends' in data ? data.spends : undefined) ?? []
  const told = shares.filter(({ unit }) => unit !== 'uses' && unit !== 'rate')
  return Object.fromEntries(told.map(({ unit, amount }) => [unit, amount]))
}

function isRefusedByPolicy(was: Verdict): boolean {
  return was.verdict === 'denied' && was.denial.code === POLICY_REFUSED
}

/**
 * The policy that was loaded where a denial says that it was not the one in force: it is never put
 * to anything, only named. `undefined` where the denial says nothing of it.
 */
function loadedBy(was: Verdict): Parameters<Judge['load']>[0] | undefined {
  if (was.verdict !== 'denied') return undefined
  const found = [was.denial, ...was.denial.causes].find(({ code }) => code === POLICY_REFUSED)
  const { reason, loaded } = (found?.data ?? {}) as {
    readonly reason?: unknown
    readonly loaded?: { readonly name: string; readonly version: string; readonly digest: Hash }
  }
  if (reason === 'not-loaded') return null
  if ((reason !== 'stale' && reason !== 'not-adopted') || loaded === undefined) return undefined
  return { ...loaded, judge: () => ({ permits: false, policies: [], reason: 'not in force' }) }
}
