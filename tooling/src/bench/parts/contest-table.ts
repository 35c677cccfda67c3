/** The table of a contest, for people: every side at one number of callers. */

/** How a side stands; medians of the rounds. */
export interface Standing {
  readonly title: string
  /** @units runs/s */
  readonly rate: number
  /** @units ms */
  readonly p50: number
  /** @units ms */
  readonly p99: number
  /** Syncs of a run; undefined where they could not be counted. */
  readonly syncs: number | undefined
  /** Our rate to its rate. */
  readonly ratio: number
}

const short = (value: number | undefined): string =>
  value === undefined ? 'not counted' : String(Number(value.toPrecision(3)))

/** Aligned columns; what is missing stands below them. */
export function contestTable(
  standings: readonly Standing[],
  about: {
    readonly atATime: number
    readonly missing: readonly { readonly title: string; readonly why: string }[]
    /** Of the machine, over the last minute. */
    readonly load: number
  },
): string {
  const head = [`${about.atATime} at a time`, 'runs/s', 'p50 ms', 'p99 ms', 'syncs/run', 'ICE is']
  const rows = standings.map(({ title, rate, p50, p99, syncs, ratio }) => [
    title,
    String(Math.round(rate)),
    ...[short(p50), short(p99), short(syncs)],
    `${short(ratio)}x`,
  ])
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...all.map((cells) => cells[at]?.length ?? 0)))
  const lines = all.map((cells) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd : cell.padStart).call(cell, widths[at] ?? 0)),
  )
  return [
    '',
    ...lines.map((cells) => cells.join('  ')),
    ...about.missing.map(({ title, why }) => `${title}: not measured: ${why}`),
    `(load average ${about.load.toFixed(1)})`,
  ].join('\n')
}
