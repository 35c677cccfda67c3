/**
 * Which processes are alive, told by locks that the kernel lets go of when a process dies, however
 * it dies and in whatever PID namespace it lives.
 *
 *     <directory>/<owner>.lock        ; an empty SQLite file
 *
 * 1. An owner holds its file in an exclusive transaction for as long as it lives. A stopped
 *    process (SIGSTOP) still holds it: it is alive.
 * 2. Whoever asks tries for a shared lock: busy means alive. Two who ask do not disturb each other.
 * 3. An owner's name is made anew for each process and published only once the lock is held, so a
 *    file that can be locked belongs to a process that is dead, and so does a file that is gone.
 *
 * The trap this closes: a file just created and not yet locked looks dead, and a sweep would remove
 * it under its owner. So a sweep removes a file only while it holds the shared lock, and an owner,
 * once it has the exclusive one, makes sure that its file is still there, or begins anew.
 *
 * A second trap: closing any descriptor of a file drops its process's POSIX locks on it. Only
 * SQLite opens these files, and it knows of all its connections in one process.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { EVENTS_CODES, EventsError } from '@ice/events'
import { BoundedMap } from '@ice/events/adapter'
import { hasCode, type OwnerId, ownerId } from '@ice/primitives'
import type { OwnerStatus, Ownership } from '@ice/runs/ports'
import { type Connection, connect } from './connection.ts'
import { failure, isBusy, sqliteCode } from './failure.ts'
import { checkFilesystem } from './filesystem.ts'
import { DEAD_OWNERS_MAX, OPEN_LOCK_MS, SWEEP_FILES_MAX } from './limits.ts'
import { checkedPath, systemFailure } from './open.ts'
import type { SqliteEventStoreOptions } from './ports.ts'

/** Where owners keep their locks. */
export interface OwnershipOptions
  extends Pick<SqliteEventStoreOptions, 'networkFilesystem' | 'probeFilesystem'> {
  /** A folder of its own, on this machine: by custom `<log>.owners`. Created when it is missing. */
  readonly directory: string
}

/** The names this makes. Anything else has no file here, whatever it contains. */
const OWNER = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const LOCK = '.lock'

/** More than one try only when a sweep met the file in the instant of its making. */
const CLAIM_TRIES_MAX = 16

/**
 * Claims a name for this process and holds it until `close`.
 *
 * @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_FILESYSTEM_UNSUPPORTED`
 * @throws {EventsError} `ICE_EVENTS_UNAVAILABLE`
 */
export function openOwnership(options: OwnershipOptions): Ownership {
  const directory = checkedPath(options.directory)
  try {
    mkdirSync(directory, { recursive: true })
  } catch (error) {
    throw systemFailure(error, directory)
  }
  checkFilesystem(directory, options)
  sweep(directory)
  const { self, lock } = claim(directory)
  let isOpen = true
  // A name is never used again: who is dead stays so, and is asked for once for all its runs.
  const dead = new BoundedMap<string, true>(DEAD_OWNERS_MAX)
  return {
    self,
    async status(owner) {
      if (!isOpen) {
        throw new EventsError(EVENTS_CODES.notOpen, `${directory} is closed`, { path: directory })
      }
      if (owner === self) return 'alive'
      if (dead.get(owner) === true) return 'dead'
      const status = statusOf(directory, owner)
      if (status === 'dead') dead.set(owner, true)
      return status
    },
    // The kernel holds the lock for as long as this process lives.
    isSure: () => isOpen,
    async close() {
      if (!isOpen) return
      isOpen = false
      release(lock, fileOf(directory, self))
    },
  }
}

function fileOf(directory: string, owner: string): string {
  return join(directory, `${owner}${LOCK}`)
}

function claim(directory: string): { readonly self: OwnerId; readonly lock: Connection } {
  for (let tries = 0; tries < CLAIM_TRIES_MAX; tries += 1) {
    const self = ownerId(randomUUID())
    const path = fileOf(directory, self)
    const lock = hold(path)
    if (existsSync(path)) return { self, lock }
    lock.close()
  }
  throw new EventsError(
    EVENTS_CODES.unavailable,
    `Lock files vanish from ${directory} as soon as they are made. Something deletes them: ` +
      'keep cleaners away from this folder.',
    { path: directory, reason: 'other', fate: 'none' },
  )
}

function hold(path: string): Connection {
  let lock: Connection | undefined
  try {
    lock = connect(path, { mustExist: false, lockMs: OPEN_LOCK_MS })
    // Nothing is ever written, and no journal may be left for those who ask.
    lock.pragma('journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    const coded = failure(error, { doing: 'lock', path, fate: 'none' })
    throw coded === error ? systemFailure(error, path) : coded
  }
}

/** On Windows a file that is open cannot be removed, and one that is locked is open: no race. */
function release(lock: Connection, path: string): void {
  const isRemoved = remove(path)
  lock.close()
  if (!isRemoved) remove(path)
}

/** @returns false when the system does not let go of the file now */
function remove(path: string): boolean {
  try {
    rmSync(path, { force: true })
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EBUSY' || code === 'EPERM' || code === 'EACCES') return false
    throw systemFailure(error, path)
  }
}

function statusOf(directory: string, owner: string): OwnerStatus {
  if (!OWNER.test(owner)) return 'dead'
  const path = fileOf(directory, owner)
  // SQLite would take a missing file and a forbidden one for the same.
  if (!existsSync(path)) return 'dead'
  let asking: Connection | undefined
  try {
    asking = connect(path, { mustExist: true, lockMs: 0 })
    asking.exec('BEGIN')
    asking.prepare('SELECT count(*) FROM sqlite_schema').get()
  } catch (error) {
    asking?.close()
    if (isBusy(error)) return 'alive'
    const isGone = sqliteCode(error) === 'SQLITE_CANTOPEN' && !existsSync(path)
    if (isGone) return 'dead'
    throw failure(error, { doing: 'ask for the owner of', path, fate: 'none' })
  }
  release(asking, path)
  return 'dead'
}

/** Removes what dead owners left, so that the folder does not grow with every crash. A file that
 * cannot be asked is left to whoever asks for its owner. */
function sweep(directory: string): void {
  let names: readonly string[]
  try {
    names = readdirSync(directory)
  } catch (error) {
    throw systemFailure(error, directory)
  }
  const locks = names.filter((name) => name.endsWith(LOCK)).slice(0, SWEEP_FILES_MAX)
  for (const name of locks) {
    try {
      statusOf(directory, name.slice(0, -LOCK.length))
    } catch (error) {
      if (!hasCode(error, EVENTS_CODES.unavailable)) throw error
    }
  }
}
