/**
 * A log in memory that several connections share and that outlives each of them: what a file is to
 * a durable store. It lets every case of the kit apply without a disk.
 */
import type { Clock } from '@ice/primitives'
import { gatherPortions, LogCheck, verifiedPortions } from '../src/adapter/index.ts'
import type { Damage } from '../src/contract/index.ts'
import { EVENTS_CODES, EventsError } from '../src/errors.ts'
import { memoryEventStore } from '../src/memory.ts'
import type {
  BlobSource,
  BlobStore,
  CheckOptions,
  EventStore,
  IntegrityFinding,
} from '../src/ports.ts'

/** Logs made so far: each is a history of its own. */
let logs = 0

export interface SharedLog {
  connect(): EventStore
  /** From here on every connection reads a changed byte there. */
  damage(what: Damage): void
  /** Closes it below all connections. */
  close(): Promise<void>
}

export function sharedLog(clock: Pick<Clock, 'now'>): SharedLog {
  logs += 1
  const inner = memoryEventStore({ clock, incarnation: `log ${logs}` })
  const damaged = damagedStore(inner)
  return {
    connect: () => connection(damaged.store),
    damage: damaged.damage,
    close: () => inner.close(),
  }
}

/** A store below which bytes can be changed. */
function damagedStore(inner: EventStore): Pick<SharedLog, 'damage'> & { store: EventStore } {
  const positions = new Set<number>()
  const digests = new Set<string>()
  const stream: BlobStore['stream'] = (digest, options) => {
    const portions = inner.blobs.stream(digest, options)
    return digests.has(digest) ? verifiedPortions(digest, changed(portions)) : portions
  }
  const check = async function* (options?: CheckOptions): AsyncGenerator<IntegrityFinding> {
    yield* inner.check(options)
    for (const position of positions) {
      const log = new LogCheck()
      log.position = position - 1
      for await (const [event] of inner.readAll({ after: position - 1, limit: 1 })) {
        const bytes = `${event?.bytes} `
        const row = { position, bytes, hash: event?.hash, columns: {} as never }
        yield* log.event(row, () => false)
      }
    }
    for (const digest of digests) {
      const message = `blob ${digest} is damaged`
      yield { code: EVENTS_CODES.blobCorrupt, position: 0, message }
    }
  }
  const blobs: BlobStore = {
    ...inner.blobs,
    stream,
    read: (digest, options) => gatherPortions(stream(digest, options), options),
  }
  return {
    store: { ...inner, check, blobs },
    damage(what) {
      if (what.kind === 'event') positions.add(what.position)
      else digests.add(what.digest)
    },
  }
}

async function* changed(portions: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const portion of portions) yield portion.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
}

function connection(inner: EventStore): EventStore {
  const closing = new AbortController()
  const open = (): EventStore => {
    if (!closing.signal.aborted) return inner
    throw new EventsError(EVENTS_CODES.notOpen, 'This connection is closed')
  }
  async function* through<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      yield item
      open()
    }
    open()
  }
  async function* whileOpen(source: BlobSource): AsyncGenerator<Uint8Array> {
    for await (const portion of source) {
      open()
      yield portion
    }
    open()
  }
  return {
    supports: { durable: true, sharedByProcesses: true },
    durability: 'process',
    incarnation: inner.incarnation,
    blobs: {
      read: async (...given) => open().blobs.read(...given),
      async *stream(...given) {
        yield* through(open().blobs.stream(...given))
      },
      has: async (...given) => open().blobs.has(...given),
      stage: async (source, options) => open().blobs.stage(whileOpen(source), options),
      collect: async (...given) => open().blobs.collect(...given),
    },
    append: async (unit) => open().append(unit),
    async *read(query) {
      yield* through(open().read(query))
    },
    async *readAll(query) {
      yield* through(open().readAll(query))
    },
    async *subscribe(query) {
      const { signal } = closing
      const ends = query.signal === undefined ? signal : AbortSignal.any([query.signal, signal])
      yield* open().subscribe({ ...query, signal: ends })
    },
    head: async () => open().head(),
    async *check(options) {
      yield* through(open().check(options))
    },
    async close() {
      closing.abort()
    },
  }
}
