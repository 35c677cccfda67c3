/**
 * The reference store: everything in memory, complete and short.
 *
 * It promises what every store promises except that anything outlives the process. Read it to
 * learn what a store has to do; `judge` and `retryAnswer` are the part that all stores share.
 */

import type { Clock, Position, StreamId, StreamVersion, Timestamp } from '@ice/primitives'
import { bringsBytes } from './blob-bytes.ts'
import { EVENTS_CODES, EventsError } from './errors.ts'
import { matchesBytes } from './filter.ts'
import { createBell, follow, type Page } from './follow.ts'
import { type HeadLedger, judge, retryAnswer, type SealedWrite } from './judge.ts'
import { READ_PAGE_EVENTS } from './limits.ts'
import { memoryBlobs } from './memory-blobs.ts'
import type {
  Appended,
  AppendedWrite,
  CheckOptions,
  EventFilter,
  EventStore,
  IntegrityFinding,
  PreparedUnit,
  ReadAllQuery,
  ReadQuery,
  StoredEvent,
  StreamHead,
} from './ports.ts'
import { checkQuery, checkSignal, checkStreamQuery, leafFinding, takeUnit } from './store-checks.ts'

interface Row extends StoredEvent {
  readonly stream: StreamId
  readonly type: string
}

interface Stream {
  head: StreamHead
  readonly rows: Row[]
}

interface State {
  readonly rows: Row[]
  readonly streams: Map<StreamId, Stream>
}

const NO_HEAD: StreamHead = Object.freeze({ version: 0, time: 0 })

/** What a log in memory is made of. */
export interface MemoryEventStoreComponents {
  readonly clock: Pick<Clock, 'now'>
  /** @defaultValue `'memory'`: such a log has no second life to be told from */
  readonly incarnation?: string
}

/** Opens an empty log in memory. */
export function memoryEventStore(components: MemoryEventStoreComponents): EventStore {
  const state: State = { rows: [], streams: new Map() }
  const { rows, streams } = state
  const bell = createBell()
  const mustBeOpen = (): void => {
    if (bell.closed) throw new EventsError(EVENTS_CODES.notOpen, 'The store is closed')
  }
  const blobs = memoryBlobs({ clock: components.clock, rows, mustBeOpen })
  const ledger: HeadLedger = {
    head: (stream) => streams.get(stream)?.head ?? NO_HEAD,
    hasBlob: blobs.hasNow,
  }

  return {
    supports: { durable: false, sharedByProcesses: false },
    durability: 'memory',
    incarnation: components.incarnation ?? 'memory',
    blobs,
    // Nothing is awaited: what is judged is kept before any other unit is looked at.
    async append(unit) {
      mustBeOpen()
      const taken = takeUnit(unit)
      const judged = judge(taken, ledger, components.clock.now())
      if (judged.kind === 'refused') throw judged.error
      if (judged.kind === 'occupied') {
        const answer = retryAnswer(
          taken,
          (stream, version) => streams.get(stream)?.rows[version - 1],
        )
        if (answer === undefined) throw judged.conflict
        return answer
      }
      for (const blob of taken.blobs ?? [])
        if (bringsBytes(blob)) blobs.put(blob.digest, blob.bytes)
      const appended = keep(state, taken, judged.writes)
      bell.ring()
      return appended
    },
    async *read(query) {
      mustBeOpen()
      checkStreamQuery(query)
      const selected = selectStream(streams.get(query.stream)?.rows ?? [], query)
      yield* batches(selected, query, mustBeOpen)
    },
    async *readAll(query) {
      mustBeOpen()
      checkQuery(query)
      const matching = rows.slice(query.after ?? 0).filter((row) => matches(row, query.filter))
      yield* batches(matching.slice(0, query.limit), query, mustBeOpen)
    },
    async *subscribe(query) {
      mustBeOpen()
      checkQuery(query)
      yield* follow(query, (after) => pageOf(rows, after, query.filter), bell)
    },
    async head() {
      mustBeOpen()
      return { position: rows.length }
    },
    async *check(options) {
      mustBeOpen()
      yield* checked([findings(state), blobs.findings()], options, mustBeOpen)
      options?.onProgress?.(rows.length)
      mustBeOpen()
    },
    async close() {
      bell.close()
    },
  }
}

function keep(
  { rows, streams }: State,
  unit: PreparedUnit,
  sealed: readonly SealedWrite[],
): Appended {
  const writes: AppendedWrite[] = []
  for (const [i, { stream: id, events }] of sealed.entries()) {
    const stream = streams.get(id) ?? { head: NO_HEAD, rows: [] }
    streams.set(id, stream)
    const positions: Position[] = []
    const times: Timestamp[] = []
    for (const [j, { bytes, hash, time }] of events.entries()) {
      const position = (rows.length + 1) as Position
      const type = unit.writes[i]?.events[j]?.type ?? ''
      const row: Row = Object.freeze({ position, bytes, hash, stream: id, type })
      rows.push(row)
      stream.rows.push(row)
      stream.head = { version: stream.rows.length, time }
      positions.push(position)
      times.push(time)
    }
    writes.push({ stream: id, version: stream.head.version as StreamVersion, positions, times })
  }
  return { writes, retried: false }
}

function selectStream(rows: readonly Row[], query: ReadQuery): readonly Row[] {
  const selected = rows.slice(query.after ?? 0)
  if (query.backwards === true) selected.reverse()
  return selected.slice(0, query.limit)
}

function* batches(
  rows: readonly Row[],
  { signal }: Pick<ReadAllQuery, 'signal'>,
  mustBeOpen: () => void,
): Generator<readonly StoredEvent[]> {
  checkSignal(signal)
  for (let i = 0; i < rows.length; i += READ_PAGE_EVENTS) {
    yield rows.slice(i, i + READ_PAGE_EVENTS)
    mustBeOpen()
    checkSignal(signal)
  }
}

function pageOf(rows: readonly Row[], after: number, filter: EventFilter | undefined): Page {
  const looked = rows.slice(after, after + READ_PAGE_EVENTS)
  const upTo = after + looked.length
  const events = looked.filter((row) => matches(row, filter))
  return { events, upTo, end: upTo >= rows.length, head: rows.length }
}

function matches({ stream, type, bytes }: Row, filter: EventFilter | undefined): boolean {
  if (filter === undefined) return true
  const { streamPrefix = '', types } = filter
  if (!stream.startsWith(streamPrefix) || types?.includes(type) === false) return false
  return matchesBytes(filter, bytes)
}

function* checked(
  parts: readonly Iterable<IntegrityFinding>[],
  { signal }: CheckOptions = {},
  mustBeOpen: () => void,
): Generator<IntegrityFinding> {
  checkSignal(signal)
  for (const part of parts) {
    for (const finding of part) {
      yield finding
      mustBeOpen()
      checkSignal(signal)
    }
  }
}

function* findings({ rows }: State): Generator<IntegrityFinding> {
  for (const { position, bytes, hash } of rows) {
    const finding = leafFinding(position, bytes, hash)
    if (finding !== undefined) yield finding
  }
}
