/**
 * The caps of the kernel on one process and what it starts: the options of `prlimit`.
 *
 * Memory is `RLIMIT_DATA`, private memory that can be written, and not the address space: what
 * compiles or collects garbage reserves far more addresses than it ever uses.
 *
 * A core limit of one byte, and not of none: the kernel starts the machine's crash handler for a
 * limit of none, outside of every box, and not for a limit of one.
 *
 * @source fs/coredump.c of Linux: `cprm.limit == 1`
 */

import type { ProcessLimits } from './options.ts'

/** Seconds between the signal that tells of the cap on processor time and the one that ends. */
const CPU_GRACE_SECONDS = 2

/** The options, each limit soft and hard. */
export function capOptions(
  limits: Required<ProcessLimits>,
  { countsProcesses }: { readonly countsProcesses: boolean },
): readonly string[] {
  const { cpuSeconds, memoryBytes, fileBytes, openFiles, processes } = limits
  return [
    '--core=1:1',
    `--cpu=${cpuSeconds}:${cpuSeconds + CPU_GRACE_SECONDS}`,
    `--data=${memoryBytes}:${memoryBytes}`,
    `--fsize=${fileBytes}:${fileBytes}`,
    `--nofile=${openFiles}:${openFiles}`,
    ...(countsProcesses ? [`--nproc=${processes}:${processes}`] : []),
  ]
}
