/**
 * The purse of a run: what it holds of the budgets above it, folded from its own stream alone.
 *
 *     draw          a slice, if a budget has it, ──► in hand (see `hand.ts`)
 *     intent        in hand ──allotted──► purse ──spends──►
 *     outcome       spent less than the bound: the difference comes back
 *                   spent more: the purse pays as far as it goes, the rest is *overspent*
 *     doubt         has spent its bound, until it is known not to have happened
 *     the end       what is left is returned to the budgets
 *
 * 1. A share is spent when its intent is recorded, before anything acts. It comes back only by an
 *    event that says less was spent, or that nothing happened: `EffectRevoked`, or a doubt that was
 *    resolved so.
 * 2. A use and a place in a rate are spent by the intent: no outcome gives them back.
 * 3. An attempt after another pays again, for it takes its bytes and its tokens again; what the
 *    attempt before it took stays spent, for nobody knows that it took nothing.
 * 4. A failure, and a refusal by the handler, spend the bound unless they say what they spent.
 * 5. Total over any log: what a log that was not written by us takes beyond the purse is overspent.
 */
import type { BudgetShare } from '@ice/capabilities/ports'
import type { StandardPayloads } from '@ice/events/define'
import type { GrantId } from '@ice/primitives'

type RecordedShare = NonNullable<StandardPayloads['CapabilityUsed']['spends']>[number]

/** A share as events carry it. */
export type Share = BudgetShare | RecordedShare

/** Shares by grant, unit and window; amounts are never negative. */
export type Shares = Map<string, BudgetShare>

/** What a run holds, and what its handlers took beyond everything it held. Changes in place. */
export interface Purse {
  readonly held: Shares
  readonly overspent: Shares
  /** All that was ever put in, but for windows of rates that have passed. */
  readonly told: Shares
  /** Grants of whose budgets slices were drawn; whether there were any, these say. */
  readonly drawn: Set<GrantId>
}

/** An empty purse. */
export function createPurse(): Purse {
  return { held: new Map(), overspent: new Map(), told: new Map(), drawn: new Set() }
}

/** What a purse holds of anything, as a request carries it. */
export function sharesOf(shares: Shares): readonly BudgetShare[] {
  return [...shares.values()].filter(({ amount }) => amount > 0)
}

/** Puts slices in. Of a rate only the newest window is worth anything, and kept. */
export function put(purse: Purse, slices: readonly Share[]): void {
  for (const slice of slices) {
    for (const shares of [purse.held, purse.told]) {
      if (slice.window !== undefined) dropBefore(shares, slice)
      add(shares, slice, slice.amount)
    }
  }
}

function dropBefore(shares: Shares, { grant, unit, window = 0 }: Share): void {
  for (const [key, share] of shares) {
    const isEarlier = share.window !== undefined && share.window < window
    if (isEarlier && share.grant === grant && share.unit === unit) shares.delete(key)
  }
}

/** Takes shares out, as far as they are there; what is missing is overspent. */
export function take(purse: Purse, shares: readonly Share[]): void {
  for (const share of shares) takeOne(purse, share, share.amount)
}

function takeOne(purse: Purse, share: Share, amount: number): void {
  const held = purse.held.get(keyOf(share))?.amount ?? 0
  const paid = Math.min(held, amount)
  add(purse.held, share, -paid)
  if (paid < amount) add(purse.overspent, share, amount - paid)
}

/** Settles what an intent took with what was really spent; what that leaves out was spent whole. */
export function settleShares(
  purse: Purse,
  taken: readonly Share[],
  spent: readonly Share[] = [],
): void {
  for (const share of taken) {
    const real = spent.find((one) => keyOf(one) === keyOf(share))?.amount ?? share.amount
    if (isCounted(share)) continue
    if (real > share.amount) takeOne(purse, share, real - share.amount)
    else add(purse.held, share, share.amount - real)
  }
}

/** Gives back whole what an intent took. */
export function giveBack(purse: Purse, taken: readonly Share[]): void {
  for (const share of taken) {
    // A place in a window that has passed is worth nothing.
    const isGone = share.window !== undefined && !purse.held.has(keyOf(share))
    if (!isGone) add(purse.held, share, share.amount)
  }
}

/** Whether a unit is counted in calls, and not in what a call takes. */
export function isCounted({ unit }: Pick<Share, 'unit'>): boolean {
  return unit === 'uses' || unit === 'rate'
}

function add(shares: Shares, share: Share, amount: number): void {
  const key = keyOf(share)
  const sum = (shares.get(key)?.amount ?? 0) + amount
  // What is too much to be counted was never allotted by a budget: it is worth nothing.
  const kept = Number.isSafeInteger(sum) ? sum : 0
  shares.set(key, shareOf(share, kept))
}

/** The same share, of another amount. */
export function shareOf({ grant, unit, window }: Share, amount: number): BudgetShare {
  const base = { grant, unit, amount } as BudgetShare
  return window === undefined ? base : { ...base, window }
}

/** Where a share stands among others. */
export function keyOf({ grant, unit, window }: Share): string {
  return `${grant} ${unit} ${window ?? ''}`
}

/** A purse that can be changed without changing this one. */
export function copyOf({ held, overspent, told, drawn }: Purse): Purse {
  const copy = { held: new Map(held), overspent: new Map(overspent) }
  return { ...copy, told: new Map(told), drawn: new Set(drawn) }
}
