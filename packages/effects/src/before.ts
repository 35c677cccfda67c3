/**
 * What was there before a file was changed: what undoing it will need to know.
 *
 * Recorded with the outcome: whether there was something, of which size, and what it held. The
 * content itself is not kept here.
 */

import { closeSync } from 'node:fs'
import type { Anchor } from './anchor.ts'
import { readBytes } from './bytes.ts'
import { errnoOf } from './errno.ts'
import { BEFORE_BYTES_MAX } from './patch/limits.ts'
import type { Present } from './present.ts'

/** What a file held; `null` where nothing was. */
export type Before = {
  readonly kind: string
  readonly bytes: number
  /** `null` of what is no file, is too large to digest, or is not this process's to read. */
  readonly sha256: string | null
} | null

/** A file that is held open, to be digested once the walk is over. */
export interface HeldBefore {
  readonly kind: string
  readonly bytes: number
  readonly fd: number | undefined
}

/** Holds on to what is there. Synchronous: called within a walk. */
export function heldBefore(anchor: Anchor, { entry }: Pick<Present, 'entry'>): HeldBefore {
  const { kind, stats } = entry
  const isFile = kind === 'file'
  const bytes = isFile ? stats.size : 0
  if (!isFile || bytes > BEFORE_BYTES_MAX) return { kind, bytes, fd: undefined }
  try {
    return { kind, bytes, fd: anchor.openFile(entry) }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== 'EACCES' && errno !== 'EPERM') throw error
    return { kind, bytes, fd: undefined }
  }
}

/** Digests what is held, and lets go of it. */
export async function before(held: HeldBefore | undefined, signal: AbortSignal): Promise<Before> {
  if (held === undefined) return null
  const { kind, bytes: size, fd } = held
  if (fd === undefined) return { kind, bytes: size, sha256: null }
  try {
    const init = { fd, size, limit: BEFORE_BYTES_MAX, signal }
    return { kind, ...(await readBytes(init, () => undefined)) }
  } finally {
    closeSync(fd)
  }
}
