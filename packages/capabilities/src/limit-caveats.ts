/**
 * The caveats that count: `count`, `rate` and `budget`, each a limit of one unit.
 *
 * Of several on one unit the smallest holds. Rates of different windows cannot stand on one grant:
 * a share of a rate is of one window, and which is the smaller depends on the time. A second one
 * belongs on a link of its own.
 */
import { isAmount, type Limit } from './budget.ts'
import {
  BUDGET_AMOUNT_MAX,
  COUNT_USES_MAX,
  RATE_WINDOW_MS_MAX,
  RATE_WINDOW_MS_MIN,
} from './limits.ts'
import { hasOnly, own } from './plain.ts'
import type { Caveat } from './ports.ts'
import { isMeasured } from './purse.ts'

type Counting = Extract<Caveat, { readonly kind: 'count' | 'rate' | 'budget' }>

/** Why this is no caveat that counts, or `undefined`. */
export function limitFault(kind: Counting['kind'], caveat: object): string | undefined {
  const max = own(caveat, 'max')
  if (kind === 'count') {
    return hasOnly(caveat, ['kind', 'max']) && isWithin(max, 1, COUNT_USES_MAX)
      ? undefined
      : `a "count" caveat has a max from 1 to ${COUNT_USES_MAX}`
  }
  if (kind === 'rate') {
    const windowMs = own(caveat, 'windowMs')
    return hasOnly(caveat, ['kind', 'max', 'windowMs']) &&
      isWithin(max, 1, COUNT_USES_MAX) &&
      isWithin(windowMs, RATE_WINDOW_MS_MIN, RATE_WINDOW_MS_MAX)
      ? undefined
      : `a "rate" caveat has a max from 1 to ${COUNT_USES_MAX} and a windowMs from ` +
          `${RATE_WINDOW_MS_MIN} to ${RATE_WINDOW_MS_MAX}`
  }
  return hasOnly(caveat, ['kind', 'unit', 'max']) &&
    isMeasured(own(caveat, 'unit')) &&
    isWithin(max, 1, BUDGET_AMOUNT_MAX)
    ? undefined
    : 'a "budget" caveat has a unit of tokens, bytes, ms or money/<ISO 4217> and a max from 1 ' +
        `to ${BUDGET_AMOUNT_MAX}`
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return isAmount(value) && value >= min && value <= max
}

/**
 * The limits with those of one more well-formed caveat; `undefined` when it does not count, a text
 * when it cannot stand beside the others.
 */
export function addLimit(
  limits: readonly Limit[],
  caveat: { readonly kind: string },
): readonly Limit[] | string | undefined {
  const added = limitOf(caveat as Caveat)
  if (added === undefined) return undefined
  const known = limits.find(({ unit }) => unit === added.unit)
  if (known === undefined) return [...limits, added]
  if (known.windowMs !== added.windowMs) {
    return 'rates of different windows stand on links of their own'
  }
  return known.max <= added.max ? limits : limits.map((limit) => (limit === known ? added : limit))
}

function limitOf(caveat: Caveat): Limit | undefined {
  switch (caveat.kind) {
    case 'count':
      return { unit: 'uses', max: caveat.max, windowMs: null }
    case 'rate':
      return { unit: 'rate', max: caveat.max, windowMs: caveat.windowMs }
    case 'budget':
      return { unit: caveat.unit, max: caveat.max, windowMs: null }
    default:
      return undefined
  }
}
