/** Every bound of secrets, with its unit and its reason. */

/** @units bytes a secret has at least: a shorter one stands in too many texts by chance, so that
 * scrubbing it would garble what is recorded, and is guessed from any digest. */
export const SECRET_BYTES_MIN = 8

/** @units bytes a secret has at most: a private key, or the account of a service, with room. */
export const SECRET_BYTES_MAX = 8_192

/** @units secrets of one store: all their forms are looked for in everything that is recorded. */
export const SECRETS_MAX = 256

/** @units values of all names that are looked for, former ones too: a value that was replaced may
 * still come back. A store that replaces more has to be opened anew. */
export const SECRET_VALUES_MAX = 1_024

/** @units bytes of a file of secrets. */
export const SECRETS_FILE_BYTES_MAX = 1_048_576

/** @units characters that are hashed at a time; every form of a secret has more. */
export const WINDOW_CHARS = 8

/** @units characters of a form that are taken for the secret when the rest of it is missing. More
 * than the first line of a key in PEM, which is no secret. */
export const PART_CHARS_MIN = 32

/** @units characters of a text before and after a secret in a handle, and of a user's name. */
export const HANDLE_TEXT_CHARS_MAX = 4_096

/** @units characters a stream holds back at most, so that what is split is found. */
export const HOLD_CHARS_MAX = 1_048_576
