import { EVENTS_CODES, type IntegrityFinding, verifyLog } from '@ice/events'
import { type BlobDigest, sha256Hex } from '@ice/primitives'
import type Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { alice, bob, notes, type Opened, open, raw } from './fixture.ts'

async function findings(opened: Opened): Promise<readonly IntegrityFinding[]> {
  const found: IntegrityFinding[] = []
  for await (const finding of opened.store.check()) found.push(finding)
  return found
}

const positions = (found: readonly IntegrityFinding[]): readonly number[] =>
  [...new Set(found.map(({ position }) => position))].toSorted((a, b) => a - b)

/** A small log in two streams, and a hand on its file that is not the store's. */
async function smallLog(): Promise<Opened & { readonly db: Database.Database }> {
  const opened = open()
  await opened.log.append(notes(alice, 2, 'any', 'grüße'))
  await opened.log.append(notes(bob, 1, 'any', '\u{fffd} "x"'))
  await opened.log.append(notes(alice, 1))
  return { ...opened, db: raw(opened.path) }
}

/** Puts other bytes into a column, keeping the type it is stored with. */
function overwrite(db: Database.Database, column: 'bytes' | 'hash', at: number, to: Buffer): void {
  db.prepare(`UPDATE events SET ${column} = CAST(? AS TEXT) WHERE position = ?`).run(to, at)
}

/** Verifies: ESQ-R40 */
describe('a flipped byte of a stored event', () => {
  it('is found by verification and by the store alone, wherever it is', async () => {
    const opened = await smallLog()
    expect(await findings(opened)).toEqual([])
    const { db } = opened
    const read = db.prepare<[number], { bytes: Buffer; hash: Buffer }>(
      'SELECT CAST(bytes AS BLOB) AS bytes, CAST(hash AS BLOB) AS hash FROM events ' +
        'WHERE position = ?',
    )
    let flips = 0
    for (let at = 1; at <= 4; at += 1) {
      const row = read.get(at)
      for (const column of ['bytes', 'hash'] as const) {
        const whole = row?.[column] ?? Buffer.alloc(0)
        for (let i = 0; i < whole.length; i += 1) {
          const flipped = Buffer.from(whole)
          flipped[i] = (flipped[i] ?? 0) ^ (1 << ((flips * 5) % 8))
          overwrite(db, column, at, flipped)
          flips += 1
          expect(positions(await findings(opened))).toContain(at)
          expect(positions((await verifyLog(opened.store)).findings)).toContain(at)
        }
        overwrite(db, column, at, whole)
      }
    }
    expect(flips).toBeGreaterThan(4 * (64 + 150))
    expect((await verifyLog(opened.store)).findings).toEqual([])
  })
})

/** Bytes and hash of one event in the place of another: each fits the other, not its place. */
const BYTES_OF_ANOTHER =
  'UPDATE events SET (bytes, hash) = (SELECT bytes, hash FROM events WHERE position = 1) ' +
  'WHERE position = 2'

/** Verifies: ESQ-R41 */
describe('an index that disagrees with the bytes', () => {
  it.each([
    ['stream', 'UPDATE events SET stream = 2 WHERE position = 4', [4]],
    ['stream nobody has', 'UPDATE events SET stream = 99 WHERE position = 4', [4]],
    ['version', 'UPDATE events SET version = 7 WHERE position = 4', [4]],
    ['type', 'UPDATE events SET type = 99 WHERE position = 2', [2]],
    ['position', 'UPDATE events SET position = 9 WHERE position = 4', [9]],
    ['name of a stream', "UPDATE streams SET name = 'note/carol' WHERE id = 2", [3]],
    ['name of a type', "UPDATE types SET name = 'NoteLost'", [1, 2, 3, 4]],
    ['event that is gone', 'DELETE FROM events WHERE position = 2', [3, 4]],
    ['first event that is gone', 'DELETE FROM events WHERE position = 1', [2]],
    ['bytes of another event', BYTES_OF_ANOTHER, [2]],
  ])('is found: %s', async (_, sql, expected) => {
    const opened = await smallLog()
    opened.db.exec(sql)
    expect(positions(await findings(opened))).toEqual(expected)
  })

  it('is found when the index lacks an event, or has one too many', async () => {
    const opened = await smallLog()
    opened.db.unsafeMode()
    opened.db.pragma('writable_schema = 1')
    // While the index is not in the schema, rows come and go without it.
    const sql = opened.db
      .prepare("SELECT sql FROM sqlite_schema WHERE name = 'events_place'")
      .pluck()
      .get()
    const root = opened.db
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'events_place'")
      .pluck()
      .get()
    opened.db.exec("DELETE FROM sqlite_schema WHERE name = 'events_place'")
    opened.db.close()
    await opened.store.close()
    const other = raw(opened.path)
    other.exec('UPDATE events SET version = 8 WHERE position = 3')
    other.unsafeMode()
    other.pragma('writable_schema = 1')
    other
      .prepare("INSERT INTO sqlite_schema VALUES ('index', 'events_place', 'events', ?, ?)")
      .run(root, sql)
    other.close()
    const again = open({ path: opened.path, openCheck: 'skip' })
    const found = await findings(again)
    expect(positions(found)).toEqual([3])
    expect(found.some(({ message }) => message.includes('the index names position 3'))).toBe(true)
  })
})

const picture = new TextEncoder().encode('a picture')
const digest = sha256Hex(picture) as string as BlobDigest

/** Verifies: ESQ-R42 */
describe('a blob', () => {
  const kept = async (): Promise<Opened & { readonly db: Database.Database }> => {
    const opened = open()
    const data = { picture: { $blob: digest, size: picture.length } }
    await opened.log.append({
      writes: [{ stream: alice, expectedVersion: 'any', events: [{ type: 'PictureKept', data }] }],
      blobs: [{ digest, bytes: picture }],
    })
    return { ...opened, db: raw(opened.path) }
  }

  it('is read as it was given, however the caller changes its bytes meanwhile', async () => {
    const opened = open()
    const bytes = picture.slice()
    const appended = opened.log.append({ ...notes(alice), blobs: [{ digest, bytes }] })
    bytes.fill(0)
    await appended
    expect(await opened.store.blobs.read(digest)).toEqual(picture)
    expect(await opened.store.blobs.has(digest)).toBe(true)
  })

  it('that is damaged is found and not handed out', async () => {
    const opened = await kept()
    expect(await findings(opened)).toEqual([])
    opened.db.prepare('UPDATE blob_parts SET bytes = ?').run(Buffer.from('a pictore'))
    expect(await findings(opened)).toMatchObject([{ code: EVENTS_CODES.blobCorrupt, position: 0 }])
    await expect(opened.store.blobs.read(digest)).rejects.toMatchObject({
      code: EVENTS_CODES.blobCorrupt,
    })
  })

  it('that an event names and that is gone is found at the event', async () => {
    const opened = await kept()
    opened.db.exec('DELETE FROM blobs; DELETE FROM blob_parts')
    expect(await findings(opened)).toMatchObject([{ code: EVENTS_CODES.blobNotFound, position: 1 }])
    await expect(opened.store.blobs.read(digest)).rejects.toMatchObject({
      code: EVENTS_CODES.blobNotFound,
    })
    expect(await opened.store.blobs.has(digest)).toBe(false)
  })

  it('that only a text speaks of is not missed', async () => {
    const opened = open()
    await opened.log.append(notes(alice, 1, 'any', `{"$blob":"${'0'.repeat(64)}"}`))
    expect(await findings(opened)).toEqual([])
  })

  it('whose unit is refused is not kept', async () => {
    const opened = open()
    const refused = opened.log.append({
      ...notes(alice, 1, 'any'),
      guards: [{ stream: bob, version: 1 }],
      blobs: [{ digest, bytes: picture }],
    })
    await expect(refused).rejects.toMatchObject({ code: EVENTS_CODES.guardConflict })
    expect(await opened.store.blobs.has(digest)).toBe(false)
  })
})

/** Verifies: ESQ-R43 */
describe('a check', () => {
  it('tells how far it is and can be withdrawn', async () => {
    const opened = open()
    for (let i = 0; i < 20; i += 1) await opened.log.append(notes(alice, 500))
    const controller = new AbortController()
    const seen: number[] = []
    const checking = (async () => {
      const options = {
        signal: controller.signal,
        onProgress: (position: number) => {
          seen.push(position)
          controller.abort()
        },
      }
      for await (const finding of opened.store.check(options)) seen.push(-finding.position)
    })()
    await expect(checking).rejects.toMatchObject({ code: EVENTS_CODES.aborted })
    expect(seen).toEqual([4096])
  })

  it('leaves out what is appended while it runs', async () => {
    const opened = open()
    for (let i = 0; i < 4; i += 1) await opened.log.append(notes(alice, 500))
    const check = opened.store.check({ onProgress: () => {} })
    const found: IntegrityFinding[] = []
    const appending = opened.log.append(notes(bob, 10))
    for await (const finding of check) found.push(finding)
    await appending
    expect(found).toEqual([])
  })
})

/** Verifies: ESQ-R46 */
describe("SQLite's look at the pages", () => {
  it('sees what nothing else looks at, and is left out when it is not wanted', async () => {
    const { path, store } = open()
    await store.close()
    const db = raw(path)
    db.unsafeMode()
    const schema = (sql: string): void => {
      db.pragma('writable_schema = 1')
      db.exec(sql)
      db.pragma('writable_schema = RESET')
    }
    // A value of a type that the table cannot hold.
    const strict = "WHERE name = 'meta'"
    schema(`UPDATE sqlite_schema SET sql = replace(sql, 'STRICT, ', '') ${strict}`)
    db.exec("INSERT INTO meta VALUES ('odd', x'00')")
    schema(`UPDATE sqlite_schema SET sql = replace(sql, 'WITHOUT', 'STRICT, WITHOUT') ${strict}`)
    db.close()
    const again = open({ path })
    const said = async (pages?: 'all' | 'small' | 'none'): Promise<readonly string[]> => {
      const found: string[] = []
      const options = pages === undefined ? {} : { pages }
      for await (const { message } of again.store.check(options)) found.push(message)
      return found
    }
    expect(await said('none')).toEqual([])
    const [line = '', ...more] = await said('all')
    expect([line.startsWith('SQLite reports of meta:'), more]).toEqual([true, []])
    expect(await said('small')).toEqual([line])
    expect(await said()).toEqual([line])
  })
})
