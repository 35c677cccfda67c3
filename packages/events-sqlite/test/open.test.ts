import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EVENTS_CODES } from '@ice/events'
import { hasCode, systemClock } from '@ice/primitives'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { applySettings, connect } from '../src/connection.ts'
import { EVENTS_SQLITE_CODES } from '../src/errors.ts'
import { FORMAT, type Format } from '../src/format.ts'
import { openFile } from '../src/open.ts'
import { alice, folder, gather, notes, open, raw } from './fixture.ts'

/** The error of opening, which must be refused. */
function refusal(path: string): unknown {
  try {
    open({ path })
  } catch (error) {
    return error
  }
  throw new TypeError('it was opened')
}

async function closedLog(events = 3): Promise<string> {
  const { path, log, store } = open()
  if (events > 0) await log.append(notes(alice, events))
  await store.close()
  return path
}

/** Verifies: ESQ-R01 */
describe('the settings of a connection', () => {
  it('are those of a durable log on a new file and on every reopening', async () => {
    const expected = {
      page_size: 8192,
      auto_vacuum: 0,
      synchronous: 2,
      journal_mode: 'wal',
      foreign_keys: 0,
      trusted_schema: 0,
      cell_size_check: 1,
      busy_timeout: 4,
    }
    const first = open()
    expect(first.store.inspect().settings).toMatchObject(expected)
    await first.store.close()
    const second = open({ path: first.path })
    expect(second.store.inspect().settings).toMatchObject(expected)
  })

  it('would be weaker on a reopened file if nobody set them', async () => {
    const path = await closedLog()
    const db = raw(path)
    db.prepare('SELECT count(*) FROM events').get()
    expect(db.pragma('synchronous', { simple: true })).toBe(1)
  })

  it('are weaker under process durability, which the log remembers', async () => {
    const first = open({ durability: 'process' })
    expect(first.store.durability).toBe('process')
    expect(first.store.inspect().settings['synchronous']).toBe(1)
    await first.store.close()
    const second = open({ path: first.path })
    expect(second.store.inspect()).toMatchObject({
      weakestDurability: 'process',
      settings: { synchronous: 2 },
    })
  })

  it('are refused when one does not take', () => {
    const db = new Database(':memory:')
    expect(() => applySettings(db, ':memory:', 'disk')).toThrow(
      expect.objectContaining({
        code: EVENTS_SQLITE_CODES.settings,
        data: { path: ':memory:', pragma: 'journal_mode', asked: 'wal', actual: 'memory' },
      }),
    )
    db.close()
  })
})

/** Verifies: ESQ-R02 */
describe('creating a log', () => {
  it('leaves one whole file and nothing beside it', async () => {
    const path = await closedLog(0)
    expect(readdirSync(join(path, '..'))).toEqual(['log.db'])
  })

  it('is refused where there is no folder', () => {
    const path = join(folder(), 'missing', 'log.db')
    expect(refusal(path)).toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { reason: 'no_folder', fate: 'none' },
    })
  })

  it('is refused for a path that SQLite would read as another', () => {
    for (const path of ['', `${join(folder(), 'log.db')} `, 'a\0b']) {
      expect(refusal(path)).toMatchObject({ code: EVENTS_SQLITE_CODES.option })
    }
  })

  it('takes names that SQLite would read as addresses', async () => {
    const path = join(folder(), 'file:log.db?mode=memory')
    const { log, store } = open({ path })
    await log.append(notes(alice))
    await store.close()
    expect(statSync(path).size).toBeGreaterThan(0)
  })
})

/** Verifies: ESQ-R03 */
describe('a file that is not a log', () => {
  it('is refused and left as it is when another program made it', () => {
    const path = join(folder(), 'other.db')
    const db = new Database(path)
    db.exec('CREATE TABLE cats (name TEXT)')
    db.close()
    const before = statSync(path)
    expect(refusal(path)).toMatchObject({ code: EVENTS_SQLITE_CODES.file })
    expect(statSync(path)).toMatchObject({ size: before.size, mtimeMs: before.mtimeMs })
    expect(existsSync(`${path}-wal`)).toBe(false)
  })

  it('is refused when it is no database, or no file', () => {
    const text = join(folder(), 'text.db')
    writeFileSync(text, 'a letter to somebody\n'.repeat(900))
    expect(refusal(text)).toMatchObject({ code: EVENTS_SQLITE_CODES.file })
    expect(refusal(folder())).toMatchObject({ code: EVENTS_SQLITE_CODES.file })
  })

  it('is refused when somebody added a trigger to it', async () => {
    const path = await closedLog()
    const db = new Database(path)
    db.exec('CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END')
    db.close()
    expect(refusal(path)).toMatchObject({
      code: EVENTS_SQLITE_CODES.file,
      data: { extra: ['trigger t'], missing: [] },
    })
  })
})

/** Verifies: ESQ-R04 */
describe('a log that was cut off or damaged', () => {
  it('is refused when it is empty', () => {
    const path = join(folder(), 'log.db')
    writeFileSync(path, '')
    expect(refusal(path)).toMatchObject({ code: EVENTS_SQLITE_CODES.corrupt })
  })

  it('is refused wherever it was cut', async () => {
    const path = await closedLog(400)
    const { size } = statSync(path)
    for (const bytes of [size - 1, size - 8192, size >> 1, 8192 * 2, 8192, 4096, 100, 1]) {
      truncateSync(path, bytes)
      const error = refusal(path)
      const codes = [EVENTS_SQLITE_CODES.corrupt, EVENTS_SQLITE_CODES.file]
      expect(codes.some((code) => hasCode(error, code))).toBe(true)
    }
  })

  it('is refused when it does not say of which format it is', async () => {
    const path = await closedLog()
    const db = new Database(path)
    db.exec("UPDATE meta SET value = 'one' WHERE key = 'format'")
    db.close()
    expect(refusal(path)).toMatchObject({ code: EVENTS_SQLITE_CODES.corrupt })
  })
})

/** The current format with one more table, and the way to it. */
const NEXT: Format = {
  version: FORMAT.version + 1,
  schema: `${FORMAT.schema} CREATE TABLE marks (id INTEGER PRIMARY KEY) STRICT;`,
  objects: [...FORMAT.objects, 'table marks'].sort(),
  migrations: [
    ...FORMAT.migrations,
    {
      to: FORMAT.version + 1,
      migrate: (db) => {
        db.exec('CREATE TABLE marks (id INTEGER PRIMARY KEY) STRICT')
      },
    },
  ],
}

/** Verifies: ESQ-R05 */
describe('a file of another format', () => {
  it('is refused untouched when it is newer', () => {
    const path = join(folder(), 'log.db')
    openFile({ path }, NEXT).db.close()
    const before = statSync(path)
    expect(refusal(path)).toMatchObject({
      code: EVENTS_SQLITE_CODES.format,
      data: { stored: NEXT.version, known: FORMAT.version },
    })
    expect(statSync(path).mtimeMs).toBe(before.mtimeMs)
  })

  it('is migrated when it is older, with its events', async () => {
    const path = await closedLog(5)
    const { db } = openFile({ path }, NEXT)
    expect(db.prepare("SELECT value FROM meta WHERE key = 'format'").pluck().get()).toBe(
      String(NEXT.version),
    )
    expect(db.prepare('SELECT count(*) FROM events').pluck().get()).toBe(5)
    db.close()
    openFile({ path }, NEXT).db.close()
  })

  it('stays as it was when a migration fails', async () => {
    const path = await closedLog(5)
    const failing: Format = {
      ...NEXT,
      migrations: [
        {
          to: NEXT.version,
          migrate: (db) => {
            db.exec('CREATE TABLE marks (id INTEGER PRIMARY KEY) STRICT')
            throw new TypeError('half-way')
          },
        },
      ],
    }
    expect(() => openFile({ path }, failing)).toThrow('half-way')
    const { store } = open({ path })
    expect(store.inspect()).toMatchObject({ format: FORMAT.version, head: 5 })
  })

  it('is refused when there is no way from it', async () => {
    const path = await closedLog()
    expect(() => openFile({ path }, { ...NEXT, version: NEXT.version + 1 })).toThrow(
      expect.objectContaining({ code: EVENTS_SQLITE_CODES.format }),
    )
  })

  it('stops a program that has it open when a newer one migrates it', async () => {
    const { path, log } = open()
    await log.append(notes(alice))
    openFile({ path }, NEXT).db.close()
    await expect(log.append(notes(alice))).rejects.toMatchObject({
      code: EVENTS_SQLITE_CODES.format,
    })
  })
})

/** Verifies: ESQ-R06 */
describe('a network filesystem', () => {
  const path = (): string => join(folder(), 'log.db')
  const nfs = { magic: 0x6969 }

  it('is refused by its number, also where that is negative', () => {
    for (const magic of [0x6969, 0xfe534d42, 0xfe534d42 | 0, 0x01021997]) {
      expect(() => open({ path: path(), probeFilesystem: () => ({ magic }) })).toThrow(
        expect.objectContaining({ code: EVENTS_SQLITE_CODES.filesystem }),
      )
    }
  })

  it('is told from local ones behind FUSE by its name', () => {
    const fuse = (name: string) => () => ({ magic: 0x65735546, name })
    expect(() => open({ path: path(), probeFilesystem: fuse('fuse.sshfs') })).toThrow(
      expect.objectContaining({
        code: EVENTS_SQLITE_CODES.filesystem,
        data: expect.objectContaining({ filesystem: 'fuse.sshfs' }),
      }),
    )
    expect(open({ path: path(), probeFilesystem: fuse('fuseblk') }).store.durability).toBe('disk')
  })

  it('is allowed when the caller answers for it', () => {
    const opened = open({
      path: path(),
      networkFilesystem: 'allow',
      probeFilesystem: () => nfs,
    })
    expect(opened.store.inspect().head).toBe(0)
  })
})

describe('reopening', () => {
  it('finds the events, versions and times again', async () => {
    const first = open()
    await first.log.append(notes(alice, 3, 'no_stream'))
    const before = await gather(first.log.readAll({}))
    await first.store.close()
    const second = open({ path: first.path })
    expect(await gather(second.log.readAll({}))).toEqual(before)
    const other = notes(alice, 1, 'no_stream', 'other')
    await expect(second.log.append(other)).rejects.toMatchObject({
      code: EVENTS_CODES.versionConflict,
    })
    expect(await second.log.append(notes(alice, 3, 'no_stream'))).toMatchObject({ retried: true })
  })
})

it('connects to nothing that is not an absolute name', () => {
  expect(() => connect('log.db', { mustExist: false })).toThrow(TypeError)
  expect(systemClock.now()).toBeGreaterThan(0)
})
