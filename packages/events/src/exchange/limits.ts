/** Bounds of exports and imports, with their units and reasons. */

/** @units events between two seals: what an import holds back until it is vouched for. */
export const SEAL_EVENTS_MAX = 512

/** @units bytes of events after which a page is sealed, whatever their number. */
export const SEAL_BYTES = 1_048_576

/** @units blobs after which a page is sealed. One event can name 720 at most. */
export const SEAL_BLOBS = 4_096

/** @units bytes of a line: a portion of a blob in base64, with what stands around it. */
export const EXPORT_LINE_BYTES_MAX = 1_402_880

/** @units hex digits of each leaf hash in a seal: enough to find a damaged line among 512. */
export const SEAL_LEAF_DIGITS = 8

/** @units digests an export remembers having brought; a blob that is named later comes again. */
export const RECENT_BLOBS_MAX = 65_536

/** @units bytes of UTF-8 of events between two seals: what an import may have to hold back. */
export const HELD_BYTES_MAX: number = 4 * 1_048_576

/** @units blobs between two seals: what one event more can name beside `SEAL_BLOBS`. */
export const HELD_BLOBS_MAX = 8_192
