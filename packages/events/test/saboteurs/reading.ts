/** Saboteurs of reading, of subscribing, and of checking. */
import { setImmediate } from 'node:timers/promises'
import type { EventStore, ReadAllQuery, ReadQuery, StoredEvent } from '../../src/ports.ts'
import {
  EVENTS_CODES,
  endOf,
  gatherAll,
  handing,
  parsed,
  refusal,
  type Saboteur,
} from './saboteur.ts'

/** Changes the query of `read`. */
const reading = (
  store: EventStore,
  change: (query: ReadQuery) => ReadQuery,
): Partial<EventStore> => ({
  read: (query) => store.read(change(query)),
})

/** Changes the query of `readAll`. */
const readingAll = (
  store: EventStore,
  change: (query: ReadAllQuery) => ReadAllQuery,
): Partial<EventStore> => ({ readAll: (query) => store.readAll(change(query)) })

/** Reads the log whole and selects by a rule of its own. */
const selecting = (
  store: EventStore,
  fits: (event: StoredEvent, filter: NonNullable<ReadAllQuery['filter']>) => boolean,
): Partial<EventStore> => ({
  async *readAll({ filter, limit, ...query }) {
    if (filter === undefined) {
      yield* store.readAll(limit === undefined ? query : { ...query, limit })
      return
    }
    const events = (await gatherAll(store.readAll(query))).filter((event) => fits(event, filter))
    const selected = events.slice(0, limit)
    if (selected.length > 0) yield selected
  },
})

const hasType = (event: StoredEvent, types: readonly string[] | undefined): boolean =>
  types === undefined || types.includes(parsed(event).type)

const hasPrefix = (event: StoredEvent, prefix = ''): boolean =>
  parsed(event).stream.startsWith(prefix)

const streams: readonly Saboteur[] = [
  {
    id: 'reads all streams whose name begins alike',
    breaks: 'EVT-R30',
    spoil: ({ store }) => ({
      async *read({ stream, after = 0, limit, backwards }) {
        const all = await gatherAll(store.readAll({ filter: { streamPrefix: stream } }))
        const behind = all.filter((event) => parsed(event).version > after)
        const ordered = backwards === true ? behind.toReversed() : behind
        const selected = ordered.slice(0, limit)
        if (selected.length > 0) yield selected
      },
    }),
  },
  {
    id: 'reads a stream from its after on',
    breaks: 'EVT-R30',
    spoil: ({ store }) =>
      reading(store, (query) => ({ ...query, after: Math.max(0, (query.after ?? 0) - 1) })),
  },
  {
    id: 'takes a limit of zero for none',
    breaks: 'EVT-R30',
    spoil: ({ store }) =>
      reading(store, ({ limit, ...query }) =>
        limit === undefined || limit === 0 ? query : { ...query, limit },
      ),
  },
  {
    id: 'reads forwards only',
    breaks: 'EVT-R30',
    spoil: ({ store }) => reading(store, (query) => ({ ...query, backwards: false })),
  },
  {
    id: 'knows no stream without events',
    breaks: 'EVT-R30',
    spoil: ({ store }) => ({
      async *read(query) {
        const { version } = await endOf(store, query.stream)
        if (version === 0) throw refusal(EVENTS_CODES.eventNotFound)
        yield* store.read(query)
      },
    }),
  },
  {
    id: 'reads the first page of a stream',
    breaks: 'EVT-R30',
    spoil: ({ store }) => ({
      async *read(query) {
        for await (const batch of store.read(query)) {
          yield batch
          return
        }
      },
    }),
  },
  {
    id: 'reads on when withdrawn',
    breaks: 'EVT-R36',
    spoil: ({ store }) => ({
      read: ({ signal: _, ...query }) => store.read(query),
      readAll: ({ signal: _, ...query }) => store.readAll(query),
    }),
  },
  {
    id: 'makes bounds of anything',
    breaks: 'EVT-R36',
    spoil: ({ store }) => {
      const count = (value: number | undefined): number | undefined =>
        Number.isSafeInteger(value) && Number(value) >= 0 ? value : undefined
      const mend = ({ after, limit, ...query }: ReadAllQuery): ReadAllQuery => {
        const [from, most] = [count(after), count(limit)]
        return {
          ...query,
          ...(from === undefined ? {} : { after: from }),
          ...(most === undefined ? {} : { limit: most }),
        }
      }
      return {
        read: (query) => store.read(mend(query as ReadAllQuery) as ReadQuery),
        readAll: (query) => store.readAll(mend(query)),
      }
    },
  },
  {
    id: 'hands out what it keeps',
    breaks: 'EVT-R37',
    spoil: ({ store }) => {
      const kept = new Map<string, StoredEvent[]>()
      return {
        async *readAll({ signal, ...query }) {
          const key = JSON.stringify([query, (await store.head()).position])
          const batch =
            kept.get(key) ??
            (await gatherAll(store.readAll({ ...query, ...(signal && { signal }) })))
          kept.set(key, batch)
          if (batch.length > 0) yield batch
          if (signal?.aborted === true) throw refusal(EVENTS_CODES.aborted)
        },
      }
    },
  },
]

const wholeLog: readonly Saboteur[] = [
  {
    id: 'reads the log stream by stream',
    breaks: 'EVT-R31',
    spoil: ({ store }) =>
      handing(
        store,
        (batch) => batch.toSorted((a, b) => (parsed(a).stream < parsed(b).stream ? -1 : 1)),
        'readAll',
      ),
  },
  {
    id: 'reads the log from its after on',
    breaks: 'EVT-R31',
    spoil: ({ store }) =>
      readingAll(store, (query) => ({ ...query, after: Math.max(0, (query.after ?? 0) - 1) })),
  },
  {
    id: 'counts a limit before the filter',
    breaks: 'EVT-R31',
    spoil: ({ store }) => ({
      async *readAll({ filter, ...query }) {
        const { types, streamPrefix } = filter ?? {}
        for await (const batch of store.readAll(query)) {
          const fitting = batch.filter((e) => hasType(e, types) && hasPrefix(e, streamPrefix))
          if (fitting.length > 0) yield fitting
        }
      },
    }),
  },
  {
    id: 'finds a prefix anywhere',
    breaks: 'EVT-R32',
    spoil: ({ store }) =>
      selecting(store, (event, { streamPrefix = '', types }) => {
        return parsed(event).stream.includes(streamPrefix) && hasType(event, types)
      }),
  },
  {
    id: 'takes a prefix for a LIKE pattern',
    breaks: 'EVT-R32',
    spoil: ({ store }) =>
      selecting(store, (event, { streamPrefix = '', types }) => {
        const pattern = streamPrefix.replaceAll(/[^\w/%]/g, '\\$&').replaceAll('_', '.')
        const like = new RegExp(`^${pattern.replaceAll('%', '.*')}`, 'i')
        return like.test(parsed(event).stream) && hasType(event, types)
      }),
  },
  {
    id: 'looks for the first type alone',
    breaks: 'EVT-R32',
    spoil: ({ store }) =>
      selecting(store, (event, { streamPrefix, types }) => {
        return hasPrefix(event, streamPrefix) && hasType(event, types?.slice(0, 1))
      }),
  },
  {
    id: 'joins the conditions of a filter by or',
    breaks: 'EVT-R32',
    spoil: ({ store }) =>
      selecting(store, (event, { streamPrefix, types }) => {
        if (streamPrefix === undefined) return hasType(event, types)
        return hasPrefix(event, streamPrefix) || (types !== undefined && hasType(event, types))
      }),
  },
  {
    id: 'reads on past the head',
    breaks: 'EVT-R31',
    spoil: ({ store }) => ({
      async *readAll(query) {
        yield* store.readAll(query)
        if (query.limit !== undefined || query.filter !== undefined) return
        const { position } = await store.head()
        const last = Math.max(position - 1, query.after ?? 0)
        if (position > 700) yield* store.readAll({ ...query, after: last })
      },
    }),
  },
  {
    id: 'has no head while it is empty',
    breaks: 'EVT-R35',
    spoil: ({ store }) => ({
      async head() {
        const { position } = await store.head()
        return { position: position === 0 ? -1 : position }
      },
    }),
  },
  {
    id: 'finds fault with agents',
    breaks: 'EVT-R54',
    spoil: ({ store }) => ({
      async *check() {
        const filter = { types: ['KitProposed'] }
        for await (const batch of store.readAll({ filter })) {
          for (const { position } of batch) {
            yield { code: EVENTS_CODES.corrupt, position, message: 'an agent said it' }
          }
        }
      },
    }),
  },
]

const subscriptions: readonly Saboteur[] = [
  {
    id: 'follows without catching up',
    breaks: 'EVT-R33',
    spoil: ({ store }) => ({
      async *subscribe(query) {
        const { position } = await store.head()
        yield* store.subscribe({ ...query, after: Math.max(position, query.after ?? 0) })
      },
    }),
  },
  {
    id: 'follows from the beginning',
    breaks: 'EVT-R33',
    spoil: ({ store }) => ({ subscribe: (query) => store.subscribe({ ...query, after: 0 }) }),
  },
  {
    id: 'listens after it has caught up',
    breaks: 'EVT-R33',
    spoil: ({ store }) => ({
      async *subscribe(query) {
        if (query.signal?.aborted === true) return
        for await (const batch of store.readAll(query)) yield batch
        await setImmediate()
        const { position } = await store.head()
        yield* store.subscribe({ ...query, after: Math.max(position, query.after ?? 0) })
      },
    }),
  },
  {
    id: 'drops what a slow reader misses',
    breaks: 'EVT-R33',
    spoil: ({ store }) => ({
      async *subscribe(query) {
        let last = query.after ?? 0
        for (;;) {
          const { position } = await store.head()
          const after = position - last > 600 && last > 0 ? position - 600 : last
          const next = store.subscribe({ ...query, after })[Symbol.asyncIterator]()
          const { value, done } = await next.next()
          if (done === true) return
          const batch = value as readonly StoredEvent[]
          last = batch.at(-1)?.position ?? last
          yield batch
        }
      },
    }),
  },
  {
    id: 'filters what is there, not what comes',
    breaks: 'EVT-R32',
    spoil: ({ store }) => ({
      async *subscribe({ filter, ...query }) {
        const { position } = await store.head()
        for await (const batch of store.subscribe(query)) {
          const { types, streamPrefix } = filter ?? {}
          const fitting = batch.filter(
            (e) => e.position > position || (hasType(e, types) && hasPrefix(e, streamPrefix)),
          )
          if (fitting.length > 0) yield fitting
        }
      },
    }),
  },
  {
    id: 'hands out empty batches',
    breaks: 'EVT-R33',
    spoil: ({ store }) => ({
      async *subscribe({ filter, ...query }) {
        const { types, streamPrefix } = filter ?? {}
        for await (const batch of store.subscribe(query)) {
          yield batch.filter((e) => hasType(e, types) && hasPrefix(e, streamPrefix))
        }
      },
    }),
  },
  {
    id: 'gives each event to one reader',
    breaks: 'EVT-R33',
    spoil: ({ store }) => {
      const given = new Set<number>()
      return handing(
        store,
        (batch) =>
          batch.filter(({ position }) => {
            const isNew = !given.has(position)
            given.add(position)
            return isNew
          }),
        'subscribe',
      )
    },
  },
  {
    id: 'follows whatever the signal says',
    breaks: 'EVT-R34',
    spoil: ({ store }) => ({ subscribe: ({ signal: _, ...query }) => store.subscribe(query) }),
  },
  {
    id: 'fails a subscription that is ended',
    breaks: 'EVT-R34',
    spoil: ({ store }) => ({
      async *subscribe(query) {
        yield* store.subscribe(query)
        throw refusal(EVENTS_CODES.aborted)
      },
    }),
  },
]

export const readingSaboteurs: readonly Saboteur[] = [...streams, ...wholeLog, ...subscriptions]
