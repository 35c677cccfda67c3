/**
 * How a process of the demonstration is kept small, whatever the size of the folder.
 *
 * Little of what a survey makes, and of what is read of a log, lives longer than a round. Without
 * a bound V8 lets the young generation grow with the machine's memory, and a hundred thousand
 * files take twice as much. The bound can only be given when a process is started.
 */
export const MEMORY_FLAGS: readonly string[] = [
  '--max-semi-space-size=4',
  '--max-old-space-size=160',
]
