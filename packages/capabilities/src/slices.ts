/**
 * What a call takes of the budgets above it: out of the run's purse where it holds enough, and
 * otherwise with a new slice.
 *
 *     budget/P ──a slice of 64──► purse of the run ──spends 1──► intent
 *
 * 1. Every limit of every link wants its share: one of uses and of a rate, the call's bound of
 *    everything else. A call that states no bound cannot be held to a limit, and is refused.
 * 2. A call that its purse covers writes no shared stream and guards none: runs under one grant do
 *    not meet there.
 * 3. A slice is so many calls' worth, but no more than a part of what is left, so that slices
 *    shrink as the end nears; and never less than the call at hand needs. So a refusal may come
 *    while others hold slices, and what is spent never exceeds a limit.
 * 4. A share of a rate is of the window of the request's time, and the authorization ends with it.
 */
import type { Timestamp } from '@ice/primitives'
import { type Budget, budgetStream, heldByOthers, type Limit, leftOf, windowAt } from './budget.ts'
import type { Chain, Link } from './chain.ts'
import type { FoundCause } from './denial.ts'
import { CAPABILITIES_CODES, type DenialCode } from './errors.ts'
import { SLICE_CALLS_MAX, SLICE_PARTS_MIN } from './limits.ts'
import type { Allotment, BudgetShare } from './ports.ts'
import { purseKey } from './purse.ts'
import type { ReadRequest } from './request.ts'

/** What a call takes, or why it cannot. */
export interface Plan {
  readonly causes: readonly FoundCause[]
  readonly spends: readonly BudgetShare[]
  readonly allotments: readonly Allotment[]
  /** The first instant after the windows of the rates it takes from; `null` without any. */
  readonly until: Timestamp | null
}

const NOTHING: Plan = Object.freeze({
  causes: Object.freeze([]),
  spends: Object.freeze([]),
  allotments: Object.freeze([]),
  until: null,
})

interface Draft {
  readonly causes: FoundCause[]
  readonly spends: BudgetShare[]
  readonly allotments: Allotment[]
  until: number | null
}

/** One limit, as one call meets it. */
interface Need {
  readonly budget: Budget
  readonly limit: Limit
  readonly window: number | undefined
  readonly amount: number
  /** What the purse holds of it. */
  readonly held: number
}

/** Works out what a call takes of every link of its chains, nearest first. Pure. */
export function planOf(chains: readonly Chain[], asked: ReadRequest): Plan {
  if (!chains.some(({ isLimited }) => isLimited)) return NOTHING
  const plan: Draft = { causes: [], spends: [], allotments: [], until: null }
  for (const link of chains.flatMap(({ links }) => links)) {
    for (const limit of link.caveats.limits) takeFrom(plan, link, limit, asked)
  }
  return { ...plan, until: plan.until as Timestamp | null }
}

function takeFrom(plan: Draft, { entry }: Link, limit: Limit, asked: ReadRequest): void {
  const { budget } = entry
  const { unit, windowMs } = limit
  const amount = unit === 'uses' || unit === 'rate' ? asked.calls : asked.bounds.get(unit)
  if (budget === undefined || amount === undefined) {
    plan.causes.push(unbounded(entry.id, limit))
    return
  }
  const window = windowMs === null ? undefined : windowAt(windowMs, asked.at)
  const held = asked.purse.get(purseKey(entry.id, unit, window)) ?? 0
  const need: Need = { budget, limit, window, amount, held }
  if (windowMs !== null && window !== undefined) {
    const end = (window + 1) * windowMs
    plan.until = plan.until === null ? end : Math.min(plan.until, end)
  }
  if (held > limit.max) plan.causes.push(overfull(need))
  else if (amount > 0) pay(plan, need, asked)
}

function pay(plan: Draft, need: Need, asked: ReadRequest): void {
  const { budget, limit, amount, held } = need
  plan.spends.push(share(need, amount))
  if (held >= amount) return
  const left = leftOf(budget, limit, need.window)
  if (left < amount - held) {
    plan.causes.push(lacking(need, left, asked))
    return
  }
  const slice = Math.min(SLICE_CALLS_MAX * amount, Math.floor(left / SLICE_PARTS_MIN))
  plan.allotments.push({
    ...share(need, Math.max(amount - held, slice)),
    stream: budgetStream(budget.grant),
    version: budget.version,
  })
}

function share({ budget, limit, window }: Need, amount: number): BudgetShare {
  const base = { grant: budget.grant, unit: limit.unit, amount }
  return window === undefined ? base : { ...base, window }
}

function codeOf({ unit }: Limit): DenialCode {
  if (unit === 'uses') return CAPABILITIES_CODES.countSpent
  return unit === 'rate' ? CAPABILITIES_CODES.rateExceeded : CAPABILITIES_CODES.budgetExceeded
}

function unbounded(grant: string, limit: Limit): FoundCause {
  const { unit, max } = limit
  return {
    code: codeOf(limit),
    message:
      `The grant ${grant} allows ${max} ${unit}, and the call does not say how many it takes ` +
      'at most',
    data: { grant, unit, max, needs: null },
  }
}

function overfull({ budget: { grant }, limit: { unit, max }, held }: Need): FoundCause {
  return {
    code: CAPABILITIES_CODES.requestInvalid,
    message: `The purse holds ${held} ${unit} of the grant ${grant}, which allows ${max} in all`,
    data: { grant, unit, max, purse: held },
  }
}

/** What is left, who holds the rest, and what would have been enough. */
function lacking(need: Need, left: number, { run, at }: ReadRequest): FoundCause {
  const { budget, limit, window, amount, held } = need
  const { unit, max, windowMs } = limit
  const others = heldByOthers(budget, limit, { window, run })
  const { grant } = budget
  const timed = window === undefined ? {} : { window }
  const what = windowMs === null ? `${max} ${unit}` : `${max} uses in each window of ${windowMs} ms`
  const told = [
    `The grant ${grant} allows ${what}`,
    `${left} can still be taken and this run holds ${held}, of ${amount} that the call needs`,
    ...(others > 0
      ? [`other runs hold slices of ${others}, and return what they do not spend`]
      : []),
    ...(windowMs === null || window === undefined
      ? []
      : [`the next window begins in ${(window + 1) * windowMs - at} ms`]),
    ...(budget.isBroken ? [`all of it counts as spent: ${budgetStream(grant)} is malformed`] : []),
  ]
  return {
    code: codeOf(limit),
    message: told.join('; '),
    data: { grant, unit, ...timed, max, left, held: others, purse: held, needs: amount },
  }
}
