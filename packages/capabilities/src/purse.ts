/**
 * What a request brings of its own to a decision on budgets: how much its call may take at most,
 * and its run's *purse*: slices that were allotted to the run, less what its intents took.
 *
 * Both are read member by member, once, and checked for what they are: units, whole amounts, sums
 * that are not rounded. Whether the purse is *true* is not checked here and cannot be: it is folded
 * from the run's own stream by the run's owner, whose append conflicts if the run has moved. Who
 * hands in a purse it made up can overspend; it could as well record what it likes.
 */
import { isGrantId } from '@ice/primitives'
import { isAmount } from './budget.ts'
import { BUDGET_LIMITS_MAX, PURSE_SHARES_MAX } from './limits.ts'
import { isRecord, own } from './plain.ts'
import type { BudgetUnit } from './ports.ts'
import { shown } from './text.ts'

/** Amounts by unit. */
export type Bounds = ReadonlyMap<string, number>

/** Amounts by `purseKey`. */
export type ReadPurse = ReadonlyMap<string, number>

const NOTHING: ReadonlyMap<string, number> = new Map()

const MEASURED = /^(?:tokens|bytes|ms|money\/[A-Z]{3})$/

/** Whether a unit is counted in something else than calls, so that a call has to state a bound. */
export function isMeasured(unit: unknown): unit is Exclude<BudgetUnit, 'uses' | 'rate'> {
  return typeof unit === 'string' && MEASURED.test(unit)
}

/** Where a share stands in a purse. */
export function purseKey(grant: string, unit: string, window: number | undefined): string {
  return `${grant} ${unit} ${window ?? ''}`
}

/** Reads `bounds`, or says why they are none. What a getter throws passes through. */
export function readBounds(value: unknown): Bounds | string {
  if (value === undefined) return NOTHING
  if (!isRecord(value)) return `its bounds are amounts by unit, not ${shown(value)}`
  const names = Object.keys(value)
  if (names.length > BUDGET_LIMITS_MAX) return `its bounds name at most ${BUDGET_LIMITS_MAX} units`
  const bounds = new Map<string, number>()
  for (const unit of names) {
    const amount = own(value, unit)
    if (!isMeasured(unit)) return `a bound is on tokens, bytes, ms or money, not ${shown(unit)}`
    if (!isAmount(amount)) return `its bound on ${unit} is not a whole number from 0 on`
    bounds.set(unit, amount)
  }
  return bounds
}

/** Reads `purse`, or says why it is none. What a getter throws passes through. */
export function readPurse(value: unknown): ReadPurse | string {
  if (value === undefined) return NOTHING
  if (!Array.isArray(value)) return `its purse is a list of shares, not ${shown(value)}`
  if (value.length > PURSE_SHARES_MAX) return `its purse holds at most ${PURSE_SHARES_MAX} shares`
  const purse = new Map<string, number>()
  for (const share of value as readonly unknown[]) {
    if (!isRecord(share)) return 'its purse holds what is no share'
    const { grant, unit, amount, window } = share
    const isRate = unit === 'rate'
    const isUnit = isRate || unit === 'uses' || isMeasured(unit)
    const isTimed = isRate ? isAmount(window) : window === undefined
    if (!isGrantId(grant) || !isUnit || !isTimed || !isAmount(amount)) {
      return 'its purse holds what is no share'
    }
    const key = purseKey(grant, unit as string, window as number | undefined)
    const sum = (purse.get(key) ?? 0) + amount
    if (!isAmount(sum)) return 'its purse holds more than can be counted'
    purse.set(key, sum)
  }
  return purse
}
