/**
 * Undoing a change of a file: puts back what was there, where nobody has gone on from it.
 *
 *     what is there now       is                      then
 *     ─────────────────       ──────────────────      ───────────────────────────
 *     as the effect found it  undone already          nothing is done
 *     as the effect left it   to be undone            restored, whole or not at all
 *     anything else           somebody else's work    `ICE_EFFECTS_MOVED_ON_CONFLICT`
 *
 * "As" means kind, content and permissions. The way is walked anew under the grant, without
 * following the last name: a directory that has become a link since leads nowhere new.
 *
 * What is restored is a draft that gets its name by `rename(2)` where a file is, and by `link(2)`
 * where none is, as in the effects themselves. Right before, what is there has to be what was
 * looked at: whoever changes it between that look and the rename is overwritten.
 *
 * The trap: comparing nothing. A compensation that writes back what it remembers undoes, with its
 * own effect, everything that others did after it.
 */

import { Buffer } from 'node:buffer'
import { closeSync, type Stats } from 'node:fs'
import { rename, symlink, unlink } from 'node:fs/promises'
import type { JsonObject } from '@ice/primitives'
import type { CompensationCall, CompensationReport } from '@ice/runs/ports'
import type { Anchor, HeldDirectory } from './anchor.ts'
import { isUnchanged } from './before.ts'
import { type Digest, readBytes, throwIfAborted } from './bytes.ts'
import { published } from './draft.ts'
import { errnoOf, translated } from './errno.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import {
  bytesOfKept,
  type Kept,
  type KeptFile,
  type KeptLink,
  type LeftFile,
  modeOf,
  readKept,
} from './kept.ts'
import { parsePath, pathText } from './path.ts'
import { below } from './place.ts'
import { findRooted } from './rooted.ts'
import { shownPath } from './shown.ts'
import type { EntryKind } from './walk.ts'
import { named } from './write.ts'

/** What has the name now. */
interface Present {
  readonly kind: EntryKind
  readonly stats: Stats
  /** Of a file that can be read. */
  readonly fd: number | undefined
  /** Of a link, in base64. */
  readonly target: string | undefined
}

interface Target {
  readonly directory: HeldDirectory
  readonly name: string
  readonly present: Present | undefined
}

/** Undoes a change. */
export async function restored(
  anchor: Anchor,
  call: CompensationCall,
): Promise<CompensationReport> {
  const kept = readKept(call.kept)
  throwIfAborted(call.signal)
  try {
    const target = targetOf(anchor, call, kept)
    if (target === undefined) return report(kept, false)
    try {
      return await restoredIn(target, kept, call)
    } finally {
      if (target.present?.fd !== undefined) closeSync(target.present.fd)
      target.directory.close()
    }
  } catch (error) {
    throw translated(error, kept.path)
  }
}

async function restoredIn(
  target: Target,
  kept: Kept,
  call: CompensationCall,
): Promise<CompensationReport> {
  const { directory, present } = target
  const digest = await digestOfPresent(present, kept, call.signal)
  if (isAs(kept.before, present, digest)) {
    // An attempt that was cut off may not have made it durable.
    await directory.sync()
    return report(kept, false)
  }
  if (!isAs(kept.now, present, digest) || (present?.stats.nlink ?? 1) > 1) throw movedOn(kept)
  throwIfAborted(call.signal)
  await putBack(target, kept, call)
  return report(kept, true)
}

/** What is there, held; `undefined` where nothing is, and nothing was to be. */
function targetOf(anchor: Anchor, call: CompensationCall, kept: Kept): Target | undefined {
  const path = parsePath(kept.path)
  const { resources } = call.grant
  try {
    return findRooted({ anchor, resources, path, last: 'keep' }, (found) => {
      const { names, parent, entry } = found
      const name = names.at(-1)
      if (parent === undefined || name === undefined) throw movedOn(kept)
      if (pathText(names) !== kept.path) throw movedOn(kept)
      const directory = anchor.openDirectory(parent)
      try {
        if (entry === undefined) return { directory, name, present: undefined }
        const { kind, stats } = entry
        const raw = kind === 'link' ? anchor.linkTarget(parent, name) : undefined
        const target = raw === undefined ? undefined : Buffer.from(raw, 'latin1').toString('base64')
        const fd = isLike(kept, kind, stats) ? anchor.openFile(entry) : undefined
        return { directory, name, present: { kind, stats, fd, target } }
      } catch (error) {
        directory.close()
        throw error
      }
    })
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    // A directory on the way is gone, and what was in it.
    if (kept.before === null) return undefined
    throw movedOn(kept)
  }
}

/** Whether it is worth reading: of the kind and the size of what was found or left. */
function isLike({ before, now }: Kept, kind: EntryKind, { size }: Stats): boolean {
  const sizes = [before, now].flatMap((one) => (one?.kind === 'file' ? one.bytes : []))
  return kind === 'file' && sizes.includes(size)
}

async function digestOfPresent(
  present: Present | undefined,
  { before, now }: Kept,
  signal: AbortSignal,
): Promise<Digest | undefined> {
  if (present?.fd === undefined) return undefined
  const sizes = [before, now].map((one) => (one?.kind === 'file' ? one.bytes : 0))
  const limit = Math.max(...sizes)
  const { fd, stats } = present
  try {
    return await readBytes({ fd, size: stats.size, limit, signal }, () => undefined)
  } catch (error) {
    // It grows while it is read: it is neither what was found nor what was left.
    if (error instanceof EffectsError && error.code === EFFECTS_CODES.outputLimit) return undefined
    throw error
  }
}

/** Whether what is there is this, in kind, content and permissions. */
function isAs(
  wanted: LeftFile | KeptFile | KeptLink | null,
  present: Present | undefined,
  digest: Digest | undefined,
): boolean {
  if (wanted === null || present === undefined) return wanted === null && present === undefined
  if (wanted.kind === 'link') return present.kind === 'link' && present.target === wanted.target
  return (
    present.kind === 'file' &&
    digest?.sha256 === wanted.sha256 &&
    modeOf(present.stats) === wanted.mode
  )
}

async function putBack(target: Target, kept: Kept, call: CompensationCall): Promise<void> {
  const { directory, name, present } = target
  const { before } = kept
  const to = below(directory.place, name)
  const check = (): void => {
    if (!isUnchanged(to, present?.stats)) throw movedOn(kept)
  }
  try {
    if (before === null) {
      check()
      await unlink(to)
    } else if (before.kind === 'link') {
      await symlink(Buffer.from(before.target, 'base64'), to)
    } else {
      const draft = { directory, call, bytes: bytesOfKept(before), mode: before.mode }
      await published(draft, async (from) => {
        check()
        await (present === undefined ? named(from, to) : rename(from, to))
      })
    }
  } catch (error) {
    // Somebody was quicker, in the moment between the look and the act.
    const errno = errnoOf(error)
    if (errno === 'EEXIST' || (errno === 'ENOENT' && before === null)) throw movedOn(kept)
    throw error
  }
  await directory.sync()
}

function report({ path, before }: Kept, undone: boolean): CompensationReport {
  return { observed: { path, undone, now: before === null ? null : shownOf(before) } }
}

/** As auditors are told of what was there before. */
function shownOf(before: KeptFile | KeptLink): JsonObject {
  if (before.kind === 'link') return { kind: 'link', bytes: 0, sha256: null }
  return { kind: 'file', bytes: before.bytes, sha256: before.sha256 }
}

function movedOn({ path }: Kept): EffectsError {
  const message = `${shownPath(path)} is no longer what the effect left there; it stays as it is`
  return new EffectsError(EFFECTS_CODES.movedOn, message)
}
