/**
 * Descriptors that a program must not inherit.
 *
 * Node opens everything so that it is closed for a program it starts. What this process itself was
 * started with may not be: the shell, the supervisor or the harness above it can have left files
 * and sockets open, and whoever is started gets them too.
 *
 * The trap: an inherited descriptor of a directory leads out of every box.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { errnoOf } from '../errno.ts'
import { PROCESS_CODES, ProcessError } from './errors.ts'
import { DESCRIPTORS_MAX } from './limits.ts'

/** `O_CLOEXEC` of Linux, the same on every processor Node runs on. */
const O_CLOEXEC = 0o2000000

/** Whether a descriptor of this process is handed on; one that is closed by now is not. */
function isInherited(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))
    return flags?.[1] === undefined || (Number.parseInt(flags[1], 8) & O_CLOEXEC) === 0
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

/**
 * The descriptors above the standard three that a program started now would inherit.
 *
 * @throws {ProcessError} `ICE_EFFECTS_PROC_START_UNAVAILABLE` — one is too high to be closed
 */
export function inheritedDescriptors(): readonly number[] {
  const all = readdirSync('/proc/self/fdinfo').map(Number)
  const inherited = all.filter((fd) => fd > 2 && isInherited(fd))
  if (inherited.every((fd) => fd < DESCRIPTORS_MAX)) return inherited
  throw new ProcessError(
    PROCESS_CODES.start,
    `This process inherited a descriptor above ${DESCRIPTORS_MAX}, and would hand it on`,
  )
}

/** What `spawn` takes for one descriptor. */
export type Slot = 'ignore' | 'pipe' | number

/**
 * Slots for a program: the first ones as wanted, then `blank` in the place of what it would
 * inherit.
 *
 * @param blank - an open descriptor of nothing
 */
export function slotsWithout(
  inherited: readonly number[],
  wanted: readonly Slot[],
  blank: number,
): Slot[] {
  const slots: Slot[] = [...wanted]
  for (const fd of inherited) {
    while (slots.length < fd) slots.push('ignore')
    if (slots.length === fd) slots.push(blank)
    else if (fd >= wanted.length) slots[fd] = blank
  }
  return slots
}
