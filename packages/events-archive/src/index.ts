/** Archive segments: older events of a log in sealed files, read through the same port. */

export { openArchivedEventStore } from './archived-store.ts'
export {
  EVENTS_ARCHIVE_CODES,
  type EventsArchiveCode,
  EventsArchiveError,
} from './errors.ts'
export { segmentsFolder } from './folder.ts'
export type * from './ports.ts'
export { retain } from './retain.ts'
export { type VerifiedSegment, verifySegment, verifySegmentBytes } from './verify-segment.ts'
