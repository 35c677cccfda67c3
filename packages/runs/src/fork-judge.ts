/**
 * How authority decides in a fork: each call of the record, on the versions of grants, stops,
 * budgets and policies that it was decided on, under the change that is asked about.
 */

import type { BudgetShare, Judge } from '@ice/capabilities/ports'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { StreamId, Timestamp } from '@ice/primitives'
import { callLabels } from './call-labels.ts'
import { type Call, type Ruling, requestOf } from './effects.ts'
import type { ForkInit } from './fork-ports.ts'
import type { DecidedEvent } from './fork-record.ts'
import { ruleCall } from './items.ts'
import type { Payload, RunFold } from './lifecycle.ts'
import { BASIS_STREAMS_MAX } from './limits.ts'
import { shareOf, sharesOf } from './purse.ts'
import { isRefusedByPolicy, loadedBy, pursed, verdictOf } from './rejudge.ts'

type Policy = Parameters<Judge['load']>[0] | string

/** Decides the calls of one fork. */
export class ForkJudge {
  readonly #init: Pick<ForkInit, 'judge' | 'policyOf' | 'run'> & { readonly log: EventLog }
  readonly #policies = new Map<string, Promise<Policy>>()
  /** Slices of the budget that is reckoned anew, as they went out to this run. */
  #recounted: readonly BudgetShare[] | null = null

  constructor(init: ForkInit) {
    this.#init = init
  }

  /** Decides a recorded call anew. @returns why it cannot be, as a text */
  async decide(
    call: Call,
    recorded: DecidedEvent,
    { fold, at }: { readonly fold: RunFold; readonly at: Timestamp },
  ): Promise<Ruling | string> {
    const judge = await this.#judgeOf(recorded, call, fold)
    if (typeof judge === 'string') return judge
    const { recounts } = judge
    const held = pursed(fold, recorded.data)
    if (recounts === null)
      return ruleCall(call, { fold, authority: judge, purse: held, at, fresh: true })
    this.#recounted ??= sharesOf(fold.purse.told).filter(({ grant }) => grant === recounts)
    judge.allot(this.#init.run, this.#recounted)
    const own = sharesOf(fold.purse.held).filter(({ grant }) => grant === recounts)
    const purse = [...held.filter(({ grant }) => grant !== recounts), ...own]
    const ruling = ruleCall(call, { fold, authority: judge, purse, at, fresh: true })
    if (ruling.kind === 'intent') {
      const lacked = ruling.lacks.filter(({ grant }) => grant === recounts)
      this.#recounted = [...this.#recounted, ...lacked]
    }
    return ruling
  }

  /** What an allowed call brings into the purse, as its intent tells it. */
  allotted(
    { lacks }: Extract<Ruling, { readonly kind: 'intent' }>,
    { data }: DecidedEvent,
    { purse }: RunFold,
  ): readonly BudgetShare[] {
    const before = sharesOf(purse.held)
    const inHand = pursed({ purse } as RunFold, data).flatMap((share) => {
      const had = before.find((one) => isOf(one, share))?.amount ?? 0
      return share.amount > had ? [shareOf(share, share.amount - had)] : []
    })
    return [...inHand, ...lacks.map((slice) => shareOf(slice, slice.amount))]
  }

  async #judgeOf(recorded: DecidedEvent, call: Call, fold: RunFold): Promise<Judge | string> {
    const { data } = recorded
    const judge = this.#init.judge()
    const events =
      data.basis.length > 0
        ? await this.#told(data.basis)
        : await this.#before(recorded, call, fold)
    for (const event of events) judge.observe(event)
    const adopted = events.findLast(({ type }) => type === 'PolicyAdopted') ?? null
    const was = verdictOf(data)
    const loaded = loadedBy(was)
    const policy: Policy = adopted === null ? null : await this.#policy(adopted)
    const isAsked = 'ceiling' in data || isRefusedByPolicy(was)
    if (loaded === undefined && typeof policy === 'string' && isAsked) {
      return `the policy that was in force is not at hand: ${policy}`
    }
    judge.load(loaded === undefined ? (typeof policy === 'string' ? null : policy) : loaded)
    return judge
  }

  /** The versions that the decision names. */
  async #told(basis: DecidedEvent['data']['basis']): Promise<readonly RecordedEvent[]> {
    const events: RecordedEvent[] = []
    for (const { stream, version } of basis) {
      if (version === 0) continue
      const query = { stream: stream as StreamId, limit: version }
      for await (const batch of this.#init.log.read(query)) events.push(...batch)
    }
    return events
  }

  /**
   * Of a refusal by a person the record names no versions: then it is all that stood before it, of
   * the streams that such a decision is made on.
   */
  async #before(
    { position }: DecidedEvent,
    call: Call,
    fold: RunFold,
  ): Promise<readonly RecordedEvent[]> {
    const seen = new Set<StreamId>()
    const events: RecordedEvent[] = []
    const named = [call.grant, ...call.secrets.map(({ grant }) => grant)]
    let wanted = named.map((grant) => `grant/${grant}` as StreamId)
    while (wanted.length > 0 && seen.size < BASIS_STREAMS_MAX) {
      for (const stream of wanted) {
        seen.add(stream)
        for await (const batch of this.#init.log.read({ stream })) {
          events.push(...batch.filter((event) => event.position < position))
        }
      }
      events.sort((a, b) => a.position - b.position)
      const probe = this.#init.judge()
      for (const event of events) probe.observe(event)
      const streams = [...events.flatMap(parentOf), ...basisFor(probe, call, fold)]
      wanted = [...new Set(streams)].filter((stream) => !seen.has(stream))
    }
    return events
  }

  #policy(event: RecordedEvent): Promise<Policy> {
    const { policyOf } = this.#init
    const known = this.#policies.get(event.id)
    if (known !== undefined) return known
    const made = policyOf?.(event) ?? Promise.resolve('nobody here can load it')
    this.#policies.set(event.id, made)
    return made
  }
}

/** The grant that an issued one hangs below. */
function parentOf({ type, data }: RecordedEvent): readonly StreamId[] {
  if (type !== 'CapabilityGranted') return []
  const { parent } = (data as Payload<'CapabilityGranted'>).grant as { readonly parent?: unknown }
  return typeof parent === 'string' ? [`grant/${parent}` as StreamId] : []
}

/** The streams that a decision on a call is made on, as far as authority knows them. */
function basisFor(judge: Judge, call: Call, fold: RunFold): readonly StreamId[] {
  const { run, grant, resource, request, sealed } = call
  const identity = { run, grant, resource, action: request.action }
  const callDigest = judge.callDigest({ ...identity, argumentsDigest: sealed.digest })
  const labels = callLabels(fold.labels, call.askedAt, call.bound.references)
  const at = (fold.view?.updatedAt ?? 0) as Timestamp
  const asked = requestOf(call, { fold, purse: [], at }, { labels, callDigest })
  return judge.basis(asked).map(({ stream }) => stream)
}

function isOf(a: BudgetShare, b: BudgetShare): boolean {
  return a.grant === b.grant && a.unit === b.unit && a.window === b.window
}
