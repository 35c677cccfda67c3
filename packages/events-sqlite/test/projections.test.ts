/** Verifies: ESQ-R70, ESQ-R71 */
import { join } from 'node:path'
import { EVENTS_CODES, type Processor, runProcessor } from '@ice/events'
import { sha256Hex } from '@ice/primitives'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EVENTS_SQLITE_CODES } from '../src/errors.ts'
import { sqliteProcessorStore, sqliteSnapshotStore } from '../src/index.ts'
import { alice, folder, notes, open } from './fixture.ts'

function database(path = join(folder(), 'mine.db')): Database.Database {
  const db = new Database(path)
  onTestFinished(() => {
    db.close()
  })
  return db
}

const SUMS = { name: 'sums', version: '1' }
const FIRST = {
  processor: SUMS,
  from: undefined,
  to: { position: 1, incarnation: 'one', hash: sha256Hex('1') },
}

describe('the database of projections', () => {
  it('is not the file of a log, which stays as it was', async () => {
    const { path, store } = open()
    await store.close()
    const db = database(path)
    for (const make of [sqliteProcessorStore, sqliteSnapshotStore]) {
      expect(() => make(db)).toThrowError(
        expect.objectContaining({ code: EVENTS_SQLITE_CODES.file }),
      )
    }
    db.close()
    await open({ path }).store.close()
  })

  it('is refused where a table of the same name is not ours', () => {
    const db = database()
    db.exec('CREATE TABLE ice_checkpoints (name TEXT)')
    db.exec('CREATE VIEW ice_snapshots AS SELECT 1 AS x')
    for (const make of [sqliteProcessorStore, sqliteSnapshotStore]) {
      expect(() => make(db)).toThrowError(
        expect.objectContaining({ code: EVENTS_SQLITE_CODES.file }),
      )
    }
  })

  it('keeps the settings and tables of its owner', async () => {
    const db = database()
    db.defaultSafeIntegers(true)
    db.exec('CREATE TABLE mine (x)')
    const before = db.pragma('journal_mode', { simple: true })
    const store = sqliteProcessorStore(db)
    await store.transact(FIRST, (handle) => {
      handle.prepare('INSERT INTO mine VALUES (1)').run()
    })
    expect(await store.checkpoint(SUMS)).toEqual(FIRST.to)
    expect(db.pragma('journal_mode', { simple: true })).toBe(before)
    await store.close()
    expect(db.open).toBe(true)
    expect(db.prepare('SELECT x FROM mine').pluck().all()).toEqual([1n])
  })

  it('that was closed refuses everything', async () => {
    const db = database()
    const store = sqliteProcessorStore(db)
    db.close()
    const notOpen = { code: EVENTS_CODES.notOpen }
    await expect(store.checkpoint(SUMS)).rejects.toMatchObject(notOpen)
    await expect(store.transact(FIRST, () => undefined)).rejects.toMatchObject(notOpen)
    expect(() => sqliteSnapshotStore(db)).toThrowError(expect.objectContaining(notOpen))
  })
})

describe('the transaction of a processor', () => {
  it('is refused inside another one, and where the work ends it', async () => {
    const db = database()
    const store = sqliteProcessorStore(db)
    const refused = { code: EVENTS_SQLITE_CODES.transaction }
    db.exec('CREATE TABLE mine (x); BEGIN')
    await expect(store.transact(FIRST, () => undefined)).rejects.toMatchObject(refused)
    db.exec('COMMIT')
    const ending = store.transact(FIRST, (handle) => {
      handle.exec('ROLLBACK')
    })
    await expect(ending).rejects.toMatchObject(refused)
    expect([db.inTransaction, await store.checkpoint(SUMS)]).toEqual([false, undefined])
  })

  it('is given up while another process holds the lock, nothing of it kept', async () => {
    const db = database()
    db.pragma('busy_timeout = 0')
    const store = sqliteProcessorStore(db)
    const other = database(db.name)
    other.exec('BEGIN IMMEDIATE')
    const refused = store.transact(FIRST, () => expect.unreachable())
    await expect(refused).rejects.toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { reason: 'busy', fate: 'none' },
    })
    other.exec('COMMIT')
    await store.transact(FIRST, () => undefined)
  })

  it('is given up whole when its commit is refused', async () => {
    const db = database()
    db.exec('CREATE TABLE parent (x PRIMARY KEY)')
    db.exec('CREATE TABLE child (x REFERENCES parent DEFERRABLE INITIALLY DEFERRED)')
    db.pragma('foreign_keys = 1')
    const store = sqliteProcessorStore(db)
    const refused = store.transact(FIRST, (handle) => {
      handle.prepare('INSERT INTO child VALUES (7)').run()
    })
    await expect(refused).rejects.toMatchObject({ data: { fate: 'none' } })
    expect([await store.checkpoint(SUMS), db.inTransaction]).toEqual([undefined, false])
    expect(db.prepare('SELECT count(*) FROM child').pluck().get()).toBe(0)
  })

  it('holds what a processor writes with its handle, also where that is refused', async () => {
    const { log } = open()
    await log.append(notes(alice, 20))
    const db = database()
    db.exec('CREATE TABLE mine (n INTEGER CHECK (n <> 13))')
    const processor: Processor<Database.Database> = {
      ...SUMS,
      process: (event, handle) =>
        handle.prepare('INSERT INTO mine VALUES (?)').run(event.version) as never,
    }
    const store = sqliteProcessorStore(db)
    const running = await runProcessor({ log, store, processor, batchMax: 5 })
    await expect(running.ended()).rejects.toMatchObject({
      code: EVENTS_CODES.foldFailed,
      data: { event: 'note/alice@13' },
    })
    const kept = db.prepare('SELECT n FROM mine').pluck().all()
    expect(kept).toEqual(Array.from({ length: 10 }, (_, i) => i + 1))
    expect(await store.checkpoint(SUMS)).toMatchObject({ position: 10 })
  })
})
