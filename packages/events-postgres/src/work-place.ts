/**
 * Where workers keep what they share beside the log: leases, turns, the rows of the index.
 *
 *     format   the one row: of what format the tables are
 *     owners   owner → until            ; leases, see `ownership.ts`
 *     turns    run → owner, queue, key  ; and `starts`, see `turns.ts`
 *     mark, runs                        ; see `run-rows.ts`
 *
 * A schema of its own, by custom `<log>_work`: the log's holds nothing that may be lost, and this
 * one nothing that may not. Tables of another format are made anew.
 *
 * Everything done here can be done twice: what a lost connection leaves unknown is done again.
 */
import { EVENTS_CODES, EventsError } from '@ice/events'
import { EVENTS_POSTGRES_CODES, EventsPostgresError } from './errors.ts'
import { failure, SessionLost, sqlState } from './failure.ts'
import { sessionOptions } from './open.ts'
import { Pool } from './pool.ts'
import type { PostgresEventStoreOptions, PostgresOpening } from './ports.ts'
import { type Answer, Session } from './session.ts'
import { type Settled, settle } from './target.ts'

/** Where workers share what they share. */
export interface PostgresWorkOptions
  extends Pick<PostgresEventStoreOptions, 'connection' | 'connectTimeoutMs'> {
  /** A schema of its own; created when it is missing. @defaultValue `'ice_work'` */
  readonly schema?: string
  /** `existing` makes no tables where none of this format are. @defaultValue `'create'` */
  readonly opening?: Exclude<PostgresOpening, 'look'>
}

/** Runs one statement. */
export type Ask = (text: string, values?: readonly unknown[]) => Promise<Answer['rows']>

const WORK_FORMAT = 1
const TRIES = 2

function tables(s: string): string {
  return `
CREATE TABLE ${s}.format (version integer NOT NULL);
CREATE TABLE ${s}.owners (owner text COLLATE "C" PRIMARY KEY, until timestamptz NOT NULL);
CREATE TABLE ${s}.turns (run uuid PRIMARY KEY, owner text COLLATE "C" NOT NULL,
  queue text COLLATE "C" NOT NULL, ckey text COLLATE "C");
CREATE INDEX ON ${s}.turns (queue);
CREATE INDEX ON ${s}.turns (ckey) WHERE ckey IS NOT NULL;
CREATE INDEX ON ${s}.turns (owner);
CREATE TABLE ${s}.starts (queue text COLLATE "C" NOT NULL, at timestamptz NOT NULL);
CREATE INDEX ON ${s}.starts (queue, at);
CREATE TABLE ${s}.mark (one integer PRIMARY KEY CHECK (one = 1),
  incarnation text NOT NULL, position bigint NOT NULL);
CREATE TABLE ${s}.runs (run uuid PRIMARY KEY, program text COLLATE "C" NOT NULL,
  version text COLLATE "C" NOT NULL, state smallint NOT NULL, standing smallint NOT NULL,
  owner text COLLATE "C" NOT NULL, queue text COLLATE "C" NOT NULL, ckey text COLLATE "C",
  priority integer NOT NULL, parent uuid, line uuid, key text COLLATE "C",
  created bigint NOT NULL, since bigint NOT NULL, at bigint NOT NULL, until bigint, turn bigint,
  deadline bigint, aborting boolean NOT NULL, doubts integer NOT NULL,
  tags text[], listens text[], more text);
CREATE INDEX ON ${s}.runs (queue, priority DESC, turn, run) WHERE turn IS NOT NULL;
CREATE INDEX ON ${s}.runs (until) WHERE turn IS NULL AND until IS NOT NULL;
CREATE INDEX ON ${s}.runs (owner) WHERE standing = 2;
CREATE INDEX ON ${s}.runs (queue, standing) WHERE standing < 4;
CREATE INDEX ON ${s}.runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX ON ${s}.runs (line) WHERE line IS NOT NULL;
CREATE INDEX ON ${s}.runs (key) WHERE key IS NOT NULL;
CREATE INDEX ON ${s}.runs (run) WHERE doubts > 0;
CREATE INDEX ON ${s}.runs (deadline)
  WHERE deadline IS NOT NULL AND NOT aborting AND standing < 4;
CREATE INDEX ON ${s}.runs USING gin (tags) WHERE tags IS NOT NULL;
CREATE INDEX ON ${s}.runs USING gin (listens) WHERE listens IS NOT NULL;
INSERT INTO ${s}.format VALUES (${WORK_FORMAT});`
}

/** A few connections to the schema of workers. */
export class WorkPlace {
  /** Quoted. */
  readonly s: string
  readonly #settled: Settled
  readonly #pool: Pool
  #isClosed = false

  private constructor(settled: Settled) {
    this.#settled = settled
    this.s = `"${settled.target.schema}"`
    this.#pool = new Pool({ connect: () => this.connect(), max: settled.readersMax })
  }

  /**
   * @throws `ICE_EVENTS_POSTGRES_OPTION_UNSUPPORTED`, `ICE_EVENTS_UNAVAILABLE`,
   * `ICE_EVENTS_POSTGRES_LOG_NOT_FOUND`
   */
  static async open({ schema = 'ice_work', ...rest }: PostgresWorkOptions): Promise<WorkPlace> {
    const place = new WorkPlace(settle({ ...rest, schema, durability: 'process' }))
    try {
      const { target, opening } = place.#settled
      if (opening === 'existing') await mustBeThere(place, target.log)
      else await place.transact('make tables', (ask) => ensureTables(ask, target.schema))
      return place
    } catch (error) {
      await place.close()
      throw error
    }
  }

  /** A connection that is the caller's own. */
  connect(): Promise<Session> {
    return Session.connect(this.#settled.target, sessionOptions(this.#settled))
  }

  /** Runs one statement. */
  run(doing: string, text: string, values?: readonly unknown[]): Promise<Answer['rows']> {
    return this.#again(doing, (session) => session.run({ text }, values))
  }

  /** Runs work in a transaction: all of it, or nothing. */
  transact<T>(doing: string, work: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#again(doing, async (session) => {
      const ask: Ask = (text, values) => session.run({ text }, values)
      await ask('BEGIN ISOLATION LEVEL READ COMMITTED')
      let result: T
      try {
        result = await work(ask)
      } catch (error) {
        if (!session.isLost) await ask('ROLLBACK').catch(() => session.destroy())
        throw error
      }
      await ask('COMMIT')
      return result
    })
  }

  async #again<T>(doing: string, work: (session: Session) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      if (this.#isClosed) {
        throw new EventsError(EVENTS_CODES.notOpen, `${this.s} is closed`, { schema: this.s })
      }
      try {
        return await this.#pool.use(work)
      } catch (error) {
        if (error instanceof SessionLost && tries < TRIES) continue
        throw this.failure(error, doing)
      }
    }
  }

  /** What the server or the network reports, in the codes of the port; the rest passes. */
  failure(error: unknown, doing: string): unknown {
    const isTheirs = error instanceof SessionLost || sqlState(error) !== undefined
    return isTheirs
      ? failure(error, { doing, log: this.s, fate: doing === 'read' ? 'none' : 'unknown' })
      : error
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#pool.close()
  }
}

/** Nothing is made anew either: whoever drives runs does that. */
async function mustBeThere(place: WorkPlace, log: string): Promise<void> {
  const [[found] = []] = await place.run('read', 'SELECT to_regclass($1)::text', [
    `${place.s}.format`,
  ])
  const isThere = found !== null && found !== undefined
  const [[version] = []] = isThere
    ? await place.run('read', `SELECT version FROM ${place.s}.format`)
    : []
  if (version === WORK_FORMAT) return
  const message = `There is nothing that workers share at ${log}, and nothing was made.`
  throw new EventsPostgresError(EVENTS_POSTGRES_CODES.notFound, message, { log })
}

async function ensureTables(ask: Ask, schema: string): Promise<void> {
  const s = `"${schema}"`
  await ask('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${s} work tables`])
  const [[found] = []] = await ask('SELECT to_regclass($1)::text', [`${s}.format`])
  if (found !== null && found !== undefined) {
    const [[version] = []] = await ask(`SELECT version FROM ${s}.format`)
    if (version === WORK_FORMAT) return
    await ask(`DROP SCHEMA ${s} CASCADE`)
  }
  await ask(`CREATE SCHEMA IF NOT EXISTS ${s}`)
  // One statement each: the protocol of values takes no more.
  for (const statement of tables(s).split(';\n')) if (statement.trim() !== '') await ask(statement)
}
