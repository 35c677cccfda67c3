/** What `/proc` says of a process that is not a child of this one. */

import { readFileSync } from 'node:fs'
import { errnoOf } from '../errno.ts'

/** A process, told from a later one of the same number. */
export interface Identity {
  readonly pid: number
  /** When it began, in ticks since the machine did. */
  readonly began: string
}

/** The third field of `stat` and those after it; `undefined` when there is no such process. */
function fieldsOf(pid: number): readonly string[] | undefined {
  const stat = readProcess(pid, 'stat')
  // The second field is the name of the program in brackets, which may hold brackets and spaces.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** A file of a process in `/proc`; `undefined` when there is no such process. */
export function readProcess(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined
    throw error
  }
}

/** Takes note of a process; `undefined` when there is none. */
export function identityOf(pid: number): Identity | undefined {
  const began = fieldsOf(pid)?.[19]
  return began === undefined ? undefined : { pid, began }
}

/** Whether it still runs. One that ended and waits to be taken note of does not. */
export function isRunning({ pid, began }: Identity): boolean {
  const fields = fieldsOf(pid)
  if (fields === undefined || fields[19] !== began) return false
  return fields[0] !== 'Z' && fields[0] !== 'X'
}

/** Sends a signal to a process group, if its first process is still the one that was noted. */
export function signalGroup(identity: Identity, signal: NodeJS.Signals): void {
  if (isRunning(identity)) send(-identity.pid, signal)
}

/** Sends a signal to a process, if it is still the one that was noted. */
export function signalProcess(identity: Identity, signal: NodeJS.Signals): void {
  if (isRunning(identity)) send(identity.pid, signal)
}

/** Sends a signal; there may be nobody any more. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}
