/** Every bound of the survey, with its unit and its reason: none grows with the folder. */

/** @units reads in flight when the input does not say how many. */
export const CONCURRENCY_DEFAULT = 32

/** @units reads in flight at most: each holds a chunk of 256 KiB. */
export const CONCURRENCY_MAX = 64

/** @units directories listed at once: a page can be large, four are not. */
export const LISTS_AT_ONCE = 4

/** @units entries of a page while little is pending: paging on reads a directory again. */
export const PAGE_ENTRIES_MAX = 20_000

/** @units entries of a page when much is pending: with 256 levels this still bounds the stack. */
export const PAGE_ENTRIES_MIN = 1_000

/** @units entries that may wait (directories to list, files to read) before pages get small. */
export const PENDING_ENTRIES_MAX = 60_000

/** @units bytes of a step id, some left for the prefix: a longer path is named by its digest. */
export const STEP_PATH_BYTES_MAX = 480

/** @units bytes in which a NUL makes a file binary: git looks at as many. */
export const BINARY_LOOK_BYTES = 8_000

/** @units bytes of the beginning of a file kept for its shebang and its licence tag. */
export const HEAD_BYTES_MAX = 2_048

/** @units bytes of a licence's text that are kept to recognise it. */
export const LICENCE_BYTES_MAX = 65_536

/** @units bytes of a manifest that are parsed; a larger one is counted and said to be too large. */
export const MANIFEST_BYTES_MAX: number = 512 * 1_024

/** @units dependencies of one manifest that are named; all are counted. */
export const DEPENDENCIES_NAMED_MAX = 200

/** @units manifests that are shown with their dependencies; all are counted. */
export const MANIFESTS_NAMED_MAX = 200

/** @units UTF-16 units of a dependency's name or version, and of a licence's name. */
export const NAME_CHARACTERS_MAX = 120

/** @units licences and tags told apart; the others are counted together. */
export const LICENCES_MAX = 100

/** @units licence files that are named; all are counted. */
export const LICENCE_FILES_NAMED_MAX = 50

/** @units paths named for one reason of leaving something out; all are counted. */
export const SKIPPED_NAMED_MAX = 20

/** @units reasons of leaving something out told apart; the others are counted together. */
export const SKIPPED_REASONS_MAX = 40

/** @units files named as having the most marks. */
export const MARKED_NAMED_MAX = 10

/** @units UTF-16 units of a manifest's line that is looked at. */
export const LINE_CHARACTERS_MAX = 2_000

/** @units lines one value of a TOML manifest may have. */
export const VALUE_LINES_MAX = 10_000
