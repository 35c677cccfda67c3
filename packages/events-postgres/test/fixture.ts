/** Logs for the tests. */
import {
  type Appended,
  type AppendRequest,
  createEventLog,
  type EventLog,
  type ExpectedVersion,
  type RecordedEvent,
  type StoredEvent,
} from '@ice/events'
import { type StreamId, streamId, systemClock } from '@ice/primitives'
import { onTestFinished } from 'vitest'
import {
  openPostgresEventStore,
  type PostgresEventStore,
  type PostgresEventStoreOptions,
} from '../src/index.ts'
import { taxonomy } from './notes.ts'
import { freshSchema, server } from './server.ts'

/** A log and its store; closed with the test unless the test has closed it. */
export interface Opened {
  readonly store: PostgresEventStore
  readonly log: EventLog
  readonly schema: string
}

/** Opens a log; without a schema, a new one. */
export async function open(options: Partial<PostgresEventStoreOptions> = {}): Promise<Opened> {
  const schema = options.schema ?? freshSchema()
  const store = await openPostgresEventStore({ connection: server.url, ...options, schema })
  onTestFinished(() => store.close())
  return { store, schema, log: createEventLog({ store, taxonomy, clock: systemClock }) }
}

export const alice: StreamId = streamId('note/alice')
export const bob: StreamId = streamId('note/bob')

/** A request with `count` notes for one stream. */
export function notes(
  stream: StreamId,
  count = 1,
  expectedVersion: ExpectedVersion = 'any',
  text = 'x',
): AppendRequest {
  const events = Array.from({ length: count }, (_, n) => ({ type: 'NoteTaken', data: { text, n } }))
  return { writes: [{ stream, expectedVersion, events }] }
}

/** All of a read, in one list. */
export async function gather<T extends StoredEvent | RecordedEvent>(
  batches: AsyncIterable<readonly T[]>,
): Promise<T[]> {
  const all: T[] = []
  for await (const batch of batches) all.push(...batch)
  return all
}

/** The position of the only event of a unit. */
export function positionOf(appended: Appended): number {
  return appended.writes[0]?.positions[0] ?? 0
}
