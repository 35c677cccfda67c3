/** A folder for files that need no disk. */
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A new folder, in memory where the system has such a place: for proofs that ask nothing of the
 * disk, and would wait for it all the same.
 */
export const quickFolder = (prefix: string): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), prefix))
