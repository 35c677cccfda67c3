/** Every bound of the PostgreSQL store, with its unit and its reason. */

/** @units events one transaction takes; beyond 256 a larger group commits hardly faster. */
export const GROUP_EVENTS_MAX = 512

/** @units bytes of events and blobs after which a transaction takes no further unit: the log's
 * lock is held for not much longer than a commit. */
export const GROUP_BYTES_MAX = 1_048_576

/** @units units that may wait for a commit; more are refused, so that memory stays bounded. */
export const QUEUE_UNITS_MAX = 65_536

/** @units bytes of blobs that may wait for a commit. */
export const QUEUE_BLOB_BYTES_MAX: number = 256 * 1_048_576

/** @units streams whose heads are kept in memory to be guessed by: about 10 MB. */
export const HEADS_MAX = 65_536

/** @units events in a page of a read: beyond it a page costs memory and gains no speed. */
export const READ_PAGE_EVENTS = 512

/** @units positions a filtered read looks at in one statement, so that each one is short. */
export const SCAN_WINDOW_EVENTS = 8_192

/** @units ms after which a unit that cannot be committed, or a read, is given up. */
export const LOCK_WAIT_MS = 30_000

/** @units ms the server works on one statement. */
export const STATEMENT_TIMEOUT_MS = 30_000

/** @units ms after which the server ends a transaction whose client is silent. */
export const SILENT_TRANSACTION_MS = 5_000

/** @units ms a connection may take to be made. */
export const CONNECT_TIMEOUT_MS = 10_000

/** @units ms beyond the server's own timeouts after which a connection that does not answer is
 * given up: the network has swallowed what the server said. */
export const ANSWER_GRACE_MS = 2_000

/** @units ms a connection may take to say good-bye. */
export const GOODBYE_MS = 1_000

/** @units ms of silence after which TCP asks whether the other side is still there. */
export const KEEP_ALIVE_MS = 10_000

/** @units ms of the first pause between two tries; each further one is twice as long. */
export const PAUSE_MIN_MS = 4

/** @units ms of the longest pause between two tries to reach the server. */
export const PAUSE_MAX_MS = 250

/** @units connections for reading. */
export const READERS_MAX = 4

/** @units ms between two looks for events of other processes, while a subscriber waits: the bound
 * on its lateness when notifications are lost. */
export const POLL_MS = 100

/** @units ms between two notifications of one process: each wakes every listener. */
export const NOTIFY_MS = 5

/** @units events between two reports of progress of a check. */
export const CHECK_PROGRESS_EVENTS = 4_096

/** @units bytes of a name of a schema: what PostgreSQL keeps of an identifier. */
export const SCHEMA_BYTES_MAX = 63

/** The oldest server this store works with, as `server_version_num` has it. @units none */
export const SERVER_VERSION_MIN = 130_000

/** @units ms any of the waiting times may be set to: what a timer takes. */
export const WAIT_MAX_MS = 2_147_483_647

/** @units connections for reading that may be asked for. */
export const READERS_LIMIT = 64
