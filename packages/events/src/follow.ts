/**
 * Following a log: catch up page by page, then wait for a wake-up and read again.
 *
 * The reader pulls. What arrives while it is busy stays in the log, so there is no buffer to
 * bound, nothing to drop, and no moment between catching up and listening at which an event could
 * slip through: a wake-up that comes before the wait begins is remembered.
 *
 * Between pages the turn is given up. Pages are read without waiting for anything, so catching up
 * with a million events would otherwise be one turn in which no timer, signal or append is served.
 */

import { settled } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { StoredEvent, SubscribeQuery } from './ports.ts'

/** Tells followers that there may be something new. */
export interface WakeUp {
  /** Counts wake-ups, so that a follower sees one that came before it began to wait. */
  readonly count: number
  /** Resolves when `count` has passed `seen`, when the store closes, or when the signal fires. */
  wait(seen: number, signal: AbortSignal | undefined): Promise<void>
  readonly closed: boolean
}

/** A wake-up that is rung by hand. */
export interface WakeUpBell extends WakeUp {
  ring(): void
  close(): void
}

/** Creates a bell. Listeners are forgotten as soon as they have been woken. */
export function createBell(): WakeUpBell {
  let count = 0
  let closed = false
  let waiting = new Set<() => void>()
  const wakeAll = (): void => {
    const woken = waiting
    waiting = new Set()
    for (const wake of woken) wake()
  }
  return {
    get count() {
      return count
    },
    get closed() {
      return closed
    },
    ring() {
      count += 1
      if (waiting.size > 0) wakeAll()
    },
    close() {
      closed = true
      wakeAll()
    },
    wait(seen, signal) {
      if (closed || count > seen || signal?.aborted === true) return Promise.resolve()
      return new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(wake)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        waiting.add(wake)
        signal?.addEventListener('abort', wake, { once: true })
      })
    },
  }
}

/** What a page read gives: the events that match, and how far it has looked. */
export interface Page {
  readonly events: readonly StoredEvent[]
  /** The last position looked at, matching or not. */
  readonly upTo: number
  readonly end: boolean
  /** The head of the log when the page was read. */
  readonly head: number
}

/**
 * Turns page reads and a wake-up into a subscription.
 *
 * @param readPage - may take its time; what it gives or throws after the end of the subscription
 *   is dropped
 */
export async function* follow(
  query: SubscribeQuery,
  readPage: (after: number) => Page | Promise<Page>,
  bell: WakeUp,
): AsyncGenerator<readonly StoredEvent[]> {
  let after = query.after ?? 0
  let isLive = false
  const ended = (): boolean => bell.closed || query.signal?.aborted === true
  while (!ended()) {
    const seen = bell.count
    let page: Page
    try {
      page = await readPage(after)
    } catch (error) {
      // A page under way when its store closes or its reader leaves is refused; that is the end.
      if (ended()) return
      throw error
    }
    if (ended()) return
    if (isLive) checkLag(query, after, page.head)
    isLive ||= page.end
    after = page.upTo
    if (page.events.length > 0) yield page.events
    if (!page.end) await settled()
    else if (!ended()) await bell.wait(seen, query.signal)
  }
}

/** A reader that was live and no longer is may have asked to be told. */
function checkLag({ lagMax }: SubscribeQuery, position: number, head: number): void {
  const lag = head - position
  if (lagMax === undefined || lag <= lagMax) return
  throw new EventsError(
    EVENTS_CODES.lagLimit,
    `The reader at position ${position} is ${lag} events behind; it had asked to be told when ` +
      `it is more than ${lagMax} behind. Nothing is lost: subscribe again after ${position}.`,
    { position, head, lag, lagMax },
  )
}
