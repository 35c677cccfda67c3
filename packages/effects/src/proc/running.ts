/** A program that was started, whichever way: what its supervisor may do to it. */

import type { ChildProcess } from 'node:child_process'

/** How a program ended, as far as this process was told. */
export interface Ending {
  /** Of a program in a box, 128 and a number says that this signal ended it. */
  readonly exitCode: number | null
  readonly signal: string | null
}

/** A program that runs. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ending>
  /** Asks it to end. */
  terminate(): void
  /** Ends it, and everything it started that can be reached. */
  kill(): void
  /** Waits until nothing of it is left. @returns whether that came about */
  gone(): Promise<boolean>
  /** What is told of how it was held. */
  readonly held: Held
  /** Lets go of what was made for it. */
  close(): void
}

/** How a program was held, for auditors. */
export type Held =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'bubblewrap'
      readonly root: 'read' | 'write'
      readonly network: 'none' | 'machine'
      /** What counts the processes: the user's own limit, or a control group. */
      readonly processes: 'rlimit' | 'cgroup'
      /** Whose memory is held: that of each process, or of all together too. */
      readonly memory: 'each' | 'all'
      readonly syscalls: 'filtered' | 'open'
    }

/** Waits for the end of a child. */
export function endOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
}
