/**
 * Every bound of this package, with its unit and its reason.
 *
 * Bounds are part of the contract: input one step past them is refused with a coded error, never
 * truncated in silence (error records excepted, which say when something was left out).
 */

/** Bytes of a stream id; room for kind, scope and an id, and still a short line. */
export const STREAM_ID_BYTES_MAX: number = 256

/** Bytes of an agent or session id: leaves room for a kind beside it in a stream id. */
export const SEGMENT_BYTES_MAX: number = 128

/** Bytes of a principal or owner id: holds `key:` and a SHA-512 digest in base64. */
export const PRINCIPAL_BYTES_MAX: number = 128

/** Bytes of JSON text one parse accepts: room for sixteen of the largest events. */
export const JSON_BYTES_MAX: number = 1_048_576

/** Containers within containers, the outermost counted: recursion stays far from any stack. */
export const JSON_DEPTH_MAX: number = 64

/** Values in one parsed text, containers counted: bounds memory at about 10 MB a text. */
export const JSON_NODES_MAX: number = 100_000

/** Members and elements in one canonical text: stops a shared graph that unfolds for ever. */
export const CANONICAL_NODES_MAX: number = 1_000_000

/** First keys under which canonical JSON remembers shapes of objects: bounds its memory. */
export const KEY_ORDERS_MAX: number = 128

/** Shapes remembered under one first key: more would take longer to search than to sort. */
export const KEY_SHAPES_MAX: number = 16

/** Keys in a remembered shape: larger objects are maps, whose keys do not come again. */
export const KEY_ORDER_KEYS_MAX: number = 24

/** Characters of a key in a remembered shape, quoted: names are short, data is not. */
export const KEY_ORDER_CHARS_MAX: number = 48

/** Numbers from here up are written with an exponent by ECMAScript, so never as an integer. */
export const INTEGER_TEXT_MIN: number = 1e21

/** UTF-8 bytes of a JSON pointer in an error: a place is still found when keys are hostile. */
export const POINTER_BYTES_MAX: number = 1_024

/** Characters of a JSON pointer that is read: names of places are short, data is not. */
export const JSON_POINTER_CHARS_MAX: number = 512

/** Untrusted sources a label tells; beyond them `*` stands for the others. */
export const LABEL_SOURCES_MAX: number = 32

/** Readers a label holds; who is past them may not read. */
export const LABEL_READERS_MAX: number = 64

/** Bytes of a source's or reader's name in JSON: a full label stays below a third of an event. */
export const LABEL_NAME_BYTES_MAX: number = 128

/** Names in one list of a label that is read: sorting them is bounded, more is no label. */
export const LABEL_NAMES_READ_MAX: number = 1_024

/** Labelled parts of one value: a value whose parts have more labels has one for the whole. */
export const LABELLED_PATHS_MAX: number = 64

/** UTF-8 bytes of a message in an error record: a page to read, and no more. */
export const ERROR_MESSAGE_BYTES_MAX: number = 2_048

/** Records in one error record, the outermost counted: a chain of causes ends here. */
export const ERROR_DEPTH_MAX: number = 4

/** Bytes of JSON in the data of one error record: four records stay below one event. */
export const ERROR_DATA_BYTES_MAX: number = 4_096

/** UTF-8 bytes of one string in the data of an error record: one long value leaves room. */
export const ERROR_STRING_BYTES_MAX: number = 512

/** Containers within containers in the data of an error record: data is flat by habit. */
export const ERROR_DATA_DEPTH_MAX: number = 4

/** Milliseconds a host timer can wait: more overflows 32 bits and fires at once. */
export const TIMER_MS_MAX: number = 2_147_483_647

/** Milliseconds a UUIDv7 can hold (48 bits): the year 10889. */
export const UUID_TIME_MS_MAX: number = 281_474_976_710_655

/** Bytes one call for randomness gives: no caller needs more, a wrong length is a bug. */
export const RANDOM_BYTES_MAX: number = 65_536
