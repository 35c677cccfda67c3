/** Points in time to come, as they are typed: `90s`, `10m`, `2h`, `7d`, or an ISO 8601 time. */
import { CLI_CODES, CliError } from '../errors.ts'
import { EXPIRY_MS_MAX } from '../limits.ts'
import { plain } from '../terminal/text.ts'

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

/** The time meant, whenever it is; `undefined` where none is. */
export function pointInTime(text: string, now: number): number | undefined {
  const [, digits, unit] = SPAN.exec(text) ?? []
  if (digits !== undefined && unit !== undefined) {
    return now + Number(digits) * (UNIT_MS[unit] ?? Number.NaN)
  }
  return ISO.test(text) ? Date.parse(text) : undefined
}

/** A span: `90s`, `10m`, `24h`, `0s`. @units milliseconds @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function parseSpan(text: string, option: string): number {
  const [, digits = '', unit = ''] = SPAN.exec(text) ?? []
  const ms = Number(digits) * (UNIT_MS[unit] ?? Number.NaN)
  if (digits !== '' && Number.isSafeInteger(ms)) return ms
  const message = `${option} takes a span of time like 90s, 10m or 24h, not "${plain(text)}"`
  throw new CliError(CLI_CODES.usage, message)
}
