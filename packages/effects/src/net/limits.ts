/** Every bound of the network effects, with its unit and its reason. */

/** @units characters of a URL: what common servers take in a request line. */
export const URL_CHARS_MAX = 8_192

/** @units headers a call may set. */
export const REQUEST_HEADERS_MAX = 64

/** @units characters of all headers a call sets, names and values: what common servers take. */
export const REQUEST_HEADER_CHARS_MAX = 8_192

/** @units bytes of a request's body; they travel in the arguments, which are recorded. */
export const REQUEST_BYTES_MAX: number = 8 * 1_048_576

/** @units bytes of the head of an answer, its status line included: Node's own default. */
export const ANSWER_HEAD_BYTES_MAX = 16_384

/** @units bytes of an answer's body when the call does not say how many. */
export const ANSWER_BYTES_DEFAULT = 1_048_576

/** @units bytes of an answer's body that can be given: in base64, or with every character of a
 * text escaped, they still fit into one value. */
export const ANSWER_BYTES_MAX: number = 7 * 1_048_576

/** @units bytes of an answer's body that can be folded: nothing is held but a chunk. */
export const ANSWER_FOLD_BYTES_MAX: number = Number.MAX_SAFE_INTEGER

/** @units characters of one header of an answer that is given on; a longer one is left out. */
export const ANSWER_HEADER_CHARS_MAX = 2_048

/** @units redirects of one call. */
export const REDIRECTS_MAX = 5

/** @units addresses a name may have; all are checked, so a name with more is refused. */
export const ADDRESSES_MAX = 64

/** @units addresses of a name that are tried, in the order of the resolver. */
export const CONNECTIONS_MAX = 4

/** @units milliseconds for looking up a name, connecting and the TLS handshake, each time. */
export const CONNECT_MS = 10_000

/** @units milliseconds from the connection to the end of an answer's head. Trickling bytes does
 * not prolong it. */
export const HEAD_MS = 30_000

/** @units milliseconds between two parts of an answer's body. */
export const IDLE_MS = 30_000

/** @units milliseconds of a call, redirects included, when it does not say how many. */
export const TOTAL_MS_DEFAULT = 60_000

/** @units milliseconds a call may take at most. */
export const TOTAL_MS_MAX = 600_000

/** @units characters of a URL in a message or an observation. */
export const SHOWN_URL_CHARS_MAX = 512
