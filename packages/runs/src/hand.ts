/**
 * Slices in hand: what budgets gave the run, and no intent of it has told yet.
 *
 *     draw ──append──► given by budgets ──► in hand ──told by the intent that takes──► purse
 *                      or not: nothing          └──what no intent took──► returned at the end
 *
 * 1. A draw is in hand once its budget's stream is known up to it and says that it was given.
 * 2. What is in hand is in memory alone. The run's stream says only of which budgets it drew; what
 *    they gave and no intent told is worked out anew by whoever drives, or ends, the run next.
 * 3. Where that cannot be known, because the budget forgot the run, there is nothing in hand: what
 *    it was counts as spent. So do places in a rate's window, which pass anyway.
 */
import type { Authority, BudgetShare } from '@ice/capabilities/ports'
import type { RecordedEvent } from '@ice/events/ports'
import type { GrantId, RunId } from '@ice/primitives'
import { keyOf, type Purse, type Share, shareOf } from './purse.ts'

/** What is in hand of each limit. Changes in place. */
export class Hand {
  readonly #shares = new Map<string, BudgetShare>()

  constructor(shares: readonly BudgetShare[] = []) {
    this.take(shares)
  }

  get isEmpty(): boolean {
    return this.#shares.size === 0
  }

  get shares(): readonly BudgetShare[] {
    return [...this.#shares.values()]
  }

  /** Takes slices that were given. */
  take(shares: readonly BudgetShare[]): void {
    for (const share of shares) {
      const known = this.#shares.get(keyOf(share))?.amount ?? 0
      this.#shares.set(keyOf(share), shareOf(share, known + share.amount))
    }
  }

  /** Lets go of all that is in hand of what is spent, and says what it was. */
  tell(spends: readonly Share[]): readonly BudgetShare[] {
    return spends.flatMap((share) => {
      const told = this.#shares.get(keyOf(share))
      this.#shares.delete(keyOf(share))
      return told ?? []
    })
  }

  copy(): Hand {
    return new Hand(this.shares)
  }
}

/** A draw that was recorded: what was asked for, and where. */
export interface Drawn {
  readonly shares: readonly BudgetShare[]
  /** By grant, the version of its budget's stream at the last event of the draw. */
  readonly versions: ReadonlyMap<GrantId, number>
  /** The same for each of its events, in the order of `shares`. */
  readonly events: readonly number[]
}

/** The draw that an append holds, by what it wrote beside the run; `null` for none. */
export function drawnIn(
  shares: readonly BudgetShare[],
  beside: readonly RecordedEvent[],
): Drawn | null {
  if (shares.length === 0) return null
  const left = beside.filter(({ data }) => (data as { readonly ifLeft?: true }).ifLeft === true)
  const events = shares.map(({ grant, unit }) => {
    const own = left.find(({ data }) => {
      const share = data as BudgetShare
      return share.grant === grant && share.unit === unit
    })
    return own?.version ?? 0
  })
  const versions = new Map<GrantId, number>()
  shares.forEach(({ grant }, i) => {
    versions.set(grant, Math.max(versions.get(grant) ?? 0, events[i] ?? 0))
  })
  return { shares, versions, events }
}

type Budgets = Pick<Authority, 'refresh' | 'slices'>

/** What budgets gave of a draw. */
export async function givenOf(
  authority: Budgets,
  run: RunId,
  { shares, versions, events }: Drawn,
): Promise<readonly BudgetShare[]> {
  const behind = [...versions].filter(([grant, version]) => {
    return (authority.slices(grant, run)?.version ?? 0) < version
  })
  if (behind.length > 0) await authority.refresh(behind.map(([grant]) => grant))
  return shares.filter((share, i) => {
    const { held = [] } = authority.slices(share.grant, run) ?? {}
    return held.some((slice) => keyOf(slice) === keyOf(share) && slice.last === events[i])
  })
}

/** What budgets gave a run by its draws, and no intent of it has told. */
export async function handOf(
  authority: Budgets,
  run: RunId,
  { drawn, told, overspent }: Purse,
): Promise<Hand> {
  if (drawn.size === 0) return new Hand()
  await authority.refresh([...drawn])
  const given = [...drawn].flatMap((grant) => authority.slices(grant, run)?.held ?? [])
  return new Hand(
    given.flatMap((slice) => {
      const key = keyOf(slice)
      // What was overspent was charged to the run, and is no slice of it.
      const known = (told.get(key)?.amount ?? 0) + (overspent.get(key)?.amount ?? 0)
      const isLost = slice.window !== undefined || slice.amount <= known
      return isLost ? [] : shareOf(slice, slice.amount - known)
    }),
  )
}
