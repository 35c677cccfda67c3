/**
 * The time of one attempt: how long it may take, and how long its handler may be silent.
 *
 *     begin ───── beat ── beat ───────────────► expired ── grace ──► given up
 *              └─ heartbeatMs ─┘ └─ heartbeatMs ─┘
 *
 * By the monotonic clock of this process: an attempt does not outlive it, and is no matter of what
 * the wall clock is set to. Who is asked to stop and does not is given up after a grace, so that a
 * handler that hangs does not hold its run for ever.
 */

import type { Clock } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { HANDLER_GRACE_MS } from './limits.ts'

/** The clock of an attempt. */
export interface AttemptTime {
  /** The handler is still at work. */
  beat(): void
  /** The attempt is over: nothing expires any more. */
  stop(): void
  /** Settles only when the handler was to stop and has not; `null`: it may go on for ever. */
  readonly givenUp: Promise<RunsError> | null
}

/** Bounds of an attempt; `null`: none. */
export interface AttemptBounds {
  readonly clock: Clock
  readonly untilMs: number | null
  readonly heartbeatMs: number | null
}

const UNBOUNDED: AttemptTime = {
  beat: () => undefined,
  stop: () => undefined,
  givenUp: null,
}

/** Starts the clock of an attempt. @param expired - called once, when it is over, with why */
export function timeAttempt(
  { clock, untilMs, heartbeatMs }: AttemptBounds,
  expired: (reason: RunsError) => void,
): AttemptTime {
  if (untilMs === null && heartbeatMs === null) return UNBOUNDED
  const over = new AbortController()
  const { signal } = over
  const begun = clock.monotonicMs()
  let beaten = begun

  const expire = async (): Promise<RunsError> => {
    for (;;) {
      const now = clock.monotonicMs()
      const left = untilMs === null ? Number.POSITIVE_INFINITY : begun + untilMs - now
      if (untilMs !== null && left <= 0) return tooLong(untilMs)
      const silent = heartbeatMs === null ? left : beaten + heartbeatMs - now
      if (heartbeatMs !== null && silent <= 0) return tooSilent(heartbeatMs)
      await clock.sleep(Math.min(left, silent), { signal })
    }
  }
  const givenUp = expire().then(async (reason) => {
    expired(reason)
    await clock.sleep(HANDLER_GRACE_MS, { signal })
    return reason
  })
  return {
    beat: () => {
      beaten = clock.monotonicMs()
    },
    stop: () => over.abort(),
    // The attempt was over in time.
    givenUp: givenUp.catch(() => new Promise<RunsError>(() => undefined)),
  }
}

function tooLong(timeoutMs: number): RunsError {
  const message = `The attempt may take ${timeoutMs} ms, and has`
  return new RunsError(RUNS_CODES.attemptTimeout, message, { timeoutMs })
}

function tooSilent(heartbeatMs: number): RunsError {
  const message = `Nothing was heard of the attempt for ${heartbeatMs} ms`
  return new RunsError(RUNS_CODES.heartbeatMissed, message, { heartbeatMs })
}
