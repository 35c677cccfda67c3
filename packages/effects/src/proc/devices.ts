/**
 * The devices of a box that is started by root: nodes of its own.
 *
 * bubblewrap shows the machine's own `/dev/null` and its like. To whoever is not root they can be
 * read and written, and that is all. Root's programs own them, in a box too: `chmod 0 /dev/null`
 * would take it from the whole machine. Read-only mounts do not help, because bubblewrap makes them
 * without devices. So root's boxes get copies, and each call has its own.
 */

import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../errno.ts'
import { isLeftBehind, ownName } from './group.ts'
import { ran } from './helper.ts'

const FOLDER = '/dev'
const COPY = '/usr/bin/cp'

/** Those that every program may expect. */
export const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const

/** Copies of the devices. */
export interface Devices {
  readonly folder: string
  close(): void
}

/** Makes copies; `undefined` where this process cannot. */
export async function ownDevices(): Promise<Devices | undefined> {
  for (const name of readdirSync(FOLDER).filter(isLeftBehind)) removed(join(FOLDER, name))
  const folder = join(FOLDER, ownName())
  const sources = DEVICES.map((name) => join(FOLDER, name))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
  if (await ran(COPY, ['-a', ...sources, folder])) return { folder, close: () => removed(folder) }
  removed(folder)
  return undefined
}

function removed(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}
