/**
 * The stores that histories are recorded on, opened by name so that a process can be told which;
 * and a clock that all processes read, moved by one hand.
 *
 *     clock file = float64, little-endian     ; epoch milliseconds
 *
 * The trap: a clock that moves while an append is judged. Whether the append saw it before or
 * after nobody could tell, and a store that reads it at the wrong moment would be excused. So the
 * hand takes the log's own write lock, and moves the clock while no append is judged.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import type { EventStore } from '@ice/events'
import { openPostgresEventStore } from '@ice/events-postgres'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { type Timestamp, timestamp } from '@ice/primitives'
import Database from 'better-sqlite3'
import pg from 'pg'

/** Which log. */
export type LogPlace =
  | { readonly kind: 'sqlite'; readonly path: string; readonly durability: 'process' | 'disk' }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string }

/** Opens a log; it judges `notAfter` by this clock. */
export const openPlace = async (
  place: LogPlace,
  clock: { now(): Timestamp },
): Promise<EventStore> => {
  if (place.kind === 'sqlite') {
    return openSqliteEventStore({ path: place.path, durability: place.durability, clock })
  }
  return openPostgresEventStore({
    connection: place.url,
    schema: place.schema,
    durability: 'process',
    clock,
  })
}

/** The clock in a file. */
export interface FileClock {
  now(): Timestamp
  set(ms: number): void
  close(): void
}

const CLOCK_BYTES = 8

/** Opens a clock; `start` makes it. */
export const fileClock = (path: string, start?: number): FileClock => {
  const file = openSync(path, start === undefined ? 'r+' : 'w+')
  const bytes = Buffer.alloc(CLOCK_BYTES)
  const set = (ms: number): void => {
    bytes.writeDoubleLE(ms)
    writeSync(file, bytes, 0, CLOCK_BYTES, 0)
  }
  if (start !== undefined) set(start)
  return {
    now() {
      readSync(file, bytes, 0, CLOCK_BYTES, 0)
      return timestamp(bytes.readDoubleLE())
    },
    set,
    close: () => closeSync(file),
  }
}

/** Something that can stop all appends for a moment. */
export interface WriteLock {
  /** Does it while nothing is appended. @returns false when it was not done */
  hold(work: () => Promise<void>): Promise<boolean>
  close(): Promise<void>
}

/** SQLSTATE: nobody has made the log yet. */
const NO_TABLE = '42P01'

/** The write lock of a log, for somebody who is no store. @throws when there is no file yet */
export const writeLockOf = async (place: LogPlace): Promise<WriteLock> => {
  if (place.kind === 'sqlite') {
    const db = new Database(place.path, { timeout: 0, fileMustExist: true })
    return {
      async hold(work) {
        try {
          db.exec('BEGIN IMMEDIATE')
        } catch (error) {
          if ((error as { readonly code?: string }).code === 'SQLITE_BUSY') return false
          throw error
        }
        await work()
        db.exec('ROLLBACK')
        return true
      },
      async close() {
        db.close()
      },
    }
  }
  const client = new pg.Client({ connectionString: place.url })
  client.on('error', () => undefined)
  await client.connect()
  return {
    async hold(work) {
      await client.query('BEGIN')
      try {
        const { rowCount } = await client.query(
          `SELECT position FROM "${place.schema}".log FOR UPDATE`,
        )
        if (rowCount === 1) await work()
        return rowCount === 1
      } catch (error) {
        if ((error as { readonly code?: string }).code === NO_TABLE) return false
        throw error
      } finally {
        await client.query('ROLLBACK')
      }
    },
    close: () => client.end(),
  }
}

/** Removes a log that lies on a server; one that is a file goes with its folder. */
export const dropPlace = async (place: LogPlace): Promise<void> => {
  if (place.kind === 'sqlite') return
  const client = new pg.Client({ connectionString: place.url })
  await client.connect()
  try {
    await client.query(`DROP SCHEMA IF EXISTS "${place.schema}" CASCADE`)
  } finally {
    await client.end()
  }
}
