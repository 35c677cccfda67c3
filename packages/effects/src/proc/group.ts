/**
 * The control group of a box: how many processes it has, and how much memory all of them.
 *
 * The kernel holds no limit on processes against its superuser, whose identity a program has in a
 * box that this process starts as root. So there the group is what a box cannot do without; for
 * everybody else `RLIMIT_NPROC` counts within the box, and the group is not used.
 *
 *     version 1   a folder in the hierarchy of `pids`, and one in that of `memory`
 *     version 2   one folder below the group of this process, or beside it
 */

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../errno.ts'

/** A control group that holds nothing yet. */
export interface ControlGroup {
  /** Whether the memory of all processes is held too. */
  readonly holdsMemory: boolean
  join(pid: number): void
  /** Removes it. Everything in it has ended. */
  close(): void
}

/** What is held. */
export interface GroupLimits {
  readonly processes: number
  readonly memoryBytes: number
}

const PREFIX = 'ice-'
let made = 0

/** A name that tells whose it is, for whoever finds it left behind. */
export function ownName(): string {
  made += 1
  return `${PREFIX}${process.pid}-${made}`
}

/** Whether a name is of ours and its process is gone. */
export function isLeftBehind(name: string): boolean {
  const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : 0
  if (!Number.isSafeInteger(pid) || pid < 1 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return errnoOf(error) === 'ESRCH'
  }
}

/** Where the group of this process lies for a controller, `''` for version 2. */
function ownFolder(controller: string): string | undefined {
  const line = readFileSync('/proc/self/cgroup', 'latin1')
    .split('\n')
    .map((text) => text.split(':'))
    .find(([, names]) => names?.split(',').includes(controller))
  const mount = readFileSync('/proc/self/mounts', 'latin1')
    .split('\n')
    .map((text) => text.split(' '))
    .find(([, , type, options]) =>
      controller === ''
        ? type === 'cgroup2'
        : type === 'cgroup' && options?.split(',').includes(controller),
    )
  const [path, place] = [line?.slice(2).join(':'), mount?.[1]]
  return path === undefined || place === undefined ? undefined : join(place, path)
}

/** Makes a folder in which these files take these values, or nothing. */
function folderWith(parent: string, values: Readonly<Record<string, string>>): string | undefined {
  let folder: string | undefined
  try {
    sweep(parent)
    const path = join(parent, ownName())
    mkdirSync(path)
    folder = path
    for (const [file, value] of Object.entries(values)) writeFileSync(join(path, file), value)
    return path
  } catch (error) {
    // Not ours to make, or without this controller: whoever needs it is told that there is none.
    if (errnoOf(error) === undefined) throw error
    if (folder !== undefined) rmdirSync(folder)
    return undefined
  }
}

/** Removes what processes that were killed left behind. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent).filter(isLeftBehind)) removed(join(parent, name))
}

function removed(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    // Something is in it that its owner did not live to end, or another process was quicker.
    if (errnoOf(error) !== 'EBUSY' && errnoOf(error) !== 'ENOENT') throw error
  }
}

function groupOf(folders: readonly string[], holdsMemory: boolean): ControlGroup {
  return {
    holdsMemory,
    join(pid) {
      for (const folder of folders) writeFileSync(join(folder, 'cgroup.procs'), `${pid}`)
    },
    close() {
      for (const folder of folders) removed(folder)
    },
  }
}

/** A group of version 2: below that of this process, or beside it. */
function unifiedGroup({ processes, memoryBytes }: GroupLimits): ControlGroup | undefined {
  const own = ownFolder('')
  if (own === undefined) return undefined
  const values = { 'pids.max': `${processes}`, 'memory.max': `${memoryBytes}` }
  for (const parent of [own, join(own, '..')]) {
    const folder = folderWith(parent, values)
    if (folder !== undefined) return groupOf([folder], true)
  }
  return undefined
}

/** Folders in the two hierarchies of version 1. */
function separateGroup({ processes, memoryBytes }: GroupLimits): ControlGroup | undefined {
  const [pids, memory] = [ownFolder('pids'), ownFolder('memory')]
  const counting = pids === undefined ? undefined : folderWith(pids, { 'pids.max': `${processes}` })
  if (counting === undefined) return undefined
  const holding =
    memory === undefined
      ? undefined
      : folderWith(memory, { 'memory.limit_in_bytes': `${memoryBytes}` })
  return holding === undefined ? groupOf([counting], false) : groupOf([counting, holding], true)
}

/** Makes a control group; `undefined` where this process cannot. */
export function controlGroup(limits: GroupLimits): ControlGroup | undefined {
  // One more: the process that waits for all others in a box is in it too.
  const whole = { ...limits, processes: limits.processes + 1 }
  return separateGroup(whole) ?? unifiedGroup(whole)
}
