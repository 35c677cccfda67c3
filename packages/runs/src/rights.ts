/**
 * Tells the owner of a run when the right to an effect ends while its handler is at work.
 *
 * An effect stands on the streams its intent guarded: the grants of its chain and the stop
 * switches. One look for all effects in flight of a process, and only while there are any: the
 * log's head, and when it has moved, what is new in `grant/` and `stop/`. So it does not matter
 * which process revoked, nor what the store can tell by itself.
 *
 *     intent recorded at P ──── handler at work ────────────► abort
 *                         └─ revocation at Q > P ─► a look ──┘
 *
 * 1. A look begins where the last one ended, or at the intent of whoever is new, whichever comes
 *    first: nothing between an intent and its first look is passed over.
 * 2. The end of a grant's time ends no effect in flight: it was intended in time, and its record
 *    says so. Nor does a lift undo an abort.
 */

import type { EventLog, Guard } from '@ice/events/ports'
import type { Clock, EventId } from '@ice/primitives'
import { outlives } from './compensation-right.ts'
import { RIGHTS_ENDED_BY_MAX, RIGHTS_INTERVAL_MS } from './limits.ts'
import { headerOf } from './watch.ts'

/** What an effect in flight stands on. */
export interface Stand {
  readonly guards: readonly Guard[]
  /** Position of its intent, or one before it. */
  readonly since: number
  /** Of a compensation: an ordinary revocation does not end it. */
  readonly outlives?: boolean
}

/** Watches over the rights of effects in flight. */
export interface Rights {
  /** Calls `ended` at most once, with the events that ended the right. @returns an end to that */
  add(stand: Stand, ended: (by: readonly EventId[]) => void): () => void
  close(): void
}

interface Entry extends Stand {
  readonly ended: (by: readonly EventId[]) => void
  readonly by: EventId[]
}

const PREFIXES = ['grant/', 'stop/'] as const
/** What narrows nothing that is in flight. */
const HARMLESS: ReadonlySet<string> = new Set(['CapabilityExpired', 'AuthorityResumed'])

/** Creates a watch; it rests while nothing is added. @param onError - a look that failed */
export function createRights(
  { log, clock }: { readonly log: EventLog; readonly clock: Clock },
  onError: (error: unknown) => void,
): Rights {
  const entries = new Set<Entry>()
  const closing = new AbortController()
  let isLooking = false
  /** Position up to which all entries but the fresh have been looked for. */
  let seen = 0
  let fresh: Entry[] = []

  const look = async (): Promise<void> => {
    const { position } = await log.store.head()
    const newcomers = fresh
    const after = newcomers.reduce((least, { since }) => Math.min(least, since), seen)
    if (position > after) {
      for (const streamPrefix of PREFIXES) {
        for await (const batch of log.store.readAll({ after, filter: { streamPrefix } })) {
          for (const { bytes } of batch) take(entries, bytes)
        }
      }
    }
    seen = Math.max(seen, position)
    // Whoever came while this look was under way is looked for by the next one.
    fresh = fresh.filter((entry) => !newcomers.includes(entry))
    for (const entry of entries) if (entry.by.length > 0) tell(entry)
  }

  const tell = (entry: Entry): void => {
    entries.delete(entry)
    entry.ended(entry.by.slice(0, RIGHTS_ENDED_BY_MAX))
  }

  const loop = async (): Promise<void> => {
    try {
      while (entries.size > 0) {
        await clock.sleep(RIGHTS_INTERVAL_MS, { signal: closing.signal })
        // A look that failed is taken again: until one succeeds, no right is said to have ended.
        if (entries.size > 0) await look().catch(onError)
      }
    } catch (error) {
      if (!closing.signal.aborted) onError(error)
    } finally {
      isLooking = false
    }
  }

  return {
    add(stand, ended) {
      const entry: Entry = { ...stand, ended, by: [] }
      entries.add(entry)
      fresh.push(entry)
      if (!isLooking && !closing.signal.aborted) {
        isLooking = true
        seen = stand.since
        void loop()
      }
      return () => {
        entries.delete(entry)
        fresh = fresh.filter((each) => each !== entry)
      }
    },
    close: () => closing.abort(),
  }
}

/** Notes an event with every effect whose right it ends. */
function take(entries: ReadonlySet<Entry>, bytes: string): void {
  const { stream, version, type, data } = headerOf(bytes)
  if (HARMLESS.has(type)) return
  const id = `${stream}@${version}` as EventId
  const isOrdinary = outlives({ type, data })
  for (const { guards, by, outlives: isLasting = false } of entries) {
    if (isLasting && isOrdinary) continue
    const guard = guards.find((each) => each.stream === stream)
    if (guard !== undefined && version > guard.version && !by.includes(id)) by.push(id)
  }
}
