/** Every bound of the process effects, with its unit and its reason. */

/** @units bytes of UTF-8 of all arguments of a call: a claim names them, and has room for these. */
export const ARGUMENT_BYTES_MAX = 3_072

/** @units arguments of a call: a claim has 256 values in all. */
export const ARGUMENTS_MAX = 160

/** @units environment variables of a call; their names are claimed too. */
export const VARIABLES_MAX = 32

/** @units bytes of UTF-8 of all variables of a call, names and values: half of what Linux takes in
 * one of them. Secrets in them come on top: they have a limit and a number of their own. */
export const VARIABLE_BYTES_MAX = 65_536

/** @units bytes of a stream that are kept when the call does not say how many. */
export const KEPT_BYTES_DEFAULT = 1_048_576

/** @units bytes of a stream that can be kept: both of them, in base64 or with every character of a
 * text escaped, still fit into one value. */
export const KEPT_BYTES_MAX: number = 3 * 1_048_576

/** @units bytes of a stream that are counted and digested; a program that writes more is ended. */
export const STREAM_BYTES_MAX: number = 64 * 1_048_576

/** @units milliseconds a program may take when the call does not say how many. */
export const WALL_MS_DEFAULT = 60_000

/** @units milliseconds a program may take at most. */
export const WALL_MS_MAX = 3_600_000

/** @units milliseconds between the signal that asks a program to end and the one that ends it. */
export const GRACE_MS = 2_000

/** @units milliseconds in which a box has to stand. */
export const START_MS = 10_000

/** @units milliseconds in which everything of a program that was killed has to be gone. */
export const GONE_MS = 5_000

/** @units milliseconds for the streams of a program that ended; beyond them somebody else holds
 * them open. */
export const DRAIN_MS = 500

/** @units milliseconds between two looks at a process that is not a child of this one. */
export const LOOK_MS = 2

/** @units seconds of processor time of each process: ten minutes of work. */
export const CPU_SECONDS = 600

/** @units bytes of memory: of all processes of a box where there is a control group, of the private
 * memory of each one everywhere. A build of a large program needs them. */
export const MEMORY_BYTES: number = 2 * 1_073_741_824

/** @units bytes of one file that a program writes. */
export const FILE_BYTES: number = 1_073_741_824

/** @units files a process may have open: the usual number. */
export const OPEN_FILES = 1_024

/** @units processes and threads of a box at once: a parallel build fits, a fork bomb does not. */
export const PROCESSES = 256

/** @units bytes of each private scratch folder of a box: `/tmp` and `/dev/shm`. They are memory. */
export const SCRATCH_BYTES: number = 256 * 1_048_576

/** @units number of the highest inherited descriptor that is closed for a program. */
export const DESCRIPTORS_MAX = 65_536
