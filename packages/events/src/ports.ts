/**
 * The ports of the event log: types only, no runtime code.
 *
 * Two interfaces with one boundary between them. An `EventLog` is what everybody uses: it takes
 * plain events, validates them in the order of the law, and gives decoded events back. An
 * `EventStore` is what an adapter implements: it takes events that only the log's gateway can
 * prepare, decides where they stand, and keeps their bytes. So there is one way to append, and a
 * store can be replaced without anyone having to trust it with the rules.
 *
 * The trap this closes: a store whose `append` accepts any object is a second gateway.
 */

import type {
  BlobDigest,
  EventId,
  Hash,
  JsonObject,
  JsonValue,
  Position,
  PrincipalId,
  StreamId,
  StreamVersion,
  Timestamp,
} from '@ice/primitives'

export type {
  DiskUse,
  EventMark,
  EvictableStore,
  Evicted,
  Eviction,
  EvictRequest,
  LivePage,
  LiveQuery,
  LiveStreamPage,
  LiveStreamQuery,
  MovedRange,
  MovedVersions,
  SegmentProgress,
} from './eviction-ports.ts'
export type {
  Checkpoint,
  CheckpointMove,
  Follower,
  Lag,
  LiveProjection,
  ProcessorKey,
  ProcessorStore,
  ProcessorStoreSupports,
  ProjectionStoreSupports,
  RunningProcessor,
  ServingChange,
  Snapshot,
  SnapshotKey,
  SnapshotStore,
} from './projections/ports.ts'

/** Who emitted an event: the runtime itself, or one named agent. */
export type Origin = 'runtime' | `agent:${string}`

/** The five categories of RFC-ICE-007. A category says who may emit and what may be promoted. */
export type Category = 'runtime' | 'cognitive' | 'domain' | 'memory' | 'capability'

/**
 * What a transition cost, where it is known (invariant I-005). Every field is optional, none is
 * estimated: an absent field means "not measured", not zero.
 *
 * @units milliseconds, tokens, bytes; money as an integer of micro-units of the named currency
 */
export interface Cost {
  readonly ms?: number
  readonly tokensIn?: number
  readonly tokensOut?: number
  readonly microMoney?: number
  readonly currency?: string
  readonly bytesIn?: number
  readonly bytesOut?: number
}

/** A content-addressed value that is too large, or too private, to stand inside an event. */
export interface BlobRef {
  /** SHA-256 of the stored bytes, 64 lower-case hex digits. */
  readonly $blob: BlobDigest
  /** @units bytes */
  readonly size: number
  /** Names the key when the stored bytes are ciphertext; absent for plain bytes. */
  readonly key?: string
}

/** A value as it stands in a payload: inline JSON, or a reference to a blob. */
export type ValueRef = { readonly inline: JsonValue } | { readonly blob: BlobRef }

/** An event as a caller proposes it to the log. */
export interface NewEvent<T extends string = string, D = unknown> {
  readonly type: T
  readonly data: D
  /** @defaultValue `'runtime'` */
  readonly origin?: Origin
  /** On whose command. */
  readonly principal?: PrincipalId
  /** Events without which this one would not be. Each must already stand in the log, or earlier
   * in the same unit. @defaultValue none */
  readonly causes?: readonly EventId[]
  readonly cost?: Cost
  /**
   * When the event happened. Left out, the log's clock says so, clamped to the time of the
   * stream's last event; given, it must not lie before that.
   * @units epoch milliseconds, UTC
   */
  readonly time?: Timestamp
}

/** A fact of the log, decoded and upcast to the current shape of its type. */
export interface RecordedEvent<T extends string = string, D = unknown> {
  /** Format of the stored bytes. */
  readonly v: 1
  readonly id: EventId
  readonly position: Position
  readonly hash: Hash
  readonly stream: StreamId
  readonly version: StreamVersion
  readonly type: T
  /** The payload version `data` has here: the current one of its type, whatever was stored. */
  readonly schema: number
  readonly time: Timestamp
  readonly origin: Origin
  readonly principal?: PrincipalId
  readonly causes: readonly EventId[]
  readonly cost?: Cost
  readonly data: D
}

/**
 * What a writer believes of a stream: the version it last saw (0 for an empty one), that it does
 * not exist yet, or nothing. `'any'` gives up retry safety: a repeated unit appends again.
 */
export type ExpectedVersion = StreamVersion | 'no_stream' | 'any'

/** A stream that a unit does not write but whose version it was decided on. */
export interface Guard {
  readonly stream: StreamId
  /** The version the stream must still have; 0 means that it must still be empty. */
  readonly version: number
}

/** Bytes to keep under their digest, written in the transaction of the event that names them. */
export interface BlobDraft {
  readonly digest: BlobDigest
  readonly bytes: Uint8Array
}

/**
 * A blob whose bytes were brought in before, by `BlobStore.stage` or with an earlier unit. The
 * unit is refused when it is not there: between bringing bytes in and naming them they may have
 * been collected.
 */
export interface StagedBlob {
  readonly digest: BlobDigest
  /** @units bytes */
  readonly size: number
}

/** What is asked of every write, whoever takes it. */
export interface UnitConditions {
  /** Streams whose versions must not have moved: a dynamic consistency boundary. At most 64. */
  readonly guards?: readonly Guard[]
  /** Refuses the unit when the store's own clock has passed it. @units epoch milliseconds */
  readonly notAfter?: Timestamp
  readonly blobs?: readonly (BlobDraft | StagedBlob)[]
  /** Withdraws the unit while it is still queued; one that has begun to commit runs to its end. */
  readonly signal?: AbortSignal
}

/** One stream's part of a unit, as a caller of the log gives it. */
export interface StreamWrite {
  readonly stream: StreamId
  readonly expectedVersion: ExpectedVersion
  readonly events: readonly NewEvent[]
}

/** One atomic unit for `EventLog.append`: at most 16 streams, all of it or nothing. */
export interface AppendRequest extends UnitConditions {
  readonly writes: readonly StreamWrite[]
}

/** Where the events of one write stand now. */
export interface AppendedWrite {
  readonly stream: StreamId
  /** Version of the stream's last event that this write gave it. */
  readonly version: StreamVersion
  /** Positions of the write's events, in order. */
  readonly positions: readonly Position[]
  /** Times recorded for them, in order (the store may have clamped assigned ones). */
  readonly times: readonly Timestamp[]
}

/** The acknowledgement of a unit: durable to the degree that the store's `durability` names. */
export interface Appended {
  readonly writes: readonly AppendedWrite[]
  /** True when the unit was already there, whole, and nothing was written again. */
  readonly retried: boolean
}

/** An event's bytes as they are kept, and the leaf hash that was stored beside them. */
export interface StoredEvent {
  readonly position: Position
  /** RFC 8785 canonical JSON; what is hashed is this and never a re-serialisation of it. */
  readonly bytes: string
  /** RFC 9162 leaf hash of `bytes`. */
  readonly hash: Hash
}

/** The last event of a stream, as far as the next one depends on it. Version 0: no event. */
export interface StreamHead {
  readonly version: number
  /** Time of the last event; 0 when there is none. @units epoch milliseconds */
  readonly time: number
}

/** The bytes of one event once its place is known. */
export interface SealedEvent {
  readonly bytes: string
  readonly hash: Hash
  readonly time: Timestamp
}

/**
 * An event that passed structure, taxonomy and authority and waits for its place. Only the log's
 * gateway makes these. A store calls `seal`, and never looks inside.
 */
export interface PreparedEvent {
  /** The stream its bytes name: a store refuses it anywhere else. */
  readonly stream: StreamId
  readonly type: string
  readonly causes: readonly EventId[]
  /** The time a caller insisted on; `null` when the store assigns `max(proposed, floor)`. */
  readonly fixedTime: Timestamp | null
  /** What it takes while it waits for its place. @units characters of its bytes, at the least */
  readonly size: number
  /** The time `seal` would give it behind an event of time `floor`. */
  timeAfter(floor: number): Timestamp
  /**
   * Never fails of a new event: its size was judged when it was prepared. One that was stored
   * before, and is imported, has its place in its bytes, and refuses any other.
   *
   * @param version - the version the event gets in its stream
   * @param floor - time of the event before it in the stream, 0 for none
   */
  seal(version: number, floor: number): SealedEvent
  /** Whether stored bytes are this event at this version, an assigned time not considered. */
  matches(version: number, storedBytes: string): boolean
}

/** One stream's part of a prepared unit. */
export interface PreparedWrite {
  readonly stream: StreamId
  readonly expectedVersion: ExpectedVersion
  readonly events: readonly PreparedEvent[]
}

/** One atomic unit as an event store receives it. */
export interface PreparedUnit extends UnitConditions {
  readonly writes: readonly PreparedWrite[]
}

/** Reads one stream. */
export interface ReadQuery {
  readonly stream: StreamId
  /** Only events with a greater version. @defaultValue 0 */
  readonly after?: number
  /** At most this many events. @defaultValue no limit */
  readonly limit?: number
  /** Newest first (then `after` is still an exclusive lower bound). @defaultValue false */
  readonly backwards?: boolean
  readonly signal?: AbortSignal
}

/** Which events of the whole log to read. Conditions are joined by AND; a list means any of it. */
export interface EventFilter {
  /** Streams whose id begins so, for example `run/`. */
  readonly streamPrefix?: string
  readonly types?: readonly string[]
  /** `'agent'` stands for every agent. */
  readonly origins?: readonly (Origin | 'agent')[]
  /** Only events of this time or later. @units epoch milliseconds, UTC */
  readonly from?: number
  /** Only events of an earlier time. @units epoch milliseconds, UTC */
  readonly before?: number
}

/** A filter as a log takes it, which knows what category a type is of. A store does not. */
export interface LogFilter extends EventFilter {
  /** Types of these categories. A stored type that the taxonomy does not hold is of none. */
  readonly categories?: readonly Category[]
}

/** Reads the whole log in its one total order. */
export interface ReadAllQuery {
  /** Only events at a greater position. @defaultValue 0 */
  readonly after?: number
  readonly limit?: number
  readonly filter?: EventFilter
  readonly signal?: AbortSignal
}

/**
 * Follows the log: what is there, then what comes. The reader pulls, so there is no buffer to
 * overflow and nothing to drop: a slow reader is served later, from the log, however late. One
 * that would rather know than be late says so by `lagMax`.
 */
export interface SubscribeQuery {
  readonly after?: number
  readonly filter?: EventFilter
  /**
   * The policy for a slow reader. Once it has caught up, a reader that comes for its next batch
   * and finds more than so many events of the log in front of it is told, with
   * `ICE_EVENTS_LAG_LIMIT`; `data.position` is where it can go on. Left out, it is served.
   * @units events, matching or not
   */
  readonly lagMax?: number
  readonly signal?: AbortSignal
}

/** `ReadAllQuery` as a log takes it. */
export interface LogReadAllQuery extends Omit<ReadAllQuery, 'filter'> {
  readonly filter?: LogFilter
}

/** `SubscribeQuery` as a log takes it. */
export interface LogSubscribeQuery extends Omit<SubscribeQuery, 'filter'> {
  readonly filter?: LogFilter
}

/** How far the log has come. */
export interface LogHead {
  /** Position of the last event; 0 when the log is empty. */
  readonly position: number
}

/**
 * What a store promises of an acknowledged unit, and of a staged blob: `memory` that it is there as
 * long as the process, `process` that it outlives the process but perhaps not a loss of power,
 * `disk` that it outlives both.
 */
export type Durability = 'memory' | 'process' | 'disk'

/** Optional behaviour, declared as data and read by the contract kit. */
export interface EventStoreSupports {
  /** State outlives `close` and can be opened again. */
  readonly durable: boolean
  /** Other processes may append to the same log at the same time. */
  readonly sharedByProcesses: boolean
}

/** One thing that is wrong with a stored log. */
export interface IntegrityFinding {
  readonly code: string
  /** First position concerned; 0 when it is not about one event. */
  readonly position: number
  readonly message: string
}

/** Settings of an integrity check. */
export interface CheckOptions {
  readonly signal?: AbortSignal
  /** Called every few thousand events, and at the end of the events with the head. */
  readonly onProgress?: (position: number) => void
}

/**
 * Keeps events. Implementations pass the contract kit in `@ice/events/contract`.
 *
 * Ordering: positions are 1-based and gapless over the log, versions 1-based and gapless within a
 * stream; a reader that has seen position N has seen every smaller one. Appends are linearisable.
 */
export interface EventStore {
  readonly supports: EventStoreSupports
  readonly durability: Durability
  /**
   * Names this history: made with the log, kept while it is appended to, made anew when a backup
   * is restored. A position means something only together with it. A store makes it once, with
   * the log, and only reads it afterwards; making it anew is for the tool that restores.
   */
  readonly incarnation: string
  readonly blobs: BlobStore

  /**
   * Appends one unit: all of its events, or none.
   *
   * The store first refuses what is no unit of the gateway, then one whose signal has fired, then
   * blobs whose bytes have another digest; `takeUnit` of the adapter half does so. Then it judges
   * in this order: the unit is already there (acknowledged) → expected versions → guards →
   * `notAfter` → temporal → causality → staged blobs. Units that arrive together are judged in
   * arrival order, each seeing the earlier ones. When the call returns its promise, the store has
   * copied the bytes of the blobs: the caller may change them. A retry after
   * `ICE_EVENTS_UNAVAILABLE` is safe unless a version was `'any'`.
   *
   * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION`, `ICE_EVENTS_BLOB_CORRUPT`,
   * `ICE_EVENTS_VERSION_CONFLICT`, `ICE_EVENTS_GUARD_CONFLICT`, `ICE_EVENTS_TOO_LATE`,
   * `ICE_EVENTS_TEMPORAL_VIOLATION`, `ICE_EVENTS_CAUSALITY_VIOLATION`,
   * `ICE_EVENTS_BLOB_NOT_FOUND`, `ICE_EVENTS_ABORTED`,
   * `ICE_EVENTS_UNAVAILABLE`, `ICE_EVENTS_NOT_OPEN` — in every case nothing was written, except
   * that after `ICE_EVENTS_UNAVAILABLE` with `data.fate = 'unknown'` it may have been
   */
  append(unit: PreparedUnit): Promise<Appended>

  /**
   * The events of one stream in version order, in batches; an unknown stream has none. Batches
   * are never empty and are the reader's own.
   *
   * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` for an `after` or a `limit` that is no count,
   * `ICE_EVENTS_ABORTED`, `ICE_EVENTS_UNAVAILABLE`, `ICE_EVENTS_NOT_OPEN`, all when iterated
   */
  read(query: ReadQuery): AsyncIterable<readonly StoredEvent[]>

  /**
   * The events of the log in position order, up to the head as it is when the reading begins.
   * Otherwise as `read`.
   */
  readAll(query: ReadAllQuery): AsyncIterable<readonly StoredEvent[]>

  /**
   * As `readAll`, and then what is appended later, by whomever. Ends, without an error, when the
   * signal fires or the store closes.
   *
   * @throws `ICE_EVENTS_LAG_LIMIT` as `lagMax` says
   */
  subscribe(query: SubscribeQuery): AsyncIterable<readonly StoredEvent[]>

  /** The log's head, as other processes have moved it too. */
  head(): Promise<LogHead>

  /**
   * What only the adapter can see: bytes against hashes, index against bytes, gaps, blobs.
   *
   * @throws `ICE_EVENTS_ABORTED`, `ICE_EVENTS_UNAVAILABLE`, `ICE_EVENTS_NOT_OPEN`, when iterated
   */
  check(options?: CheckOptions): AsyncIterable<IntegrityFinding>

  /**
   * Finishes queued appends, ends subscriptions, then refuses everything, blobs included, with
   * `ICE_EVENTS_NOT_OPEN`. Closing what is closed does nothing.
   *
   * What is under way is not waited for: a read, a check and the stream of a blob are refused when
   * their reader comes for more, also when nothing is left, a staging at its next portion. So a
   * reader that comes to the end without an error has read an open store.
   */
  close(): Promise<void>
}

/** Bytes to be brought in, in portions. The store copies a portion before it asks for the next. */
export type BlobSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Settings of `BlobStore.read`. */
export interface BlobReadOptions {
  /** A larger blob is refused: it wants `stream`. @units bytes @defaultValue 64 MiB */
  readonly bytesMax?: number
  readonly signal?: AbortSignal
}

/** Settings of `BlobStore.stage`. */
export interface BlobStageOptions {
  /** More is refused, at the first portion that exceeds it. @units bytes @defaultValue 1 GiB */
  readonly bytesMax?: number
  /** What the bytes are to hash to; others are refused as `ICE_EVENTS_BLOB_CORRUPT`. */
  readonly digest?: BlobDigest
  readonly signal?: AbortSignal
}

/** Settings of `BlobStore.collect`. */
export interface BlobCollectOptions {
  /**
   * Blobs brought in within this time are left alone, whoever names them: their event may be on
   * its way. What a clock that was set back makes look like the future counts as brought in now.
   * @units milliseconds by the store's clock @defaultValue 24 hours
   */
  readonly graceMs?: number
  readonly signal?: AbortSignal
  /** Called every few thousand events, and with the head before anything is removed. */
  readonly onProgress?: (position: number) => void
}

/** What a collection has done. */
export interface BlobCollection {
  /** Blobs that are gone. */
  readonly removed: number
  /** @units bytes of them */
  readonly removedBytes: number
  /** Blobs that are still there. */
  readonly kept: number
}

/**
 * Keeps content-addressed values, each under the SHA-256 of its bytes.
 *
 * A small one comes with the unit that names it. A large one is staged first, in portions, and
 * named afterwards; until it is named it may be collected. What an event names stays.
 */
export interface BlobStore {
  /**
   * @returns the bytes, the caller's own, whose digest the implementation has checked
   * @throws `ICE_EVENTS_BLOB_NOT_FOUND`, `ICE_EVENTS_BLOB_CORRUPT`, `ICE_EVENTS_BLOB_LIMIT`
   */
  read(digest: BlobDigest, options?: BlobReadOptions): Promise<Uint8Array>

  /**
   * The bytes in portions of at most 1 MiB, none of them empty. The last is handed out only when
   * the digest of all has been checked: whoever gets to the end has the right bytes.
   *
   * @throws `ICE_EVENTS_BLOB_NOT_FOUND`, `ICE_EVENTS_BLOB_CORRUPT`, when iterated
   */
  stream(digest: BlobDigest, options?: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array>

  has(digest: BlobDigest, options?: { readonly signal?: AbortSignal }): Promise<boolean>

  /**
   * Brings bytes in, before any event names them. Durable when it returns, to the degree that
   * the store's `durability` names; a failure, of the source too, leaves nothing to be found. Bytes
   * that are there already are not kept twice, and count as brought in now.
   *
   * Never holds more than a portion in memory, and never holds up appends for longer than one.
   *
   * @throws `ICE_EVENTS_BLOB_LIMIT`, `ICE_EVENTS_BLOB_CORRUPT`, `ICE_EVENTS_STRUCTURAL_VIOLATION`
   * for a portion that is no `Uint8Array`, what the source throws, and as `EventStore.append`
   */
  stage(source: BlobSource, options?: BlobStageOptions): Promise<StagedBlob>

  /**
   * Removes what was brought in longer than `graceMs` ago and no event names. An event names a
   * blob by `{"$blob":"<digest>"}` anywhere in its payload, whatever the program that wrote it.
   *
   * Linearisable with appends: a unit that brings or declares a blob finds it there or brings it
   * back, and no named blob is removed. The work is in proportion to the events since the last
   * collection, not to the log.
   *
   * @throws `ICE_EVENTS_ABORTED` — what was removed stays removed —, and as `EventStore.append`
   */
  collect(options?: BlobCollectOptions): Promise<BlobCollection>
}

/** A type as the taxonomy describes it, for introspection and for logs read without its program. */
export interface EventTypeDescription {
  readonly type: string
  readonly category: Category
  readonly origins: readonly ('runtime' | 'agent')[]
  /** Current payload version. */
  readonly schema: number
  readonly description: string
  /** JSON Schema 2020-12 of the current payload. */
  readonly payload: JsonObject
}

/** A closed set of event types, fixed when the log was composed. */
export interface TaxonomyView {
  /** SHA-256 of the canonical JSON of all descriptions: two taxonomies are equal when this is. */
  readonly digest: Hash
  readonly types: readonly string[]
  has(type: string): boolean
  describe(type: string): EventTypeDescription | undefined
}

/** The one gateway and the decoded view of a log. */
export interface EventLog {
  readonly taxonomy: TaxonomyView
  readonly store: EventStore

  /**
   * Validates in the order of the law — structure, taxonomy, authority of origin (then the payload
   * and the size), temporal, causality — and appends. First failure wins and nothing is written.
   * The request is read before the promise is returned; the caller may change it afterwards.
   *
   * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION`, `ICE_EVENTS_UNIT_LIMIT`,
   * `ICE_EVENTS_TAXONOMY_VIOLATION`, `ICE_EVENTS_AUTHORITY_VIOLATION`,
   * `ICE_EVENTS_PAYLOAD_VIOLATION`, `ICE_EVENTS_EVENT_LIMIT`, and what `EventStore.append` throws
   */
  append(request: AppendRequest): Promise<Appended>
  read(query: ReadQuery): AsyncIterable<readonly RecordedEvent[]>
  readAll(query: LogReadAllQuery): AsyncIterable<readonly RecordedEvent[]>
  subscribe(query: LogSubscribeQuery): AsyncIterable<readonly RecordedEvent[]>
  /** @throws `ICE_EVENTS_EVENT_NOT_FOUND` */
  event(id: EventId): Promise<RecordedEvent>
}
