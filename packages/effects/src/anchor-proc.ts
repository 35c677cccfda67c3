/**
 * The anchor on Linux: every step is a descriptor, and names are opened below `/proc/self/fd/<n>`.
 *
 * `/proc/self/fd/<n>` is no path that could be renamed: the kernel goes from it straight to the
 * directory behind the descriptor. With `O_NOFOLLOW` on the one name after it, the step can lead
 * nowhere but into that directory. This is `openat(2)`, which Node does not have.
 *
 * Directories and entries are held with `O_PATH`: that needs no permission to read, and does not
 * open what is there. A pipe is not joined and a device is not started by looking at it; a file is
 * opened for reading only after its kind is known, and through its own descriptor.
 */

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readlinkSync,
  type Stats,
  statSync,
} from 'node:fs'
import type { Anchor, Held, HeldDirectory } from './anchor.ts'
import { errnoOf } from './errno.ts'
import { below, syncDirectory } from './place.ts'

const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/** `O_PATH` of Linux, which Node does not name; the same on every processor Node runs on. */
const O_PATH = 0o10000000

interface Descriptor extends Held {
  readonly place: string
  readonly fd: number
}

function holding(fd: number): Descriptor {
  return { fd, place: `/proc/self/fd/${fd}`, close: () => closeSync(fd) }
}

function fdOf(held: Held): number {
  return (held as Descriptor).fd
}

/** Opens one name; `undefined` when the system gives one of these reasons. */
function opened(
  init: { readonly directory: Held; readonly name: string; readonly flags: number },
  reasons: readonly string[],
): Held | undefined {
  try {
    return holding(openSync(below(init.directory.place, init.name), init.flags))
  } catch (error) {
    if (reasons.includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

/** Files below descriptors. */
export const procAnchor: Anchor = {
  containment: 'anchored',

  openRoot(path: string): Held {
    return holding(openSync(path, O_PATH | O_DIRECTORY))
  },

  enter(directory: Held, name: string): Held | undefined {
    const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW
    return opened({ directory, name, flags }, ['ENOTDIR', 'ELOOP'])
  },

  look(directory: Held, name: string): Held | undefined {
    return opened({ directory, name, flags: O_PATH | O_NOFOLLOW }, ['ENOENT'])
  },

  inspect(held: Held): Stats {
    return fstatSync(fdOf(held))
  },

  linkTarget(directory: Held, name: string): string | undefined {
    try {
      return readlinkSync(below(directory.place, name), 'latin1')
    } catch (error) {
      if (errnoOf(error) === 'EINVAL') return undefined // no link, or none any more
      throw error
    }
  },

  openFile(held: Held): number {
    return openSync(held.place, O_RDONLY | O_NONBLOCK | O_NOCTTY)
  },

  openDirectory(held: Held): HeldDirectory {
    const own = holding(openSync(held.place, O_RDONLY | O_DIRECTORY))
    return { ...own, sync: () => syncDirectory(own.fd) }
  },
}

let usable: boolean | undefined

/** Whether names can be opened below descriptors here: tried once, on the root directory. */
export function isProcUsable(): boolean {
  usable ??= process.platform === 'linux' && leadsBack()
  return usable
}

function leadsBack(): boolean {
  const root = procAnchor.openRoot('/')
  try {
    const [direct, through] = [fstatSync(fdOf(root)), statSync(`${root.place}/.`)]
    return direct.ino === through.ino && direct.dev === through.dev
  } catch {
    return false // no /proc here, or one that shows nothing: the weaker anchor is taken, and said
  } finally {
    root.close()
  }
}
