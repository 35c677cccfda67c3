/**
 * `fs.replace`: puts a whole file in the place of another, or makes it.
 *
 * The draft takes the name by `rename(2)`: whoever reads sees the file before or the file after, at
 * every moment and after every crash. A link is followed, within the grant, and the file it leads
 * to is replaced; the link stays.
 *
 * A file with further names is refused: this name would part from the others without anyone having
 * asked for that.
 */

import { rename } from 'node:fs/promises'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor, HeldDirectory } from './anchor.ts'
import type { WriteArguments } from './arguments.ts'
import { before, type HeldBefore, heldBefore } from './before.ts'
import { digestOf, throwIfAborted } from './bytes.ts'
import { contentBytes } from './content.ts'
import { published } from './draft.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { parsePath, pathText } from './path.ts'
import { below } from './place.ts'
import { fileIn } from './present.ts'
import { findRooted } from './rooted.ts'
import { shownPath } from './shown.ts'
import { newName, type WriteResult } from './write.ts'

interface Target {
  readonly directory: HeldDirectory
  readonly name: string
  readonly names: readonly string[]
  /** Permissions of the file that is replaced; `undefined` when there is none. */
  readonly mode: number | undefined
  readonly held: HeldBefore | undefined
}

/** Replaces or creates a file. */
export async function replaceFile(
  anchor: Anchor,
  call: EffectCall,
  args: WriteArguments,
): Promise<EffectReport> {
  const bytes = contentBytes(args)
  throwIfAborted(call.signal)
  const { directory, name, names, mode, held } = targetOf(anchor, call, args.path)
  try {
    const old = await before(held, call.signal)
    await published({ directory, call, bytes, mode }, (draft) =>
      rename(draft, below(directory.place, name)),
    )
    const value: WriteResult = { ...digestOf(bytes), created: mode === undefined }
    return { value, observed: { path: pathText(names), ...value, before: old } }
  } finally {
    directory.close()
  }
}

function targetOf(anchor: Anchor, call: EffectCall, text: string): Target {
  const path = parsePath(text)
  const { resources } = call.grant
  return findRooted({ anchor, resources, path, last: 'follow' }, (found) => {
    const { parent, name } = newName(found, text, path.isDirectory)
    const mode = found.entry === undefined ? undefined : replaceable(found, text)
    const { entry } = found
    const directory = anchor.openDirectory(parent)
    try {
      const held = entry === undefined ? undefined : heldBefore(anchor, { entry })
      return { directory, name, names: found.names, mode, held }
    } catch (error) {
      directory.close()
      throw error
    }
  })
}

/** The permissions of a file that may be replaced. */
export function replaceable(found: Parameters<typeof fileIn>[0], path: string): number {
  const { stats } = fileIn(found, path).entry
  if (stats.nlink === 1) return stats.mode
  throw new EffectsError(
    EFFECTS_CODES.hardLink,
    `${shownPath(path)} has ${stats.nlink} names; replacing it would part them`,
    { names: stats.nlink },
  )
}
