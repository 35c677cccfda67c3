/** Caveats in words. What is not known is shown as it was recorded. */
import { duration, isoTime } from '../terminal/format.ts'
import { jsonText } from '../terminal/text.ts'

type Recorded = Readonly<Record<string, unknown>>

/** One caveat, as the end of "only …"; not yet plain. Total over JSON. */
export function caveatWords(caveat: Recorded): string {
  const kind = Object.hasOwn(WORDS, `${caveat['kind']}`) ? `${caveat['kind']}` : ''
  return WORDS[kind]?.(caveat) ?? jsonText(caveat)
}

const WORDS: Readonly<Record<string, (caveat: Recorded) => string | undefined>> = {
  count: ({ max }) => `at most ${max} uses`,
  rate: ({ max, windowMs }) =>
    typeof windowMs === 'number' ? `at most ${max} uses every ${duration(windowMs)}` : undefined,
  budget: ({ unit, max }) => `at most ${max} ${unit}`,
  'time-window': ({ days, from, to }) => {
    if (typeof from !== 'number' || typeof to !== 'number') return undefined
    const when = Array.isArray(days) ? `on ${days.map((day) => DAYS[day] ?? day).join(', ')} ` : ''
    return `${when}from ${clock(from)} to ${clock(to)} UTC`
  },
  'same-run': ({ run }) => `in the run ${run}`,
  arguments: ({ schema }) => `arguments that fit ${jsonText(schema)}`,
  trusted: ({ paths }) => `what is trusted at ${places(paths)}`,
  readers: ({ paths, include }) => `what ${list(include)} may read at ${places(paths)}`,
  approval: (terms) => `each use approved${termsWords(terms)}`,
  'approval-for': (terms) => `${list(terms['actions'])} approved${termsWords(terms)}`,
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

function termsWords({ by, timeoutMs, escalateAfterMs, escalateTo }: Recorded): string {
  const told = [
    ...(by === undefined ? [] : [` by ${list(by)}`]),
    ...(typeof timeoutMs === 'number' ? [` within ${duration(timeoutMs)}`] : []),
    ...(typeof escalateAfterMs === 'number'
      ? [` (after ${duration(escalateAfterMs)} also by ${list(escalateTo)})`]
      : []),
  ]
  return told.join('')
}

function list(value: unknown): string {
  if (!Array.isArray(value)) return jsonText(value)
  return value.length === 0 ? 'nobody' : value.map(String).join(', ')
}

function places(value: unknown): string {
  if (!Array.isArray(value)) return jsonText(value)
  return value.map((path) => (path === '' ? 'all of them' : String(path))).join(', ')
}

function clock(minutes: number): string {
  return isoTime(minutes * 60_000).slice(11, 16)
}
