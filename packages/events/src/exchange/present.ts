/**
 * What an import finds in the log it is imported into: events it may have brought itself, before
 * it was interrupted.
 */

import { type Hash, leafHash } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { EventStore, StoredEvent } from '../ports.ts'

/** Reads a log from its beginning, one event at a time, held to their hashes. */
export class PresentEvents {
  readonly #batches: AsyncIterator<readonly StoredEvent[]>
  #batch: readonly StoredEvent[] = []
  #at = 0
  /** Events that were there when the import began. */
  readonly head: number

  constructor(store: Pick<EventStore, 'readAll'>, head: number) {
    this.#batches = store.readAll({ limit: head })[Symbol.asyncIterator]()
    this.head = head
  }

  /** The next event. To be asked at most `head` times. @throws `ICE_EVENTS_CORRUPT` */
  async next(): Promise<StoredEvent> {
    while (this.#at >= this.#batch.length) {
      const { done, value } = await this.#batches.next()
      if (done === true) throw corrupt('ends before its head')
      this.#batch = value
      this.#at = 0
    }
    const stored = this.#batch[this.#at] as StoredEvent
    this.#at += 1
    if (leafHash(stored.bytes) === stored.hash) return stored
    throw corrupt(`has other bytes at position ${stored.position} than were recorded`)
  }

  async close(): Promise<void> {
    await this.#batches.return?.()
  }
}

function corrupt(why: string): EventsError {
  return new EventsError(EVENTS_CODES.corrupt, `The log here ${why}: verify it`)
}

/** The refusal of a log that is not a beginning of the one that is imported. */
export function importConflict(
  why: string,
  data: { readonly position?: number; readonly line?: number; readonly root?: Hash } = {},
  cause?: unknown,
): EventsError {
  const message = `The log here is not a beginning of the one that is imported: ${why}`
  return new EventsError(EVENTS_CODES.importConflict, message, data, cause)
}
