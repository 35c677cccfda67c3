/**
 * What a program sees in its box: the options of bubblewrap.
 *
 *     /usr /bin /lib …      the machine's own, read-only
 *     /etc                  what the loader needs; with the network, what names and TLS need
 *     /proc                 of this box alone, read-only
 *     /dev                  null, zero, full, random, urandom, tty; nothing else
 *     /tmp /dev/shm         private, of bounded size
 *     reads                 what the grant shows, read-only
 *     root                  read-only, or to be written
 *     program               where it lies in none of these, the file alone
 *
 * 1. Everything is named here. There is no pattern, and nothing is taken over from a configuration.
 * 2. The options go in by a descriptor: a command line can be read by everybody on the machine, and
 *    in the box by the program. The environment goes in as options: bubblewrap itself has none, for
 *    `LD_PRELOAD` in it would be obeyed outside the box.
 * 3. `/proc` is read-only as a whole. Root's programs own `/proc/sys` also in a box, and who writes
 *    `core_pattern` there decides what the kernel starts outside.
 * 4. What is bound later lies over what was bound before: a root below `/tmp` is still there.
 */

import { lstatSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../errno.ts'
import { DEVICES } from './devices.ts'

/** Who a program is in its box. It is nobody who owns anything there but what it makes. */
export const BOX_ID = 1_000

/** What one box is made for. */
export interface BoxPlan {
  readonly program: string
  readonly root: string
  /** Absolute; the root or below it. */
  readonly cwd: string
  readonly reads: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly write: boolean
  readonly network: boolean
  /** @units bytes */
  readonly scratchBytes: number
  /** Where nodes of its own lie; `undefined` to see the machine's. */
  readonly devices: string | undefined
}

const SYSTEM = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'] as const

const LOADER = ['/etc/ld.so.cache', '/etc/alternatives', '/etc/localtime'] as const

const NAMES = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/services',
  '/etc/protocols',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/etc/ca-certificates.conf',
] as const

/** Where no root lies, and nothing that is shown: what the kernel says is not below it. */
const KERNEL = ['/proc', '/sys', '/dev'] as const

/** Whether a path is another or lies below it. */
export function isWithin(path: string, above: string): boolean {
  return path === above || path.startsWith(`${above}/`)
}

/** Whether a path is one of the kernel's own. */
export function isKernels(path: string): boolean {
  return KERNEL.some((above) => isWithin(path, above))
}

/** A folder of the system as it is: a link, or a folder; nothing where there is none. */
function systemFolder(name: string): readonly string[] {
  const path = `/${name}`
  try {
    const stats = lstatSync(path)
    if (stats.isSymbolicLink()) return ['--symlink', readlinkSync(path), path]
    return stats.isDirectory() ? ['--ro-bind', path, path] : []
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

function shownPaths(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => ['--ro-bind-try', path, path])
}

function deviceOptions(folder: string | undefined): readonly string[] {
  const own =
    folder === undefined
      ? []
      : DEVICES.flatMap((name) => ['--dev-bind', join(folder, name), `/dev/${name}`])
  return ['--dev', '/dev', ...own]
}

function scratch(path: string, bytes: number): readonly string[] {
  return ['--size', `${bytes}`, '--perms', '1777', '--tmpfs', path]
}

/** Whether the program is seen in the box without being shown by itself. */
function isSeen({ program, root, reads }: BoxPlan): boolean {
  const system = ['/usr', ...SYSTEM.map((name) => `/${name}`)]
  return [...system, ...reads, root].some((above) => isWithin(program, above))
}

/** The options of bubblewrap, but for descriptors and the program. */
export function boxOptions(plan: BoxPlan): readonly string[] {
  const { root, cwd, reads, env, write, network, scratchBytes, program } = plan
  const id = `${BOX_ID}`
  return [
    ...['--unshare-all', '--unshare-user', '--disable-userns', ...(network ? ['--share-net'] : [])],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--uid', id, '--gid', id],
    ...['--hostname', 'box', '--clearenv'],
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--ro-bind', '/usr', '/usr', ...SYSTEM.flatMap(systemFolder)],
    ...shownPaths(network ? [...LOADER, ...NAMES] : LOADER),
    ...['--proc', '/proc', '--remount-ro', '/proc'],
    ...deviceOptions(plan.devices),
    ...scratch('/dev/shm', scratchBytes),
    ...['--remount-ro', '/dev'],
    ...scratch('/tmp', scratchBytes),
    ...shownPaths(reads),
    ...[write ? '--bind' : '--ro-bind', root, root],
    ...(isSeen(plan) ? [] : ['--ro-bind', program, program]),
    ...['--remount-ro', '/', '--chdir', cwd],
  ]
}
