/** Every bound of the event log, with its unit and its reason. */

/** @units bytes of UTF-8, envelope included. A tlog-tiles entry bundle holds 65,535 bytes an
 * entry; the rest is room for what a bundle adds. */
export const EVENT_BYTES_MAX = 61_440

/** @units bytes of UTF-8. A longer string belongs into a blob, where it can be forgotten. */
export const INLINE_STRING_BYTES_MAX = 8_192

/** @units levels of nesting. What JSON parsers of other languages take without a setting. */
export const EVENT_DEPTH_MAX = 64

/** @units levels of nesting a payload may have: the event is one level around it. */
export const PAYLOAD_DEPTH_MAX: number = EVENT_DEPTH_MAX - 1

/** @units streams a unit may write. More is a design that wants one stream. */
export const UNIT_STREAMS_MAX = 16

/** @units streams a unit may guard: a chain of grants, the stop switches and the policy. */
export const UNIT_GUARDS_MAX = 64

/** @units events a unit may append; also the most that one group commit gathers. */
export const UNIT_EVENTS_MAX = 512

/** @units blobs a unit may bring or declare. */
export const UNIT_BLOBS_MAX = 512

/** @units bytes of blobs a unit may carry. They are written inside its transaction. */
export const UNIT_BLOB_BYTES_MAX = 64 * 1_048_576

/** @units bytes of a portion of a blob: what a store copies, hashes and writes in one go. */
export const BLOB_PORTION_BYTES = 1_048_576

/** @units bytes of a blob that `read` hands out as one array, unless more is asked for. */
export const BLOB_READ_BYTES_MAX: number = 64 * 1_048_576

/** @units bytes a staged blob may have, unless another bound is asked for. */
export const BLOB_BYTES_MAX: number = 1_024 * 1_048_576

/** @units milliseconds a blob that nobody names is left alone: its event may be on its way. */
export const BLOB_GRACE_MS: number = 24 * 3_600_000

/** @units bytes. Time and version have at most 16 digits each. An event is measured with both at
 * their widest, so that its place does not decide whether it fits. */
export const PLACE_BYTES_MAX = 33

/** @units causes an event may name. */
export const CAUSES_MAX = 64

/** @units events a page of a read holds: beyond it a page costs memory and gains no speed. */
export const READ_PAGE_EVENTS = 512

/** @units events a `limit` or an `after` may name: what a JSON number can carry. */
export const COUNT_MAX: number = Number.MAX_SAFE_INTEGER
