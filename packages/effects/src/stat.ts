/** `fs.stat`: what has a name, without opening or following it. */

import type { JsonObject } from '@ice/primitives'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import type { Anchor } from './anchor.ts'
import type { PathArguments } from './arguments.ts'
import { parsePath, pathText } from './path.ts'
import { presentIn } from './present.ts'
import { findRooted } from './rooted.ts'
import type { EntryKind } from './walk.ts'

/** What is known of an entry. */
export type FileStat = {
  readonly kind: EntryKind
  /** Bytes, of a file; 0 of anything else. */
  readonly size: number
  /** When its content was last changed: epoch milliseconds, rounded down. */
  readonly modifiedMs: number
}

/** Looks at an entry. Follows links on the way to it, not the last one. */
export async function statEntry(
  anchor: Anchor,
  call: EffectCall,
  args: PathArguments,
): Promise<EffectReport> {
  const path = parsePath(args.path)
  const { resources } = call.grant
  return findRooted({ anchor, resources, path, last: 'keep' }, (found) => {
    const { entry, names } = presentIn(found, args.path)
    const { kind, stats } = entry
    const size = kind === 'file' ? stats.size : 0
    const value: FileStat & JsonObject = { kind, size, modifiedMs: Math.floor(stats.mtimeMs) }
    return { value, observed: { path: pathText(names), kind, size } }
  })
}
