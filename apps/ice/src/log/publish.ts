/**
 * Files that appear whole or not at all: written under another name, and given their own last.
 */
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { CLI_CODES, CliError } from '../errors.ts'
import { plain } from '../terminal/text.ts'

/** Refuses a path where something is. @throws `ICE_CLI_FILE_CONFLICT` */
export function mustBeFree(path: string): void {
  if (existsSync(path)) throw taken(path)
}

/**
 * Gives a finished file its name. What is there is not overwritten.
 *
 * @throws `ICE_CLI_FILE_CONFLICT`
 */
export function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path)
    rmSync(draft)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') throw taken(path)
    // A filesystem without hard links: somebody could take the name in between.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EMLINK')
      throw error
    mustBeFree(path)
    renameSync(draft, path)
  }
  syncFolder(dirname(path))
}

/** A name is on the disk when its folder is. Windows has no such thing and needs none. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, constants.O_RDONLY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Removes a log's file, and those that SQLite keeps beside it. */
export function removeLog(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true })
}

function taken(path: string): CliError {
  return new CliError(CLI_CODES.taken, `There is something at ${plain(path)} already`, {
    data: { path },
    next: ['choose a path where nothing is yet'],
  })
}
