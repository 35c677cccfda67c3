/**
 * `fs.list`: one page of the names in a directory, in the order of their bytes.
 *
 * A directory gives its names in no order and cannot be asked for the next thousand. So every page
 * reads all of it and keeps the smallest names after the last one seen: memory is bounded by the
 * page, whatever the directory holds, and time by pages times entries.
 */

import { Buffer } from 'node:buffer'
import { type Dir, lstatSync, opendirSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { JsonObject } from '@ice/primitives'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor, HeldDirectory } from './anchor.ts'
import type { ListArguments } from './arguments.ts'
import { throwIfAborted } from './bytes.ts'
import { errnoOf } from './errno.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { LIST_BATCH_ENTRIES, LIST_NAME_BYTES_MAX, NAME_BYTES_MAX } from './limits.ts'
import { nameBytes, nameText } from './names.ts'
import { parsePath, pathText } from './path.ts'
import { below } from './place.ts'
import { presentIn } from './present.ts'
import { findRooted } from './rooted.ts'
import { shownPath } from './shown.ts'
import { type EntryKind, kindOf } from './walk.ts'

/** One name in a directory. */
export type ListEntry = {
  /** As it is spelled in a path: see `nameText`. */
  readonly name: string
  /** What has this name, links not followed. */
  readonly kind: EntryKind
  /** Bytes, of a file. */
  readonly size?: number
}

/** A page of names. */
export type ListPage = {
  readonly entries: readonly ListEntry[]
  /** Whether there are names after the last one. */
  readonly more: boolean
}

/** Lists a directory; follows links that stay within the grant. */
export async function listDirectory(
  anchor: Anchor,
  call: EffectCall,
  args: ListArguments,
): Promise<EffectReport> {
  const path = parsePath(args.path)
  const after = args.after === undefined ? '' : rawName(args.after)
  const { resources } = call.grant
  const { directory, names } = findRooted({ anchor, resources, path, last: 'follow' }, (found) => {
    const { entry } = presentIn(found, args.path)
    if (entry.kind !== 'directory') {
      const message = `${shownPath(args.path)} is no directory`
      throw new EffectsError(EFFECTS_CODES.notADirectory, message, { kind: entry.kind })
    }
    return { directory: anchor.openDirectory(entry), names: found.names }
  })
  try {
    const wanted = { after, limit: args.limit, signal: call.signal }
    const value: ListPage & JsonObject = await pageOf(directory, wanted)
    const { entries, more } = value
    const observed = { path: pathText(names), entries: entries.length, more }
    return { value, observed, spent: { bytes: bytesOf(entries) } }
  } finally {
    directory.close()
  }
}

/** Names as their bytes, each one character: they compare as bytes do. */
function rawName(name: string): string {
  const bytes = nameBytes(name)
  if (bytes !== undefined) return bytes.toString('latin1')
  const message = `${shownPath(name)} is not how a name is spelled`
  throw new EffectsError(EFFECTS_CODES.pathUnsupported, message)
}

interface Wanted {
  readonly after: string
  readonly limit: number
  readonly signal: AbortSignal
}

interface RawPage {
  readonly names: readonly string[]
  readonly more: boolean
}

/** A page, never empty while there is more: its last name is where the next one begins. */
async function pageOf(directory: HeldDirectory, wanted: Wanted): Promise<ListPage> {
  let { after } = wanted
  for (;;) {
    const { names, more } = await smallest(directory, { ...wanted, after })
    const entries = await described(directory, names, wanted.signal)
    const last = names.at(-1)
    if (entries.length > 0 || !more || last === undefined) return { entries, more }
    after = last
  }
}

/** Reads the whole directory and keeps one page of it. */
async function smallest(held: HeldDirectory, wanted: Wanted): Promise<RawPage> {
  const { after, limit, signal } = wanted
  const directory = opendirSync(held.place, { encoding: 'latin1', bufferSize: LIST_BATCH_ENTRIES })
  let kept: string[] = []
  // What is not smaller than this is on a later page; unknown until more was seen than fits.
  let bound: string | undefined
  const cut = (): void => {
    kept.sort(byBytes)
    if (kept.length <= limit) return
    kept = kept.slice(0, limit + 1)
    bound = kept[limit]
  }
  try {
    for (;;) {
      throwIfAborted(signal)
      const batch = readBatch(directory)
      for (const name of batch) {
        if (name <= after || (bound !== undefined && name >= bound)) continue
        kept.push(name)
        if (kept.length >= 2 * (limit + 1)) cut()
      }
      if (batch.length < LIST_BATCH_ENTRIES) break
      await nextTurn()
    }
  } finally {
    directory.closeSync()
  }
  cut()
  return withinBytes(kept, limit)
}

function readBatch(directory: Dir): readonly string[] {
  const names: string[] = []
  while (names.length < LIST_BATCH_ENTRIES) {
    const entry = directory.readSync()
    if (entry === null) break
    names.push(entry.name)
  }
  return names
}

/** Ends a page early when its names are long. */
function withinBytes(names: readonly string[], limit: number): RawPage {
  let bytes = 0
  let count = 0
  for (const name of names.slice(0, limit)) {
    bytes += name.length
    if (bytes > LIST_NAME_BYTES_MAX) break
    count += 1
  }
  return { names: names.slice(0, count), more: count < names.length }
}

async function described(
  directory: HeldDirectory,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ListEntry[]> {
  const entries: ListEntry[] = []
  for (const [at, raw] of names.entries()) {
    if (at % LIST_BATCH_ENTRIES === LIST_BATCH_ENTRIES - 1) {
      await nextTurn()
      throwIfAborted(signal)
    }
    const entry = describe(directory, nameText(Buffer.from(raw, 'latin1')))
    if (entry !== undefined) entries.push(entry)
  }
  return entries
}

/** Bytes of all names, as the directory holds them. */
function bytesOf(entries: readonly ListEntry[]): number {
  return entries.reduce((sum, { name }) => sum + (nameBytes(name)?.length ?? NAME_BYTES_MAX), 0)
}

/** What has this name; `undefined` when it was taken away since the directory was read. */
function describe(directory: HeldDirectory, name: string): ListEntry | undefined {
  try {
    const stats = lstatSync(below(directory.place, name))
    const kind = kindOf(stats)
    return kind === 'file' ? { name, kind, size: stats.size } : { name, kind }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
