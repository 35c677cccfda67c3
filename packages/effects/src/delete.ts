/** `fs.delete`: takes one name away: of a file, a link, a pipe, a socket; not of a directory. */

import { unlink } from 'node:fs/promises'
import { invariant } from '@ice/primitives'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor, HeldDirectory } from './anchor.ts'
import type { PathArguments } from './arguments.ts'
import { before, type HeldBefore, heldBefore, isUnchanged, NOTHING, type Seen } from './before.ts'
import { throwIfAborted } from './bytes.ts'
import { errnoOf } from './errno.ts'
import { keeping } from './kept.ts'
import { parsePath, pathText } from './path.ts'
import { below } from './place.ts'
import { notAFile } from './present.ts'
import { findRooted } from './rooted.ts'

/** What came of a deletion. */
export type DeleteResult = {
  /** False when nothing was there. */
  readonly deleted: boolean
}

interface Target {
  readonly directory: HeldDirectory
  readonly name: string
  readonly names: readonly string[]
  readonly held: HeldBefore
}

/**
 * Deletes an entry, durably. A link is deleted, not what it leads to. That nothing is there is no
 * error: a repeated deletion comes to the same.
 */
export async function deleteEntry(
  anchor: Anchor,
  call: EffectCall,
  args: PathArguments,
  keptBytesMax: number,
): Promise<EffectReport> {
  throwIfAborted(call.signal)
  const target = targetOf(anchor, { call, keptBytesMax }, args.path)
  if (target === undefined) return nothing(call, args.path)
  const { directory, name, names, held } = target
  try {
    const old = await before(held, call.signal)
    const isKnown = isUnchanged(below(directory.place, name), held.stats)
    const deleted = await unlinked(directory, name)
    await directory.sync()
    if (!deleted) return nothing(call, pathText(names))
    return report(true, pathText(names), isKnown ? old : { ...old, why: old.why ?? 'changed' })
  } finally {
    directory.close()
  }
}

/** Nothing was there; but an earlier attempt may have deleted what nobody knows any more. */
function nothing({ attempt }: EffectCall, path: string): EffectReport {
  return report(false, path, attempt === 1 ? NOTHING : { ...NOTHING, why: 'repeated' })
}

function report(deleted: boolean, path: string, { before: old, kept, why }: Seen): EffectReport {
  const value: DeleteResult = { deleted }
  const left = why === undefined ? { path, before: kept, now: null } : { notKept: why }
  return keeping({ value, observed: { path, deleted, before: old } }, left)
}

/** What is to be deleted; `undefined` when it, or a directory on its way, is not there. */
function targetOf(
  anchor: Anchor,
  { call, keptBytesMax }: { readonly call: EffectCall; readonly keptBytesMax: number },
  text: string,
): Target | undefined {
  const path = parsePath(text)
  const { resources } = call.grant
  try {
    return findRooted({ anchor, resources, path, last: 'keep' }, (found) => {
      const { names, parent, entry } = found
      if (entry === undefined) return undefined
      const name = names.at(-1)
      if (parent === undefined || name === undefined || entry.kind === 'directory') {
        throw notAFile(text, 'directory')
      }
      const directory = anchor.openDirectory(parent)
      try {
        const held = heldBefore(anchor, found, keptBytesMax)
        invariant(held !== undefined, 'what is there is held')
        return { directory, name, names, held }
      } catch (error) {
        directory.close()
        throw error
      }
    })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function unlinked(directory: HeldDirectory, name: string): Promise<boolean> {
  try {
    await unlink(below(directory.place, name))
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
