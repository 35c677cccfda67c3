/** What a database reports, said in the codes of the port: what happened, why, what to do next. */
import type { JsonObject } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { UnitFate } from './group.ts'

/** Why something failed. */
export interface FailureReason {
  /** One word for `data.reason`: `busy`, `disk_full`, … */
  readonly reason: string
  /** A half-sentence for the message. */
  readonly why: string
  /** A sentence or two: what whoever reads it can do. */
  readonly next: string
}

/** Reasons by the beginning of a database's own code; the first that fits counts. */
export type FailureReasons = readonly (readonly [prefix: string, FailureReason])[]

/** The reason that a database's code stands for. */
export function reasonOf(reasons: FailureReasons, code: string): FailureReason | undefined {
  return reasons.find(([prefix]) => code.startsWith(prefix))?.[1]
}

/** What went wrong while something was done to a log. */
export interface FailedWork {
  /** `append to`, `read`, `open`: what was being done, as it stands in the message. */
  readonly doing: string
  /** The log, as messages name it. */
  readonly log: string
  readonly fate: UnitFate
  /** What the database said, as it stands in the error's data. */
  readonly data: JsonObject
}

/** `ICE_EVENTS_UNAVAILABLE`, with all that is known of it. */
export function unavailable(
  error: unknown,
  { doing, log, fate, data }: FailedWork,
  { reason, why, next }: FailureReason,
): EventsError {
  const kept = fate === 'none' ? 'Nothing was written.' : 'The unit may have been kept.'
  return new EventsError(
    EVENTS_CODES.unavailable,
    `Could not ${doing} ${log}: ${why}${said(error)}. ${kept} ${next}`,
    { ...data, fate, reason },
    error,
  )
}

/** `ICE_EVENTS_CORRUPT`: what was kept cannot be read. @param what - a half-sentence with advice */
export function damaged(
  error: unknown,
  { doing, log, fate, data }: FailedWork,
  { what, next }: { readonly what: string; readonly next: string },
): EventsError {
  return new EventsError(
    EVENTS_CODES.corrupt,
    `Could not ${doing} ${log}: ${what}${said(error)}. ${next}`,
    { ...data, fate },
    error,
  )
}

function said(error: unknown): string {
  if (error === undefined) return ''
  return ` (${error instanceof Error ? error.message : String(error)})`
}
