/** The faces of this package: types only, no runtime code. */
import type { EvictableStore } from '@ice/events/ports'
import type { Clock } from '@ice/primitives'

/** What an acknowledged unit survives: a crash of the server, or this process's death alone. */
export type PostgresDurability = 'disk' | 'process'

/**
 * What opening may do to a schema: `create` makes a log where none is; `existing` makes none, and
 * brings one of an older format to the current one; `look` writes nothing at all.
 */
export type PostgresOpening = 'create' | 'existing' | 'look'

/** Where the server is, and as whom to go there. What is left out is what `pg` takes: `PGHOST` … */
export interface PostgresConnection {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly user?: string
  /** Or how to get one, asked for at every new connection. */
  readonly password?: string | (() => string | Promise<string>)
  /** `true`, or what `tls.connect` takes. @defaultValue no TLS */
  readonly ssl?: boolean | Readonly<Record<string, unknown>>
}

/** How a log is opened. */
export interface PostgresEventStoreOptions {
  /** `postgres://user@host/database`, or its parts. */
  readonly connection: string | PostgresConnection
  /**
   * The schema that holds the log: one tenant, one schema. Created when it is not there. Lower-case
   * letters, digits, `_` and `-`, a letter first, not `pg_…`. @defaultValue `'ice'`
   */
  readonly schema?: string
  /**
   * Judges `notAfter`.
   * @defaultValue the server's clock (`clock_timestamp()`), read once the log is locked: one clock
   * for all writers, whatever their machines say
   */
  readonly clock?: Pick<Clock, 'now'>
  /**
   * `disk` waits for the server's sync; `process` does not (`synchronous_commit = off`), so that
   * a crash of the server may take the last units, though never leave a gap.
   * @defaultValue `'disk'`
   */
  readonly durability?: PostgresDurability
  /**
   * What opening may do to the schema. A log that was opened to `look` is only read: a role that
   * may select is enough, and the server itself refuses every write of the handle.
   * @defaultValue `'create'`
   */
  readonly opening?: PostgresOpening
  /**
   * How long a unit waits for the log's lock, for a server that is away, or for both, before it is
   * given up with `ICE_EVENTS_UNAVAILABLE`; reads wait as long. @units ms @defaultValue 30,000
   */
  readonly lockWaitMs?: number
  /** How long the server works on one statement. @units ms @defaultValue 30,000 */
  readonly statementTimeoutMs?: number
  /**
   * After how long the server ends a transaction whose client is silent: a stopped process, a cut
   * cable. Other writers wait for it as long. @units ms @defaultValue 5,000
   */
  readonly silentTransactionMs?: number
  /** How long a connection may take to be made. @units ms @defaultValue 10,000 */
  readonly connectTimeoutMs?: number
  /** Connections for reading, beside the one that writes. @defaultValue 4 */
  readonly readersMax?: number
  /**
   * Whether a subscriber that waits keeps the process alive. @defaultValue false: a program whose
   * only work is to follow the log says `true`, or it ends while it waits
   */
  readonly subscribersKeepAlive?: boolean
}

/** What a log and its server are like, for `doctor` and for tests. */
export interface PostgresInspection {
  /** `host:port/database`; never a password. */
  readonly server: string
  readonly schema: string
  /** Format of the tables. */
  readonly format: number
  /** Another one means: this log began anew, from a backup. */
  readonly incarnation: string
  /** The weakest durability any process has ever opened this log with. */
  readonly weakestDurability: PostgresDurability
  readonly serverVersion: string
  /** Settings as the server reports them for a connection of this store. */
  readonly settings: Readonly<Record<string, string>>
  /** Position of the last event. */
  readonly head: number
  /** Streams that have at least one event. */
  readonly streams: number
  /** @units bytes of the tables and their indexes */
  readonly bytes: number
  /** What was moved to archive segments. */
  readonly moved: { readonly segments: number; readonly events: number }
  /** Units that wait for a commit. */
  readonly queued: number
}

/** An event store in one schema of a PostgreSQL database. */
export interface PostgresEventStore extends EvictableStore {
  readonly schema: string
  readonly durability: PostgresDurability

  /** @throws `ICE_EVENTS_NOT_OPEN`, `ICE_EVENTS_UNAVAILABLE` */
  inspect(): Promise<PostgresInspection>
}
