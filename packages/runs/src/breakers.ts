/**
 * The breakers of a composition: which effects they cover, and how they stand as far as this
 * process knows.
 *
 * What is known is a cache. It is read once, follows what is written here, and is read on when an
 * append finds that a stream has moved, or before an attempt is put off: so acting under a breaker
 * that is closed costs no event and no read.
 */

import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { JsonObject } from '@ice/primitives'
import { type BreakerFold, breakerStream, evolveBreaker, NEW_BREAKER } from './breaker.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { BREAKER_FAILURES_MAX, BREAKERS_MAX, WAIT_MS_MAX } from './limits.ts'
import type { Breaker } from './ports.ts'

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?$/

interface Known {
  readonly breaker: Breaker
  /** `null`: not read yet. */
  fold: BreakerFold | null
  reading: Promise<BreakerFold> | null
}

/** Breakers that were given once, and are not changed. */
export class Breakers {
  readonly #log: Pick<EventLog, 'read'>
  readonly #known: ReadonlyMap<string, Known>

  /** @throws `ICE_RUNS_BREAKERS_UNSUPPORTED` */
  constructor(log: Pick<EventLog, 'read'>, breakers: readonly Breaker[] = []) {
    this.#log = log
    const checked = breakers.map(checkBreaker)
    this.#known = new Map(
      checked.map((breaker) => {
        return [breakerStream(breaker.name), { breaker, fold: null, reading: null }]
      }),
    )
    if (this.#known.size !== breakers.length) throw bad('Two breakers have one name')
    if (breakers.length > BREAKERS_MAX) throw bad(`There are at most ${BREAKERS_MAX} breakers`)
  }

  /**
   * The breaker of a call, or of a batch of them: the first that covers one of them.
   * @throws what `covers` throws
   */
  of(action: string, resources: readonly JsonObject[]): Breaker | null {
    for (const { breaker } of this.#known.values()) {
      if (resources.some((resource) => breaker.covers(action, resource))) return breaker
    }
    return null
  }

  /** A breaker by its name: of an intent that was recorded under another composition none. */
  named(name: string): Breaker | null {
    return this.#known.get(breakerStream(name))?.breaker ?? null
  }

  /** How a breaker stands, as far as is known here; `null`: it was not read yet. */
  known({ name }: Breaker): BreakerFold | null {
    return this.#known.get(breakerStream(name))?.fold ?? null
  }

  /** Reads on in the stream of a breaker. Who asks while it is read shares the answer. */
  refresh(stream: string): Promise<BreakerFold> {
    const known = this.#known.get(stream)
    if (known === undefined) return Promise.resolve(NEW_BREAKER)
    known.reading ??= this.#read(known).finally(() => {
      known.reading = null
    })
    return known.reading
  }

  async #read(known: Known): Promise<BreakerFold> {
    const stream = breakerStream(known.breaker.name)
    const { version: after } = known.fold ?? NEW_BREAKER
    for await (const batch of this.#log.read({ stream, after })) this.#follow(known, batch)
    known.fold ??= NEW_BREAKER
    return known.fold
  }

  /** Takes up what was written here. */
  observe(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      const known = this.#known.get(event.stream)
      if (known !== undefined) this.#follow(known, [event])
    }
  }

  /** Folds what comes next; what was folded before, or comes after a gap, is left to a read. */
  #follow(known: Known, events: readonly RecordedEvent[]): void {
    for (const event of events) {
      const fold = known.fold ?? NEW_BREAKER
      if (event.version !== fold.version + 1) continue
      known.fold = evolveBreaker(fold, event, known.breaker)
    }
  }
}

/** @throws `ICE_RUNS_BREAKERS_UNSUPPORTED` */
function checkBreaker(given: Breaker): Breaker {
  if (typeof given !== 'object' || given === null) throw bad('A breaker is an object')
  const { name, covers, failures, windowMs, openMs } = given
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw bad('A breaker is named by at most 128 of a-z, 0-9, and . _ - within')
  }
  if (typeof covers !== 'function') throw bad(`The breaker ${name} does not say what it covers`)
  if (!isWhole(failures, BREAKER_FAILURES_MAX)) {
    throw bad(`The breaker ${name} opens after 1 to ${BREAKER_FAILURES_MAX} failures`)
  }
  if (!isWhole(windowMs, WAIT_MS_MAX) || !isWhole(openMs, WAIT_MS_MAX)) {
    throw bad(`Times of the breaker ${name} are whole milliseconds from 1 to ${WAIT_MS_MAX}`)
  }
  return Object.freeze({ name, covers: covers.bind(given), failures, windowMs, openMs })
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most
}

function bad(message: string): RunsError {
  return new RunsError(RUNS_CODES.breakersInvalid, message)
}
