/**
 * The anchor where there is no `/proc`: directories are paths, and are looked at twice.
 *
 * Each step is looked at without following it, so a link is seen and judged as it is on Linux.
 * What is opened is then held against what was looked at, and its real path against the root.
 * Between the look and the opening someone else can rename: that is why this is the weaker one.
 */

import { Buffer } from 'node:buffer'
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs'
import { sep } from 'node:path'
import type { Anchor, Held, HeldDirectory, Place } from './anchor.ts'
import { errnoOf } from './errno.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'
import { below, syncDirectory } from './place.ts'
import { windowsNameFault } from './windows.ts'

// Windows knows only the first; what it does not know adds nothing to the flags.
const { O_RDONLY } = constants
const { O_DIRECTORY = 0, O_NOCTTY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

const isWindows = process.platform === 'win32'

interface Path extends Held {
  /** The real path of the root, which everything reached must lie in. */
  readonly root: string
}

function holding(root: string, place: Place): Path {
  return { root, place, close: () => undefined }
}

function rootOf(held: Held): string {
  return (held as Path).root
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.dev === other.dev
}

/** Whether a real path, each byte one character, is the root or lies below it. */
function liesIn(root: string, real: string): boolean {
  const top = Buffer.from(root).toString('latin1')
  return real === top || real.startsWith(top.endsWith(sep) ? top : top + sep)
}

function moved(): EffectsError {
  return new EffectsError(
    EFFECTS_CODES.pathEscape,
    'What was opened is not what was looked at: someone renamed in between',
  )
}

function place(directory: Held, name: string): Place {
  const fault = isWindows ? windowsNameFault(name) : undefined
  if (fault !== undefined) throw new EffectsError(EFFECTS_CODES.pathUnsupported, fault)
  return below(directory.place, name)
}

/** Opens what is held, and makes sure that it is that, and lies in the root. */
function openSame(held: Held, flags: number): number {
  const seen = lstatSync(held.place, { bigint: true })
  const fd = openSync(held.place, flags | O_NOFOLLOW)
  try {
    const isInside = liesIn(rootOf(held), realpathSync.native(held.place, 'latin1'))
    if (!isInside || !isSame(seen, fstatSync(fd, { bigint: true }))) throw moved()
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Files at paths. */
export const checkedAnchor: Anchor = {
  containment: 'checked',

  openRoot(path: string): Held {
    const root = realpathSync.native(path)
    const fd = openSync(root, O_RDONLY | O_DIRECTORY)
    closeSync(fd)
    return holding(root, root)
  },

  enter(directory: Held, name: string): Held | undefined {
    const inner = place(directory, name)
    return lstatSync(inner).isDirectory() ? holding(rootOf(directory), inner) : undefined
  },

  look(directory: Held, name: string): Held | undefined {
    const inner = place(directory, name)
    const isThere = lstatSync(inner, { throwIfNoEntry: false }) !== undefined
    return isThere ? holding(rootOf(directory), inner) : undefined
  },

  inspect(held: Held): Stats {
    return lstatSync(held.place)
  },

  linkTarget(directory: Held, name: string): string | undefined {
    try {
      const target = readlinkSync(place(directory, name), 'latin1')
      if (!isWindows) return target
      const slashed = target.replaceAll('\\', '/')
      return /^[A-Za-z]:/.test(slashed) ? `/${slashed}` : slashed
    } catch (error) {
      if (errnoOf(error) === 'EINVAL' || errnoOf(error) === 'UNKNOWN') return undefined
      throw error
    }
  },

  openFile(held: Held): number {
    return openSame(held, O_RDONLY | O_NONBLOCK | O_NOCTTY)
  },

  openDirectory(held: Held): HeldDirectory {
    const same = holding(rootOf(held), held.place)
    if (isWindows) return { ...same, sync: async () => undefined }
    const fd = openSame(held, O_RDONLY | O_DIRECTORY)
    return { ...same, close: () => closeSync(fd), sync: () => syncDirectory(fd) }
  },
}
