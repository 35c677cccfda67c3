/**
 * Dates and times that a prompt has, in ISO form and as English writes them.
 *
 * A value is named by its parts: the day, with its year where the prompt has one, and the time of
 * day. What has to be worked out (`tomorrow`, an hour later) is not named.
 */
import { MONTHS } from './lexicon.ts'

/** What a prompt says of time. */
export interface PromptTimes {
  /** `2024-05-15`, and `-05-15` where no year is given. */
  readonly days: ReadonlySet<string>
  /** `14:30` */
  readonly times: ReadonlySet<string>
}

const ISO_DAY = /(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?!\d)/g
const CLOCK = /(?<![\d:])(\d{1,2}):(\d{2})(?::00)?(?!\d)\s*([ap]\.?m\b)?/gi
const HOUR = /(?<![\d:.])(\d{1,2})\s*([ap])\.?m\b/gi
const MONTH = MONTHS.map((month) => `${month.slice(0, 3)}(?:${month.slice(3)})?`).join('|')
const MONTH_DAY = new RegExp(
  `\\b(${MONTH})\\.?\\s+(\\d{1,2})(?:st|nd|rd|th)?(?!\\d)(?:,?\\s+(\\d{4}))?`,
  'gi',
)
const DAY_MONTH = new RegExp(
  `(?<!\\d)(\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?(${MONTH})\\b(?:,?\\s+(\\d{4}))?`,
  'gi',
)

const two = (value: number | string): string => String(value).padStart(2, '0')
const monthOf = (name: string): string =>
  two(MONTHS.findIndex((month) => month.startsWith(name.toLowerCase().slice(0, 3))) + 1)

/** Reads what a prompt says of time. */
export function timesOf(prompt: string): PromptTimes {
  const days = new Set<string>()
  const times = new Set<string>()
  for (const [, year, month, day] of prompt.matchAll(ISO_DAY)) days.add(`${year}-${month}-${day}`)
  for (const [, month = '', day = '', year] of prompt.matchAll(MONTH_DAY)) {
    days.add(`${year ?? ''}-${monthOf(month)}-${two(day)}`)
  }
  for (const [, day = '', month = '', year] of prompt.matchAll(DAY_MONTH)) {
    days.add(`${year ?? ''}-${monthOf(month)}-${two(day)}`)
  }
  for (const [, hour = '', minute, half = ''] of prompt.matchAll(CLOCK)) {
    times.add(`${hourOf(hour, half)}:${minute}`)
  }
  for (const [, hour = '', half = ''] of prompt.matchAll(HOUR))
    times.add(`${hourOf(hour, half)}:00`)
  return { days, times }
}

function hourOf(hour: string, half: string): string {
  const value = Number(hour)
  if (half === '') return two(value)
  return two((value % 12) + (half.toLowerCase().startsWith('p') ? 12 : 0))
}

const VALUE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}:\d{2})(?::00(?:\.0+)?)?Z?)?$/

/** Whether a value is a date, or a date and time, as programs write them. */
export function isTimeValue(value: string): boolean {
  return VALUE.test(value) || /^\d{2}:\d{2}(?::00)?$/.test(value)
}

/** Whether the prompt has this date, and time. */
export function isTimeNamed(value: string, { days, times }: PromptTimes): boolean {
  const match = VALUE.exec(value)
  if (match === null) return times.has(value.slice(0, 5)) && isTimeValue(value)
  const [, year, month, day, time] = match
  const hasDay = days.has(`${year}-${month}-${day}`) || days.has(`-${month}-${day}`)
  return hasDay && (time === undefined || times.has(time))
}
