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

import { lstatSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor, HeldDirectory } from './anchor.ts'
import type { WriteArguments } from './arguments.ts'
import { before, type HeldBefore, heldBefore, isUnchanged } from './before.ts'
import { digestOf, throwIfAborted } from './bytes.ts'
import { contentBytes } from './content.ts'
import { published } from './draft.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { keeping, modeOf, type NotKept } from './kept.ts'
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
  keptBytesMax: number,
): Promise<EffectReport> {
  const bytes = contentBytes(args)
  const digest = digestOf(bytes)
  throwIfAborted(call.signal)
  const target = targetOf(anchor, { call, keptBytesMax }, args.path)
  const { directory, name, names, mode, held } = target
  try {
    const old = await before(held, call.signal)
    // An earlier attempt may have put this there, over what nobody knows any more.
    const isOurs = call.attempt > 1 && old.before?.sha256 === digest.sha256
    let why: NotKept | undefined = old.why ?? (isOurs ? 'repeated' : undefined)
    let left = 0
    await published({ directory, call, bytes, mode }, (draft) => {
      const to = below(directory.place, name)
      left = modeOf(lstatSync(draft))
      if (!isUnchanged(to, held?.stats)) why ??= 'changed'
      return rename(draft, to)
    })
    const value: WriteResult = { ...digest, created: mode === undefined }
    const path = pathText(names)
    const now = { kind: 'file', mode: left, ...digest } as const
    const kept = why === undefined ? { path, before: old.kept, now } : { notKept: why }
    return keeping({ value, observed: { path, ...value, before: old.before } }, kept)
  } finally {
    directory.close()
  }
}

function targetOf(
  anchor: Anchor,
  { call, keptBytesMax }: { readonly call: EffectCall; readonly keptBytesMax: number },
  text: string,
): Target {
  const path = parsePath(text)
  const { resources } = call.grant
  return findRooted({ anchor, resources, path, last: 'follow' }, (found) => {
    const { parent, name } = newName(found, text, path.isDirectory)
    const mode = found.entry === undefined ? undefined : replaceable(found, text)
    const directory = anchor.openDirectory(parent)
    try {
      const held = heldBefore(anchor, found, keptBytesMax)
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
