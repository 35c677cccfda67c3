/**
 * How a walk holds on to what it has reached: the calls it makes, without the way it goes.
 *
 * - `anchored` (Linux with `/proc`): a directory is a descriptor, and a name is opened below it.
 *   Whatever is renamed meanwhile, a step begins in the directory that was reached.
 * - `checked` (everywhere else): a directory is a path, looked at step by step and looked at again
 *   after opening. Someone who renames in between can win.
 *
 * All calls are synchronous, because each is short and a walk of eight of them through the thread
 * pool takes four times as long. They throw errors of the system as they come.
 */

import type { Buffer } from 'node:buffer'
import type { Stats } from 'node:fs'

/** What the system takes for a path; bytes where a name is not UTF-8. */
export type Place = string | Buffer

/** How strong the confinement to the root is. */
export type Containment = 'anchored' | 'checked'

/** Something a walk has reached, and holds until it is closed. */
export interface Held {
  /** Opening this opens exactly what is held (`anchored`), or what has its path (`checked`). */
  readonly place: Place
  close(): void
}

/** A directory that outlives the walk that found it. */
export interface HeldDirectory extends Held {
  /** Makes the names in it durable. */
  sync(): Promise<void>
}

/** The calls of a walk. */
export interface Anchor {
  readonly containment: Containment
  /** Opens the root itself; links on the way to it are its owner's and are followed. */
  openRoot(path: string): Held
  /** The directory of this name; `undefined` when something else is there. */
  enter(directory: Held, name: string): Held | undefined
  /** What has this name, unopened and not followed; `undefined` when nothing has. */
  look(directory: Held, name: string): Held | undefined
  /** What is held, as it is now. */
  inspect(held: Held): Stats
  /** Where the link of this name leads, each byte one character; `undefined` when it is none. */
  linkTarget(directory: Held, name: string): string | undefined
  /** Opens a file that is held, for reading. The descriptor is the caller's. */
  openFile(held: Held): number
  /** Opens a directory that is held, for reading. */
  openDirectory(held: Held): HeldDirectory
}
