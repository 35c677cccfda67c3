/**
 * The store: one file, one connection, and what is made of them.
 *
 * All work on the connection is synchronous and short, so a transaction never spans two turns and
 * a read never sees half of a write of its own process.
 */
import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Appended,
  EVENTS_CODES,
  EventsError,
  type PreparedUnit,
  type StoredEvent,
  type SubscribeQuery,
} from '@ice/events'
import {
  type CommitQueue,
  checkBlobs,
  checkQuery,
  checkSignal,
  createBell,
  follow,
  LOCK_WAIT_MS,
  type Page,
  type PageReader,
  readLog,
  readStream,
} from '@ice/events/adapter'
import { backUp } from './backup.ts'
import { openBlobs, type ReadGate } from './blobs.ts'
import { checkLog } from './check.ts'
import { readPragma, readSettings } from './connection.ts'
import { failure, isBusy } from './failure.ts'
import { storedFormat } from './format.ts'
import { Heads } from './heads.ts'
import { LOCK_PAUSE_MAX_MS, LOCK_PAUSE_MIN_MS } from './limits.ts'
import { type OpenedFile, openFile } from './open.ts'
import type { SqliteEventStore, SqliteEventStoreOptions, SqliteInspection } from './ports.ts'
import { openQueue } from './queue.ts'
import { Rows } from './rows.ts'
import { createWatch } from './watch.ts'
import { Writer } from './writer.ts'

/**
 * Opens a log in an SQLite file, creating the file when it is not there.
 *
 * @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_FORMAT_UNSUPPORTED`,
 * `ICE_EVENTS_SQLITE_FILE_UNSUPPORTED`, `ICE_EVENTS_SQLITE_FILE_CORRUPT`,
 * `ICE_EVENTS_SQLITE_FILESYSTEM_UNSUPPORTED`, `ICE_EVENTS_SQLITE_SETTINGS_UNSUPPORTED`,
 * `ICE_EVENTS_SQLITE_OPTION_UNSUPPORTED`
 * @throws {EventsError} `ICE_EVENTS_UNAVAILABLE` — no such folder, no right, no space, or another
 * process held the lock for too long
 */
export function openSqliteEventStore(options: SqliteEventStoreOptions): SqliteEventStore {
  const store = new Store(openFile(options), options)
  return {
    supports: { durable: true, sharedByProcesses: true },
    durability: store.file.durability,
    incarnation: store.file.incarnation,
    path: store.file.path,
    blobs: openBlobs(store.file.db, store.gate),
    append: (unit) => store.append(unit),
    read: (query) => readStream(store.pages, query),
    readAll: (query) => readLog(store.pages, query),
    subscribe: (query) => store.subscribe(query),
    head: async () => ({ position: await store.gate(() => store.rows.head(), undefined) }),
    check: (checkOptions) => checkLog(store.file.db, store.gate, checkOptions),
    inspect: () => store.inspect(),
    async backup(target, backupOptions = {}) {
      store.mustBeOpen()
      const { db, path: source } = store.file
      return store.holding(backUp({ db, source, target, options: backupOptions }))
    },
    close: () => store.close(),
  }
}

class Store {
  readonly file: OpenedFile
  readonly rows: Rows
  readonly pages: PageReader
  readonly #heads: Heads
  readonly #queue: CommitQueue
  readonly #bell = createBell()
  readonly #watch: ReturnType<typeof createWatch>
  readonly #lockWaitMs: number
  readonly #holds = new Set<Promise<unknown>>()
  #isClosing = false
  #closed: Promise<void> | undefined
  /** Why the handle had to be given up. */
  #lost: { readonly cause: unknown } | undefined

  constructor(file: OpenedFile, options: SqliteEventStoreOptions) {
    const { clock, lockWaitMs = LOCK_WAIT_MS, subscribersKeepAlive = false } = options
    this.file = file
    this.#lockWaitMs = lockWaitMs
    this.rows = new Rows(file.db)
    this.pages = {
      mustBeOpen: () => this.mustBeOpen(),
      head: (signal) => this.gate(() => this.rows.head(), signal),
      version: (stream, signal) => this.gate(() => this.rows.version(stream), signal),
      ofStream: (range, signal) => this.gate(() => this.rows.ofStream(range), signal),
      ofLog: (range, signal) => this.gate(() => this.rows.ofLog(range), signal),
    }
    this.#heads = new Heads(file.db, file.path)
    this.#queue = openQueue(
      new Writer(file.db, this.#heads, clock),
      { grown: () => this.#bell.ring(), lost: (cause) => this.#giveUp(cause) },
      { path: file.path, lockWaitMs },
    )
    this.#watch = createWatch(this.#bell, {
      look: () => this.#heads.refresh(),
      keepAlive: subscribersKeepAlive,
    })
  }

  mustBeOpen(): void {
    if (this.#lost !== undefined) {
      throw new EventsError(
        EVENTS_CODES.notOpen,
        `${this.file.path} was closed because a commit failed half-way: what is on the disk is ` +
          'unknown to this handle. Open the log again; units whose fate is unknown can then be ' +
          'appended again safely.',
        { path: this.file.path, reopen: true },
        this.#lost.cause,
      )
    }
    if (this.#isClosing) {
      throw new EventsError(EVENTS_CODES.notOpen, `${this.file.path} is closed`, {
        path: this.file.path,
        reopen: false,
      })
    }
  }

  /** Runs a read when the store is open; waits, without holding the loop, while it is busy. */
  readonly gate: ReadGate = async (read, signal) => {
    let waitedMs = 0
    for (let pauseMs = LOCK_PAUSE_MIN_MS; ; pauseMs = Math.min(pauseMs * 2, LOCK_PAUSE_MAX_MS)) {
      this.mustBeOpen()
      checkSignal(signal)
      try {
        return read()
      } catch (error) {
        if (!isBusy(error) || waitedMs >= this.#lockWaitMs) throw this.#readFailure(error)
      }
      await sleep(pauseMs)
      waitedMs += pauseMs
    }
  }

  #readFailure(error: unknown): unknown {
    return failure(error, { doing: 'read', path: this.file.path, fate: 'none' })
  }

  append(unit: PreparedUnit): Promise<Appended> {
    try {
      this.mustBeOpen()
      checkSignal(unit.signal)
      const own = unit.blobs === undefined ? unit : { ...unit, blobs: checkBlobs(unit) }
      return this.#queue.add(own, undefined)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async *subscribe(query: SubscribeQuery): AsyncGenerator<readonly StoredEvent[]> {
    this.mustBeOpen()
    checkQuery(query)
    yield* follow(query, (after) => this.#livePage(after, query), this.#watch)
    if (this.#lost !== undefined) this.mustBeOpen()
  }

  #livePage(after: number, { filter }: SubscribeQuery): Page {
    try {
      const head = this.rows.head()
      return { ...this.rows.ofLog({ after, upTo: head, filter }), head }
    } catch (error) {
      if (isBusy(error)) return { events: [], upTo: after, end: false, head: after }
      throw this.#readFailure(error)
    }
  }

  inspect(): SqliteInspection {
    this.mustBeOpen()
    const { db, path } = this.file
    const weakest = db.prepare("SELECT value FROM meta WHERE key = 'durability'").pluck().get()
    return {
      path,
      format: storedFormat(db, path),
      weakestDurability: weakest === 'process' ? 'process' : 'disk',
      sqliteVersion: String(db.prepare('SELECT sqlite_version()').pluck().get()),
      settings: readSettings(db),
      head: this.rows.head(),
      streams: Number(db.prepare('SELECT count(*) FROM streams').pluck().get()),
      bytes: Number(readPragma(db, 'page_count')) * Number(readPragma(db, 'page_size')),
      walBytes: statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      queued: this.#queue.size,
    }
  }

  /** Keeps the connection open until a piece of work is done. */
  async holding<T>(work: Promise<T>): Promise<T> {
    this.#holds.add(work)
    try {
      return await work
    } finally {
      this.#holds.delete(work)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    await this.#queue.idle()
    this.#bell.close()
    await Promise.allSettled(this.#holds)
    this.file.db.close()
  }

  #giveUp(cause: unknown): void {
    this.#lost = { cause }
    this.#isClosing = true
    this.#bell.close()
    try {
      this.file.db.close()
    } catch (error) {
      this.#lost = { cause: new AggregateError([cause, error]) }
    }
  }
}
