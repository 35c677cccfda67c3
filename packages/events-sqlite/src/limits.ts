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

/** @units ms a staging may bring nothing before others take it for what a crash has left. */
export const STAGE_IDLE_MS: number = 3_600_000

/** @units parts of removed blobs, of 1 MiB, freed in one transaction: a few milliseconds. */
export const FREED_PARTS_MAX = 8

/** @units positions a collection looks at in one statement. */
export const COLLECT_WINDOW_EVENTS = 512

/** @units blobs a collection judges in one transaction. */
export const COLLECT_BLOBS_MAX = 128

/** @units names of blobs a collection writes in one transaction. */
export const COLLECT_NAMES_MAX = 4_096

/** @units dead owners whose names are remembered. */
export const DEAD_OWNERS_MAX = 1_024

/** @units numbers of blobs counted in one statement. */
export const COUNT_BLOBS_STEP = 65_536

/** @units events an opening checks before it returns: about 20 ms. */
export const OPEN_CHECK_EVENTS = 1_024

/** @units bytes of events after which an opening checks no further page before it returns. */
export const OPEN_CHECK_BYTES = 2_097_152

/** @units events checked in one slice after an opening: two milliseconds. */
export const CHECK_SLICE_EVENTS = 128

/** @units events checked before the mark in the file is moved: it costs a transaction. */
export const CHECK_MARK_EVENTS = 1_024

/** @units events checked after an opening before the mark is moved, while the log stays open. */
export const CHECK_NOTE_EVENTS = 65_536

/** @units ms between two slices of work in the background while nobody uses the log. */
export const BACKGROUND_PAUSE_MS = 1

/** @units ms after which work in the background looks again whether the log is used. */
export const BACKGROUND_WAIT_MS = 50

/** @units looks after which a slice is done although the log is used: one slice in a second. */
export const BACKGROUND_LOOKS_MAX = 20

/** @units bytes of a file up to which a check looks at its pages unasked: a quarter of a second. */
export const CHECK_PAGES_BYTES = 268_435_456
