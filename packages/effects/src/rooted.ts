/**
 * A path below a chain of grants: where the walk starts, and where it must not go.
 *
 * The root of the topmost grant is opened by its path; every deeper root is walked to from the one
 * above it, by the same walk as any path. So a root that was swapped for a link is found out, and a
 * path can never lead further than every link of the chain allows.
 *
 * 1. `within` is held against the way that was really gone. The decision compared what was asked
 *    for; a link in the root can lead from one folder of it to another.
 * 2. A walk does not even pass through what `within` leaves out, but for the directories that lead
 *    to it: whether something exists there is nothing a call can learn.
 * 3. The root is opened for every call and closed with it. A root that is deleted and made again
 *    between two calls is another directory, and the second call sees that one.
 *
 * The trap: keeping roots open to save the opening. A kept handle goes on reading a folder that
 * was moved away or deleted, where the grant's path names something else by now.
 */

import { Buffer } from 'node:buffer'
import type { Resource } from '@ice/capabilities/ports'
import type { Anchor, Held } from './anchor.ts'
import { errnoOf } from './errno.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { nameText } from './names.ts'
import { type EntryPath, parsePath, pathText } from './path.ts'
import { shownPath } from './shown.ts'
import { type Found, walk } from './walk.ts'

/** What is to be found, and on whose authority. */
export interface RootedInit {
  readonly anchor: Anchor
  /** The resources of the chain, the named grant's first and the topmost one's last. */
  readonly resources: readonly Resource[]
  readonly path: EntryPath
  readonly last: 'follow' | 'keep'
}

/** One grant of the chain. */
interface Level {
  readonly root: string
  readonly within: readonly (readonly string[])[] | undefined
}

/** Where one level's root lies below the topmost one, and what it leaves open. */
interface Fence {
  readonly depth: number
  readonly within: readonly (readonly string[])[]
}

/** A root that was reached. */
interface Standing {
  readonly start: Held
  /** The way from the topmost root to here. */
  readonly names: readonly string[]
  readonly fences: readonly Fence[]
}

/**
 * Finds what a path leads to below the root of the grant, and hands it to `use`. `names` of what
 * is found are relative to that root.
 *
 * @throws {EffectsError} `ICE_EFFECTS_RESOURCE_DENIED`, `ICE_EFFECTS_ROOT_ESCAPE_DENIED`,
 * `ICE_EFFECTS_OUTSIDE_WITHIN_DENIED`, `ICE_EFFECTS_ROOT_NOT_FOUND`, and what the walk throws
 */
export function findRooted<T>(init: RootedInit, use: (found: Found) => T): T {
  const { anchor, path, last } = init
  const levels = init.resources.map(levelOf).toReversed()
  const [top, ...rest] = levels
  if (top === undefined) throw refusedResource('there is none')
  const start = openRoot(anchor, top.root)
  try {
    const standing = { start, names: [], fences: fenced([], 0, top) }
    return descend(anchor, standing, [top, ...rest], ({ start: root, names, fences }) =>
      walk({ anchor, start: root, path, last, gate: gateOf(names, fences, path.text) }, use),
    )
  } finally {
    start.close()
  }
}

function openRoot(anchor: Anchor, root: string): Held {
  try {
    return anchor.openRoot(root)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error
    throw rootNotFound()
  }
}

function rootNotFound(): EffectsError {
  const message = 'The root of the grant is not there, or is no directory'
  return new EffectsError(EFFECTS_CODES.rootNotFound, message)
}

/** Walks from root to root, and calls `use` at the last one. */
function descend<T>(
  anchor: Anchor,
  standing: Standing,
  [level, next, ...rest]: readonly Level[],
  use: (standing: Standing) => T,
): T {
  if (level === undefined || next === undefined) return use(standing)
  const { start, names, fences } = standing
  const goOn = (below: Omit<Standing, 'fences'>): T => {
    const inner = { ...below, fences: fenced(fences, below.names.length, next) }
    return descend(anchor, inner, [next, ...rest], use)
  }
  const steps = stepsBetween(level.root, next.root)
  if (steps.length === 0) return goOn(standing)
  const path = { text: pathText(steps), steps, isAbsolute: false, isDirectory: true }
  const gate = gateOf(names, fences, path.text)
  const passing = (to: readonly string[]): void => gate(to, false)
  return walk({ anchor, start, path, last: 'follow', gate: passing }, (found) => {
    if (found.entry === undefined) throw rootNotFound()
    return goOn({ start: found.entry, names: [...names, ...found.names] })
  })
}

function fenced(fences: readonly Fence[], depth: number, { within }: Level): readonly Fence[] {
  return within === undefined ? fences : [...fences, { depth, within }]
}

/** Lets pass what every fence lets pass. `names` begin at the root that was reached last. */
function gateOf(
  base: readonly string[],
  fences: readonly Fence[],
  path: string,
): (names: readonly string[], isLast: boolean) => void {
  return (names, isLast) => {
    if (fences.length === 0) return
    const full = [...base, ...names]
    for (const { depth, within } of fences) {
      const asked = full.slice(depth)
      if (within.some((prefix) => agrees(asked, prefix, isLast))) continue
      throw new EffectsError(
        EFFECTS_CODES.outsideWithin,
        `${shownPath(path)} leads to a place in the root that the grant does not hold`,
      )
    }
  }
}

/** Whether `asked` is `prefix` or below it; on the way, also whether it leads there. */
function agrees(asked: readonly string[], prefix: readonly string[], isLast: boolean): boolean {
  if (isLast && asked.length < prefix.length) return false
  const shared = Math.min(asked.length, prefix.length)
  for (let at = 0; at < shared; at += 1) if (asked[at] !== prefix[at]) return false
  return true
}

/** The names that lead from one root to the next. */
function stepsBetween(upper: string, lower: string): readonly string[] {
  const parts = (root: string): readonly string[] => root.split('/').filter((part) => part !== '')
  const [above, below] = [parts(upper), parts(lower)]
  const isBelow = above.every((part, at) => part === below[at])
  const steps = below.slice(above.length)
  if (!isBelow || steps.some((part) => part === '.' || part === '..')) {
    throw new EffectsError(
      EFFECTS_CODES.rootEscape,
      'The root of the grant does not lie within the root of the grant above it',
    )
  }
  return steps.map((part) => nameText(Buffer.from(part)))
}

function levelOf(resource: Resource): Level {
  const { kind, root, within } = resource
  if (kind !== 'fs') throw refusedResource('it is about something else')
  if (typeof root !== 'string' || !isAbsoluteRoot(root)) throw refusedResource('it has no root')
  if (within === undefined) return { root, within: undefined }
  if (!Array.isArray(within)) throw refusedResource('"within" is no list')
  return { root, within: within.map(prefixOf) }
}

function isAbsoluteRoot(root: string): boolean {
  return /^(?:[A-Za-z]:)?\//.test(root) && !root.includes('\0')
}

function prefixOf(prefix: unknown): readonly string[] {
  const { steps, isAbsolute } = parsePath(typeof prefix === 'string' ? prefix : '')
  if (isAbsolute || steps.includes('..')) throw refusedResource('"within" leads out of the root')
  return steps
}

function refusedResource(reason: string): EffectsError {
  return new EffectsError(EFFECTS_CODES.resource, `The grant gives no files: ${reason}`)
}
