/**
 * Hearing of new events by way of the store's own subscription: it hears of every process's.
 *
 * One event behind the head that was seen is waited for, and not used: what a follower reads it
 * reads from pages, where nothing is missing that was moved.
 */
import { EVENTS_CODES } from '@ice/events'
import type { WakeUp } from '@ice/events/adapter'
import type { EvictableStore } from '@ice/events/ports'
import { hasCode } from '@ice/primitives'

/** The wake-up of one follower. */
export class StoreWakeUp implements WakeUp {
  readonly #live: EvictableStore
  readonly #isClosing: () => boolean
  #isOver = false
  count = 0
  /** The head of the log when the follower last read. */
  head = 0

  constructor(live: EvictableStore, isClosing: () => boolean) {
    this.#live = live
    this.#isClosing = isClosing
  }

  get closed(): boolean {
    return this.#isOver || this.#isClosing()
  }

  async wait(_seen: number, signal: AbortSignal | undefined): Promise<void> {
    const query = { after: this.head, ...(signal === undefined ? {} : { signal }) }
    const following = this.#live.subscribe(query)[Symbol.asyncIterator]()
    try {
      const { done } = await following.next()
      if (done === true && signal?.aborted !== true) this.#isOver = true
    } catch (error) {
      // What was appended and moved since is new, too.
      const isNew = hasCode(error, EVENTS_CODES.archived)
      if (!isNew && !this.#isClosing()) throw error
    } finally {
      await following.return?.()
    }
    this.count += 1
  }
}
