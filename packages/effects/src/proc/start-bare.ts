/**
 * Starting a program without a box, where the grant says so: a session of its own, limits, an
 * environment of its own, a directory that is held; and nothing else between it and the machine.
 *
 * The limits come with the program, from `prlimit`, which becomes the program. How many processes
 * there are is not limited: that would count all of the user's.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { errnoOf } from '../errno.ts'
import { capOptions } from './caps.ts'
import { inheritedDescriptors, slotsWithout } from './descriptors.ts'
import { PROCESS_CODES, ProcessError } from './errors.ts'
import type { Settings } from './options.ts'
import { endOf, type Running } from './running.ts'
import { send } from './status.ts'

/** What to start. */
export interface BareInit {
  readonly settings: Settings
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** A directory that is held open. */
  readonly cwd: string
  /** How the program is told of it. */
  readonly shownCwd: string
  readonly hasInput: boolean
}

/** Starts a program. @throws {ProcessError} `ICE_EFFECTS_PROC_START_UNAVAILABLE` */
export function startBare(init: BareInit): Running {
  const child = spawned(init)
  const ended = endOf(child)
  const { pid } = child
  if (pid === undefined) {
    // Why is told by an event; that it did not start is known now.
    child.once('error', () => undefined)
    throw new ProcessError(PROCESS_CODES.start, 'The program was not started: the system refused')
  }
  const group = (signal: NodeJS.Signals): void => send(-pid, signal)
  return {
    child,
    ended,
    held: { kind: 'none' },
    terminate: () => group('SIGTERM'),
    kill: () => group('SIGKILL'),
    gone: async () => true,
    close: () => undefined,
  }
}

function spawned({
  settings,
  program,
  args,
  env,
  cwd,
  shownCwd,
  hasInput,
}: BareInit): ChildProcess {
  const caps = capOptions(settings.limits, { countsProcesses: false })
  const blank = openSync('/dev/null', constants.O_RDWR)
  try {
    return spawn(settings.prlimit, [...caps, '--', program, ...args], {
      stdio: slotsWithout(
        inheritedDescriptors(),
        [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
        blank,
      ),
      env: { ...env, PWD: shownCwd },
      cwd,
      detached: true,
    })
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined) throw error
    const message = 'The program was not started: the system refused'
    throw new ProcessError(PROCESS_CODES.start, message, { errno })
  } finally {
    closeSync(blank)
  }
}
