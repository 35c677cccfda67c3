/**
 * Measuring two things against each other on a machine that never stands still.
 *
 * Ours and the peer run in turns, in the same process and the same minute; each round gives one
 * ratio, and the median of the ratios is quoted. The side that begins changes from round to round,
 * so that neither always runs on what the other has warmed up.
 */

/** One side of a contest; what it returns is a rate, or a time, of one round. */
export type Side = () => number | Promise<number>

/** Two sides and how often they meet. */
export interface Contest {
  readonly ours: Side
  readonly peer: Side
  readonly rounds: number
  /** Rounds that are run and not counted. @defaultValue 1 */
  readonly warmUps?: number
}

/** What came out, each a median over the rounds. */
export interface ContestResult {
  readonly ours: number
  readonly peer: number
  /** The median of the rounds' ratios, ours to the peer's; not the ratio of the medians. */
  readonly ratio: number
  readonly ratios: readonly number[]
}

/** The middle value; of an even count, the mean of the two middle ones. NaN of nothing. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The value that a share of the values does not exceed (nearest rank); NaN of nothing. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Runs the rounds one after another. */
export const compete = async (contest: Contest): Promise<ContestResult> => {
  const { ours, peer, rounds, warmUps = 1 } = contest
  const results: { readonly ours: number; readonly peer: number }[] = []
  for (let round = -warmUps; round < rounds; round += 1) {
    const isOursFirst = round % 2 === 0
    const first = await (isOursFirst ? ours() : peer())
    const second = await (isOursFirst ? peer() : ours())
    if (round < 0) continue
    results.push(isOursFirst ? { ours: first, peer: second } : { ours: second, peer: first })
  }
  const ratios = results.map((result) => result.ours / result.peer)
  return {
    ours: median(results.map((result) => result.ours)),
    peer: median(results.map((result) => result.peer)),
    ratio: median(ratios),
    ratios,
  }
}
