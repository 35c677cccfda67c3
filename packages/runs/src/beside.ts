/** What an append of a run says in streams that are neither the run's own nor of budgets. */

import type { StreamWrite } from '@ice/events/ports'
import { hasCode } from '@ice/primitives'

/** Notes that go along with the facts of a run: worked out when the append is made. */
export interface Notes {
  /** Whether one append should carry no more. */
  readonly full: boolean
  /** The writes of the next append, each stream once. */
  writes(): readonly StreamWrite[]
  /** What `writes` gave last is recorded. */
  acknowledged(): void
  /** A stream that was written to, or that an intent stands on, has moved. */
  moved(stream: string | null): Promise<void>
}

/** Of a run that has nothing to say elsewhere. */
export const NO_NOTES: Notes = {
  full: false,
  writes: () => [],
  acknowledged: () => undefined,
  moved: async () => undefined,
}

/** The stream that an append was refused for, where the log says which. */
export function refusedStream(error: unknown): string | null {
  const { data } = error as { readonly data?: { readonly stream?: unknown } }
  return typeof data?.stream === 'string' ? data.stream : null
}

/** Whether a stream is one that notes are written to: not the run's, nor of what it is paid by. */
export function isNoted(stream: string | null): stream is string {
  return stream?.startsWith('breaker/') === true
}

const GUARD_REFUSALS = ['ICE_EVENTS_GUARD_CONFLICT', 'ICE_EVENTS_TOO_LATE'] as const

/** Whether an append was refused for what its intents stand on, or for what it notes elsewhere. */
export function isRefusedBeside(error: unknown): boolean {
  if (GUARD_REFUSALS.some((code) => hasCode(error, code))) return true
  return hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT') && isNoted(refusedStream(error))
}
