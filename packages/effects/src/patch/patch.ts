/**
 * `fs.patch`: applies a unified diff to a file, whole or not at all.
 *
 * 1. The call names the digest of the content it was made for; another content refuses it, also
 *    where every hunk would fit.
 * 2. The result is a draft that takes the name by `rename(2)`, as in `fs.replace`: readers see the
 *    file before or the file after. Right before, the file has to be the one that was read: whoever
 *    changes it between that look and the rename is overwritten.
 * 3. A repeated attempt that finds the result in place has been done: what the patch was made of
 *    is what it makes backwards.
 */

import { closeSync, fstatSync, type Stats, statSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor, HeldDirectory } from '../anchor.ts'
import type { PatchArguments } from '../arguments.ts'
import { type Digest, digestOf, readBytes, throwIfAborted } from '../bytes.ts'
import { published } from '../draft.ts'
import { EFFECTS_CODES, EffectsError } from '../errors.ts'
import { parsePath, pathText } from '../path.ts'
import { below } from '../place.ts'
import { replaceable } from '../replace.ts'
import { findRooted } from '../rooted.ts'
import { newName } from '../write.ts'
import { boundedBytes, patched, unpatched } from './apply.ts'
import { PATCHED_BYTES_MAX } from './limits.ts'
import { type Hunk, parsePatch } from './parse.ts'

/** What came of a patch. */
export type PatchResult = {
  /** Bytes of the file now. */
  readonly bytes: number
  /** Of its content, in lower-case hex. */
  readonly sha256: string
}

interface Target {
  readonly directory: HeldDirectory
  readonly name: string
  readonly names: readonly string[]
  readonly mode: number
  readonly fd: number
}

/** Patches a file. */
export async function patchFile(
  anchor: Anchor,
  call: EffectCall,
  args: PatchArguments,
): Promise<EffectReport> {
  const hunks = parsePatch(args.patch)
  throwIfAborted(call.signal)
  const target = targetOf(anchor, call, args.path)
  const { directory, name, names, mode, fd } = target
  try {
    const before = fstatSync(fd)
    const old = await contentOf(fd, before.size, call.signal)
    const isDone = call.attempt > 1 && wasMadeOf(old.text, hunks, args.expected)
    if (isDone) return report(names, { now: old.digest, old: args.expected })
    if (old.digest.sha256 !== args.expected) throw otherContent(old.digest)
    const bytes = boundedBytes(patched(old.text, hunks), args.maxBytes)
    await published({ directory, call, bytes, mode }, async (draft) => {
      const to = below(directory.place, name)
      if (!isSame(before, statSync(to))) throw otherContent(undefined)
      await rename(draft, to)
    })
    return report(names, { now: digestOf(bytes), old: args.expected, bytes: old.digest.bytes })
  } finally {
    closeSync(fd)
    directory.close()
  }
}

function report(
  names: readonly string[],
  { now, old, bytes }: { readonly now: Digest; readonly old: string; readonly bytes?: number },
): EffectReport {
  const value: PatchResult = { ...now }
  const before = { kind: 'file', sha256: old, ...(bytes === undefined ? {} : { bytes }) }
  return {
    value,
    observed: { path: pathText(names), ...value, before },
    spent: { bytes: now.bytes },
  }
}

function targetOf(anchor: Anchor, call: EffectCall, text: string): Target {
  const path = parsePath(text)
  const { resources } = call.grant
  return findRooted({ anchor, resources, path, last: 'follow' }, (found) => {
    const { parent, name } = newName(found, text, path.isDirectory)
    const { entry } = found
    const mode = replaceable(found, text)
    const directory = anchor.openDirectory(parent)
    try {
      if (entry === undefined) throw otherContent(undefined)
      return { directory, name, names: found.names, mode, fd: anchor.openFile(entry) }
    } catch (error) {
      directory.close()
      throw error
    }
  })
}

interface Content {
  readonly text: string
  readonly digest: Digest
}

async function contentOf(fd: number, size: number, signal: AbortSignal): Promise<Content> {
  const chunks: Buffer[] = []
  const digest = await readBytes({ fd, size, limit: PATCHED_BYTES_MAX, signal }, (chunk) => {
    chunks.push(Buffer.from(chunk))
  })
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return { text: decoder.decode(Buffer.concat(chunks)), digest }
  } catch {
    throw new EffectsError(EFFECTS_CODES.encoding, 'The file is not UTF-8, and is not patched')
  }
}

/** Whether an earlier attempt made this of what the call expects. */
function wasMadeOf(content: string, hunks: readonly Hunk[], expected: string): boolean {
  try {
    return digestOf(Buffer.from(unpatched(content, hunks))).sha256 === expected
  } catch {
    // The hunks do not lead back: this patch has not made it.
    return false
  }
}

/** Whether nobody has changed or replaced a file since. */
function isSame(before: Stats, now: Stats): boolean {
  return (
    before.dev === now.dev &&
    before.ino === now.ino &&
    before.size === now.size &&
    before.mtimeMs === now.mtimeMs
  )
}

function otherContent(digest: Digest | undefined): EffectsError {
  const message = 'The file does not have the content the patch was made for'
  const data = digest === undefined ? {} : { sha256: digest.sha256 }
  return new EffectsError(EFFECTS_CODES.patchConflict, message, data)
}
