/** Every bound of the file effects, with its unit and its reason. */

/** @units bytes of UTF-8 of a path as it is written. What Linux takes (`PATH_MAX`). */
export const PATH_BYTES_MAX = 4_096

/** @units bytes of one name, escapes undone. What every common filesystem takes (`NAME_MAX`). */
export const NAME_BYTES_MAX = 255

/** @units links one walk follows. What Linux follows; a loop needs more. */
export const LINKS_MAX = 40

/** @units directories a walk holds open at once: a quarter of the usual 1,024 descriptors. */
export const DEPTH_MAX = 256

/** @units steps of one walk, links undone. A walk holds its turn, and this ends it within tens
 * of milliseconds however its links multiply. */
export const STEPS_MAX = 4_096

/** @units bytes `fs.read` reads when the call does not say how many. */
export const READ_BYTES_DEFAULT = 1_048_576

/** @units bytes `fs.read` can give: in base64 or with escapes they still fit into one value. */
export const READ_BYTES_MAX: number = 8 * 1_048_576

/** @units bytes `fs.read` can fold: as many as a number counts; nothing is held but a chunk. */
export const FOLD_BYTES_MAX: number = Number.MAX_SAFE_INTEGER

/** @units bytes of one write; they travel in the arguments, which are recorded. */
export const WRITE_BYTES_MAX: number = 8 * 1_048_576

/** @units bytes of a file that are kept with the outcome of a change, so that it can be undone: as
 * many as one write brings. They stand in the log. Of a larger file nothing is kept. */
export const KEPT_BYTES_MAX: number = 8 * 1_048_576

/** @units bytes read or written between two turns of the event loop. */
export const CHUNK_BYTES = 262_144

/** @units entries of a page of `fs.list` when the call does not say how many. */
export const LIST_ENTRIES_DEFAULT = 1_000

/** @units entries a page of `fs.list` can have. Paging on reads the directory again. */
export const LIST_ENTRIES_MAX = 20_000

/** @units bytes of names in a page, so that hostile names do not outgrow one value. */
export const LIST_NAME_BYTES_MAX: number = 4 * 1_048_576

/** @units entries looked at between two turns of the event loop. */
export const LIST_BATCH_ENTRIES = 512

/** @units UTF-16 units of a path in a message: enough to find it, too few to fill a page. */
export const SHOWN_PATH_CHARS_MAX = 256
