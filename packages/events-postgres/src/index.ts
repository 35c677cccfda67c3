/** The event store on PostgreSQL. */
export { EVENTS_POSTGRES_CODES, type EventsPostgresCode, EventsPostgresError } from './errors.ts'
export type * from './ports.ts'
export { openPostgresEventStore } from './store.ts'
