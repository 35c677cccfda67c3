/**
 * The load generator: so many callers, each of whom calls again when the last call has returned.
 */

/** How many callers, and when they stop: whichever of the two comes first. */
export interface Load {
  readonly atATime: number
  readonly calls?: number
  readonly ms?: number
}

/** What was done. */
export interface Loaded {
  readonly calls: number
  /** From the first call to the return of the last. @units s */
  readonly seconds: number
  /** How long each call took. @units ms */
  readonly times: readonly number[]
}

/** Calls `once` until it is enough. */
export async function load(
  { atATime, calls = Number.POSITIVE_INFINITY, ms = Number.POSITIVE_INFINITY }: Load,
  once: () => Promise<unknown>,
): Promise<Loaded> {
  const times: number[] = []
  const began = performance.now()
  let begun = 0
  const caller = async (): Promise<void> => {
    for (let now = began; begun < calls && now - began < ms; ) {
      begun += 1
      const start = performance.now()
      await once()
      now = performance.now()
      times.push(now - start)
    }
  }
  await Promise.all(Array.from({ length: atATime }, caller))
  return { calls: times.length, seconds: (performance.now() - began) / 1_000, times }
}

/** Calls a second. */
export const rateOf = ({ calls, seconds }: Loaded): number => calls / seconds
