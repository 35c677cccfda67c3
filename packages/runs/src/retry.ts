/**
 * Terms of attempts: read from what a program asks for, and what follows from them. Pure.
 *
 * The wait before an attempt is reckoned once, by whoever records the end of the one before it, and
 * stands in that event. It could be reckoned anywhere: chance in it is drawn from a generator that
 * is seeded with the run, the step and the attempt.
 */

import { type ErrorRecord, seededRandom } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { RETRY_ATTEMPTS_MAX, RETRY_CODES_MAX, RETRY_FACTOR_MAX, WAIT_MS_MAX } from './limits.ts'
import type { AttemptTerms, RetryPolicy } from './ports.ts'

/** A policy with nothing left out. */
export interface Retry {
  readonly attempts: number
  readonly firstMs: number
  readonly factor: number
  readonly maxMs: number
  readonly jitter: number
  readonly on: ReadonlySet<string>
}

/** Terms of one effect. `null`: no bound, and of `retry` one attempt. */
export interface Terms {
  readonly retry: Retry | null
  readonly timeoutMs: number | null
  readonly totalTimeoutMs: number | null
  readonly heartbeatMs: number | null
}

/** Of an effect that is tried once, for as long as it takes. */
export const ONCE: Terms = Object.freeze({
  retry: null,
  timeoutMs: null,
  totalTimeoutMs: null,
  heartbeatMs: null,
})

const FIRST_MS = 1_000
const MAX_MS = 60_000
const JITTER = 0.2

/** Reads the terms of a request. @throws `ICE_RUNS_ATTEMPTS_UNSUPPORTED` */
export function termsOf(asked: AttemptTerms, byProgram?: RetryPolicy): Terms {
  const policy = asked.retry ?? byProgram
  return {
    retry: policy === undefined ? null : retryOf(policy),
    timeoutMs: boundOf('timeoutMs', asked.timeoutMs),
    totalTimeoutMs: boundOf('totalTimeoutMs', asked.totalTimeoutMs),
    heartbeatMs: boundOf('heartbeatMs', asked.heartbeatMs),
  }
}

/** Reads a policy; `null` is one attempt. @throws `ICE_RUNS_ATTEMPTS_UNSUPPORTED` */
export function retryOf(policy: RetryPolicy): Retry | null {
  if (typeof policy !== 'object' || policy === null) throw bad('A retry policy is an object')
  const { attempts, firstMs = FIRST_MS, factor = 2, jitter = JITTER, on = [] } = policy
  if (!isWhole(attempts, 1, RETRY_ATTEMPTS_MAX)) {
    throw bad(`A retry policy allows 1 to ${RETRY_ATTEMPTS_MAX} attempts`)
  }
  if (!isWhole(firstMs, 0, WAIT_MS_MAX)) throw badMs('firstMs', 0)
  const { maxMs = Math.max(MAX_MS, firstMs) } = policy
  if (!isWhole(maxMs, 0, WAIT_MS_MAX)) throw badMs('maxMs', 0)
  if (maxMs < firstMs) throw bad('The longest wait between attempts is shorter than the first')
  if (!isWithin(factor, 1, RETRY_FACTOR_MAX)) {
    throw bad(`A wait is 1 to ${RETRY_FACTOR_MAX} times the one before it`)
  }
  if (!isWithin(jitter, 0, 1)) throw bad('The part of a wait that chance may take is 0 to 1')
  const areCodes =
    Array.isArray(on) &&
    on.length <= RETRY_CODES_MAX &&
    on.every((code) => typeof code === 'string' && code.length > 0)
  if (!areCodes) throw bad(`A retry policy names at most ${RETRY_CODES_MAX} codes`)
  return attempts === 1 ? null : { attempts, firstMs, factor, maxMs, jitter, on: new Set(on) }
}

/** Whether an attempt that ended with this error is followed by another, as far as that says. */
export function isRetried(
  { on }: Retry,
  { code, retryable }: Pick<ErrorRecord, 'code' | 'retryable'>,
): boolean {
  if (code.endsWith('_DENIED')) return false
  return retryable || on.has(code)
}

/** How long to wait once so many attempts have failed. @units milliseconds */
export function waitMs(
  { firstMs, factor, maxMs, jitter }: Retry,
  { failed, seed }: { readonly failed: number; readonly seed: string },
): number {
  // Powers of a factor leave what a number can hold; the bound is all that matters by then.
  const whole = firstMs === 0 ? 0 : Math.min(maxMs, firstMs * factor ** (failed - 1))
  if (jitter === 0) return Math.round(whole)
  return Math.round(whole * (1 - jitter * seededRandom(seed).float()))
}

function boundOf(name: string, ms: number | undefined): number | null {
  if (ms === undefined) return null
  if (isWhole(ms, 1, WAIT_MS_MAX)) return ms
  throw badMs(name, 1)
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && isWithin(value, least, most)
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most
}

function badMs(name: string, least: number): RunsError {
  return bad(`${name} is a whole number of milliseconds from ${least} to ${WAIT_MS_MAX}`)
}

function bad(message: string): RunsError {
  return new RunsError(RUNS_CODES.attemptsInvalid, message)
}
