/**
 * A log made of a backup: whole or not there, verified, and a new incarnation of its own.
 *
 *     backup ──copy──→ <path>.partial-… ──open, migrate, verify, name──→ sync ──link──→ <path>
 *
 * 1. The backup itself is read and never touched: it may lie on a medium that cannot be written.
 * 2. The log gets its name last. Whenever the power fails, there is a whole log or none.
 * 3. Positions, checkpoints and proofs of the old history hold up to its head here, and for
 *    nothing after it: what was appended after the backup is lost, and other events will stand in
 *    those places. So this history has another name, and keeps the one it comes from, and where it
 *    was cut.
 *
 * The trap this closes: a log that is not a backup, but a file copied from under a running
 * process, has its last events in a `-wal` beside it. It is refused, not cut short.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  createReadStream,
  createWriteStream,
  fsyncSync,
  openSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EVENTS_CODES, EventsError, verifyLog } from '@ice/events'
import { checkSignal } from '@ice/events/adapter'
import { type Hash, hasCode, systemClock } from '@ice/primitives'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'
import { isCoded } from './failure.ts'
import { checkFilesystem } from './filesystem.ts'
import { storedLineage, writeMeta } from './format.ts'
import { checkedPath, checkFolder, openFile, publish, systemFailure } from './open.ts'
import type { RestoredLog, RestoreOptions } from './ports.ts'
import { openStore } from './store.ts'
import { transactions } from './transaction.ts'

/**
 * Makes a log of a backup, at a path that is not there yet.
 *
 * The backup is verified completely before the log gets its name: every byte of every event,
 * the index, the blobs, the pages of the file, and the roots that were noted of it. What was open
 * in the history it comes from is in doubt, which is the runtime's to say.
 *
 * @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_BACKUP_CONFLICT` — there is something at `path`
 * @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_BACKUP_CORRUPT` — the backup is damaged, is no
 * log, or is one that is in use
 * @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_FORMAT_UNSUPPORTED`,
 * `ICE_EVENTS_SQLITE_FILESYSTEM_UNSUPPORTED`, `ICE_EVENTS_SQLITE_OPTION_UNSUPPORTED`
 * @throws {EventsError} `ICE_EVENTS_UNAVAILABLE` — no such file or folder, no right, no space —,
 * `ICE_EVENTS_ABORTED`
 */
export async function restoreSqliteEventStore(options: RestoreOptions): Promise<RestoredLog> {
  const backup = checkedPath(options.backup)
  const path = checkedPath(options.path)
  checkFolder(dirname(path))
  checkFilesystem(dirname(path), options)
  mustBeFree(path)
  mustBeBackup(backup)
  const draft = `${path}.partial-${randomUUID()}`
  try {
    await copyFile(backup, draft, options)
    const restored = await verified(backup, draft, options)
    syncFile(draft)
    if (!publish(draft, path)) throw taken(path)
    return { path, ...restored }
  } catch (error) {
    checkSignal(options.signal)
    throw isCoded(error) ? error : systemFailure(error, path)
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) {
      rmSync(`${draft}${suffix}`, { force: true })
    }
  }
}

/** A log that was there would lie beside files of its own: they are asked for as well. */
function mustBeFree(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    if (statSync(`${path}${suffix}`, { throwIfNoEntry: false }) !== undefined) {
      throw taken(`${path}${suffix}`)
    }
  }
}

function mustBeBackup(backup: string): void {
  const file = statSync(backup, { throwIfNoEntry: false })
  if (file === undefined) {
    throw new EventsError(
      EVENTS_CODES.unavailable,
      `There is no backup ${backup}. Nothing was written.`,
      { path: backup, reason: 'no_file', fate: 'none' },
    )
  }
  if (!file.isFile()) throw damaged(backup, 0, 'it is not a regular file')
  if (statSync(`${backup}-wal`, { throwIfNoEntry: false }) !== undefined) {
    throw damaged(
      backup,
      0,
      'it is a log that is in use, or was when its process ended, and not a backup: its last ' +
        'events are in the -wal beside it. Open it, and back it up',
    )
  }
}

async function copyFile(
  backup: string,
  draft: string,
  { signal, onProgress }: RestoreOptions,
): Promise<void> {
  const total = statSync(backup).size
  let done = 0
  const counted = new Transform({
    transform(chunk: Uint8Array, _encoding, give) {
      done += chunk.byteLength
      onProgress?.(done, total)
      give(null, chunk)
    },
  })
  const [from, to] = [createReadStream(backup), createWriteStream(draft, { flags: 'wx' })]
  await pipeline(from, counted, to, signal === undefined ? {} : { signal })
}

type Verified = Omit<RestoredLog, 'path'>

async function verified(backup: string, draft: string, options: RestoreOptions): Promise<Verified> {
  try {
    const file = openFile({ path: draft, networkFilesystem: 'allow' })
    const store = openStore(file, { clock: systemClock, openCheck: 'skip' })
    try {
      const root = await verifiedRoot(backup, store, options)
      const { position: head } = await store.head()
      const incarnation = randomUUID()
      const from = file.incarnation
      transactions(file.db)(() => {
        const lineage = [...storedLineage(file.db), { incarnation: from, head }]
        writeMeta(file.db, 'incarnation', incarnation)
        writeMeta(file.db, 'lineage', JSON.stringify(lineage))
      })
      return { incarnation, from, head, ...(root === undefined ? {} : { root }) }
    } finally {
      await store.close()
    }
  } catch (error) {
    const { file, corrupt } = EVENTS_SQLITE_CODES
    const isDamage = hasCode(error, file) || hasCode(error, corrupt)
    throw isDamage ? damaged(backup, 0, 'it is no whole log', error) : error
  }
}

async function verifiedRoot(
  backup: string,
  store: ReturnType<typeof openStore>,
  { signal, noted = [], through }: RestoreOptions,
): Promise<Hash | undefined> {
  const withSignal = signal === undefined ? {} : { signal }
  for await (const finding of store.check({ pages: 'all', ...withSignal })) {
    throw damaged(backup, finding.position, finding.message)
  }
  const isWhole = (await store.eviction.segments()).length === 0
  if (!isWhole && through === undefined) {
    if (noted.length === 0) return undefined
    throw damaged(backup, 0, 'events of it are in the archive, so its roots cannot be told')
  }
  const log = through?.(store) ?? store
  const about = { noted, findingsMax: 1, ...withSignal }
  const { root, findings } = await verifyLog(log, about)
  const [finding] = findings
  if (finding !== undefined) throw damaged(backup, finding.position, finding.message)
  return root
}

/** What was copied by streams is on the disk only when it was synced. */
function syncFile(path: string): void {
  const descriptor = openSync(path, constants.O_RDWR)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function taken(path: string): EventsSqliteError {
  return new EventsSqliteError(
    EVENTS_SQLITE_CODES.backupTarget,
    `${path} is there already; restoring overwrites nothing. Choose another path, or move away ` +
      'what is there.',
    { path },
  )
}

function damaged(
  backup: string,
  position: number,
  why: string,
  cause?: unknown,
): EventsSqliteError {
  return new EventsSqliteError(
    EVENTS_SQLITE_CODES.backupDamaged,
    `The backup ${backup} is not usable: ${why}. Nothing was written; try an earlier one.`,
    { path: backup, position, why },
    cause,
  )
}
