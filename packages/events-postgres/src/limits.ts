/** Every bound of the PostgreSQL store, with its unit and its reason. */

/** @units positions a filtered read looks at in one statement, so that each one is short. */
export const SCAN_WINDOW_EVENTS = 8_192

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

/** @units bytes of a name of a schema: what PostgreSQL keeps of an identifier. */
export const SCHEMA_BYTES_MAX = 63

/** The oldest server this store works with, as `server_version_num` has it. @units none */
export const SERVER_VERSION_MIN = 130_000

/** @units ms any of the waiting times may be set to: what a timer takes. */
export const WAIT_MAX_MS = 2_147_483_647

/** @units connections for reading that may be asked for. */
export const READERS_LIMIT = 64

/** @units groups compared in full after one that met a place that another process had taken. */
export const WARY_GROUPS = 1_024

/** @units portions of 1 MiB removed in one statement. */
export const BLOB_DROP_PORTIONS = 32

/** @units ms after which bytes that were begun to be brought in and never finished are removed. */
export const STAGE_IDLE_MS: number = 3_600_000

/** @units positions looked at for names of blobs in one statement. */
export const COLLECT_WINDOW_EVENTS = 65_536

/** @units events that name blobs, taken in one statement. */
export const COLLECT_NAMING_EVENTS = 512

/** @units events looked at while the log is locked; when there are more, it is let go again. */
export const COLLECT_LOCKED_EVENTS = 512

/** @units blobs removed in one transaction. */
export const COLLECT_BLOBS = 256

/** @units bytes that an event takes beside its own: its other columns, and two entries of indexes;
 * what the room of a log is counted with. */
export const EVENT_ROW_BYTES = 200

/** @units ms a migration may take: it may have to move every blob. */
export const MIGRATION_MS: number = 3_600_000

/** @units ms after which others take over the runs of a process that says nothing: longer than a
 * collection of garbage or a slow commit, shorter than people wait. */
export const LEASE_MS = 15_000

/** @units ms of the shortest lease: four renewals have to fit into it. */
export const LEASE_MS_MIN = 1_000

/** @units ms of the longest lease. */
export const LEASE_MS_MAX = 600_000
