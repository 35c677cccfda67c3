/**
 * What was there before a file was changed: what undoing it will need to know.
 *
 * Recorded with the outcome: whether there was something, of which size, and what it held; and,
 * where it can be put back as it was, all of it (see kept.ts).
 */

import { Buffer } from 'node:buffer'
import { closeSync, lstatSync, type Stats } from 'node:fs'
import type { Anchor, Place } from './anchor.ts'
import { readBytes } from './bytes.ts'
import { errnoOf } from './errno.ts'
import { type Kept, keptFile, modeOf, type NotKept, unkeepable } from './kept.ts'
import { BEFORE_BYTES_MAX } from './patch/limits.ts'
import type { EntryKind, Found } from './walk.ts'

/** What a file held; `null` where nothing was. */
export type Before = {
  readonly kind: string
  readonly bytes: number
  /** `null` of what is no file, is too large to digest, or is not this process's to read. */
  readonly sha256: string | null
} | null

/** A file that is held open, to be digested once the walk is over. */
export interface HeldBefore {
  readonly kind: EntryKind
  readonly bytes: number
  readonly fd: number | undefined
  readonly stats: Stats
  /** Of a link: each byte one character. */
  readonly target: string | undefined
  readonly why: NotKept | undefined
}

/** What was there, and what of it can be put back. */
export interface Seen {
  readonly before: Before
  readonly kept: Kept['before']
  /** Why `kept` is not what was there. */
  readonly why: NotKept | undefined
}

/** Nothing was there. */
export const NOTHING: Seen = Object.freeze({ before: null, kept: null, why: undefined })

/** Holds on to what is there. Synchronous: called within a walk. */
export function heldBefore(
  anchor: Anchor,
  { entry, parent, names }: Found,
  keptBytesMax: number,
): HeldBefore | undefined {
  if (entry === undefined || parent === undefined) return undefined
  const { kind, stats } = entry
  const isFile = kind === 'file'
  const bytes = isFile ? stats.size : 0
  const why = unkeepable({ stats, kind, directory: anchor.inspect(parent) }, keptBytesMax)
  const target = kind === 'link' ? anchor.linkTarget(parent, names.at(-1) ?? '') : undefined
  const held = { kind, bytes, stats, target, why, fd: undefined }
  if (!isFile || bytes > BEFORE_BYTES_MAX) return held
  try {
    return { ...held, fd: anchor.openFile(entry) }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== 'EACCES' && errno !== 'EPERM') throw error
    return { ...held, why: why ?? 'unreadable' }
  }
}

/** Digests what is held, keeps it where that is possible, and lets go of it. */
export async function before(held: HeldBefore | undefined, signal: AbortSignal): Promise<Seen> {
  if (held === undefined) return NOTHING
  const { kind, bytes: size, fd, stats, target, why } = held
  const seen = { before: { kind, bytes: size, sha256: null }, kept: null, why }
  if (target !== undefined && why === undefined) {
    const bytes = Buffer.from(target, 'latin1')
    return { ...seen, kept: { kind: 'link', target: bytes.toString('base64') } }
  }
  if (fd === undefined) return { ...seen, why: why ?? 'changed' }
  try {
    const chunks: Buffer[] = []
    const init = { fd, size, limit: BEFORE_BYTES_MAX, signal }
    const digest = await readBytes(init, (chunk) => {
      if (why === undefined) chunks.push(Buffer.from(chunk))
    })
    const told = { ...seen, before: { kind, ...digest } }
    if (why !== undefined) return told
    if (digest.bytes !== size) return { ...told, why: 'changed' }
    return { ...told, kept: keptFile(Buffer.concat(chunks), modeOf(stats)) }
  } finally {
    closeSync(fd)
  }
}

/** Whether what has this name is still what was looked at, its permissions included. */
export function isUnchanged(place: Place, seen: Stats | undefined): boolean {
  const now = lstatSync(place, { throwIfNoEntry: false })
  if (now === undefined || seen === undefined) return now === seen
  return (
    now.dev === seen.dev &&
    now.ino === seen.ino &&
    now.size === seen.size &&
    now.mtimeMs === seen.mtimeMs &&
    now.ctimeMs === seen.ctimeMs
  )
}
