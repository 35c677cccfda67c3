/** How the process effects are made. */

import {
  CPU_SECONDS,
  FILE_BYTES,
  GRACE_MS,
  MEMORY_BYTES,
  OPEN_FILES,
  PROCESSES,
  SCRATCH_BYTES,
} from './limits.ts'

/** Caps on every program; see `limits.ts` for what they are otherwise. */
export interface ProcessLimits {
  /** Of each process. @units seconds of processor time */
  readonly cpuSeconds?: number
  /** @units bytes */
  readonly memoryBytes?: number
  /** Of one file that is written. @units bytes */
  readonly fileBytes?: number
  readonly openFiles?: number
  /** In a box alone. */
  readonly processes?: number
  /** Of `/tmp` and of `/dev/shm`, each. @units bytes */
  readonly scratchBytes?: number
  /** @units milliseconds */
  readonly graceMs?: number
}

/** Options of `processEffects`. */
export interface ProcessOptions {
  /** Where bubblewrap is. @defaultValue `/usr/bin/bwrap` */
  readonly bubblewrap?: string
  /** Where `prlimit` of util-linux is. @defaultValue `/usr/bin/prlimit` */
  readonly prlimit?: string
  readonly limits?: ProcessLimits
}

/** Options with everything in its place. */
export interface Settings {
  readonly bubblewrap: string
  readonly prlimit: string
  readonly limits: Required<ProcessLimits>
}

/** Fills in what was left out. */
export function settingsOf(options: ProcessOptions): Settings {
  return {
    bubblewrap: options.bubblewrap ?? '/usr/bin/bwrap',
    prlimit: options.prlimit ?? '/usr/bin/prlimit',
    limits: {
      cpuSeconds: CPU_SECONDS,
      memoryBytes: MEMORY_BYTES,
      fileBytes: FILE_BYTES,
      openFiles: OPEN_FILES,
      processes: PROCESSES,
      scratchBytes: SCRATCH_BYTES,
      graceMs: GRACE_MS,
      ...options.limits,
    },
  }
}
