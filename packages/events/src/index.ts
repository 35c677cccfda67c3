/** The event log: its gateway, its vocabulary, its reference store, and its verification. */

export { type CompactRange, compactRange, type Frontier } from './compact-range.ts'
export { decodeEvent } from './decode.ts'
export { EVENTS_CODES, type EventsCode, EventsError } from './errors.ts'
export {
  defineEventType,
  type EventType,
  type EventTypeInit,
  type PayloadOf,
  type Upcaster,
} from './event-type.ts'
export {
  type CloudEventsOptions,
  cloudEvent,
  exportCloudEvents,
} from './exchange/cloud-events.ts'
export { type ExportedStore, type ExportOptions, exportLog } from './exchange/export.ts'
export { type ImportOptions, type ImportReport, importLog } from './exchange/import.ts'
export type { ImportSource } from './exchange/line-reader.ts'
export {
  BLOB_BYTES_MAX,
  BLOB_GRACE_MS,
  BLOB_PORTION_BYTES,
  BLOB_READ_BYTES_MAX,
  CAUSES_MAX,
  EVENT_BYTES_MAX,
  INLINE_STRING_BYTES_MAX,
  UNIT_EVENTS_MAX,
  UNIT_GUARDS_MAX,
  UNIT_STREAMS_MAX,
} from './limits.ts'
export { createEventLog, type EventLogComponents } from './log.ts'
export { type MemoryEventStoreComponents, memoryEventStore } from './memory.ts'
export type * from './ports.ts'
export { type PreparedStored, prepareStored, type StoredRules } from './prepare-stored.ts'
export {
  fold,
  type Projected,
  type Projection,
  projectLog,
  projectStream,
} from './projection.ts'
export { type AsOfQuery, asOf, type Foldable } from './projections/as-of.ts'
export { type LiveOptions, liveProjection } from './projections/live.ts'
export {
  type MemoryProcessorStore,
  type MemoryTransaction,
  memoryProcessorStore,
  memorySnapshotStore,
} from './projections/memory.ts'
export { type Processor, type ProcessorInit, runProcessor } from './projections/processor.ts'
export {
  type RebuildOptions,
  rebuildProcessor,
  type ServedProjection,
  serveProjection,
} from './projections/rebuild.ts'
export type {
  SnapshotNotice,
  SnapshotOptions,
  SnapshotReason,
} from './projections/snapshots.ts'
export { composeTaxonomy, type Taxonomy } from './taxonomy.ts'
export { type StandardPayloads, type StandardTypeName, standardTypes } from './types/index.ts'
export {
  type NotedRoot,
  type Verification,
  type VerifyOptions,
  verifyLog,
} from './verify.ts'
