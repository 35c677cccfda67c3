/** Places: what is handed to the system in order to open a name below a directory. */

import { Buffer } from 'node:buffer'
import { fsync } from 'node:fs'
import { promisify } from 'node:util'
import type { Place } from './anchor.ts'
import { errnoOf } from './errno.ts'
import { isLiteral, nameBytes } from './names.ts'

/** The place of a name in a directory. */
export function below(directory: Place, name: string): Place {
  if (typeof directory === 'string' && isLiteral(name)) return `${directory}/${name}`
  const bytes = nameBytes(name) ?? Buffer.from(name, 'utf8')
  return Buffer.concat([Buffer.from(directory), Buffer.from('/'), bytes])
}

/** Makes what is behind a descriptor durable. */
export const syncFile: (fd: number) => Promise<void> = promisify(fsync)

/** Makes the names in a directory durable, where the filesystem knows of such a thing. */
export async function syncDirectory(fd: number): Promise<void> {
  try {
    await syncFile(fd)
  } catch (error) {
    // Some network and FUSE filesystems refuse to sync a directory: their names need none.
    if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOTSUP') throw error
  }
}
