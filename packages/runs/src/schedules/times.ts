/**
 * The times of a schedule: fields of cron, read in a time zone.
 *
 * Cron is read by croner, and only five or six fields of it: it would also take a date, a name
 * such as `@daily`, and a year. Where clocks are set, the library says:
 *
 * 1. A fixed time that a day does not have comes at the first moment after the gap; one that a day
 *    has twice comes at the first of both. Fixed: no `*`, `?` or step in hour, minute and second.
 * 2. Times with a wildcard or a step go by real time: they are not held up by the hour that a day
 *    has twice, and not made up for in the hour that it does not have.
 *
 * The trap: to work out the next time from the clock. Times follow from the one before, so that
 * how late, or how often, somebody looked changes nothing about them.
 */

import type { Timestamp } from '@ice/primitives'
import { Cron } from 'croner'
import { RUNS_CODES, RunsError } from '../errors.ts'
import { CRON_CHARACTERS_MAX, ZONE_CHARACTERS_MAX } from '../limits.ts'

/** The times of one schedule. */
export interface Times {
  /** The first after; `null`: none comes any more. */
  after(time: Timestamp): Timestamp | null
  /** The last before; `null`: there was none. */
  before(time: Timestamp): Timestamp | null
}

const FIELDS = /^\S+(?:[ \t]+\S+){4,5}$/
/** A name, and no offset such as `+01:00`: that has no summer. */
const ZONE = /^[A-Za-z][A-Za-z0-9_+/-]*$/

/** Reads fields of cron. @throws `ICE_RUNS_SCHEDULE_UNSUPPORTED` */
export function timesOf(cron: string, zone: string): Times {
  checkZone(zone)
  if (typeof cron !== 'string' || cron.length > CRON_CHARACTERS_MAX || !FIELDS.test(cron)) {
    const message = `A schedule has five or six fields, at most ${CRON_CHARACTERS_MAX} characters`
    throw new RunsError(RUNS_CODES.scheduleInvalid, message, { what: 'cron' })
  }
  const times = parse(cron, zone)
  return {
    after: (time) => stamp(times.nextRun(new Date(time))),
    before: (time) => stamp(times.previousRuns(1, new Date(time))[0] ?? null),
  }
}

function parse(cron: string, zone: string): Cron {
  const options = { paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' } as const
  try {
    return new Cron(cron, { ...options, timezone: zone })
  } catch (cause) {
    const message = `These are no fields of cron: ${cause instanceof Error ? cause.message : ''}`
    throw new RunsError(RUNS_CODES.scheduleInvalid, message, { what: 'cron' }, cause)
  }
}

function stamp(date: Date | null): Timestamp | null {
  return date === null ? null : (date.getTime() as Timestamp)
}

function checkZone(zone: string): void {
  try {
    if (typeof zone !== 'string' || zone.length > ZONE_CHARACTERS_MAX || !ZONE.test(zone)) {
      throw new RangeError('no name of a time zone')
    }
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch (cause) {
    const message = 'The time zone of a schedule is one by its IANA name: Europe/Vienna'
    throw new RunsError(RUNS_CODES.scheduleInvalid, message, { what: 'zone' }, cause)
  }
}
