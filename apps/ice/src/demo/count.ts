/** A first look at the folder, only to know where half-way is: the survey itself counts again. */

import { type Dirent, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** What was seen. */
export interface FirstLook {
  readonly files: number
  /** False when there is more than was looked at. */
  readonly complete: boolean
}

/** Entries looked at before it is enough: a tenth of a second. */
const ENTRIES_MAX = 20_000

/** Counts files as the survey will, up to a limit. What cannot be listed has none. */
export function firstLook(
  folder: string,
  {
    skipDirectories,
    exclude,
  }: {
    readonly skipDirectories: readonly string[]
    readonly exclude: readonly string[]
  },
): FirstLook {
  const pending = [{ path: folder, inner: '' }]
  let files = 0
  let entries = 0
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const entry of entriesOf(at.path)) {
      entries += 1
      if (entries > ENTRIES_MAX) return { files, complete: false }
      const inner = at.inner === '' ? entry.name : `${at.inner}/${entry.name}`
      if (exclude.includes(inner)) continue
      if (entry.isFile()) files += 1
      if (entry.isDirectory() && !skipDirectories.includes(entry.name)) {
        pending.push({ path: join(at.path, entry.name), inner })
      }
    }
  }
  return { files, complete: true }
}

function entriesOf(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch {
    return [] // the survey meets the same obstacle, and reports it
  }
}
