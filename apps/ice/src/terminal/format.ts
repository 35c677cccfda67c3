/** How times, durations, sizes and counts are written for people. */

/** ISO 8601, UTC, milliseconds; a number that is no time is shown as it is. */
export function isoTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
]

/** `3 ms`, `1.24 s`, `2 min 5 s`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Number((ms / 1000).toPrecision(3))} s`
  const at = UNITS.findIndex(([, unit]) => ms >= unit)
  const [name, unit] = UNITS[at] ?? ['min', 60_000]
  const [below, small] = UNITS[at + 1] ?? ['s', 1000]
  const rest = Math.floor((ms % unit) / small)
  return `${Math.floor(ms / unit)} ${name}${rest === 0 ? '' : ` ${rest} ${below}`}`
}

/** How long ago, in one unit. */
export function ago(ms: number): string {
  if (ms < 1000) return 'now'
  return `${duration(ms).split(' ').slice(0, 2).join(' ')} ago`
}

/** `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** `3 files`, `1 file`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** `12.3 MB`, in powers of a thousand. */
export function bytes(value: number): string {
  const names = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let rest = value
  let at = 0
  while (rest >= 1000 && at < names.length - 1) {
    rest /= 1000
    at += 1
  }
  return `${at === 0 ? rest : Number(rest.toPrecision(3))} ${names[at]}`
}
