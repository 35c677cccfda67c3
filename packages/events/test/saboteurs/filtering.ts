/** Saboteurs of filters, of lag, and of the name of a history. */
import type { EventFilter, EventStore } from '../../src/ports.ts'
import { EVENTS_CODES, parsed, refusal, type Saboteur } from './saboteur.ts'

/** Changes the filter of both ways of reading the log. */
function filtering(
  store: EventStore,
  change: (filter: EventFilter) => EventFilter,
): Partial<EventStore> {
  const changed = <Q extends { readonly filter?: EventFilter }>(query: Q): Q =>
    query.filter === undefined ? query : { ...query, filter: change(query.filter) }
  return {
    readAll: (query) => store.readAll(changed(query)),
    subscribe: (query) => store.subscribe(changed(query)),
  }
}

const isSound = (filter: EventFilter | undefined): boolean =>
  [filter?.origins, filter?.types].every((list) => list === undefined || Array.isArray(list))

let incarnations = 0

export const filteringSaboteurs: readonly Saboteur[] = [
  {
    id: 'ignores origins',
    breaks: 'EVT-R32',
    spoil: ({ store }) =>
      filtering(store, (filter) => {
        const { origins: _, ...rest } = filter
        return isSound(filter) && filter.origins?.every((one) => typeof one === 'string') === true
          ? rest
          : filter
      }),
  },
  {
    id: 'takes agent for the name of an agent',
    breaks: 'EVT-R32',
    spoil: ({ store }) =>
      filtering(store, (filter) => {
        const { origins } = filter
        if (origins === undefined || !isSound(filter)) return filter
        return { ...filter, origins: origins.map((one) => (one === 'agent' ? 'agent:agent' : one)) }
      }),
  },
  {
    id: 'filters origins of what is there, not of what comes',
    breaks: 'EVT-R32',
    spoil: ({ store }) => ({
      async *subscribe(query) {
        const { position } = await store.head()
        const { origins, ...filter } = query.filter ?? {}
        if (!isSound(query.filter) || origins === undefined) {
          yield* store.subscribe(query)
          return
        }
        const { filter: _, ...rest } = query
        for await (const batch of store.subscribe({ ...rest, filter })) {
          const seen = batch.filter(
            (event) => event.position > position || origins.includes(parsed(event).origin as never),
          )
          if (seen.length > 0) yield seen
        }
      },
    }),
  },
  {
    id: 'ignores times',
    breaks: 'EVT-R32',
    spoil: ({ store }) =>
      filtering(store, (filter) => {
        const { from, before, ...rest } = filter
        const isTime = [from, before].every((one) => one === undefined || Number.isInteger(one))
        return isTime && (from ?? 0) >= 0 ? rest : filter
      }),
  },
  {
    id: 'takes before for the last time',
    breaks: 'EVT-R32',
    spoil: ({ store }) =>
      filtering(store, (filter) =>
        Number.isInteger(filter.before) ? { ...filter, before: (filter.before ?? 0) + 1 } : filter,
      ),
  },
  {
    id: 'takes what is no filter for none',
    breaks: 'EVT-R38',
    spoil: ({ store }) => {
      const forgiving = async function* <Q extends { readonly filter?: EventFilter }, T>(
        query: Q,
        read: (query: Q) => AsyncIterable<T>,
      ): AsyncGenerator<T> {
        try {
          yield* read(query)
        } catch (error) {
          const isRefused = (error as { readonly code?: string }).code === EVENTS_CODES.structural
          if (!isRefused || query.filter === undefined) throw error
          const { filter: _, ...rest } = query
          yield* read(rest as Q)
        }
      }
      return {
        readAll: (query) => forgiving(query, (one) => store.readAll(one)),
        subscribe: (query) => forgiving(query, (one) => store.subscribe(one)),
      }
    },
  },
  {
    id: 'tells nobody that it is late',
    breaks: 'EVT-R39',
    spoil: ({ store }) => ({
      subscribe: (query) => {
        const { lagMax = 0, ...rest } = query
        return store.subscribe(lagMax < 0 ? query : rest)
      },
    }),
  },
  {
    id: 'tells a reader that it is late while it catches up',
    breaks: 'EVT-R39',
    spoil: ({ store }) => ({
      async *subscribe(query) {
        const { after = 0, lagMax } = query
        const { position } = await store.head()
        if (lagMax !== undefined && lagMax >= 0 && position - after > lagMax && after === 0) {
          throw refusal(EVENTS_CODES.lagLimit)
        }
        yield* store.subscribe(query)
      },
    }),
  },
  {
    id: 'tells a late reader no position',
    breaks: 'EVT-R39',
    spoil: ({ store }) => ({
      async *subscribe(query) {
        try {
          yield* store.subscribe(query)
        } catch (error) {
          const isLag = (error as { readonly code?: string }).code === EVENTS_CODES.lagLimit
          throw isLag ? refusal(EVENTS_CODES.lagLimit) : error
        }
      },
    }),
  },
  {
    id: 'is another history for every connection',
    breaks: 'EVT-R55',
    spoil() {
      incarnations += 1
      return { incarnation: `history ${incarnations}` }
    },
  },
  {
    id: 'is the same history whatever the log',
    breaks: 'EVT-R55',
    spoil: () => ({ incarnation: 'history' }),
  },
]
