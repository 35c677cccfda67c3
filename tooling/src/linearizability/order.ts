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
  const spans = spansOf(history, placeOf)
  return findMisplaced(history, placeOf, log) ?? findLate(spans) ?? findPassed(history, spans)
}

const tagsOf = ({ input }: LogOperation): readonly string[] =>
  input.kind === 'append' ? input.writes.flatMap(({ tags }) => tags) : []

/** An acknowledgement names places where others stand, or none; a unit is not in one piece. */
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
      const places = output.positions.join()
      return `${tags.join()} were acknowledged at ${places}, where there is ${found.join()}`
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

/** When one unit was under way, all its attempts together. */
interface Span {
  readonly tag: string
  called: number
  returned: number
  /** Of an attempt that was answered as the first. */
  notAfter: number | undefined
}

/** The units that are in the log, in its order. */
const spansOf = (
  history: readonly LogOperation[],
  placeOf: ReadonlyMap<string, number>,
): readonly Span[] => {
  const spans = new Map<number, Span>()
  for (const operation of history) {
    const [tag = ''] = tagsOf(operation)
    const place = placeOf.get(tag)
    if (place === undefined) continue
    const { input, output, called } = operation
    const span = spans.get(place) ?? {
      called: Infinity,
      returned: Infinity,
      tag,
      notAfter: undefined,
    }
    span.called = Math.min(span.called, called)
    if (output.kind === 'appended') span.returned = Math.min(span.returned, operation.returned)
    const isFirst = output.kind === 'appended' && !output.retried
    if (isFirst && input.kind === 'append') span.notAfter = input.notAfter
    spans.set(place, span)
  }
  return [...spans].sort(([a], [b]) => a - b).map(([, span]) => span)
}

/** A unit that stands behind one that was called only after it had been acknowledged. */
const findLate = (spans: readonly Span[]): string | undefined => {
  let latest = { called: -Infinity, tag: '' }
  for (const span of spans) {
    if (span.returned < latest.called) {
      return `${span.tag} was acknowledged before ${latest.tag} was called, and stands behind it`
    }
    if (span.called > latest.called) latest = span
  }
  return undefined
}

/**
 * A unit that was taken although, at every moment at which it can have been given its place, the
 * clock had passed its `notAfter`. It got its place after all units before it had been called, and
 * before any unit behind it was acknowledged: that is narrower than its own span.
 */
const findPassed = (
  history: readonly LogOperation[],
  spans: readonly Span[],
): string | undefined => {
  const until = spans.map(({ returned }) => returned)
  for (let at = until.length - 2; at >= 0; at -= 1) {
    until[at] = Math.min(until[at] ?? Infinity, until[at + 1] ?? Infinity)
  }
  const clock = readingsOf(history)
  let from = -Infinity
  for (const [at, { called, notAfter, tag }] of spans.entries()) {
    from = Math.max(from, called)
    if (notAfter === undefined) continue
    const possible = clock.filter((each) => each.until >= from && each.from <= (until[at] ?? 0))
    if (possible.length === 0 || possible.some(({ now }) => now <= notAfter)) continue
    const read = possible.map(({ now }) => now).join()
    return `${tag} was valid until ${notAfter} and was taken when the clock said ${read}`
  }
  return undefined
}

/** What the clock said, and when at most it can have said so; before its first move, nothing. */
const readingsOf = (history: readonly LogOperation[]) => {
  const moves = history
    .filter(({ input }) => input.kind === 'clock')
    .sort((a, b) => a.called - b.called)
  return moves.flatMap(({ input, called }, at) => {
    const until = moves[at + 1]?.returned ?? Infinity
    return input.kind === 'clock' ? [{ now: input.now, from: called, until }] : []
  })
}
