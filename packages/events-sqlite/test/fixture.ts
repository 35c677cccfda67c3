/** What the tests of this package share: a folder for each test, and logs of notes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEventLog, type EventLog, type Taxonomy } from '@ice/events'
import { noteTaxonomy } from '@ice/events/testing'
import { type StreamId, streamId, systemClock } from '@ice/primitives'
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import {
  openSqliteEventStore,
  type SqliteEventStore,
  type SqliteEventStoreOptions,
} from '../src/index.ts'

/** A folder that goes with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ice-sqlite-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

export { gather, notes, positionOf } from '@ice/events/testing'

export const taxonomy: Taxonomy = noteTaxonomy()

/** A script that a child process runs. */
export function script(name: string): URL {
  return new URL(`./children/${name}.ts`, import.meta.url)
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
