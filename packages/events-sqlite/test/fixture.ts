/** What the tests of this package share: a folder for each test, and logs of notes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import {
  openSqliteEventStore,
  type SqliteEventStore,
  type SqliteEventStoreOptions,
} from '../src/index.ts'
import { taxonomy } from './notes.ts'

/** A folder that goes with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ice-sqlite-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A log and its store; closed with the test unless the test has closed it. */
export interface Opened {
  readonly store: SqliteEventStore
  readonly log: EventLog
  readonly path: string
}

/** Opens a log; without a path, a new one in a folder of its own. */
export function open(options: Partial<SqliteEventStoreOptions> = {}): Opened {
  const path = options.path ?? join(folder(), 'log.db')
  const store = openSqliteEventStore({ clock: systemClock, ...options, path })
  onTestFinished(() => store.close())
  return { store, path, log: createEventLog({ store, taxonomy, clock: systemClock }) }
}

/** A second hand on the file, for what the store itself never does. */
export function raw(path: string): Database.Database {
  const db = new Database(path)
  onTestFinished(() => {
    db.close()
  })
  return db
}

export const alice: StreamId = streamId('note/alice')
export const bob: StreamId = streamId('note/bob')
export const service: StreamId = streamId('job/service')

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
