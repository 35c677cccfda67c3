/**
 * One write transaction: judge each unit on what the log and the units before it have become,
 * insert what fits, commit once.
 *
 *     begin → take(unit)* → commit | rollback
 *
 * 1. Between `begin` and `commit` nothing else runs: all of it lies within one turn.
 * 2. A refusal concerns its own unit. An error of SQLite concerns all units of the transaction.
 * 3. When the sync of a commit fails, nobody knows what is on the disk, and the kernel may report
 *    success the next time although nothing was repaired. So the handle is done for: the units'
 *    fate is unknown, and only a new handle, which reads the file anew, can tell.
 */
import type { Appended, AppendedWrite, PreparedEvent, PreparedUnit } from '@ice/events'
import {
  bringsBytes,
  judge,
  madeOf,
  occupiedRefusal,
  retryAnswer,
  type SealedWrite,
} from '@ice/events/adapter'
import { type Clock, invariant, type Position, type StreamVersion } from '@ice/primitives'
import { BlobRows } from './blob-rows.ts'
import type { Connection } from './connection.ts'
import { sqliteCode } from './failure.ts'
import type { Heads } from './heads.ts'
import { Inserter } from './inserter.ts'
import { Moved } from './moved.ts'
import { readPlace } from './rows.ts'

/** What became of one unit, once its transaction has committed. */
export type Outcome =
  | { readonly appended: Appended; readonly events: number; readonly bytes: number }
  | { readonly refused: unknown }

/** The commit failed and its fate is unknown: the handle must not be used again. */
export class CommitLost {
  readonly cause: unknown

  constructor(cause: unknown) {
    this.cause = cause
  }
}

function prepare(db: Connection) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    place: readPlace(db),
  }
}

/** Writes to one connection. */
export class Writer {
  readonly #db: Connection
  readonly #heads: Heads
  readonly #clock: Pick<Clock, 'now'>
  readonly #sql: ReturnType<typeof prepare>
  readonly #rows: Inserter
  readonly #blobs: BlobRows
  readonly #moved: Moved
  #now = 0

  constructor(db: Connection, heads: Heads, clock: Pick<Clock, 'now'>) {
    this.#db = db
    this.#heads = heads
    this.#clock = clock
    this.#sql = prepare(db)
    this.#rows = new Inserter(db)
    this.#blobs = new BlobRows(db)
    this.#moved = new Moved(db)
    heads.beforeDrop = () => this.#rows.flush()
  }

  /**
   * Takes the write lock and catches up with other processes.
   *
   * @returns whether they had appended
   * @throws what SQLite reports, `SQLITE_BUSY` above all; no transaction is then open
   */
  begin(): boolean {
    this.#sql.begin.run()
    try {
      this.#now = this.#clock.now()
      return this.#heads.refresh()
    } catch (error) {
      this.rollback()
      throw error
    }
  }

  /** Judges a unit and inserts what fits. @throws what SQLite reports: the transaction is void */
  take(unit: PreparedUnit): Outcome {
    const judged = this.#judge(unit)
    // What fails from here on has been written in part, and so concerns the whole transaction.
    return 'fits' in judged ? this.#keep(unit, judged.fits) : judged
  }

  #judge(unit: PreparedUnit): Outcome | { readonly fits: readonly SealedWrite[] } {
    try {
      const judged = judge(unit, this.#heads, this.#now)
      if (judged.kind === 'fits') {
        checkDistinct(judged.writes)
        return { fits: judged.writes }
      }
      if (judged.kind === 'refused') return { refused: judged.error }
      this.#rows.flush()
      const answer = retryAnswer(unit, this.#sql.place)
      if (answer === undefined) return { refused: this.#occupied(unit, judged.conflict) }
      return { appended: answer, events: 0, bytes: 0 }
    } catch (error) {
      if (sqliteCode(error) !== undefined) throw error
      return { refused: error }
    }
  }

  #occupied(unit: PreparedUnit, conflict: unknown): unknown {
    const movedBehind = (stream: string, from: number): string | undefined =>
      this.#moved.ofStream(stream).find(({ version }) => version > from)?.segment
    return occupiedRefusal(unit, conflict, movedBehind)
  }

  #keep(unit: PreparedUnit, writes: readonly SealedWrite[]): Outcome {
    let bytes = 0
    if (unit.blobs !== undefined) {
      for (const blob of unit.blobs) {
        if (!bringsBytes(blob)) continue
        this.#blobs.keep(blob.digest, blob.bytes, this.#now)
        bytes += blob.bytes.byteLength
      }
    }
    let events = 0
    let at = 0
    const appended = madeOf(writes, (write) => {
      const given = (unit.writes[at++] as PreparedUnit['writes'][number]).events
      for (const { bytes: text } of write.events) bytes += text.length
      events += given.length
      return this.#insert(write, given)
    })
    return { appended: { writes: appended, retried: false }, events, bytes }
  }

  #insert({ stream, events }: SealedWrite, given: readonly PreparedEvent[]): AppendedWrite {
    const entry = this.#heads.entry(stream)
    if (entry.id === 0) this.#heads.register(stream, entry)
    let at = 0
    const positions = madeOf(events, ({ bytes, hash }) => {
      const position = this.#heads.position + 1
      const version = entry.version + 1
      const type = this.#heads.typeId((given[at++] as PreparedEvent).type)
      this.#rows.add({ position, stream: entry.id, version, type, bytes, hash })
      this.#heads.position = position
      entry.version = version
      return position as Position
    })
    const times = madeOf(events, ({ time }) => time)
    entry.time = times.at(-1) ?? entry.time
    return { stream, version: entry.version as StreamVersion, positions, times }
  }

  /** @throws {CommitLost} when the fate is unknown; otherwise what SQLite reports, rolled back */
  commit(): void {
    this.#rows.flush()
    try {
      this.#sql.commit.run()
    } catch (error) {
      const code = sqliteCode(error) ?? ''
      // These are reported before the last frame of the commit is written: without it, none counts.
      const isNotKept = code === 'SQLITE_FULL' || code.startsWith('SQLITE_BUSY')
      if (!isNotKept) throw new CommitLost(error)
      this.rollback()
      throw error
    }
  }

  /** Undoes the open transaction, if SQLite has not done so. @throws {CommitLost} when it cannot */
  rollback(): void {
    this.#heads.forget()
    this.#rows.clear()
    try {
      if (this.#db.inTransaction) this.#sql.rollback.run()
    } catch (error) {
      throw new CommitLost(error)
    }
  }
}

/** The gateway makes no such unit; here its second part would be kept where it was not sealed. */
function checkDistinct(writes: readonly SealedWrite[]): void {
  if (writes.length === 1) return
  const isDistinct = new Set(writes.map(({ stream }) => stream)).size === writes.length
  invariant(isDistinct, 'a unit writes each stream once')
}
