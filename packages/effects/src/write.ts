/**
 * `fs.write`: makes a new file, whole or not at all; never touches one that is there.
 *
 * The draft gets its name by `link(2)`, which the system refuses where the name is taken, by
 * whatever: a file, a directory, a link that leads nowhere.
 *
 * A repeated attempt that finds its own bytes in place has been done already. The first attempt
 * gets no such answer: it would tell whoever may only write what a file holds.
 *
 * The trap: `rename(2)` for a new file. It replaces what someone else created a moment before.
 */

import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs'
import { link, rename } from 'node:fs/promises'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor, HeldDirectory, Place } from './anchor.ts'
import type { WriteArguments } from './arguments.ts'
import { digestOf, readBytes, throwIfAborted } from './bytes.ts'
import { contentBytes } from './content.ts'
import { published } from './draft.ts'
import { errnoOf } from './errno.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { keeping, modeOf } from './kept.ts'
import { parsePath, pathText } from './path.ts'
import { below } from './place.ts'
import { notAFile } from './present.ts'
import { findRooted } from './rooted.ts'
import { shownPath } from './shown.ts'
import type { Found } from './walk.ts'

/** What came of a write. */
export type WriteResult = {
  /** Bytes of the file. */
  readonly bytes: number
  /** Of its content, in lower-case hex. */
  readonly sha256: string
  /** False when a file was replaced. */
  readonly created: boolean
}

const { O_CREAT, O_EXCL, O_WRONLY } = constants

/** What filesystems without hard links answer to `link(2)`. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
])

interface Target {
  readonly directory: HeldDirectory
  readonly name: string
  readonly names: readonly string[]
  /** The file that is there, open for reading, when this may be a repetition. */
  readonly existing: { readonly fd: number; readonly size: number } | undefined
}

/** Creates a file. */
export async function createFile(
  anchor: Anchor,
  call: EffectCall,
  args: WriteArguments,
): Promise<EffectReport> {
  const bytes = contentBytes(args)
  const digest = digestOf(bytes)
  throwIfAborted(call.signal)
  const target = targetOf(anchor, call, args.path)
  const { directory, name, names, existing } = target
  try {
    const isDone = existing !== undefined && (await holds(existing, digest, call.signal))
    if (existing !== undefined && !isDone) throw exists(args.path)
    let mode = existing === undefined ? 0 : modeOf(fstatSync(existing.fd))
    if (isDone) await directory.sync()
    else {
      const to = below(directory.place, name)
      await published({ directory, call, bytes, mode: undefined }, (draft) => {
        mode = modeOf(lstatSync(draft))
        return named(draft, to)
      })
    }
    const value: WriteResult = { ...digest, created: true }
    const path = pathText(names)
    const now = { kind: 'file', mode, ...digest } as const
    return keeping(
      { value, observed: { path, ...value, before: null } },
      { path, before: null, now },
    )
  } finally {
    if (existing !== undefined) closeSync(existing.fd)
    directory.close()
  }
}

function exists(path: string): EffectsError {
  return new EffectsError(EFFECTS_CODES.fileExists, `${shownPath(path)} is there already`)
}

function targetOf(anchor: Anchor, call: EffectCall, text: string): Target {
  const path = parsePath(text)
  const { resources } = call.grant
  return findRooted({ anchor, resources, path, last: 'keep' }, (found) => {
    const { parent, name } = newName(found, text, path.isDirectory)
    const { entry, names } = found
    if (entry !== undefined && (call.attempt === 1 || entry.kind !== 'file')) throw exists(text)
    const directory = anchor.openDirectory(parent)
    if (entry === undefined) return { directory, name, names, existing: undefined }
    try {
      const existing = { fd: anchor.openFile(entry), size: entry.stats.size }
      return { directory, name, names, existing }
    } catch (error) {
      directory.close()
      throw error
    }
  })
}

/** The directory and the name a file can get. @throws {EffectsError} `…_NOT_A_FILE_UNSUPPORTED` */
export function newName(
  { parent, names }: Found,
  path: string,
  isDirectory: boolean,
): { readonly parent: NonNullable<Found['parent']>; readonly name: string } {
  const name = names.at(-1)
  if (parent === undefined || name === undefined || isDirectory) throw notAFile(path, 'directory')
  return { parent, name }
}

/** Whether an earlier attempt wrote this: the same bytes are there, durably. */
async function holds(
  existing: { readonly fd: number; readonly size: number },
  wanted: { readonly bytes: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<boolean> {
  const { fd, size } = existing
  if (size !== wanted.bytes) return false
  const { sha256 } = await readBytes({ fd, size, limit: size, signal }, () => undefined)
  return sha256 === wanted.sha256
}

/** Gives the draft its name, unless something has it. */
export async function named(draft: Place, to: Place): Promise<void> {
  try {
    await link(draft, to)
  } catch (error) {
    if (!NO_LINKS.has(errnoOf(error))) throw error
    await reserved(draft, to)
  }
}

/** Without hard links: takes the name with an empty file, and replaces that one. */
export async function reserved(draft: Place, to: Place): Promise<void> {
  closeSync(openSync(to, O_WRONLY | O_CREAT | O_EXCL, 0o666))
  await rename(draft, to)
}
