/**
 * How authority decides in a fork: each call of the record, on the versions of grants, stops,
 * budgets and policies that it was decided on, under the change that is asked about.
 */

import type { BudgetShare, Judge } from '@ice/capabilities/ports'
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { StreamId, Timestamp } from '@ice/primitives'
import { type Call, type Ruling, rule } from './effects.ts'
import type { ForkInit } from './fork-ports.ts'
import type { DecidedEvent } from './fork-record.ts'
import type { RunFold } from './lifecycle.ts'
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
    const judge = await this.#judgeOf(recorded)
    if (typeof judge === 'string') return judge
    const { recounts } = judge
    const held = pursed(fold, recorded.data)
    if (recounts === null)
      return rule(call, { fold, authority: judge, purse: held, at, fresh: true })
    this.#recounted ??= sharesOf(fold.purse.told).filter(({ grant }) => grant === recounts)
    judge.allot(this.#init.run, this.#recounted)
    const own = sharesOf(fold.purse.held).filter(({ grant }) => grant === recounts)
    const purse = [...held.filter(({ grant }) => grant !== recounts), ...own]
    const ruling = rule(call, { fold, authority: judge, purse, at, fresh: true })
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

  async #judgeOf({ data }: DecidedEvent): Promise<Judge | string> {
    const judge = this.#init.judge()
    let adopted: RecordedEvent | null = null
    for (const { stream, version } of data.basis) {
      if (version === 0) continue
      const query = { stream: stream as StreamId, limit: version }
      for await (const batch of this.#init.log.read(query)) {
        for (const event of batch) {
          judge.observe(event)
          if (event.type === 'PolicyAdopted') adopted = event
        }
      }
    }
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

  #policy(event: RecordedEvent): Promise<Policy> {
    const { policyOf } = this.#init
    const known = this.#policies.get(event.id)
    if (known !== undefined) return known
    const made = policyOf?.(event) ?? Promise.resolve('nobody here can load it')
    this.#policies.set(event.id, made)
    return made
  }
}

function isOf(a: BudgetShare, b: BudgetShare): boolean {
  return a.grant === b.grant && a.unit === b.unit && a.window === b.window
}
