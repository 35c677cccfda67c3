/**
 * Windows of time: days of the week and minutes of the day, in UTC.
 *
 *     window = { kind: "time-window", [ days: [ 0 … 6 ] ], from, to }
 *
 * From `from` on, until just before `to`. Where `from` is greater the window spans midnight, and
 * belongs to the day it begins on: Friday 22:00 to 06:00 ends on Saturday. There is no zone and no
 * summer time: both change by decree, and a decision is the same at any time and on any machine.
 *
 * The trap: asking a `Date` of the machine's zone, or reckoning a night to the day it ends on.
 */
import type { Timestamp } from '@ice/primitives'
import { hasOnly, own } from './plain.ts'
import type { Caveat } from './ports.ts'

/** A window, as a grant carries it. */
export type TimeWindow = Extract<Caveat, { readonly kind: 'time-window' }>

const DAY_MINUTES = 1_440
const MINUTE_MS = 60_000
const DAY_MS = DAY_MINUTES * MINUTE_MS
/** The epoch began on a Thursday. */
const EPOCH_DAY = 4
const DAYS: readonly string[] = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** Why this is no window, or `undefined`. */
export function windowFault(caveat: object): string | undefined {
  const [from, to] = [own(caveat, 'from'), own(caveat, 'to')]
  const isShaped = hasOnly(caveat, ['kind', 'days', 'from', 'to'])
  const areTimes = isMinute(from, DAY_MINUTES - 1) && isMinute(to, DAY_MINUTES) && from !== to
  const areDays = !Object.hasOwn(caveat, 'days') || isDayList(own(caveat, 'days'))
  if (isShaped && areTimes && areDays) return undefined
  return 'a "time-window" has a from of 0 to 1439, another to of 0 to 1440, and days of 0 to 6'
}

function isMinute(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}

function isDayList(days: unknown): boolean {
  if (!Array.isArray(days) || days.length === 0 || new Set(days).size < days.length) return false
  return days.every((day) => isMinute(day, DAYS.length - 1))
}

/** The first instant after `at` at which the window is closed; `undefined`: it is not open. */
export function closingOf(window: TimeWindow, at: Timestamp): Timestamp | undefined {
  const today = Math.floor(at / DAY_MS)
  // A window that began yesterday may reach into today, and no other day's can.
  for (const day of [today, today - 1]) {
    const [opens, closes] = spanOn(window, day)
    if (holdsOn(window, day) && opens <= at && at < closes) return timeOf(closes)
  }
  return undefined
}

/** The next instant at which a window that is closed opens. */
export function openingOf(window: TimeWindow, at: Timestamp): Timestamp {
  let day = Math.floor(at / DAY_MS)
  // Some day of any eight in a row is one of the window's, and begins it later than `at`.
  while (!holdsOn(window, day) || spanOn(window, day)[0] <= at) day += 1
  return timeOf(spanOn(window, day)[0])
}

/** The last of all times for what comes after it: JSON holds no later one. */
function timeOf(ms: number): Timestamp {
  return Math.min(ms, Number.MAX_SAFE_INTEGER) as Timestamp
}

function holdsOn({ days }: TimeWindow, day: number): boolean {
  return days === undefined || days.includes((day + EPOCH_DAY) % DAYS.length)
}

function spanOn({ from, to }: TimeWindow, day: number): readonly [opens: number, closes: number] {
  const midnight = day * DAY_MS
  const end = from < to ? to : to + DAY_MINUTES
  return [midnight + from * MINUTE_MS, midnight + end * MINUTE_MS]
}

/** A window for people: `Mon, Tue 09:00 to 17:00 UTC`. */
export function shownWindow({ days, from, to }: TimeWindow): string {
  const named = days?.map((day) => DAYS[day]).join(', ') ?? 'every day'
  return `${named} ${clockTime(from)} to ${clockTime(to)} UTC`
}

function clockTime(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
