/**
 * Rows of the index of runs in an SQLite file of their own, by custom `<log>.index`.
 *
 * Beside the log and not in it: the log's file holds nothing that may be lost, this one nothing
 * that may not. Several processes may use one file; what they move is judged under its lock.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { EVENTS_CODES, EventsError } from '@ice/events'
import { checkPage, checkReady, indexMoved, RUN_STANDINGS, RUN_STATES } from '@ice/runs/adapter'
import type {
  IndexMark,
  Outlook,
  QueueCount,
  ReadyQuery,
  RowsMove,
  RunRow,
  RunRows,
} from '@ice/runs/ports'
import type { Statement } from 'better-sqlite3'
import { type Connection, connect } from './connection.ts'
import { failure, isCorrupt } from './failure.ts'
import { OPEN_LOCK_MS } from './limits.ts'
import { checkedPath, systemFailure } from './open.ts'
import { askPage, SELECT_ROWS } from './run-rows-find.ts'
import {
  bytesOf,
  moreOf,
  NUMBERS,
  RUN_ROWS_FORMAT,
  RUN_TABLES,
  readMore,
  readRow,
  type StoredRow,
  turnOf,
  typesOf,
} from './run-rows-format.ts'

/** Where rows are kept. */
export interface SqliteRunRowsOptions {
  /** By custom `<log>.index`. Made when it is missing, and made anew when it cannot be read. */
  readonly path: string
}

/**
 * Opens the rows of an index.
 *
 * @throws {EventsError} `ICE_EVENTS_UNAVAILABLE`, and when used `ICE_EVENTS_NOT_OPEN`
 */
export function openSqliteRunRows({ path: given }: SqliteRunRowsOptions): RunRows {
  const path = checkedPath(given)
  const db = openFile(path)
  const rows = new Rows(db)
  let isOpen = true
  /** Everything here is one turn; what SQLite reports gets the code of the port. */
  const run = async <T>(doing: string, work: () => T): Promise<T> => {
    if (!isOpen) throw new EventsError(EVENTS_CODES.notOpen, `${path} is closed`, { path })
    try {
      return work()
    } catch (error) {
      throw failure(error, { doing, path, fate: 'none' })
    }
  }
  return {
    supports: { durable: true, sharedByProcesses: true },
    mark: () => run('read', () => rows.mark()),
    move: (move) => run('write', () => rows.move(move)),
    find: (query) =>
      run('read', () => {
        const { sql, values } = askPage(query, checkPage(query))
        return rows.all(sql, values)
      }),
    ready: (query) =>
      run('read', () => {
        checkReady(query)
        return rows.ready(query)
      }),
    outlook: (now) => run('read', () => rows.outlook(now)),
    counts: (now) => run('read', () => rows.counts(now)),
    async close() {
      isOpen = false
      db.close()
    },
  }
}

function openFile(path: string): Connection {
  try {
    mkdirSync(dirname(path), { recursive: true })
    return prepared(path)
  } catch (error) {
    if (!isCorrupt(error)) {
      const coded = failure(error, { doing: 'open', path, fate: 'none' })
      throw coded === error ? systemFailure(error, path) : coded
    }
  }
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
  return prepared(path)
}

/** Opens a file, and makes its tables where they are not those of this format. */
function prepared(path: string): Connection {
  const isNew = !existsSync(path)
  const db = connect(path, { mustExist: false, lockMs: OPEN_LOCK_MS })
  try {
    if (isNew) db.pragma('page_size = 8192')
    db.pragma('journal_mode = WAL')
    // What a power cut takes is folded anew; what it leaves is whole.
    db.pragma('synchronous = NORMAL')
    db.pragma('trusted_schema = 0')
    db.pragma('cell_size_check = 1')
    db.transaction(() => {
      if (db.pragma('user_version', { simple: true }) === RUN_ROWS_FORMAT) return
      dropAll(db)
      db.exec(RUN_TABLES)
    }).immediate()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function dropAll(db: Connection): void {
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all() as string[]
  for (const table of tables) db.exec(`DROP TABLE "${table.replaceAll('"', '""')}"`)
}

const NAMES_KEPT = 4_096

/** The statements. */
class Rows {
  readonly #db: Connection
  /** Ids of names and of programs, as they were last found; another process adds, never changes. */
  readonly #ids = new Map<string, number>()
  readonly #statements = new Map<string, Statement<unknown[]>>()

  constructor(db: Connection) {
    this.#db = db
  }

  #sql(sql: string): Statement<unknown[]> {
    const known = this.#statements.get(sql) ?? this.#db.prepare<unknown[]>(sql)
    this.#statements.set(sql, known)
    return known
  }

  all(sql: string, values: readonly unknown[]): readonly RunRow[] {
    return (this.#sql(sql).all(...values) as StoredRow[]).map(readRow)
  }

  mark(): IndexMark | null {
    const row = this.#sql('SELECT incarnation, position FROM mark').get()
    return (row as IndexMark | undefined) ?? null
  }

  move(move: RowsMove): void {
    this.#db
      .transaction(() => {
        const stored = this.mark()
        const { from, to } = move
        const isThere =
          stored?.position === from?.position && stored?.incarnation === from?.incarnation
        if (!isThere) throw indexMoved(move, stored)
        if (move.reset === true) this.#clear()
        for (const row of move.rows) this.#put(row, move.reset !== true)
        this.#sql('INSERT OR REPLACE INTO mark VALUES (1, ?, ?)').run(to.incarnation, to.position)
      })
      .immediate()
  }

  #clear(): void {
    for (const table of ['runs', 'tags', 'listens']) this.#sql(`DELETE FROM ${table}`).run()
  }

  #put(row: RunRow, mayBeThere: boolean): void {
    const run = bytesOf(row.run)
    if (mayBeThere) this.#forget(run)
    const line = row.line === row.run ? null : bytesOf(row.line)
    this.#sql(`INSERT OR REPLACE INTO runs VALUES (${Array(20).fill('?').join()})`).run(
      run,
      this.#program(row.program),
      RUN_STATES.indexOf(row.state),
      RUN_STANDINGS.indexOf(row.standing),
      this.#name(row.owner),
      this.#name(row.queue),
      row.concurrencyKey,
      row.priority,
      row.parent === null ? null : bytesOf(row.parent),
      line,
      row.key,
      row.createdAt,
      row.since,
      row.at,
      row.standing === 'asleep' ? row.until : null,
      turnOf(row),
      row.deadline,
      row.aborting ? 1 : 0,
      row.doubts.length,
      moreOf(row),
    )
    for (const [name, value] of Object.entries(row.tags)) {
      this.#sql('INSERT OR IGNORE INTO tags VALUES (?, ?, ?)').run(name, value, run)
    }
    for (const type of typesOf(row)) this.#sql('INSERT INTO listens VALUES (?, ?)').run(type, run)
  }

  /** Removes what stands elsewhere of the row that is there. */
  #forget(run: Buffer): void {
    const old = this.#sql('SELECT standing, more FROM runs WHERE run = ?').get(run) as
      | Pick<StoredRow, 'more' | 'standing'>
      | undefined
    if (old === undefined || old.more === null) return
    const more = readMore(old.more)
    for (const [name, value] of Object.entries(more.tags)) {
      this.#sql('DELETE FROM tags WHERE name = ? AND value = ? AND run = ?').run(name, value, run)
    }
    const { listens } = more
    const standing = RUN_STANDINGS[old.standing] ?? 'ended'
    for (const type of typesOf({ listens, standing })) {
      this.#sql('DELETE FROM listens WHERE type = ? AND run = ?').run(type, run)
    }
  }

  #name(name: string): number {
    return this.#id(`n ${name}`, 'names (name)', [name])
  }

  #program({ name, version }: RunRow['program']): number {
    return this.#id(`p ${JSON.stringify([name, version])}`, 'programs (name, version)', [
      name,
      version,
    ])
  }

  #id(key: string, into: string, values: readonly string[]): number {
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const [table = '', columns = ''] = into.split(/ \(|\)/)
    const places = values.map(() => '?').join()
    this.#sql(`INSERT OR IGNORE INTO ${into} VALUES (${places})`).run(...values)
    const where = columns.split(', ').join(' = ? AND ')
    const found = this.#sql(`SELECT id FROM ${table} WHERE ${where} = ?`).pluck()
    const id = Number(found.get(...values))
    if (this.#ids.size >= NAMES_KEPT) this.#ids.clear()
    this.#ids.set(key, id)
    return id
  }

  ready(query: ReadyQuery): readonly RunRow[] {
    const { now, programs, queues, keysBusy = [], except = [], perQueue } = query
    this.#findDue(now)
    const driven = JSON.stringify(programs.flatMap((program) => this.#known(program)))
    const sql =
      `${SELECT_ROWS} WHERE r.queue = ? AND r.turn IS NOT NULL ` +
      'AND r.program IN (SELECT value FROM json_each(?)) ' +
      'AND (r.ckey IS NULL OR r.ckey NOT IN (SELECT value FROM json_each(?))) ' +
      'AND r.run NOT IN (SELECT unhex(value) FROM json_each(?)) ' +
      'ORDER BY r.priority DESC, r.turn, r.run LIMIT ?'
    const passed = JSON.stringify(except.map((run) => bytesOf(run).toString('hex')))
    const busy = JSON.stringify(keysBusy)
    return this.#queues(queues).flatMap((queue) => {
      const found = this.#sql(sql).all(queue, driven, busy, passed, perQueue)
      return (found as (StoredRow & { turn: number })[]).map((stored) =>
        readRow({ ...stored, since: stored.turn }),
      )
    })
  }

  /** Sleepers that are due have their turn from then on. */
  #findDue(now: number): void {
    const due = 'turn IS NULL AND until IS NOT NULL AND until <= ?'
    if (this.#sql(`SELECT 1 FROM runs WHERE ${due} LIMIT 1`).get(now) === undefined) return
    this.#sql(`UPDATE runs SET turn = until WHERE ${due}`).run(now)
  }

  #known({ name, version }: RunRow['program']): readonly number[] {
    const sql = 'SELECT id FROM programs WHERE name = ? AND version = ?'
    const id = this.#sql(sql).pluck().get(name, version)
    return id === undefined ? [] : [Number(id)]
  }

  /** Queues with ready runs, by their names; each is one step into the index. */
  #queues(wanted: readonly string[] | undefined): readonly number[] {
    const first = (and: string): string =>
      `SELECT min(queue) FROM runs WHERE turn IS NOT NULL${and}`
    const sql =
      `WITH RECURSIVE some (queue) AS (${first('')} UNION ALL ` +
      `SELECT (${first(' AND queue > some.queue')}) FROM some WHERE queue IS NOT NULL) ` +
      'SELECT n.id, n.name FROM some JOIN names n ON n.id = some.queue ORDER BY n.name'
    const all = this.#sql(sql).all() as { readonly id: number; readonly name: string }[]
    const some = wanted === undefined ? all : all.filter(({ name }) => wanted.includes(name))
    return some.map(({ id }) => id)
  }

  outlook(now: number): Outlook {
    const one = (sql: string, ...values: number[]): number | null =>
      (this.#sql(sql)
        .pluck()
        .get(...values) ?? null) as number | null
    const { ENDED, HELD } = NUMBERS
    const next = (column: string, from: string): string =>
      `WITH RECURSIVE some (x) AS (SELECT min(${column}) FROM ${from} UNION ALL ` +
      `SELECT (SELECT min(${column}) FROM ${from} AND ${column} > some.x) FROM some ` +
      'WHERE x IS NOT NULL) SELECT x FROM some WHERE x IS NOT NULL'
    const holders = next('owner', `runs WHERE standing = ${HELD}`)
    const owners = `SELECT name FROM names WHERE id IN (${holders})`
    return {
      nextDue: one('SELECT min(until) FROM runs WHERE turn IS NULL AND until > ?', now),
      nextDeadline: one(
        'SELECT min(deadline) FROM runs WHERE deadline IS NOT NULL AND aborting = 0 ' +
          `AND standing < ${ENDED}`,
      ),
      owners: this.#sql(`${owners} ORDER BY name`).pluck().all(),
      listenedFor: this.#sql(next('type', 'listens WHERE 1')).pluck().all(),
    } as Outlook
  }

  counts(now: number): readonly QueueCount[] {
    const sql =
      'SELECT n.name AS queue, r.standing, count(*) AS runs, sum(r.doubts > 0) AS inDoubt, ' +
      'coalesce(sum(r.until <= ?), 0) AS due, min(r.since) AS oldest ' +
      'FROM runs r JOIN names n ON n.id = r.queue ' +
      `WHERE r.standing < ${NUMBERS.ENDED} GROUP BY r.queue, r.standing`
    const found = this.#sql(sql).all(now) as (Omit<QueueCount, 'standing'> & { standing: number })[]
    const counts = found.map((one) => ({ ...one, standing: RUN_STANDINGS[one.standing] as never }))
    const order = (count: QueueCount): string => `${count.queue} ${count.standing}`
    return counts.sort((a, b) => (order(a) < order(b) ? -1 : 1))
  }
}
