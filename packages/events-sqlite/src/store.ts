/**
 * The store: one file, one connection, and what is made of them.
 *
 * All work on the connection is synchronous and short, so a transaction never spans two turns and
 * a read never sees half of a write of its own process.
 */
import { statSync } from 'node:fs'
import type { Appended, PreparedUnit, StoredEvent, SubscribeQuery } from '@ice/events'
import {
  type CommitQueue,
  checkQuery,
  createBell,
  follow,
  LOCK_WAIT_MS,
  type Page,
  type PageReader,
  readLog,
  readStream,
  takeUnit,
} from '@ice/events/adapter'
import type { DiskUse, Eviction } from '@ice/events/ports'
import { backUp } from './backup.ts'
import { BlobRows } from './blob-rows.ts'
import { openBlobs, type StoreBlobs } from './blobs.ts'
import { checkLog } from './check.ts'
import { readPragma, readSettings } from './connection.ts'
import { Evicting } from './evict.ts'
import { failure, isBusy, openFailure } from './failure.ts'
import { readMeta, storedFormat, storedLineage } from './format.ts'
import { Handle } from './handle.ts'
import { Heads } from './heads.ts'
import { LOCK_BLOCK_MS, OPEN_LOCK_MS } from './limits.ts'
import { type OpenedFile, openFile } from './open.ts'
import type { SqliteEventStore, SqliteEventStoreOptions, SqliteInspection } from './ports.ts'
import { type GroupWriter, openQueue } from './queue.ts'
import { Rows } from './rows.ts'
import { Upkeep } from './upkeep.ts'
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
  return openStore(openFile(options), options)
}

/** Puts a store on a file; when the file is found damaged, it is closed again. */
export function openStore(
  file: OpenedFile,
  options: Omit<SqliteEventStoreOptions, 'path'>,
): SqliteEventStore {
  const { db, path } = file
  try {
    // What is read now is read by nobody else's turn: the last of other processes may be closing.
    db.pragma(`busy_timeout = ${OPEN_LOCK_MS}`)
    const store = portOf(new Store(file, options))
    db.pragma(`busy_timeout = ${LOCK_BLOCK_MS}`)
    return store
  } catch (error) {
    db.close()
    throw openFailure(error, path)
  }
}

function portOf(store: Store): SqliteEventStore {
  const { db, path, durability, incarnation } = store.handle.file
  const { reading } = store.handle
  return {
    supports: { durable: true, sharedByProcesses: true },
    durability,
    incarnation,
    path,
    blobs: store.blobs,
    append: (unit) => store.append(unit),
    read: (query) => readStream(store.pages, query),
    readAll: (query) => readLog(store.pages, query),
    subscribe: (query) => store.subscribe(query),
    head: async () => ({ position: await reading(() => store.rows.head(), undefined) }),
    check: (checkOptions) => checkLog(db, reading, checkOptions),
    eviction: evictionOf(store),
    inspect: () => store.inspect(),
    async backup(target, backupOptions = {}) {
      store.handle.mustBeOpen()
      return store.handle.holding(backUp({ db, source: path, target, options: backupOptions }))
    },
    close: () => store.close(),
  }
}

/** Each has its digest from when it is whole until it is removed, however its bytes are kept. */
const COUNT_BLOBS = 'SELECT count(*) FROM blobs WHERE digest IS NOT NULL'

function evictionOf({ handle, rows, blobs }: Store): Eviction {
  const { reading } = handle
  return {
    live: (query) => reading(() => rows.live({ ...query, filter: query.filter }), query.signal),
    liveStream: (query) => reading(() => rows.liveOfStream(query), query.signal),
    blobSegment: (digest, signal) => reading(() => rows.moved.blob(digest), signal),
    blobsMoved: () => reading(() => rows.moved.blobs(), undefined),
    segments: () => reading(() => rows.moved.segments(), undefined),
    disk: () => reading(() => diskUse(handle.file), undefined),
    async evict(request) {
      handle.mustBeOpen()
      const evicted = await handle.holding(new Evicting(handle, request).run())
      while (await blobs.tidy());
      return evicted
    },
  }
}

function diskUse({ db, path }: OpenedFile): DiskUse {
  const pageSize = Number(readPragma(db, 'page_size'))
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  return {
    bytes: Number(readPragma(db, 'page_count')) * pageSize + walBytes,
    freeBytes: Number(readPragma(db, 'freelist_count')) * pageSize,
  }
}

class Store {
  readonly handle: Handle
  readonly rows: Rows
  readonly pages: PageReader
  readonly blobs: StoreBlobs
  readonly #heads: Heads
  readonly #queue: CommitQueue
  readonly #bell = createBell()
  readonly #watch: ReturnType<typeof createWatch>
  readonly #upkeep: Upkeep
  #closed: Promise<void> | undefined

  constructor(file: OpenedFile, options: Omit<SqliteEventStoreOptions, 'path'>) {
    const { clock, lockWaitMs = LOCK_WAIT_MS, subscribersKeepAlive = false } = options
    const handle = new Handle({ file, lockWaitMs, lost: () => this.#lost() })
    this.handle = handle
    this.rows = new Rows(file.db)
    this.pages = pageReader(handle, this.rows)
    this.#heads = new Heads(file.db, file.path)
    const writer = new Writer(file.db, this.#heads, clock)
    this.#queue = openQueue(
      guarded(writer, handle),
      { grown: () => this.#bell.ring(), lost: (cause) => handle.giveUp(cause) },
      { path: file.path, lockWaitMs },
    )
    this.#watch = createWatch(this.#bell, {
      look: () => this.#heads.refresh(),
      keepAlive: subscribersKeepAlive,
    })
    this.blobs = openBlobs({ handle, clock, rows: new BlobRows(file.db) })
    this.#upkeep = new Upkeep(handle, this.blobs, options.openCheck ?? 'verify')
  }

  append(unit: PreparedUnit): Promise<Appended> {
    try {
      this.handle.mustBeOpen()
      this.handle.activity += 1
      return this.#queue.add(takeUnit(unit), undefined)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async *subscribe(query: SubscribeQuery): AsyncGenerator<readonly StoredEvent[]> {
    this.handle.mustBeOpen()
    checkQuery(query)
    yield* follow(query, (after) => this.#livePage(after, query), this.#watch)
    this.handle.mustBeSound()
  }

  #livePage(after: number, { filter }: SubscribeQuery): Page {
    try {
      const head = this.rows.head()
      return { ...this.rows.ofLog({ after, upTo: head, filter }), head }
    } catch (error) {
      if (isBusy(error)) return { events: [], upTo: after, end: false, head: after }
      throw failure(error, { doing: 'read', path: this.handle.file.path, fate: 'none' })
    }
  }

  inspect(): SqliteInspection {
    this.handle.mustBeOpen()
    const { db, path } = this.handle.file
    const pageSize = Number(readPragma(db, 'page_size'))
    return {
      path,
      format: storedFormat(db, path),
      lineage: storedLineage(db),
      weakestDurability: readMeta(db, 'durability') === 'process' ? 'process' : 'disk',
      sqliteVersion: String(db.prepare('SELECT sqlite_version()').pluck().get()),
      settings: readSettings(db),
      head: this.rows.head(),
      checked: this.#upkeep.checked,
      streams: Number(db.prepare('SELECT count(*) FROM streams').pluck().get()),
      blobs: Number(db.prepare(COUNT_BLOBS).pluck().get()),
      bytes: Number(readPragma(db, 'page_count')) * pageSize,
      freeBytes: Number(readPragma(db, 'freelist_count')) * pageSize,
      walBytes: statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      moved: this.rows.moved.totals(),
      queued: this.#queue.size,
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.handle.beginClose()
    await this.#queue.idle()
    this.#bell.close()
    this.#upkeep.end()
    await this.handle.finishClose()
  }

  #lost(): void {
    this.#bell.close()
    this.#upkeep.end()
  }
}

/** What is found damaged between two commits must stop the next one. */
function guarded(writer: Writer, handle: Handle): GroupWriter {
  return {
    begin() {
      handle.mustBeSound()
      return writer.begin()
    },
    take: (unit) => writer.take(unit),
    commit: () => writer.commit(),
    rollback: () => writer.rollback(),
  }
}

function pageReader(handle: Handle, rows: Rows): PageReader {
  const { reading } = handle
  return {
    mustBeOpen: () => handle.mustBeOpen(),
    head: (signal) => reading(() => rows.head(), signal),
    version: (stream, signal) => reading(() => rows.version(stream), signal),
    ofStream: (range, signal) => reading(() => rows.ofStream(range), signal),
    ofLog: (range, signal) => reading(() => rows.ofLog(range), signal),
  }
}
