/**
 * The pool of somebody else through which projections keep what is theirs: a connection for each
 * piece of work, given back as it was taken, or thrown away when its state is not known.
 */
import { EVENTS_CODES, EventsError } from '@ice/events'
import type { UnitFate } from '@ice/events/adapter'
import { EVENTS_POSTGRES_CODES, EventsPostgresError } from './errors.ts'
import { failure, SessionLost, sqlState } from './failure.ts'

/** What a statement gave. */
export interface PostgresResult {
  readonly command: string
  readonly rows: unknown[]
}

/** A connection of `pg`, as far as it is used here. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<PostgresResult>
  release(destroy?: boolean): void
}

/** A pool of `pg`, as far as it is used here. */
export interface PostgresPool<Client extends PostgresClient> {
  connect(): Promise<Client>
}

/** A row, member by column. */
export type Row = Readonly<Record<string, unknown>>

/** Runs statements whose failures are the server's or the network's. */
export type Said = <T>(work: () => Promise<T>) => Promise<T>

const SCHEMA = /^(?!pg_)[a-z][a-z0-9_-]{0,62}$/

/** Somebody's pool, used by a store of projections until that is closed. */
export class ProjectionPool<Client extends PostgresClient> {
  /** Quoted. */
  readonly schema: string
  readonly #pool: PostgresPool<Client>
  #isClosed = false

  private constructor(pool: PostgresPool<Client>, schema: string) {
    this.#pool = pool
    this.schema = `"${schema}"`
  }

  /** Makes the tables where they are not there. */
  static async open<Client extends PostgresClient>(
    pool: PostgresPool<Client>,
    schema = 'ice_projections',
  ): Promise<ProjectionPool<Client>> {
    if (typeof schema !== 'string' || !SCHEMA.test(schema)) {
      throw new EventsPostgresError(
        EVENTS_POSTGRES_CODES.option,
        'A schema has 1 to 63 lower-case letters, digits, "_" and "-", a letter first, not "pg_"',
        { option: 'schema' },
      )
    }
    const place = new ProjectionPool(pool, schema)
    await place.transact((client, said) => said(() => makeTables(client, place.schema)))
    return place
  }

  /** Refuses what is no key, and everything once the store is closed. */
  check(check: () => void): void {
    if (this.#isClosed) {
      throw new EventsError(EVENTS_CODES.notOpen, 'The store of projections is closed')
    }
    check()
  }

  /** Runs one statement. */
  async run<T>(doing: string, work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    let isSound = false
    try {
      const result = await work(client)
      isSound = true
      return result
    } catch (error) {
      isSound = sqlState(error) !== undefined
      throw this.#failure(error, doing, doing === 'read' ? 'none' : 'unknown')
    } finally {
      client.release(!isSound)
    }
  }

  /** Runs work in a transaction: all of it or nothing. What the work throws passes through. */
  async transact(work: (client: Client, said: Said) => Promise<void>): Promise<void> {
    const client = await this.#connect()
    const said: Said = async (ask) => {
      try {
        return await ask()
      } catch (error) {
        throw this.#failure(error, 'write', 'none')
      }
    }
    let isSound = false
    try {
      await said(() => client.query('BEGIN ISOLATION LEVEL READ COMMITTED'))
      try {
        await work(client, said)
      } catch (error) {
        isSound = await rolledBack(client)
        throw error
      }
      await this.#commit(client)
      isSound = true
    } finally {
      client.release(!isSound)
    }
  }

  async #commit(client: Client): Promise<void> {
    let command: string
    try {
      command = (await client.query('COMMIT')).command
    } catch (error) {
      // An answer of the server is an answer; a connection that broke has told nothing.
      throw this.#failure(error, 'write', sqlState(error) === undefined ? 'unknown' : 'none')
    }
    if (command === 'COMMIT') return
    throw new EventsError(
      EVENTS_CODES.unavailable,
      `Nothing was kept in ${this.schema}: a statement of the work failed and was swallowed`,
      { fate: 'none', reason: 'other' },
    )
  }

  async #connect(): Promise<Client> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw this.#failure(error, 'reach', 'none')
    }
  }

  /** Errors that are coded already pass; what has no SQLSTATE is the network's. */
  #failure(error: unknown, doing: string, fate: UnitFate): unknown {
    if (isCoded(error)) return error
    const said =
      sqlState(error) === undefined ? new SessionLost('the connection broke', error) : error
    return failure(said, { doing, log: `projections in ${this.schema}`, fate })
  }

  close(): void {
    this.#isClosed = true
  }
}

/** What we have refused ourselves has its code. */
function isCoded(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' && code.startsWith('ICE_')
}

async function rolledBack(client: PostgresClient): Promise<boolean> {
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  )
}

/** Under a lock: `IF NOT EXISTS` of two connections at once collides in the catalogue. */
async function makeTables(client: PostgresClient, s: string): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${s} tables`])
  const found = await client.query('SELECT to_regclass($1) AS found', [`${s}.snapshots`])
  if ((found.rows[0] as Row | undefined)?.['found'] != null) return
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${s}`)
  await client.query(
    `CREATE TABLE ${s}.checkpoints (name text NOT NULL, version text NOT NULL, ` +
      'position bigint NOT NULL, incarnation text NOT NULL, hash text NOT NULL, ' +
      'PRIMARY KEY (name, version))',
  )
  await client.query(`CREATE TABLE ${s}.serving (name text PRIMARY KEY, version text NOT NULL)`)
  await client.query(
    `CREATE TABLE ${s}.snapshots (projection text NOT NULL, version text NOT NULL, ` +
      'source text NOT NULL, at bigint NOT NULL, incarnation text NOT NULL, hash text NOT NULL, ' +
      'digest text NOT NULL, bytes text NOT NULL, ' +
      'PRIMARY KEY (projection, version, source, at))',
  )
}
