/// <reference lib="es2024.string" />
/**
 * The log: the gateway in front of a store, and the decoded view of what it keeps.
 *
 *     caller ── append ──> gateway ── prepared unit ──> store
 *     caller <── decoded events ── decode <── stored bytes ── store
 */

import { type Clock, type EventId, isEventId, parseEventId } from '@ice/primitives'
import { decodeBatches, decodeEvent } from './decode.ts'
import { shown } from './draft.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import { storeFilter } from './filter.ts'
import { prepareUnit } from './gateway.ts'
import type {
  EventFilter,
  EventLog,
  EventStore,
  LogFilter,
  PreparedUnit,
  RecordedEvent,
} from './ports.ts'
import type { Taxonomy } from './taxonomy.ts'

/** What a log is made of. The log takes the store over: `store.close()` closes both. */
export interface EventLogComponents {
  readonly store: EventStore
  readonly taxonomy: Taxonomy
  readonly clock: Clock
}

/** Opens the gateway over a store. */
export function createEventLog(components: EventLogComponents): EventLog {
  const { store, taxonomy } = components
  return {
    taxonomy,
    store,
    // Not `async`: what is wrong with the request must reject, but a good request should cost one
    // promise, the store's.
    append: (request) => {
      let unit: PreparedUnit
      try {
        unit = prepareUnit(request, components)
      } catch (error) {
        return Promise.reject(error)
      }
      return store.append(unit)
    },
    read: (query) => decodeBatches(store.read(query), taxonomy),
    readAll: (query) => decodeBatches(store.readAll(forStore(query, taxonomy)), taxonomy),
    subscribe: (query) => decodeBatches(store.subscribe(forStore(query, taxonomy)), taxonomy),
    event: (id) => readEvent(store, taxonomy, id),
  }
}

/** The same query, in words that a store knows. */
function forStore<Q extends { readonly filter?: LogFilter }>(
  query: Q,
  taxonomy: Taxonomy,
): Omit<Q, 'filter'> & { readonly filter?: EventFilter } {
  if (query.filter?.categories === undefined) return query
  return { ...query, filter: storeFilter(query.filter, taxonomy) }
}

async function readEvent(
  store: EventStore,
  taxonomy: Taxonomy,
  id: EventId,
): Promise<RecordedEvent> {
  if (isEventId(id)) {
    const { stream, version } = parseEventId(id)
    for await (const [stored] of store.read({ stream, after: version - 1, limit: 1 })) {
      if (stored !== undefined) return decodeEvent(stored, taxonomy)
    }
  }
  throw new EventsError(EVENTS_CODES.eventNotFound, `No event has the id ${shown(id)}`, {
    id: typeof id === 'string' ? id.slice(0, 300).toWellFormed() : null,
  })
}
