/** The faces of this package: types only, no runtime code. */
import type { NotedRoot } from '@ice/events'
import type { CheckOptions, EventStore, EvictableStore, IntegrityFinding } from '@ice/events/ports'
import type { Clock, Hash } from '@ice/primitives'

/** What an acknowledged unit survives: a power cut, or the death of the process alone. */
export type SqliteDurability = 'disk' | 'process'

/** What is known of the filesystem that holds a path. */
export interface FilesystemProbe {
  /** The magic number of `statfs(2)`; 0 where there is none (macOS, Windows). */
  readonly magic: number
  /** The name in the mount table, where there is one: `ext4`, `fuse.sshfs`. */
  readonly name?: string
}

/** How a log is opened. */
export interface SqliteEventStoreOptions {
  /** The log's file. Created when it is not there; its folder must be. */
  readonly path: string
  /** Judges `notAfter`. */
  readonly clock: Pick<Clock, 'now'>
  /**
   * `disk` syncs every commit (`synchronous=FULL`); `process` syncs at checkpoints only, so that
   * a power cut may take the last units, though never leave a gap.
   * @defaultValue `'disk'`
   */
  readonly durability?: SqliteDurability
  /** Whether a log may lie on a network filesystem. @defaultValue `'refuse'` */
  readonly networkFilesystem?: 'refuse' | 'allow'
  /**
   * After this time without the write lock, what is queued is given up with
   * `ICE_EVENTS_UNAVAILABLE`. @units ms @defaultValue 30,000
   */
  readonly lockWaitMs?: number
  /**
   * Whether a subscriber that waits keeps the process alive. @defaultValue false: a program whose
   * only work is to follow the log says `true`, or it ends while it waits
   */
  readonly subscribersKeepAlive?: boolean
  /**
   * Whether opening looks at the events that no opening has looked at before: the newest of them
   * before it returns, the others in the background. `skip` is for whoever means to look at a
   * damaged log. @defaultValue `'verify'`
   */
  readonly openCheck?: 'verify' | 'skip'
  /** Tells the filesystem of a folder. @defaultValue asks the operating system */
  readonly probeFilesystem?: (folder: string) => FilesystemProbe
}

/** A history that a restored log goes on from. */
export interface Ancestor {
  readonly incarnation: string
  /** Position of its last event that the restored log has: up to here both are the same. */
  readonly head: number
}

/** What a log's file and connection are like, for `doctor` and for tests. */
export interface SqliteInspection {
  readonly path: string
  /** Format of the file. */
  readonly format: number
  /** What this log was restored from, the oldest first; nothing for an original. */
  readonly lineage: readonly Ancestor[]
  /** The weakest durability any process has ever opened this log with. */
  readonly weakestDurability: SqliteDurability
  readonly sqliteVersion: string
  /** Settings as they are read back from the connection now. */
  readonly settings: Readonly<Record<string, string | number>>
  /** Position of the last event. */
  readonly head: number
  /** Position up to which openings have found the log sound; the rest is looked at meanwhile. */
  readonly checked: number
  /** Streams that have at least one event. */
  readonly streams: number
  /** Blobs it has, named or not. */
  readonly blobs: number
  /** @units bytes of the file, without the WAL */
  readonly bytes: number
  /** @units bytes of the file that nothing stands in: they are used before the file grows */
  readonly freeBytes: number
  /** @units bytes of the WAL */
  readonly walBytes: number
  /** What was moved to the archive: into how many segments, and how many events. */
  readonly moved: { readonly segments: number; readonly events: number }
  /** Units that wait for a commit. */
  readonly queued: number
}

/** Settings of a check. */
export interface SqliteCheckOptions extends CheckOptions {
  /**
   * Whether SQLite looks at the pages of each table. It holds the event loop for about a second
   * for each gigabyte, so `small` does it for files of up to 256 MiB. What else a check does takes
   * no more than a few milliseconds at a time. @defaultValue `'small'`
   */
  readonly pages?: 'small' | 'all' | 'none'
}

/** Settings of a backup. */
export interface BackupOptions {
  readonly signal?: AbortSignal
  /** Called between two steps. @units pages */
  readonly onProgress?: (done: number, total: number) => void
}

/** A finished backup. */
export interface BackupReport {
  readonly path: string
  /** Position of the last event in it. */
  readonly head: number
  /** @units bytes */
  readonly bytes: number
}

/** Settings of a restoration. */
export interface RestoreOptions
  extends Pick<SqliteEventStoreOptions, 'networkFilesystem' | 'probeFilesystem'> {
  /** A file that `backup` has made. It is read, and not touched. */
  readonly backup: string
  /** Where the log is to be; nothing may be there. Its folder must be. */
  readonly path: string
  /** Roots that were noted of the log: the backup must have them at their sizes. */
  readonly noted?: readonly NotedRoot[]
  /**
   * How a log is read of which events are in an archive. Without it such a log is verified as far
   * as its file has it, and no root of it can be told.
   */
  readonly through?: (store: SqliteEventStore) => Pick<EventStore, 'readAll' | 'check'>
  readonly signal?: AbortSignal
  /** Called while the backup is copied. @units bytes */
  readonly onProgress?: (done: number, total: number) => void
}

/** A log that was restored. */
export interface RestoredLog {
  readonly path: string
  /** The name of the history that begins here. */
  readonly incarnation: string
  /** The name of the history it goes on from. */
  readonly from: string
  /** Position of the last event it has of that one. */
  readonly head: number
  /** RFC 9162 root of its events up to there, when all of them could be read. */
  readonly root?: Hash
}

/** An event store in one SQLite file. */
export interface SqliteEventStore extends EvictableStore {
  readonly path: string
  readonly durability: SqliteDurability

  /** As `EventStore.check`, and the pages of the file. */
  check(options?: SqliteCheckOptions): AsyncIterable<IntegrityFinding>

  /** @throws `ICE_EVENTS_NOT_OPEN` */
  inspect(): SqliteInspection

  /**
   * Copies the log, as it stands at one moment, to a file that is not there yet. Appends go on.
   *
   * The file appears whole or not at all, synced, and has been opened and held to the head that
   * the log had when the backup began.
   *
   * @throws `ICE_EVENTS_SQLITE_BACKUP_CONFLICT`, `ICE_EVENTS_SQLITE_BACKUP_CORRUPT`,
   * `ICE_EVENTS_UNAVAILABLE`, `ICE_EVENTS_ABORTED`, `ICE_EVENTS_NOT_OPEN`
   */
  backup(path: string, options?: BackupOptions): Promise<BackupReport>
}
