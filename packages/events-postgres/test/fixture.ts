/** Logs for the tests. */
import { createEventLog, type EventLog, type Taxonomy } from '@ice/events'
import { noteTaxonomy } from '@ice/events/testing'
import { type StreamId, streamId, systemClock } from '@ice/primitives'
import { onTestFinished } from 'vitest'
import {
  openPostgresEventStore,
  type PostgresEventStore,
  type PostgresEventStoreOptions,
} from '../src/index.ts'
import { freshSchema, server } from './server.ts'

export { gather, notes, positionOf } from '@ice/events/testing'

export const taxonomy: Taxonomy = noteTaxonomy()

/** A script that a child process runs. */
export function script(name: string): URL {
  return new URL(`./children/${name}.ts`, import.meta.url)
}

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
