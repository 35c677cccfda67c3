/** Every bound of patches, with its unit and its reason. */

/** @units bytes of a patch; it travels in the arguments, which are recorded. */
export const PATCH_BYTES_MAX = 1_048_576

/** @units hunks of a patch. */
export const PATCH_HUNKS_MAX = 4_096

/** @units bytes of the file a patch makes, when the call does not say how many. */
export const PATCH_RESULT_BYTES_DEFAULT = 1_048_576

/** @units bytes of a file that is patched, before and after: it is held in memory. */
export const PATCHED_BYTES_MAX: number = 8 * 1_048_576

/** @units characters of the diff that a preview shows; more is left out, and said so. */
export const PREVIEW_CHARS_MAX = 65_536

/** @units bytes of a file that is digested before it is replaced or deleted; of a larger one its
 * size is told alone. */
export const BEFORE_BYTES_MAX: number = 64 * 1_048_576
