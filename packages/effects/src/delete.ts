/** `fs.delete`: takes one name away: of a file, a link, a pipe, a socket; not of a directory. */

import { unlink } from 'node:fs/promises'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor, HeldDirectory } from './anchor.ts'
import type { PathArguments } from './arguments.ts'
import { type Before, before, type HeldBefore, heldBefore } from './before.ts'
import { throwIfAborted } from './bytes.ts'
import { errnoOf } from './errno.ts'
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
): Promise<EffectReport> {
  throwIfAborted(call.signal)
  const target = targetOf(anchor, call, args.path)
  if (target === undefined) return report(false, args.path, null)
  const { directory, name, names, held } = target
  try {
    const old = await before(held, call.signal)
    const deleted = await unlinked(directory, name)
    await directory.sync()
    return report(deleted, pathText(names), deleted ? old : null)
  } finally {
    directory.close()
  }
}

function report(deleted: boolean, path: string, old: Before): EffectReport {
  const value: DeleteResult = { deleted }
  return { value, observed: { path, deleted, before: old } }
}

/** What is to be deleted; `undefined` when it, or a directory on its way, is not there. */
function targetOf(anchor: Anchor, call: EffectCall, text: string): Target | undefined {
  const path = parsePath(text)
  const { resources } = call.grant
  try {
    return findRooted({ anchor, resources, path, last: 'keep' }, ({ names, parent, entry }) => {
      if (entry === undefined) return undefined
      const name = names.at(-1)
      if (parent === undefined || name === undefined || entry.kind === 'directory') {
        throw notAFile(text, 'directory')
      }
      const directory = anchor.openDirectory(parent)
      try {
        return { directory, name, names, held: heldBefore(anchor, { entry }) }
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
