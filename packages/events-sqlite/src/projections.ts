/**
 * Stores of projections in a database of the user's own.
 *
 *     ice_checkpoints  name, version → position, incarnation, hash
 *     ice_serving      name → version
 *     ice_snapshots    projection, version, source, at → incarnation, hash, digest, bytes
 *
 * The work of a processor gets the user's handle, and what it writes with it is in the transaction
 * that moves the checkpoint. Readers can ask `ice_serving` in the transaction of their query.
 */
import type { Checkpoint, ProcessorKey, ProcessorStore, Snapshot, SnapshotStore } from '@ice/events'
import {
  checkMove,
  checkProcessorKey,
  checkServing,
  checkSnapshot,
  checkSnapshotKey,
  judgeServing,
  moved,
  sameCheckpoint,
} from '@ice/events/adapter'
import {
  ProjectionDatabase,
  type ProjectionTable,
  type Row,
  type SqliteDatabase,
  transactionError,
} from './projection-database.ts'

const CHECKPOINTS: ProjectionTable = {
  name: 'ice_checkpoints',
  columns: ['name TEXT', 'version TEXT', 'position INTEGER', 'incarnation TEXT', 'hash TEXT'],
  key: 'PRIMARY KEY (name, version)',
}

const SERVING: ProjectionTable = {
  name: 'ice_serving',
  columns: ['name TEXT', 'version TEXT'],
  key: 'PRIMARY KEY (name)',
}

const SNAPSHOTS: ProjectionTable = {
  name: 'ice_snapshots',
  columns: [
    'projection TEXT',
    'version TEXT',
    'source TEXT',
    'at INTEGER',
    'incarnation TEXT',
    'hash TEXT',
    'digest TEXT',
    'bytes TEXT',
  ],
  key: 'PRIMARY KEY (projection, version, source, at)',
}

const SUPPORTS = { durable: true, sharedByProcesses: true } as const

/**
 * A processor store in an open database. Its transactions are synchronous: work that returns a
 * promise is refused, and nothing of it kept. Close the database after the store.
 *
 * @param db - a `better-sqlite3` handle; what `process` is given is this one
 * @throws `ICE_EVENTS_SQLITE_FILE_UNSUPPORTED` for the file of a log, or tables that are not ours;
 * `ICE_EVENTS_UNAVAILABLE`, `ICE_EVENTS_NOT_OPEN`
 */
export function sqliteProcessorStore<Db extends SqliteDatabase>(db: Db): ProcessorStore<Db> {
  const place = new ProjectionDatabase(db, [CHECKPOINTS, SERVING])
  const rows = processorRows(db)
  return {
    supports: { ...SUPPORTS, asyncWork: false },
    async checkpoint(processor) {
      return place.run('read', () => {
        checkProcessorKey(processor)
        return rows.checkpoint(processor)
      })
    },
    async transact(move, work) {
      const { processor, from, to } = copyMove(move)
      place.run('write', () => checkMove(move))
      place.transact('write', () => {
        const stored = place.run('read', () => rows.checkpoint(processor))
        if (!sameCheckpoint(stored, from)) throw moved(move, stored)
        refusePromise(db, work(db))
        if (!db.inTransaction) throw transactionError(db, 'the work has ended the transaction')
        place.run('write', () => rows.keep(processor, to))
      })
    },
    async serving(name) {
      return place.run('read', () => {
        checkProcessorKey({ name, version: 'any' })
        return rows.serving(name)
      })
    },
    async serve(change) {
      const { name, from, to } = change
      place.run('write', () => checkServing(change))
      place.transact('write', () => {
        const facts = place.run('read', () => ({
          serving: rows.serving(name),
          from: from === undefined ? undefined : rows.checkpoint({ name, version: from }),
          to: rows.checkpoint({ name, version: to }),
        }))
        judgeServing(change, facts)
        place.run('write', () => rows.serve(name, to))
      })
    },
    async forget(processor) {
      place.run('write', () => {
        checkProcessorKey(processor)
        rows.forget(processor)
      })
    },
    async close() {
      place.close()
    },
  }
}

/** The caller keeps its objects: what is compared and written is what it gave. */
function copyMove({ processor, from, to }: Parameters<ProcessorStore<unknown>['transact']>[0]) {
  return { processor: { ...processor }, from, to: { ...to } }
}

/** The rest of an async function would run outside of the transaction. */
function refusePromise(db: SqliteDatabase, given: unknown): void {
  const promise = given as Promise<void> | null | undefined
  if (typeof promise?.then !== 'function') return
  // What becomes of it is of no interest any more, and must not end the process.
  promise.then(undefined, () => undefined)
  throw transactionError(db, 'the work is asynchronous, and a transaction lies within one turn')
}

/** The statements of a processor store. */
function processorRows(db: SqliteDatabase) {
  const get = db.prepare(
    'SELECT position, incarnation, hash FROM ice_checkpoints WHERE name = ? AND version = ?',
  )
  const put = db.prepare(
    'INSERT OR REPLACE INTO ice_checkpoints (name, version, position, incarnation, hash) ' +
      'VALUES (?, ?, ?, ?, ?)',
  )
  const drop = db.prepare('DELETE FROM ice_checkpoints WHERE name = ? AND version = ?')
  const serving = db.prepare('SELECT version FROM ice_serving WHERE name = ?')
  const serve = db.prepare('INSERT OR REPLACE INTO ice_serving (name, version) VALUES (?, ?)')
  return {
    checkpoint({ name, version }: ProcessorKey): Checkpoint | undefined {
      const row = get.get(name, version) as Row | undefined
      if (row === undefined) return undefined
      const { position, incarnation, hash } = row
      return {
        position: Number(position),
        incarnation: String(incarnation),
        hash: String(hash) as Checkpoint['hash'],
      }
    },
    keep({ name, version }: ProcessorKey, to: Checkpoint): void {
      put.run(name, version, to.position, to.incarnation, to.hash)
    },
    forget({ name, version }: ProcessorKey): void {
      drop.run(name, version)
    },
    serving(name: string): string | undefined {
      const row = serving.get(name) as Row | undefined
      return row === undefined ? undefined : String(row['version'])
    },
    serve(name: string, version: string): void {
      serve.run(name, version)
    },
  }
}

/**
 * A snapshot store in an open database. Close the database after the store.
 *
 * @throws as `sqliteProcessorStore`
 */
export function sqliteSnapshotStore(db: SqliteDatabase): SnapshotStore {
  const place = new ProjectionDatabase(db, [SNAPSHOTS])
  const key = 'projection = ? AND version = ? AND source = ?'
  const latest = db.prepare(
    `SELECT * FROM ice_snapshots WHERE ${key} AND at <= ? ORDER BY at DESC LIMIT 1`,
  )
  const list = db.prepare(`SELECT at FROM ice_snapshots WHERE ${key} ORDER BY at`)
  const drop = db.prepare(`DELETE FROM ice_snapshots WHERE ${key} AND at = ?`)
  const clear = db.prepare(`DELETE FROM ice_snapshots WHERE ${key}`)
  const put = db.prepare(
    'INSERT OR REPLACE INTO ice_snapshots ' +
      '(projection, version, source, at, incarnation, hash, digest, bytes) ' +
      'VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  /** Runs statements of a key that is one. */
  const of = <T>(
    snapshotKey: Parameters<SnapshotStore['list']>[0],
    work: (...values: readonly string[]) => T,
  ): T =>
    place.run('use', () => {
      checkSnapshotKey(snapshotKey)
      return work(snapshotKey.projection, snapshotKey.version, snapshotKey.source)
    })
  return {
    supports: SUPPORTS,
    async put(snapshot) {
      of(snapshot, (...values) => {
        checkSnapshot(snapshot)
        const { at, incarnation, hash, digest, bytes } = snapshot
        put.run(...values, at, incarnation, hash, digest, bytes)
      })
    },
    async latest(snapshotKey, atMost) {
      const row = of(snapshotKey, (...values) => latest.get(...values, atMost)) as Row | undefined
      if (row === undefined) return undefined
      return { ...row, at: Number(row['at']) } as unknown as Snapshot
    },
    async list(snapshotKey) {
      const rows = of(snapshotKey, (...values) => list.all(...values))
      return rows.map((row) => Number((row as Row)['at']))
    },
    async drop(snapshotKey, at) {
      of(snapshotKey, (...values) => {
        if (at === undefined) clear.run(...values)
        else drop.run(...values, at)
      })
    },
    async close() {
      place.close()
    },
  }
}
