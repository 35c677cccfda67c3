/**
 * A figure: one measured number, what it was measured against, and whether it reaches its target.
 *
 * The trap: a figure that could not be measured has no value, and is never `met`.
 */
import { type FigureId, TARGETS, type Target } from './targets.ts'

/** As `bench --json` prints it. */
export interface Figure {
  readonly id: FigureId
  readonly value: number | null
  readonly unit: string
  /** The limit or peer of the same run; null where the target is absolute. */
  readonly against: string | null
  readonly ratio: number | null
  readonly target: number
  readonly met: boolean
}

/** What a topic measured. What it could not measure it leaves out, or gives as undefined. */
export interface Measurement {
  readonly value: number | undefined
  readonly unit: string
  readonly against?: string
  readonly ratio?: number | undefined
}

const usable = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null

const reaches = ({ bound, target }: Target, measured: number | null): boolean => {
  if (measured === null) return false
  return bound === 'at_least' ? measured >= target : measured <= target
}

/** Holds a measurement against the target of its id. */
export const figure = (id: FigureId, measurement: Measurement): Figure => {
  const target: Target = TARGETS[id]
  const value = usable(measurement.value)
  const ratio = usable(measurement.ratio)
  return {
    id,
    value,
    unit: measurement.unit,
    against: measurement.against ?? null,
    ratio,
    target: target.target,
    met: value !== null && reaches(target, target.of === 'ratio' ? ratio : value),
  }
}

/** Whether everything that was to be measured was measured. */
export const isComplete = (figures: readonly Figure[]): boolean =>
  figures.length > 0 &&
  figures.every(
    ({ id, value, ratio }) => value !== null && (TARGETS[id].of === 'value' || ratio !== null),
  )

const shown = (value: number | null): string => {
  if (value === null) return '–'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

/** The figures as a table for people. */
export const figureTable = (figures: readonly Figure[]): string => {
  const head = ['figure', 'value', 'unit', 'ratio', 'target', '', 'against']
  const rows = figures.map((each) => [
    each.id,
    shown(each.value),
    each.unit,
    shown(each.ratio),
    `${TARGETS[each.id].bound === 'at_least' ? '>=' : '<='} ${each.target}`,
    each.met ? 'met' : each.value === null ? 'not measured' : 'not met',
    each.against ?? '',
  ])
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...all.map((cells) => (cells[at] ?? '').length)))
  return all
    .map((cells) =>
      cells
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
