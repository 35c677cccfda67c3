/**
 * A write transaction that begins and ends within one turn, beside those of the commit queue.
 *
 * What it is for is bounded by whoever calls it: a portion of a blob, a page of names, a few
 * removals. Nothing waits for the lock any longer than that.
 */
import type { Connection } from './connection.ts'
import { sqliteCode } from './failure.ts'
import { CommitLost } from './writer.ts'

/** Runs a piece of work in a transaction of its own. */
export type Transact = <T>(work: () => T) => T

/**
 * Makes the transactions of a connection.
 *
 * What they throw: what the work throws, rolled back; what SQLite reports, rolled back; or
 * `CommitLost`, after which the handle must not be used again.
 */
export function transactions(db: Connection): Transact {
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  const undo = (): void => {
    try {
      if (db.inTransaction) rollback.run()
    } catch (error) {
      throw new CommitLost(error)
    }
  }
  return (work) => {
    begin.run()
    let result: ReturnType<typeof work>
    try {
      result = work()
    } catch (error) {
      undo()
      throw error
    }
    try {
      commit.run()
    } catch (error) {
      if (!isNotKept(error)) throw new CommitLost(error)
      undo()
      throw error
    }
    return result
  }
}

/** These are reported before the last frame of the commit is written: without it, none counts. */
export function isNotKept(error: unknown): boolean {
  const code = sqliteCode(error) ?? ''
  return code === 'SQLITE_FULL' || code.startsWith('SQLITE_BUSY')
}
