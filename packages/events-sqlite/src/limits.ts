/** Every bound of the SQLite store, with its unit and its reason. */

/** @units positions a filtered read looks at before it lets others have the event loop. */
export const SCAN_WINDOW_EVENTS = 4_096

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

/** @units ms of the first pause between two tries for the write lock; each is twice the last. */
export const LOCK_PAUSE_MIN_MS = 1

/** @units ms of the longest pause between two tries for the write lock. */
export const LOCK_PAUSE_MAX_MS = 16

/** @units ms between two looks for events of other processes, while a subscriber waits. */
export const POLL_MS = 10

/** @units pages a backup copies before it lets others have the event loop. */
export const BACKUP_STEP_PAGES = 512

/** @units restarts of a backup by writes of other processes, before it copies in one step. */
export const BACKUP_RESTARTS_MAX = 3

/** @units lock files a process looks at when it opens an ownership folder. */
export const SWEEP_FILES_MAX = 256
