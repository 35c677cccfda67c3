/**
 * The floor under runs: rows of a given size in group commits that are synced, and nothing else.
 */
import Database from 'better-sqlite3'

/** A bare group commit on a file of its own. */
export interface Floor {
  /** As many rows in as many commits one after another as a run has, shared with other callers. */
  run(rows: number, commits: number): Promise<void>
  close(): void
}

export function groupCommitFloor(path: string, bytes: number): Floor {
  const db = new Database(path)
  db.pragma('page_size = 8192')
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec('CREATE TABLE events (position INTEGER PRIMARY KEY, bytes TEXT NOT NULL) STRICT')
  const insert = db.prepare('INSERT INTO events (bytes) VALUES (?)')
  const text = 'x'.repeat(bytes)
  let waiting: { readonly rows: number; readonly done: () => void }[] = []
  const commit = db.transaction((units: typeof waiting) => {
    for (const { rows } of units) for (let i = 0; i < rows; i += 1) insert.run(text)
  })
  const flush = (): void => {
    const units = waiting
    waiting = []
    commit(units)
    for (const { done } of units) done()
  }
  const append = (rows: number): Promise<void> =>
    new Promise((done) => {
      waiting.push({ rows, done })
      if (waiting.length === 1) setImmediate(flush)
    })
  return {
    async run(rows, commits) {
      const each = Math.ceil(rows / commits)
      for (let left = rows; left > 0; left -= each) await append(Math.min(each, left))
    },
    close: () => db.close(),
  }
}
