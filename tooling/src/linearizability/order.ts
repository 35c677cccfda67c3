/**
 * The one order of the log against the clock of the clients: a unit that was acknowledged before
 * another was called stands before it.
 *
 * The model knows streams and not positions, which would tie all of them together; but positions
 * are an order that the log itself claims, so it is enough to hold that one against time.
 */
import type { LogOperation } from './log-model.ts'

/** Where one event of the log stands, as a reader found it at the end. */
export interface Placed {
  readonly position: number
  readonly tag: string
}

/** What is wrong with the order, or `undefined`. */
export const findDisorder = (
  history: readonly LogOperation[],
  log: readonly Placed[],
): string | undefined => {
  const gap = log.find(({ position }, index) => position !== index + 1)
  if (gap !== undefined) return `the log has a gap before position ${gap.position}`
  const placeOf = new Map<string, number>()
  for (const { tag, position } of log) {
    if (!placeOf.has(tag)) placeOf.set(tag, position)
  }
  return findMisplaced(history, placeOf, log) ?? findLate(history, placeOf)
}

const tagsOf = ({ input }: LogOperation): readonly string[] =>
  input.kind === 'append' ? input.writes.flatMap(({ tags }) => tags) : []

/** An acknowledgement names places where other events stand, or none; a unit is not in one piece. */
const findMisplaced = (
  history: readonly LogOperation[],
  placeOf: ReadonlyMap<string, number>,
  log: readonly Placed[],
): string | undefined => {
  for (const operation of history) {
    const tags = tagsOf(operation)
    const { output } = operation
    if (output.kind === 'appended') {
      const found = output.positions.map((position) => log[position - 1]?.tag)
      if (found.join() === tags.join()) continue
      return `${tags.join()} were acknowledged at ${output.positions.join()}, where there is ${found.join()}`
    }
    const places = tags.map((tag) => placeOf.get(tag))
    const [first] = places
    const isWhole = places.every((place, index) =>
      first === undefined ? place === undefined : place === first + index,
    )
    if (!isWhole) return `${tags.join()} stand at ${places.join()}: not one piece`
  }
  return undefined
}

/** A unit that stands behind one that was called only after it had been acknowledged. */
const findLate = (
  history: readonly LogOperation[],
  placeOf: ReadonlyMap<string, number>,
): string | undefined => {
  const spans = new Map<number, { called: number; returned: number; readonly tag: string }>()
  for (const operation of history) {
    const [tag = ''] = tagsOf(operation)
    const place = placeOf.get(tag)
    if (place === undefined) continue
    const returned = operation.output.kind === 'appended' ? operation.returned : Infinity
    const span = spans.get(place) ?? { called: Infinity, returned: Infinity, tag }
    span.called = Math.min(span.called, operation.called)
    span.returned = Math.min(span.returned, returned)
    spans.set(place, span)
  }
  let latest = { called: -Infinity, tag: '' }
  for (const [, span] of [...spans].sort(([a], [b]) => a - b)) {
    if (span.returned < latest.called) {
      return `${span.tag} was acknowledged before ${latest.tag} was called, and stands behind it`
    }
    if (span.called > latest.called) latest = span
  }
  return undefined
}
