/** Every bound of the sandbox, with its unit and its reason. */

/** @units bytes of UTF-8 of a source when its limits do not say how many. */
export const SOURCE_BYTES_DEFAULT = 262_144

/** @units bytes of UTF-8 of a source: what parsing takes of fuel and memory stays within both. */
export const SOURCE_BYTES_MAX: number = 2 * 1_048_576

/** @units units of fuel (calls and loop turns of the engine) of a guest when its limits do not say
 * how many: about a second on the machine this was measured on. */
export const FUEL_DEFAULT = 500_000_000

/** @units units of fuel: about an hour. A guest holds its host's turn while it computes. */
export const FUEL_MAX = 1_000_000_000_000

/** @units bytes of a guest's heap when its limits do not say how many. */
export const MEMORY_BYTES_DEFAULT: number = 64 * 1_048_576

/** @units bytes of a guest's heap. */
export const MEMORY_BYTES_MAX: number = 256 * 1_048_576

/** @units bytes of a guest's heap at least: what a small program needs beside the built-ins. */
export const MEMORY_BYTES_MIN: number = 1_048_576

/** @units pages of 65,536 bytes an instance can have: the largest heap, and a quarter for what the
 * allocator leaves between. */
export const PAGES_MAX = 5_120

/** @units bytes of the engine's own stack. A guest's functions end here first, some 400 deep, with
 * a `RangeError` that the guest can catch; what the engine does by itself may end at its frames. */
export const GUEST_STACK_BYTES = 98_304

/** @units bytes of frames of the engine's functions, by their locals. Measured: the smallest sum
 * at which the host's default stack of 984 KiB was full is 907,000, optimised or not. This is
 * little more than half, so it is this that ends a guest, and not the machine. */
export const FRAME_BYTES_MAX = 524_288

/** @units bytes of JSON of one value that goes in or out when the limits do not say how many. */
export const VALUE_BYTES_DEFAULT: number = 4 * 1_048_576

/** @units bytes of JSON of one value that goes in or out. */
export const VALUE_BYTES_MAX: number = 16 * 1_048_576

/** @units levels of one value that goes in or out: what the strict parser takes, less what the
 * bridge puts around it. */
export const VALUE_DEPTH_MAX = 60

/** @units nodes of one value that goes in or out: what the strict parser takes by default. */
export const VALUE_NODES_MAX = 100_000

/** @units steps a guest waits for at once when its limits do not say how many. */
export const PENDING_DEFAULT = 256

/** @units steps a guest waits for at once. Each is a promise of the host. */
export const PENDING_MAX = 10_000

/** @units scopes a guest makes. Each is a context of the host. */
export const SCOPES_MAX = 10_000

/** @units handles one guest is given. Each holds a value of the host. */
export const HANDLES_MAX = 100_000

/** @units UTF-16 units of the name, and of the code, of an error a guest threw. */
export const ERROR_NAME_CHARS_MAX = 128

/** @units UTF-16 units of the message of an error a guest threw. */
export const ERROR_MESSAGE_CHARS_MAX = 1_024

/** @units UTF-16 units of the stack of an error a guest threw. */
export const ERROR_STACK_CHARS_MAX = 2_048

/** @units instances that wait for their next guest. Each keeps what it starts with, 1.4 MB. */
export const SEATS_KEPT_MAX = 4
