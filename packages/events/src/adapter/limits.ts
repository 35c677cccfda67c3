/** Bounds of what adapters share, with units and reasons. An adapter may take smaller ones. */

/** @units events one transaction takes; beyond 256 a larger group commits hardly faster. */
export const GROUP_EVENTS_MAX = 512

/** @units bytes of events and blobs after which a transaction takes no further unit: neither the
 * log's lock nor a turn of the event loop is held for much longer than a commit. */
export const GROUP_BYTES_MAX = 1_048_576

/** @units units that may wait for a commit; more are refused, so that memory stays bounded. */
export const QUEUE_UNITS_MAX = 65_536

/** @units characters of events that may wait for a commit: units are counted too, but events of
 * 60 KB by the ten thousand would fill a process long before there are enough of them. */
export const QUEUE_EVENT_BYTES_MAX: number = 64 * 1_048_576

/** @units bytes of blobs that may wait for a commit. */
export const QUEUE_BLOB_BYTES_MAX: number = 256 * 1_048_576

/** @units streams whose heads are kept in memory: about 10 MB. */
export const HEADS_MAX = 65_536

/** @units ms after which a unit that cannot be committed, or a read, is given up. */
export const LOCK_WAIT_MS = 30_000

/** @units events between two reports of progress of a check. */
export const CHECK_PROGRESS_EVENTS = 4_096

/** @units events that are let go of in one transaction: a few milliseconds. */
export const EVICT_EVENTS = 256

/** @units ranges of moved positions that one page tells of. */
export const MOVED_RANGES_MAX = 512
