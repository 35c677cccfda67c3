/**
 * Fair shares between queues: whose turn is next.
 *
 * The queue that has the least in use for its weight comes first; of two that have as much, the one
 * that was given fewer turns for its weight. A queue that was empty begins where the others are:
 * it has saved up nothing.
 */

/** The turns that queues were given, so far as it matters who is next. */
export class Shares {
  readonly #weightOf: (queue: string) => number
  readonly #given = new Map<string, number>()

  constructor(weightOf: (queue: string) => number) {
    this.#weightOf = weightOf
  }

  /** The queue that is next among these; `null` when there is none. */
  next(queues: Iterable<string>, running: (queue: string) => number): string | null {
    let first: { readonly queue: string; readonly use: number; readonly given: number } | null =
      null
    for (const queue of queues) {
      const use = running(queue) / this.#weightOf(queue)
      const given = this.#given.get(queue) ?? 0
      const isFirst =
        first === null || use < first.use || (use === first.use && given < first.given)
      if (isFirst) first = { queue, use, given }
    }
    return first?.queue ?? null
  }

  /** Tells which queues have something, before turns are given. */
  begin(queues: readonly string[]): void {
    const known = queues.flatMap((queue) => this.#given.get(queue) ?? [])
    const least = known.length === 0 ? 0 : Math.min(...known)
    const now = new Map(queues.map((queue) => [queue, this.#given.get(queue) ?? least]))
    this.#given.clear()
    // Only differences count: what all of them have is taken off, so that nothing grows.
    for (const [queue, given] of now) this.#given.set(queue, given - least)
  }

  /** A turn was given to a queue. */
  give(queue: string): void {
    this.#given.set(queue, (this.#given.get(queue) ?? 0) + 1 / this.#weightOf(queue))
  }
}
