/**
 * A log in memory that several connections share and that outlives each of them: what a file is to
 * a durable store. It lets every case of the kit apply without a disk.
 */
import type { Clock } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../src/errors.ts'
import { memoryEventStore } from '../src/memory.ts'
import type { EventStore } from '../src/ports.ts'

/** Logs made so far: each is a history of its own. */
let logs = 0

export interface SharedLog {
  connect(): EventStore
  /** Closes it below all connections. */
  close(): Promise<void>
}

export function sharedLog(clock: Pick<Clock, 'now'>): SharedLog {
  logs += 1
  const inner = memoryEventStore({ clock, incarnation: `log ${logs}` })
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
      read: async (...given) => open().blobs.read(...given),
      async *stream(...given) {
        yield* open().blobs.stream(...given)
      },
      has: async (...given) => open().blobs.has(...given),
      stage: async (...given) => open().blobs.stage(...given),
      collect: async (...given) => open().blobs.collect(...given),
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
