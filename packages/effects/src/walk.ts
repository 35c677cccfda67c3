/**
 * The walk: from a directory that is held, step by step, to what a path leads to.
 *
 *     start ── name ──► held ── name ──► held ── last name ──► entry
 *       ▲                 │                │
 *       └────── ".." ─────┴───── ".." ─────┘       back to what is held, never to the disk's ".."
 *
 * 1. Every step begins in a directory that was reached from `start` by steps of this kind, and
 *    is taken by one name that is not followed. So nothing that is renamed meanwhile leads out.
 * 2. A link is not followed by the system: its target is read, and walked from where it lies. A
 *    target that begins with `/`, and a `..` above `start`, are refused before anything is looked
 *    at outside.
 * 3. Everything held is closed when the walk returns; what is to outlive it is opened anew.
 *
 * The trap: resolving a path first and opening it after. Whoever swaps a directory for a link in
 * between decides what is opened; measured on the usual guard, that is one try in forty.
 *
 * @source the rules for links are those of Go's `os.Root`
 */

import type { Stats } from 'node:fs'
import type { Anchor, Held } from './anchor.ts'
import { EFFECTS_CODES, type EffectsCode, EffectsError } from './errors.ts'
import { DEPTH_MAX, LINKS_MAX, STEPS_MAX } from './limits.ts'
import { type EntryPath, parseTarget } from './path.ts'
import { shownPath } from './shown.ts'

/** What may be there. */
export type EntryKind = 'file' | 'directory' | 'link' | 'other'

/** What a path leads to. */
export interface Found {
  /** The way that was really gone, links undone; empty for the start itself. */
  readonly names: readonly string[]
  /** The directory the last name lies in; `undefined` where the path leads to a held directory. */
  readonly parent: Held | undefined
  /** What is there; `undefined` when nothing is. */
  readonly entry: (Held & { readonly kind: EntryKind; readonly stats: Stats }) | undefined
}

/** How to walk. */
export interface WalkInit {
  readonly anchor: Anchor
  /** Stays the caller's. */
  readonly start: Held
  readonly path: EntryPath
  /** Whether a link of the last name is what is meant, or what it leads to. */
  readonly last: 'follow' | 'keep'
  /** Throws where the walk must not go: on the way (`isLast` false), and where it ends. */
  readonly gate: (names: readonly string[], isLast: boolean) => void
}

/**
 * Walks, and hands what was found to `use`; nothing of it is open afterwards.
 *
 * @throws {EffectsError} `ICE_EFFECTS_PATH_ESCAPE_DENIED`, `ICE_EFFECTS_LINK_LIMIT`,
 * `ICE_EFFECTS_PATH_LIMIT`, `ICE_EFFECTS_NOT_A_DIRECTORY_UNSUPPORTED`, what `gate` throws, and
 * errors of the system as they come
 */
export function walk<T>(init: WalkInit, use: (found: Found) => T): T {
  const walker = new Walker(init)
  try {
    return use(walker.find())
  } finally {
    walker.close()
  }
}

/** What kind of entry these are the stats of. */
export function kindOf(stats: Stats): EntryKind {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'link' : 'other'
}

class Walker {
  readonly #init: WalkInit
  /** Directories below the start, each in the one before; `#names` are their names. */
  readonly #held: Held[] = []
  readonly #names: string[] = []
  /** Steps to come, the next one last. */
  readonly #pending: string[]
  #entry: Held | undefined
  #mustBeDirectory: boolean
  #links = 0
  #steps = 0

  constructor(init: WalkInit) {
    this.#init = init
    if (init.path.isAbsolute) throw this.#outside('it is absolute')
    this.#pending = init.path.steps.toReversed()
    this.#mustBeDirectory = init.path.isDirectory
  }

  find(): Found {
    for (;;) {
      const name = this.#pending.pop()
      if (name === undefined) return this.#here()
      this.#steps += 1
      if (this.#steps > STEPS_MAX) {
        throw this.#refused(EFFECTS_CODES.pathLimit, `takes more than ${STEPS_MAX} steps`)
      }
      if (name === '..') {
        this.#back()
        continue
      }
      this.#init.gate([...this.#names, name], false)
      if (this.#pending.length > 0) this.#enter(name)
      else {
        const found = this.#arrive(name)
        if (found !== undefined) return found
      }
    }
  }

  close(): void {
    this.#entry?.close()
    for (const held of this.#held) held.close()
  }

  get #top(): Held {
    return this.#held.at(-1) ?? this.#init.start
  }

  #back(): void {
    const left = this.#held.pop()
    if (left === undefined) throw this.#outside('it climbs above it')
    this.#names.pop()
    left.close()
  }

  #enter(name: string): void {
    const held = this.#init.anchor.enter(this.#top, name)
    if (held === undefined) {
      this.#follow(name)
      return
    }
    this.#held.push(held)
    this.#names.push(name)
    if (this.#held.length > DEPTH_MAX) {
      throw this.#refused(EFFECTS_CODES.pathLimit, `lies more than ${DEPTH_MAX} directories deep`)
    }
  }

  /** What the last name is; `undefined` when it was a link, and there is more to walk. */
  #arrive(name: string): Found | undefined {
    const { anchor, last, gate } = this.#init
    const names = [...this.#names, name]
    const held = anchor.look(this.#top, name)
    if (held === undefined) {
      gate(names, true)
      return { names, parent: this.#top, entry: undefined }
    }
    this.#entry = held
    const stats = anchor.inspect(held)
    const kind = kindOf(stats)
    if (kind === 'link' && (last === 'follow' || this.#mustBeDirectory)) {
      this.#entry = undefined
      held.close()
      this.#follow(name)
      return undefined
    }
    gate(names, true)
    if (this.#mustBeDirectory && kind !== 'directory') throw this.#notADirectory()
    return { names, parent: this.#top, entry: { ...held, kind, stats } }
  }

  /** The path ended in `..` or is the start: what it leads to is held already. */
  #here(): Found {
    this.#init.gate(this.#names, true)
    const stats = this.#init.anchor.inspect(this.#top)
    return {
      names: this.#names,
      parent: undefined,
      entry: { ...this.#top, kind: 'directory', stats },
    }
  }

  /** Puts the steps of a link in the place of its name. */
  #follow(name: string): void {
    this.#links += 1
    if (this.#links > LINKS_MAX) {
      throw this.#refused(EFFECTS_CODES.linkLimit, `takes more than ${LINKS_MAX} links: a loop`)
    }
    const isLast = this.#pending.length === 0
    const target = this.#init.anchor.linkTarget(this.#top, name)
    if (target === undefined) {
      this.#again(name)
      return
    }
    const { steps, isAbsolute, isDirectory } = parseTarget(target)
    if (isAbsolute) throw this.#outside('a link on its way is absolute')
    this.#pending.push(...steps.toReversed())
    if (isLast && isDirectory) this.#mustBeDirectory = true
  }

  /** It was no directory, and is no link: a file, unless someone is renaming. */
  #again(name: string): void {
    const held = this.#init.anchor.look(this.#top, name)
    if (held !== undefined) {
      this.#entry = held
      const kind = kindOf(this.#init.anchor.inspect(held))
      this.#entry = undefined
      held.close()
      if (kind !== 'directory' && kind !== 'link' && this.#pending.length > 0)
        throw this.#notADirectory()
    }
    this.#pending.push(name)
  }

  #refused(code: EffectsCode, reason: string): EffectsError {
    return new EffectsError(code, `${shownPath(this.#init.path.text)} ${reason}`)
  }

  #outside(reason: string): EffectsError {
    const { pathEscape } = EFFECTS_CODES
    return this.#refused(pathEscape, `leads out of the grant's root: ${reason}`)
  }

  #notADirectory(): EffectsError {
    const reason = 'needs a directory where something else is, on its way or at its end'
    return this.#refused(EFFECTS_CODES.notADirectory, reason)
  }
}
