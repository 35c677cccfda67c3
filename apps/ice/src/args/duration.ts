/** Points in time to come, as they are typed: `90s`, `10m`, `2h`, `7d`, or an ISO 8601 time. */
import { EXPIRY_MS_MAX } from '../limits.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const SPAN = /^(\d{1,12})(ms|s|m|h|d)$/
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

/**
 * The time meant, or why there is none.
 *
 * @param now - epoch milliseconds that spans are counted from
 * @returns epoch milliseconds, later than `now`
 */
export function parseExpiry(
  text: string,
  now: number,
): { readonly at: number } | { readonly fault: string } {
  const at = pointInTime(text, now)
  if (at === undefined || !Number.isSafeInteger(at)) {
    return { fault: `"${text}" is no time: write 90s, 10m, 2h, 7d or 2030-01-31T12:00:00Z` }
  }
  if (at <= now) return { fault: `"${text}" is not in the future` }
  if (at - now > EXPIRY_MS_MAX) return { fault: `"${text}" is more than ten years away` }
  return { at }
}

function pointInTime(text: string, now: number): number | undefined {
  const [, digits, unit] = SPAN.exec(text) ?? []
  if (digits !== undefined && unit !== undefined) {
    return now + Number(digits) * (UNIT_MS[unit] ?? Number.NaN)
  }
  return ISO.test(text) ? Date.parse(text) : undefined
}
