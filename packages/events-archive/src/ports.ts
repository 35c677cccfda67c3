/** The faces of this package: types only, no runtime code. */
import type { DiskUse, EventStore, EvictableStore } from '@ice/events/ports'
import type { Clock, Hash, Position } from '@ice/primitives'

/** What the last part of a segment says of the whole. */
export interface SegmentFooter {
  /** Format of the segment. */
  readonly v: 1
  /** Names the history of the log it was taken from, as it was then. */
  readonly incarnation: string
  readonly events: number
  /** @units bytes of the events, each with its line end */
  readonly eventBytes: number
  readonly streams: number
  /** @units bytes of the list of streams */
  readonly streamBytes: number
  readonly blobs: number
  /** @units bytes of all blobs */
  readonly blobBytes: number
  readonly firstPosition: number
  readonly lastPosition: number
  /** Time of the earliest event, wherever it stands. @units epoch milliseconds, UTC */
  readonly firstTime: number
  readonly lastTime: number
  /** RFC 9162 root over the leaves of these events alone. */
  readonly root: Hash
}

/** A segment as the log knows it: the payload of its `SegmentSealed`, and where that stands. */
export interface SegmentRecord {
  /** Name of the file in the archive's folder. */
  readonly segment: string
  /** SHA-256 of the whole file, as `sha256sum` prints it. */
  readonly digest: Hash
  readonly root: Hash
  readonly incarnation: string
  /** @units bytes of the file */
  readonly bytes: number
  readonly events: number
  readonly streams: number
  readonly blobs: number
  readonly firstPosition: number
  readonly lastPosition: number
  readonly firstTime: number
  readonly lastTime: number
  /** Position of the `SegmentSealed`. */
  readonly sealed: Position
}

/** How an archived log is opened. */
export interface ArchivedEventStoreOptions {
  /** The store that the log lives in. The archive takes it over: closing one closes both. */
  readonly store: EvictableStore
  /** The folder of the segments. Made when the first is written. */
  readonly directory: string
}

/** A store, and the segments that its older events were moved to, as one log. */
export interface ArchivedEventStore extends EventStore {
  /** The store that the log lives in. */
  readonly live: EvictableStore
  /** The folder of the segments, absolute. */
  readonly directory: string
  /** Every segment that the log names, in the order of their sealing. */
  segments(): Promise<readonly SegmentRecord[]>
}

/** What is moved to the archive, and when. */
export interface RetentionPolicy {
  /** Runs that ended so long ago are moved. @units milliseconds by the log's clock */
  readonly concludedForMs: number
  /** The room the log may take, without its segments. @units bytes @defaultValue no bound */
  readonly diskBytesMax?: number
  /**
   * While the log takes more than `diskBytesMax`, runs that ended so long ago are moved too, the
   * oldest first. @units milliseconds @defaultValue as `concludedForMs`
   */
  readonly concludedUnderPressureForMs?: number
  /** After so many bytes of events and blobs another segment is begun. @units bytes
   * @defaultValue 64 MiB */
  readonly segmentBytesMax?: number
}

/** Settings of one carrying out of a policy. */
export interface RetainOptions {
  readonly archive: ArchivedEventStore
  readonly clock: Pick<Clock, 'now'>
  readonly policy: RetentionPolicy
  /** Only says what would be moved. @defaultValue false */
  readonly dryRun?: boolean
  readonly signal?: AbortSignal
  /** Called after each segment. */
  readonly onProgress?: (moved: RetentionMoved) => void
}

/** What was moved. */
export interface RetentionMoved {
  readonly runs: number
  readonly events: number
  /** @units bytes of the events, without their blobs */
  readonly eventBytes: number
}

/** Something that a person should know of. */
export interface RetentionFinding {
  readonly code: string
  readonly message: string
}

/** What carrying out a policy has done. */
export interface RetentionReport {
  readonly moved: RetentionMoved
  /** Segments that were sealed, or of which the rest was let go of. */
  readonly segments: readonly SegmentRecord[]
  /** Of these, segments that an earlier, broken-off call had begun. */
  readonly resumed: number
  /** Files of broken-off calls that nothing needed, by name. */
  readonly removed: readonly string[]
  /** Runs that stay. */
  readonly kept: {
    /** They have not ended. */
    readonly open: number
    /** They have ended, but not long enough ago. */
    readonly young: number
  }
  readonly before: DiskUse
  readonly after: DiskUse
  /** Empty when the policy is kept. */
  readonly findings: readonly RetentionFinding[]
}
