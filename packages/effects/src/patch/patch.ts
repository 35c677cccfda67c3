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

import { closeSync, fstatSync, lstatSync, type Stats, statSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor, HeldDirectory } from '../anchor.ts'
import type { PatchArguments } from '../arguments.ts'
import { type Digest, digestOf, readBytes, throwIfAborted } from '../bytes.ts'
import { published } from '../draft.ts'
import { EFFECTS_CODES, EffectsError } from '../errors.ts'
import { type Kept, keeping, keptFile, modeOf, type NotKept, unkeepable } from '../kept.ts'
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
  /** Why what is there could not be put back. */
  readonly why: NotKept | undefined
}

/** Patches a file. */
export async function patchFile(
  anchor: Anchor,
  call: EffectCall,
  args: PatchArguments,
  keptBytesMax: number,
): Promise<EffectReport> {
  const hunks = parsePatch(args.patch)
  throwIfAborted(call.signal)
  const target = targetOf(anchor, { call, keptBytesMax }, args.path)
  const { directory, name, names, mode, fd } = target
  try {
    const before = fstatSync(fd)
    const old = await contentOf(fd, before.size, call.signal)
    const found = call.attempt > 1 ? madeOf(old.text, hunks, args.expected) : undefined
    if (found !== undefined) {
      const done = { now: old.digest, old: args.expected }
      const left = modeOf(before)
      return keeping(report(names, done), keptOf(target, { text: found, now: old.digest, left }))
    }
    if (old.digest.sha256 !== args.expected) throw otherContent(old.digest)
    const bytes = boundedBytes(patched(old.text, hunks), args.maxBytes)
    let left = 0
    await published({ directory, call, bytes, mode }, async (draft) => {
      const to = below(directory.place, name)
      left = modeOf(lstatSync(draft))
      if (!isSame(before, statSync(to))) throw otherContent(undefined)
      await rename(draft, to)
    })
    const now = digestOf(bytes)
    const done = { now, old: args.expected, bytes: old.digest.bytes }
    return keeping(report(names, done), keptOf(target, { text: old.text, now, left }))
  } finally {
    closeSync(fd)
    directory.close()
  }
}

/** What undoing the patch needs: the text it was made for, under the permissions it had. */
function keptOf(
  { names, mode, why }: Target,
  { text, now, left }: { readonly text: string; readonly now: Digest; readonly left: number },
): Kept | { readonly notKept: NotKept } {
  if (why !== undefined) return { notKept: why }
  const before = keptFile(Buffer.from(text), mode & 0o7777)
  return { path: pathText(names), before, now: { kind: 'file', mode: left, ...now } }
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

function targetOf(
  anchor: Anchor,
  { call, keptBytesMax }: { readonly call: EffectCall; readonly keptBytesMax: number },
  text: string,
): Target {
  const path = parsePath(text)
  const { resources } = call.grant
  return findRooted({ anchor, resources, path, last: 'follow' }, (found) => {
    const { parent, name } = newName(found, text, path.isDirectory)
    const { entry } = found
    const mode = replaceable(found, text)
    const directory = anchor.openDirectory(parent)
    try {
      if (entry === undefined) throw otherContent(undefined)
      const { kind, stats } = entry
      const why = unkeepable({ stats, kind, directory: anchor.inspect(parent) }, keptBytesMax)
      return { directory, name, names: found.names, mode, why, fd: anchor.openFile(entry) }
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

/** What an earlier attempt made this of, where it was what the call expects. */
function madeOf(content: string, hunks: readonly Hunk[], expected: string): string | undefined {
  try {
    const text = unpatched(content, hunks)
    return digestOf(Buffer.from(text)).sha256 === expected ? text : undefined
  } catch {
    // The hunks do not lead back: this patch has not made it.
    return undefined
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
