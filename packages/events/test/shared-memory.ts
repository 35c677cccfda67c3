/**
 * A log in memory that several connections share and that outlives each of them: what a file is to
 * a durable store. It lets every case of the kit apply without a disk.
 */
import type { Clock } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../src/errors.ts'
import { memoryEventStore } from '../src/memory.ts'
import type { EventStore } from '../src/ports.ts'

export interface SharedLog {
  connect(): EventStore
  /** Closes it below all connections. */
  close(): Promise<void>
}

export function sharedLog(clock: Pick<Clock, 'now'>): SharedLog {
  const inner = memoryEventStore({ clock })
  return { connect: () => connection(inner), close: () => inner.close() }
}

function connection(inner: EventStore): EventStore {
  const closing = new AbortController()
  const open = (): EventStore => {
    if (!closing.signal.aborted) return inner
    throw new EventsError(EVENTS_CODES.notOpen, 'This connection is closed')
  }
  return {
    supports: { durable: true, sharedByProcesses: true },
    durability: inner.durability,
    incarnation: inner.incarnation,
    blobs: {
      read: async (digest) => open().blobs.read(digest),
      has: async (digest) => open().blobs.has(digest),
    },
    append: async (unit) => open().append(unit),
    async *read(query) {
      yield* open().read(query)
    },
    async *readAll(query) {
      yield* open().readAll(query)
    },
    async *subscribe(query) {
      const { signal } = closing
      const ends = query.signal === undefined ? signal : AbortSignal.any([query.signal, signal])
      yield* open().subscribe({ ...query, signal: ends })
    },
    head: async () => open().head(),
    async *check() {
      yield* open().check()
    },
    async close() {
      closing.abort()
    },
  }
}
