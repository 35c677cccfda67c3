/**
 * The budget of one grant, reckoned anew: what runs would hold and spend of it had their decisions
 * been made under another grant.
 *
 * Like `evolvePurse`, but of shares that no event has. What an effect really spent is taken from
 * the shares of the same unit that its outcome tells; where it tells none, its bound is spent.
 */
import type { BudgetShare, Judge } from '@ice/capabilities/ports'
import type { RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { isEnd } from './budget-writes.ts'
import type { Payload } from './lifecycle.ts'
import { isOutcome } from './outcome.ts'
import {
  createPurse,
  giveBack,
  type Purse,
  put,
  type Share,
  settleShares,
  shareOf,
  sharesOf,
  take,
} from './purse.ts'

interface Held {
  readonly purse: Purse
  /** What the effects at work took, by effect. */
  readonly taken: Map<string, readonly Share[]>
}

/** Follows the runs of a log for one judge; does nothing for one that recounts no grant. */
export class Recount {
  readonly #judge: Judge
  readonly #runs = new Map<RunId, Held>()

  constructor(judge: Judge) {
    this.#judge = judge
  }

  /** What a run holds of everything: of the recounted grant what was reckoned here. */
  purse(run: RunId, recorded: readonly BudgetShare[]): readonly BudgetShare[] {
    const { recounts } = this.#judge
    if (recounts === null) return recorded
    const held = this.#runs.get(run)?.purse.held ?? new Map()
    return [...recorded.filter(({ grant }) => grant !== recounts), ...sharesOf(held)]
  }

  /** An effect is allowed, and takes this. */
  take(
    run: RunId,
    effect: string,
    { allotments, spends }: Record<'allotments' | 'spends', readonly Share[]>,
  ): void {
    const { recounts } = this.#judge
    if (recounts === null) return
    const own = (shares: readonly Share[]): readonly BudgetShare[] =>
      shares.filter(({ grant }) => grant === recounts).map((one) => shareOf(one, one.amount))
    const known = this.#runs.get(run) ?? { purse: createPurse(), taken: new Map() }
    this.#runs.set(run, known)
    this.#judge.allot(run, own(allotments))
    put(known.purse, own(allotments))
    take(known.purse, own(spends))
    known.taken.set(effect, own(spends))
  }

  /** What an event of a run makes of it. */
  follow(run: RunId, event: RecordedEvent): void {
    const known = this.#runs.get(run)
    if (known === undefined) return
    const { effect = '' } = event.data as { readonly effect?: string }
    const taken = known.taken.get(effect) ?? []
    if (event.type === 'EffectRevoked' || isUndone(event)) giveBack(known.purse, taken)
    else if (ENDS.has(event.type) || isOutcome(event)) {
      const { spent = [] } = event.data as Payload<'EffectFailed'>
      settleShares(known.purse, taken, alike(taken, spent))
    } else if (isEnd(event)) {
      this.#judge.giveBack(run, sharesOf(known.purse.held))
      this.#runs.delete(run)
      return
    } else return
    known.taken.delete(effect)
  }
}

const ENDS: ReadonlySet<string> = new Set(['EffectFailed', 'EffectRetryScheduled'])

function isUndone({ type, data }: RecordedEvent): boolean {
  if (type !== 'EffectDoubtResolved') return false
  return !(data as Payload<'EffectDoubtResolved'>).happened
}

/** What was spent of the same units, as shares of the grant that is recounted. */
function alike(taken: readonly Share[], spent: readonly Share[]): readonly Share[] {
  return taken.flatMap((share) => {
    const real = spent.find(({ unit }) => unit === share.unit)
    return real === undefined ? [] : shareOf(share, real.amount)
  })
}
