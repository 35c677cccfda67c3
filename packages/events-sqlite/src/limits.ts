/** Every bound of the SQLite store, with its unit and its reason. */

/** @units events one transaction takes; beyond 256 a larger group commits hardly faster. */
export const GROUP_EVENTS_MAX = 512

/** @units bytes of events after which a transaction takes no further unit: no turn of the event
 * loop is held for much longer than a commit. */
export const GROUP_BYTES_MAX = 1_048_576

/** @units units that may wait for a commit; more are refused, so that memory stays bounded. */
export const QUEUE_UNITS_MAX = 65_536

/** @units bytes of blobs that may wait for a commit. */
export const QUEUE_BLOB_BYTES_MAX: number = 256 * 1_048_576

/** @units events in a page of a read: beyond it a page costs memory and gains no speed. */
export const READ_PAGE_EVENTS = 512

/** @units positions a filtered read looks at before it lets others have the event loop. */
export const SCAN_WINDOW_EVENTS = 4_096

/** @units streams whose heads are kept in memory: about 10 MB. */
export const HEADS_MAX = 65_536

/** @units event types whose numbers are kept in memory; a taxonomy has some dozens. */
export const TYPES_MAX = 4_096

/** @units events of other processes up to which single heads are dropped; beyond it, all. */
export const CATCH_UP_EVENTS_MAX = 8_192

/** @units bytes of a page of a new file: with 4 KiB an event of 2 KB costs a third more. */
export const PAGE_BYTES = 8_192

/** @units bytes the WAL is cut back to after a checkpoint, should a reader have let it grow. */
export const WAL_BYTES_KEPT: number = 64 * 1_048_576

/** @units ms SQLite itself waits for a lock, and the event loop with it. */
export const LOCK_BLOCK_MS = 4

/** @units ms SQLite waits for a lock while a file is opened, created or migrated. */
export const OPEN_LOCK_MS = 10_000

/** @units ms after which a unit that cannot get the write lock is given up. */
export const LOCK_WAIT_MS = 30_000

/** @units ms of the longest pause between two tries for the write lock. */
export const LOCK_PAUSE_MAX_MS = 16

/** @units ms between two looks for events of other processes, while a subscriber waits. */
export const POLL_MS = 10

/** @units events between two reports of progress of a check. */
export const CHECK_PROGRESS_EVENTS = 4_096

/** @units pages a backup copies before it lets others have the event loop. */
export const BACKUP_STEP_PAGES = 512

/** @units restarts of a backup by writes of other processes, before it copies in one step. */
export const BACKUP_RESTARTS_MAX = 3

/** @units lock files a process looks at when it opens an ownership folder. */
export const SWEEP_FILES_MAX = 256
