/**
 * A copy of the log as it stood at one moment, made while it is written to.
 *
 * SQLite's own backup copies page by page and starts anew when another process writes. The copy is
 * made under another name, opened as any log is, held to the head that was noted before it began,
 * and only then gets its name: so a file of that name is a whole backup, whenever the power fails.
 */
import { randomUUID } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { EVENTS_CODES, EventsError } from '@ice/events'
import type { Connection } from './connection.ts'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'
import { failure, isCoded } from './failure.ts'
import { BACKUP_RESTARTS_MAX, BACKUP_STEP_PAGES } from './limits.ts'
import { checkedPath, checkFolder, openFile, publish, systemFailure } from './open.ts'
import type { BackupOptions, BackupReport } from './ports.ts'

/** What is copied, and where to. */
export interface BackupRequest {
  readonly db: Connection
  /** Of the log, for messages. */
  readonly source: string
  /** Where the copy is to be. */
  readonly target: string
  readonly options: BackupOptions
}

/** Every page there is: the copy is finished in this step. */
const ALL_PAGES = 0x7fff_fffe

/** Copies a log. @throws as `SqliteEventStore.backup` */
export async function backUp({
  db,
  source,
  target,
  options,
}: BackupRequest): Promise<BackupReport> {
  const path = checkedPath(target)
  checkFolder(dirname(path))
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) throw taken(path)
  const head = headOf(db)
  const draft = `${path}.partial-${randomUUID()}`
  try {
    await copy(db, draft, options)
    const found = openedHead(draft)
    if (found < head) throw damaged(path, `it ends at ${found}, the log was at ${head}`)
    if (!publish(draft, path)) throw taken(path)
    return { path, head: found, bytes: statSync(path).size }
  } catch (error) {
    if (isCoded(error)) throw error
    const coded = failure(error, { doing: `back up ${source} to`, path, fate: 'none' })
    throw coded === error ? systemFailure(error, path) : coded
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) {
      rmSync(`${draft}${suffix}`, { force: true })
    }
  }
}

async function copy(db: Connection, draft: string, options: BackupOptions): Promise<void> {
  let left = Number.MAX_SAFE_INTEGER
  let restarts = 0
  await db.backup(draft, {
    progress({ totalPages, remainingPages }) {
      if (options.signal?.aborted === true) {
        throw new EventsError(
          EVENTS_CODES.aborted,
          'The backup was withdrawn by its caller',
          {},
          options.signal.reason,
        )
      }
      options.onProgress?.(totalPages - remainingPages, totalPages)
      // Pages are left again that had been copied: another process has written.
      if (remainingPages > left) restarts += 1
      left = remainingPages
      return restarts > BACKUP_RESTARTS_MAX ? ALL_PAGES : BACKUP_STEP_PAGES
    },
  })
}

function openedHead(draft: string): number {
  try {
    const { db } = openFile({ path: draft, networkFilesystem: 'allow' })
    try {
      return headOf(db)
    } finally {
      db.close()
    }
  } catch (cause) {
    throw damaged(draft, 'it does not open', cause)
  }
}

function headOf(db: Connection): number {
  return db.prepare<[], number | null>('SELECT max(position) FROM events').pluck().get() ?? 0
}

function taken(path: string): EventsSqliteError {
  return new EventsSqliteError(
    EVENTS_SQLITE_CODES.backupTarget,
    `${path} is there already; a backup overwrites nothing. Choose another name.`,
    { path },
  )
}

function damaged(path: string, why: string, cause?: unknown): EventsSqliteError {
  return new EventsSqliteError(
    EVENTS_SQLITE_CODES.backupDamaged,
    `The backup to ${path} is not usable: ${why}. It was removed; the log itself is unharmed.`,
    { path, why },
    cause,
  )
}
