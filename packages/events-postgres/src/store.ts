/**
 * The store: one connection that writes, a few that read, one that listens while somebody waits.
 *
 * They are made and replaced as they are needed. What a reader is given is what was committed
 * before it asked, by whatever process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type BlobStore,
  EVENTS_CODES,
  EventsError,
  type PreparedUnit,
  type StoredEvent,
  type SubscribeQuery,
} from '@ice/events'
import {
  checkQuery,
  checkSignal,
  createBell,
  follow,
  type Page,
  type PageReader,
  readLog,
  readStream,
  takeUnit,
} from '@ice/events/adapter'
import type { Eviction } from '@ice/events/ports'
import { blobSql } from './blob-sql.ts'
import { Blobs } from './blobs.ts'
import { checkLog } from './check.ts'
import type { BlobGround, Gate } from './contents.ts'
import { diskUse } from './disk.ts'
import { Evicting } from './evict.ts'
import { failure, isTransient } from './failure.ts'
import type { LogRow } from './format.ts'
import { changeOf } from './identity.ts'
import { inspectLog } from './inspect.ts'
import { NOTIFY_MS, PAUSE_MAX_MS, PAUSE_MIN_MS } from './limits.ts'
import { type OpenedLog, openLog, sessionOptions } from './open.ts'
import { Pool } from './pool.ts'
import type { PostgresEventStore, PostgresEventStoreOptions } from './ports.ts'
import { openQueue, type Queue } from './queue.ts'
import { Rows } from './rows.ts'
import { Session } from './session.ts'
import { appendSql } from './sql.ts'
import { type Settled, settle, type Target } from './target.ts'
import { Watch } from './watch.ts'
import { Writer } from './writer.ts'

/**
 * Opens a log in a schema of a PostgreSQL database, creating the schema when it is not there,
 * unless `opening` says otherwise.
 *
 * @throws {EventsPostgresError} `ICE_EVENTS_POSTGRES_FORMAT_UNSUPPORTED`,
 * `ICE_EVENTS_POSTGRES_SCHEMA_UNSUPPORTED`, `ICE_EVENTS_POSTGRES_SCHEMA_CORRUPT`,
 * `ICE_EVENTS_POSTGRES_SERVER_UNSUPPORTED`, `ICE_EVENTS_POSTGRES_OPTION_UNSUPPORTED`,
 * `ICE_EVENTS_POSTGRES_LOG_NOT_FOUND`
 * @throws {EventsError} `ICE_EVENTS_UNAVAILABLE` — no such server or database, no right, or
 * another process held a lock for too long
 */
export async function openPostgresEventStore(
  options: PostgresEventStoreOptions,
): Promise<PostgresEventStore> {
  const settled = settle(options)
  const store = new Store(settled, await openLog(settled), options)
  const { schema } = settled.target
  return {
    supports: { durable: true, sharedByProcesses: true },
    durability: settled.durability,
    incarnation: store.incarnation,
    schema,
    blobs: portOf(store.blobs),
    append: (unit) => store.append(unit),
    read: (query) => readStream(store.pages, query),
    readAll: (query) => readLog(store.pages, query),
    subscribe: (query) => store.subscribe(query),
    head: async () => ({
      position: await store.gate((session) => store.rows.head(session), undefined),
    }),
    check: (checkOptions) => checkLog(schema, store.gate, checkOptions),
    eviction: evictionOf(store, schema),
    inspect: () => store.inspect(),
    close: () => store.close(),
  }
}

function portOf(blobs: Blobs): BlobStore {
  return {
    read: (digest, options) => blobs.read(digest, options),
    stream: (digest, options) => blobs.stream(digest, options),
    has: (digest, options) => blobs.has(digest, options),
    stage: (source, options) => blobs.stage(source, options),
    collect: (options) => blobs.collect(options),
  }
}

function evictionOf({ rows, gate, ground }: Store, schema: string): Eviction {
  return {
    live: ({ after, upTo, filter, signal }) =>
      gate((session) => rows.live(session, { after, upTo, filter }), signal),
    liveStream: (query) => gate((session) => rows.liveOfStream(session, query), query.signal),
    blobSegment: (digest, signal) => gate((session) => rows.moved.blob(session, digest), signal),
    blobsMoved: () => gate((session) => rows.moved.blobs(session), undefined),
    segments: () => gate((session) => rows.moved.segments(session), undefined),
    disk: () => diskUse(schema, ground),
    evict: async (request) => new Evicting(ground, schema, request).run(),
  }
}

class Store {
  readonly rows: Rows
  readonly pages: PageReader
  readonly blobs: Blobs
  readonly ground: BlobGround
  readonly incarnation: string
  readonly #settled: Settled
  readonly #writer: Writer
  readonly #queue: Queue
  readonly #pool: Pool
  readonly #bell = createBell()
  readonly #watch: Watch
  #notifying: Promise<void> | undefined
  #isClosing = false
  #closed: Promise<void> | undefined
  /** Why the handle had to be given up. */
  #lost: { readonly cause: unknown } | undefined

  constructor(settled: Settled, { session, row }: OpenedLog, options: PostgresEventStoreOptions) {
    const { target, lockWaitMs, readersMax } = settled
    const { clock, subscribersKeepAlive = false } = options
    const connect = (): Promise<Session> => Session.connect(target, sessionOptions(settled))
    this.#settled = settled
    this.incarnation = row.incarnation
    const rows = new Rows(target.schema)
    this.rows = rows
    this.pages = {
      mustBeOpen: () => this.mustBeOpen(),
      head: (signal) => this.gate((session) => rows.head(session), signal),
      version: (stream, signal) => this.gate((session) => rows.version(session, stream), signal),
      ofStream: (range, signal) => this.gate((session) => rows.ofStream(session, range), signal),
      ofLog: (range, signal) => this.gate((session) => rows.ofLog(session, range), signal),
    }
    this.#writer = new Writer(
      { schema: target.schema, log: target.log, row, clock, connect },
      session,
    )
    this.#queue = openQueue(
      this.#writer,
      { grown: () => this.#grown(), lost: (cause) => this.#giveUp(cause) },
      { log: target.log, lockWaitMs },
    )
    const mustBeOpen = (): void => this.mustBeOpen()
    this.ground = groundOf({ target, clock, rows, row, gate: this.gate, mustBeOpen })
    this.blobs = new Blobs(this.ground)
    this.#pool = new Pool({ connect, max: readersMax })
    this.#watch = new Watch(this.#bell, {
      look: () => this.#pool.use((reader) => this.rows.head(reader)),
      connect: async () => {
        const listener = await connect()
        listener.keepAlive(subscribersKeepAlive)
        return listener
      },
      channel: target.channel,
      keepAlive: subscribersKeepAlive,
    })
  }

  mustBeOpen(): void {
    const { log } = this.#settled.target
    if (this.#lost !== undefined) {
      throw new EventsError(
        EVENTS_CODES.notOpen,
        `${log} was closed because it is not the log any more that was opened. Open it again.`,
        { log, reopen: true },
        this.#lost.cause,
      )
    }
    if (this.#isClosing) {
      throw new EventsError(EVENTS_CODES.notOpen, `${log} is closed`, { log, reopen: false })
    }
  }

  /** Does a piece of work when the store is open; again, for a while, when a connection is lost. */
  readonly gate: Gate = async (work, signal, doing = 'read') => {
    const since = performance.now()
    for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
      this.mustBeOpen()
      checkSignal(signal)
      try {
        return await this.#pool.use(work)
      } catch (error) {
        const isOver = performance.now() - since >= this.#settled.lockWaitMs
        if (!isTransient(error) || isOver) throw this.#failure(error, doing)
      }
      await sleep(pauseMs)
    }
  }

  #failure(error: unknown, doing: string): unknown {
    return failure(error, { doing, log: this.#settled.target.log, fate: 'none' })
  }

  append(unit: PreparedUnit): ReturnType<Queue['add']> {
    try {
      this.mustBeOpen()
      return this.#queue.add(takeUnit(unit))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Own subscribers hear at once; others by one notification for whatever is committed in a while,
   * sent behind the commit and never inside it, where it would queue all writers of the server. */
  #grown(): void {
    this.#bell.ring()
    this.#notifying ??= sleep(NOTIFY_MS).then(async () => {
      this.#notifying = undefined
      await this.#writer.notify(this.#settled.target.channel)
    })
  }

  async *subscribe(query: SubscribeQuery): AsyncGenerator<readonly StoredEvent[]> {
    this.mustBeOpen()
    checkQuery(query)
    yield* follow(query, (after) => this.#livePage(after, query), this.#watch)
    if (this.#lost !== undefined) this.mustBeOpen()
  }

  async #livePage(after: number, { filter, signal }: SubscribeQuery): Promise<Page> {
    try {
      return await this.gate(async (session) => {
        const head = await this.rows.head(session)
        const upTo = Math.max(after, head)
        return { ...(await this.rows.ofLog(session, { after, upTo, filter })), head }
      }, signal)
    } catch (error) {
      // A subscription ends without an error when the store closes or its signal fires.
      if (!this.#isClosing && signal?.aborted !== true) throw error
      return { events: [], upTo: after, end: true, head: after }
    }
  }

  async inspect(): ReturnType<PostgresEventStore['inspect']> {
    const inspected = await this.gate(
      (session) => inspectLog(session, this.#settled.target),
      undefined,
    )
    return { ...inspected, queued: this.#queue.size }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    await this.#queue.idle()
    this.#bell.close()
    await this.#notifying
    await Promise.all([this.#watch.close(), this.#pool.close(), this.#writer.close()])
  }

  #giveUp(cause: unknown): void {
    this.#lost = { cause }
    void this.close()
  }
}

/** What the blobs and evictions of a log stand on. */
interface GroundParts {
  readonly target: Target
  readonly clock: PostgresEventStoreOptions['clock']
  readonly rows: Rows
  readonly row: LogRow
  readonly gate: Gate
  readonly mustBeOpen: () => void
}

function groundOf(parts: GroundParts): BlobGround {
  const { target, clock, rows, row, gate, mustBeOpen } = parts
  const { log, schema } = target
  const { begin, lock } = appendSql(schema)
  return {
    sql: blobSql(schema),
    gate,
    mustBeOpen,
    log,
    clock,
    head: (session) => rows.head(session),
    begin,
    lock,
    headOf(found) {
      const change = changeOf(found, { log, incarnation: row.incarnation, seen: row.position })
      if (change !== undefined) throw change
      return Number(found?.[0])
    },
  }
}
