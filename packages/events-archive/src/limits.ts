/** Every bound of the archive, with its unit and its reason. */
import { EVENT_BYTES_MAX } from '@ice/events'
import type { ParseLimits } from '@ice/primitives'

/** @units bytes, and levels of nesting: what an event may have (RFC 0001). */
export const EVENT_LIMITS: ParseLimits = { bytesMax: EVENT_BYTES_MAX, depthMax: 64 }

/** @units bytes of events a segment takes: they are sorted in memory before they are written. */
export const SEGMENT_EVENT_BYTES_MAX: number = 16 * 1_048_576

/** @units events a segment takes: its index, 68 bytes each, is in memory while it is open. */
export const SEGMENT_EVENTS_MAX = 65_536

/** @units bytes of events and blobs after which a segment takes no further stream: a file that
 * can be copied and verified in a second or two. */
export const SEGMENT_BYTES_MAX: number = 64 * 1_048_576

/** @units bytes of the last part of a segment but its trailer: some dozen numbers. */
export const FOOTER_BYTES_MAX = 4_096

/** @units segments whose files and indexes are kept open. */
export const OPEN_SEGMENTS_MAX = 4

/** @units events of a segment that one page of a read looks at. */
export const SCAN_EVENTS_MAX = 4_096

/** @units bytes of a file that are hashed before others get the event loop. */
export const HASH_STEP_BYTES: number = 4 * 1_048_576
