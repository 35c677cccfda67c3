/**
 * Letting go of what was archived: the part of a store that retention works with. Types only.
 *
 * A store never drops an event. It may *let go* of one whose bytes are kept in a sealed segment,
 * once the log itself says so by a `SegmentSealed`. What it lets go of is always the beginning of
 * a stream, and such a beginning never changes: so nothing has to be guarded, and a stream that
 * grows on afterwards is none the worse. It goes on knowing where each stream ends, which
 * positions were moved and where to, so versions, guards, causes and times are judged as before.
 */

import type { BlobDigest, Hash, Position, StreamId, StreamVersion } from '@ice/primitives'
import type { EventFilter, EventStore, StoredEvent } from './ports.ts'

/** Where an event stands, and the leaf hash by which it is known again. */
export interface EventMark {
  readonly position: Position
  readonly stream: StreamId
  readonly version: StreamVersion
  readonly hash: Hash
}

/** Neighbouring positions whose events are in one segment. */
export interface MovedRange {
  readonly first: number
  readonly last: number
  /** The segment's name, as its `SegmentSealed` has it. */
  readonly segment: string
}

/** The versions of a stream that one segment has: after those of the entry before, up to this. */
export interface MovedVersions {
  readonly version: number
  readonly segment: string
}

/** A part of the log, greater than `after`, not greater than `upTo`. */
export interface LiveQuery {
  readonly after: number
  readonly upTo: number
  readonly filter?: EventFilter | undefined
  readonly signal?: AbortSignal | undefined
}

/** What of a part of the log is still in the store, and what is not. */
export interface LivePage {
  /** In order; what the filter asks for. */
  readonly events: readonly StoredEvent[]
  /** The last position looked at: every one up to here is in the store, or in `moved`. */
  readonly upTo: number
  readonly end: boolean
  /** In order, cut to the positions looked at. An event may be in both for a moment. */
  readonly moved: readonly MovedRange[]
}

/** A part of a stream, greater than `after`, not greater than `upTo`. */
export interface LiveStreamQuery {
  readonly stream: StreamId
  readonly after: number
  readonly upTo: number
  readonly limit: number
  readonly backwards: boolean
  readonly signal?: AbortSignal | undefined
}

/** What of a part of a stream is still in the store. */
export interface LiveStreamPage {
  readonly events: readonly StoredEvent[]
  /** The version of the last event in `events`; `after` when there is none. */
  readonly last: number
  /** Everything of the stream that was moved, in order of version. */
  readonly moved: readonly MovedVersions[]
}

/** How far the store has let go of a segment's events. */
export interface SegmentProgress {
  readonly segment: string
  /** Position of its `SegmentSealed`. */
  readonly sealed: Position
  /** Events let go of so far. */
  readonly events: number
  /** Position of the last of them. */
  readonly last: number
  /** Whether everything is done: its blobs were looked at too. */
  readonly isDone: boolean
}

/** The room a log takes. */
export interface DiskUse {
  /** @units bytes of all its files */
  readonly bytes: number
  /** @units bytes in them that nothing stands in, which are used before the files grow */
  readonly freeBytes: number
}

/** What is to be let go of. */
export interface EvictRequest {
  /** Position of the `SegmentSealed` that names the segment. */
  readonly sealed: Position
  /** The segment's name. */
  readonly segment: string
  /** All events of the segment, in order of position. */
  readonly events: Iterable<EventMark>
  /** All blobs of the segment. */
  readonly blobs: Iterable<BlobDigest>
  readonly signal?: AbortSignal | undefined
}

/** What was let go of by one call. */
export interface Evicted {
  readonly events: number
  readonly blobs: number
  /** @units bytes of the blobs */
  readonly blobBytes: number
}

/** The part of a store that retention works with. */
export interface Eviction {
  /**
   * A page of what is still here. The store reads its events first and then what was moved, so
   * an event that is being moved meanwhile is in one of both, or in both, never in neither.
   *
   * @throws as `EventStore.readAll`
   */
  live(query: LiveQuery): Promise<LivePage>

  /** As `live`, of one stream. */
  liveStream(query: LiveStreamQuery): Promise<LiveStreamPage>

  /** The segment that has a blob which was let go of. */
  blobSegment(digest: BlobDigest, signal?: AbortSignal): Promise<string | undefined>

  /** How many blobs were let go of and have not come back. */
  blobsMoved(): Promise<number>

  /** Every segment of which something was let go of, in order of their sealing. */
  segments(): Promise<readonly SegmentProgress[]>

  /** The room the log takes now. */
  disk(): Promise<DiskUse>

  /**
   * Lets go of the events of a sealed segment, a few hundred in a transaction, and of those of its
   * blobs that no event here names. Appends and reads go on in between. What was let go of before
   * is passed over, so a call that was cut off, however, is resumed by the same call.
   *
   * The caller has verified that the segment has all of it.
   *
   * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` — the log does not say that the segment was sealed,
   * or an event of it is not the one that stands at its place here, or not the beginning of its
   * stream; nothing more was removed
   * @throws `ICE_EVENTS_ABORTED`, and as `EventStore.append`
   */
  evict(request: EvictRequest): Promise<Evicted>
}

/** A store that can let go of what was archived. */
export interface EvictableStore extends EventStore {
  readonly eviction: Eviction
}
