/**
 * The tail of a log: what is there behind a position, then what comes, and how far it goes.
 *
 * Where only some types are wanted, those alone are read up to the head as it is at the beginning.
 * Behind it every event is looked at: a filtered subscription that finds nothing would not say how
 * far it has looked, and nobody could tell a follower that is current from one that hangs.
 */

import { type Hash, settled } from '@ice/primitives'
import type { EventLog, RecordedEvent } from '../ports.ts'

/** Some events, and a place before which there are no others that are wanted. */
export interface Stretch {
  readonly events: readonly RecordedEvent[]
  readonly upTo: number
  /** Leaf hash of the event at `upTo`, where it was read. */
  readonly hash: Hash | undefined
}

/** Which tail. */
export interface TailQuery {
  readonly after: number
  readonly types: readonly string[] | undefined
  /** Ends the tail without an error. */
  readonly signal: AbortSignal
}

/** Follows a log until the signal fires or the store closes. */
export async function* tail(
  log: Pick<EventLog, 'store' | 'readAll' | 'subscribe'>,
  { after, types, signal }: TailQuery,
): AsyncGenerator<Stretch> {
  let from = after
  if (types !== undefined) {
    const { position: head } = await log.store.head()
    for await (const events of log.readAll({ after, filter: { types } })) {
      if (signal.aborted) return
      const last = events.at(-1)
      if (last === undefined) continue
      from = last.position
      yield { events, upTo: from, hash: last.hash }
      // Pages come without waiting for anything: others are to have their turn.
      await settled()
    }
    if (head > from) {
      from = head
      yield { events: [], upTo: head, hash: undefined }
    }
  }
  for await (const batch of log.subscribe({ after: from, signal })) {
    const last = batch.at(-1)
    if (last === undefined) continue
    const events = types === undefined ? batch : batch.filter(({ type }) => types.includes(type))
    yield { events, upTo: last.position, hash: last.hash }
  }
}
