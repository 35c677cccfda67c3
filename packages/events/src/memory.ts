/**
 * The reference store: everything in memory, complete and short.
 *
 * It promises what every store promises except that anything outlives the process. Read it to
 * learn what a store has to do; `judge` and `retryAnswer` are the part that all stores share.
 */

import type {
  BlobDigest,
  Clock,
  Position,
  StreamId,
  StreamVersion,
  Timestamp,
} from '@ice/primitives'
import { sha256Hex } from '@ice/primitives'
import { EVENTS_CODES, EventsError } from './errors.ts'
import { createBell, follow, type Page } from './follow.ts'
import { judge, retryAnswer, type SealedWrite } from './judge.ts'
import { READ_PAGE_EVENTS } from './limits.ts'
import type {
  Appended,
  AppendedWrite,
  BlobStore,
  EventFilter,
  EventStore,
  IntegrityFinding,
  PreparedUnit,
  ReadAllQuery,
  ReadQuery,
  StoredEvent,
  StreamHead,
} from './ports.ts'
import { checkBlobs, leafFinding } from './store-checks.ts'

interface Row extends StoredEvent {
  readonly stream: StreamId
  readonly type: string
}

interface Stream {
  head: StreamHead
  readonly rows: Row[]
}

const NO_HEAD: StreamHead = Object.freeze({ version: 0, time: 0 })

/** Opens an empty log in memory. */
export function memoryEventStore(components: { readonly clock: Clock }): EventStore {
  const rows: Row[] = []
  const streams = new Map<StreamId, Stream>()
  const blobs = new Map<BlobDigest, Uint8Array>()
  const bell = createBell()
  const ledger = { head: (stream: StreamId) => streams.get(stream)?.head ?? NO_HEAD }
  const state: State = { rows, streams, blobs }

  const mustBeOpen = (): void => {
    if (bell.closed) throw new EventsError(EVENTS_CODES.notOpen, 'The store is closed')
  }

  return {
    supports: { durable: false, sharedByProcesses: false },
    durability: 'memory',
    blobs: memoryBlobs(blobs, mustBeOpen),
    async append(unit) {
      mustBeOpen()
      if (unit.signal?.aborted === true) {
        throw new EventsError(EVENTS_CODES.aborted, 'The unit was withdrawn by its caller')
      }
      checkBlobs(unit)
      const judged = judge(unit, ledger, components.clock.now())
      if (judged.kind === 'refused') throw judged.error
      if (judged.kind === 'occupied') {
        const lookup = (stream: StreamId, version: number) =>
          streams.get(stream)?.rows[version - 1]
        const answer = retryAnswer(unit, lookup)
        if (answer === undefined) throw judged.conflict
        return answer
      }
      const appended = keep(state, unit, judged.writes)
      bell.ring()
      return appended
    },
    async *read(query) {
      mustBeOpen()
      yield* batches(selectStream(streams.get(query.stream)?.rows ?? [], query), query)
    },
    async *readAll(query) {
      mustBeOpen()
      const after = query.after ?? 0
      const matching = rows.slice(after).filter((row) => matches(row, query.filter))
      yield* batches(matching.slice(0, query.limit), query)
    },
    async *subscribe(query) {
      mustBeOpen()
      yield* follow(query, (after) => pageOf(rows, after, query.filter), bell)
    },
    async head() {
      mustBeOpen()
      return { position: rows.length }
    },
    async *check() {
      mustBeOpen()
      for (const row of rows) yield* findings(row)
    },
    async close() {
      bell.close()
    },
  }
}

interface State {
  readonly rows: Row[]
  readonly streams: Map<StreamId, Stream>
  readonly blobs: Map<BlobDigest, Uint8Array>
}

function keep(state: State, unit: PreparedUnit, writes: readonly SealedWrite[]): Appended {
  for (const blob of unit.blobs ?? []) {
    if (!state.blobs.has(blob.digest)) state.blobs.set(blob.digest, blob.bytes.slice())
  }
  return {
    retried: false,
    writes: writes.map((write, i) => keepWrite(state, write, unit.writes[i]?.events ?? [])),
  }
}

function keepWrite(
  { rows, streams }: State,
  write: SealedWrite,
  events: readonly { readonly type: string }[],
): AppendedWrite {
  const stream = streams.get(write.stream) ?? { head: NO_HEAD, rows: [] }
  streams.set(write.stream, stream)
  const positions: Position[] = []
  const times: Timestamp[] = []
  for (const [i, { bytes, hash, time }] of write.events.entries()) {
    const position = (rows.length + 1) as Position
    const type = events[i]?.type ?? ''
    const row: Row = { position, bytes, hash, stream: write.stream, type }
    rows.push(row)
    stream.rows.push(row)
    stream.head = { version: stream.rows.length, time }
    positions.push(position)
    times.push(time)
  }
  const version = stream.head.version as StreamVersion
  return { stream: write.stream, version, positions, times }
}

function selectStream(rows: readonly Row[], query: ReadQuery): readonly Row[] {
  const selected = rows.slice(query.after ?? 0)
  if (query.backwards === true) selected.reverse()
  return selected.slice(0, query.limit)
}

function* batches(
  rows: readonly Row[],
  query: Pick<ReadAllQuery, 'signal'>,
): Generator<readonly StoredEvent[]> {
  for (let i = 0; i < rows.length; i += READ_PAGE_EVENTS) {
    if (query.signal?.aborted === true) {
      throw new EventsError(EVENTS_CODES.aborted, 'The read was withdrawn by its caller')
    }
    yield rows.slice(i, i + READ_PAGE_EVENTS)
  }
}

function pageOf(rows: readonly Row[], after: number, filter: EventFilter | undefined): Page {
  const looked = rows.slice(after, after + READ_PAGE_EVENTS)
  const upTo = after + looked.length
  return { events: looked.filter((row) => matches(row, filter)), upTo, end: upTo >= rows.length }
}

function matches(row: Row, filter: EventFilter | undefined): boolean {
  if (filter === undefined) return true
  const { streamPrefix, types } = filter
  return (
    (streamPrefix === undefined || row.stream.startsWith(streamPrefix)) &&
    (types === undefined || types.includes(row.type))
  )
}

function* findings(row: Row): Generator<IntegrityFinding> {
  const finding = leafFinding(row.position, row.bytes, row.hash)
  if (finding !== undefined) yield finding
}

function memoryBlobs(blobs: Map<BlobDigest, Uint8Array>, mustBeOpen: () => void): BlobStore {
  return {
    async read(digest) {
      mustBeOpen()
      const bytes = blobs.get(digest)
      if (bytes === undefined) {
        throw new EventsError(EVENTS_CODES.blobNotFound, `No blob ${digest}`, { digest })
      }
      if (sha256Hex(bytes) !== (digest as string)) {
        throw new EventsError(EVENTS_CODES.blobCorrupt, `Blob ${digest} is damaged`, { digest })
      }
      return bytes.slice()
    },
    async has(digest) {
      mustBeOpen()
      return blobs.has(digest)
    },
  }
}
