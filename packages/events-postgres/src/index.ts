/** The event store on PostgreSQL. */
export { EVENTS_POSTGRES_CODES, type EventsPostgresCode, EventsPostgresError } from './errors.ts'
export {
  openPostgresOwnership,
  type PostgresOwnership,
  type PostgresOwnershipOptions,
} from './ownership.ts'
export type * from './ports.ts'
export type { PostgresClient, PostgresPool, PostgresResult } from './projection-pool.ts'
export {
  openPostgresProcessorStore,
  openPostgresSnapshotStore,
  type PostgresProjectionOptions,
} from './projections.ts'
export { openPostgresRunRows } from './run-rows.ts'
export { openPostgresEventStore } from './store.ts'
export { openPostgresTurns } from './turns.ts'
export type { PostgresWorkOptions } from './work-place.ts'
