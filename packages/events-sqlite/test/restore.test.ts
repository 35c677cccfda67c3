import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EVENTS_CODES, verifyLog } from '@ice/events'
import { describe, expect, it } from 'vitest'
import { EVENTS_SQLITE_CODES } from '../src/errors.ts'
import { type RestoreOptions, restoreSqliteEventStore } from '../src/index.ts'
import { alice, bob, folder, gather, notes, open, raw } from './fixture.ts'

/** A backup of a log with a few events and blobs, and the log it was made of. */
async function backedUp() {
  const opened = open()
  await opened.log.append(notes(alice, 300))
  const staged = await opened.store.blobs.stage([new Uint8Array(1_500_000)])
  const backup = join(folder(), 'backup.db')
  await opened.store.backup(backup)
  await opened.log.append(notes(alice, 5))
  return { ...opened, backup, staged }
}

const target = (): string => join(folder(), 'log.db')

const restored = (backup: string, more: Partial<RestoreOptions> = {}) =>
  restoreSqliteEventStore({ backup, path: target(), ...more })

/** Verifies: ESQ-R51 */
describe('a restored log', () => {
  it('has every event and blob of the backup, and goes on by itself', async () => {
    const { store, backup, staged } = await backedUp()
    const before = readFileSync(backup)
    const path = target()
    const report = await restored(backup, { path })
    const again = open({ path })
    const events = await gather(store.readAll({ limit: 300 }))
    expect(await gather(again.store.readAll({}))).toEqual(events)
    expect(report).toMatchObject({ path, head: 300, from: store.incarnation })
    expect((await again.store.blobs.read(staged.digest)).byteLength).toBe(1_500_000)
    await again.log.append(notes(bob, 2))
    const { findings, events: count } = await verifyLog(again.store)
    expect([findings, count]).toEqual([[], 302])
    expect(readFileSync(backup).equals(before)).toBe(true)
    await again.store.close()
    expect(readdirSync(join(path, '..'))).toEqual(['log.db'])
  })

  it('is a new incarnation, and knows what it comes from, however often', async () => {
    const { store, backup } = await backedUp()
    const [first, second] = [target(), target()]
    const one = await restored(backup, { path: first })
    const again = open({ path: first })
    expect(again.store.incarnation).toBe(one.incarnation)
    await again.log.append(notes(alice, 7))
    const later = join(folder(), 'later.db')
    await again.store.backup(later)
    const two = await restored(later, { path: second })
    const names = [store.incarnation, one.incarnation, two.incarnation]
    expect(new Set(names).size).toBe(3)
    expect(open({ path: second }).store.inspect().lineage).toEqual([
      { incarnation: store.incarnation, head: 300 },
      { incarnation: one.incarnation, head: 307 },
    ])
    expect(store.inspect().lineage).toEqual([])
  })

  it('is held to the roots that were noted of it', async () => {
    const { store, backup } = await backedUp()
    const { root } = await restored(backup)
    const all = await verifyLog(store)
    expect(all.root).not.toBe(root)
    const noted = [{ size: 300, root: root as typeof all.root }]
    expect((await restored(backup, { noted })).root).toBe(root)
    for (const other of [
      { size: 299, root: all.root },
      { size: 305, root: all.root },
    ]) {
      await expect(restored(backup, { noted: [other] })).rejects.toMatchObject({
        code: EVENTS_SQLITE_CODES.backupDamaged,
      })
    }
  })

  it('is made of a backup of every format', async () => {
    const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url))
    for (const name of readdirSync(fixtures).filter((one) => one.endsWith('.db'))) {
      const backup = join(folder(), name)
      copyFileSync(join(fixtures, name), backup)
      const before = readFileSync(backup)
      expect((await restored(backup)).head).toBe(6)
      expect(readFileSync(backup).equals(before)).toBe(true)
    }
  })
})

/** Verifies: ESQ-R52 */
describe('restoring', () => {
  it('overwrites nothing, and leaves what is there', async () => {
    const { backup } = await backedUp()
    for (const name of ['log.db', 'log.db-wal']) {
      const place = folder()
      writeFileSync(join(place, name), 'precious')
      await expect(restored(backup, { path: join(place, 'log.db') })).rejects.toMatchObject({
        code: EVENTS_SQLITE_CODES.backupTarget,
      })
      expect(readdirSync(place)).toEqual([name])
    }
  })

  it('refuses a backup that is damaged anywhere, and leaves nothing', async () => {
    const { backup } = await backedUp()
    const { byteLength } = readFileSync(backup)
    const damages: readonly ((path: string) => void)[] = [
      (path) => truncateSync(path, byteLength - 8192),
      (path) => truncateSync(path, 100),
      (path) => truncateSync(path, 0),
      (path) => writeFileSync(path, 'no log at all'.repeat(1000)),
      (path) => run(path, `UPDATE events SET bytes = replace(bytes, 'x', 'y') WHERE position = 7`),
      (path) => run(path, 'UPDATE events SET version = 900 WHERE position = 300'),
      (path) => run(path, 'UPDATE blob_parts SET bytes = zeroblob(3) WHERE part = 1'),
      (path) => run(path, 'CREATE TABLE cats (name TEXT)'),
    ]
    for (const damage of damages) {
      const copy = join(folder(), 'copy.db')
      copyFileSync(backup, copy)
      damage(copy)
      const path = target()
      await expect(restored(copy, { path })).rejects.toMatchObject({
        code: EVENTS_SQLITE_CODES.backupDamaged,
      })
      expect(readdirSync(join(path, '..'))).toEqual([])
    }
  })

  it('names the position that is damaged', async () => {
    const { backup } = await backedUp()
    run(backup, `UPDATE events SET bytes = replace(bytes, 'x', 'y') WHERE position = 7`)
    await expect(restored(backup)).rejects.toMatchObject({ data: { position: 7 } })
  })

  it('refuses a log that is in use: its last events lie beside it', async () => {
    const { path, log } = open()
    await log.append(notes(alice, 3))
    expect(existsSync(`${path}-wal`)).toBe(true)
    await expect(restored(path)).rejects.toMatchObject({
      code: EVENTS_SQLITE_CODES.backupDamaged,
      message: expect.stringContaining('in use'),
    })
    await log.append(notes(alice, 3))
  })

  it('refuses what is not there, and where there is no folder or no right', async () => {
    const { backup } = await backedUp()
    const unavailable = { code: EVENTS_CODES.unavailable }
    await expect(restored(join(folder(), 'none.db'))).rejects.toMatchObject(unavailable)
    const path = join(folder(), 'missing', 'log.db')
    await expect(restored(backup, { path })).rejects.toMatchObject(unavailable)
    await expect(restored(folder())).rejects.toMatchObject({
      code: EVENTS_SQLITE_CODES.backupDamaged,
    })
    await expect(restored(backup, { path: '' })).rejects.toMatchObject({
      code: EVENTS_SQLITE_CODES.option,
    })
  })

  it('reads a backup that may not be written', async () => {
    const { backup } = await backedUp()
    chmodSync(backup, 0o400)
    expect((await restored(backup)).head).toBe(300)
  })

  it('can be withdrawn, and leaves nothing then', async () => {
    const { backup } = await backedUp()
    const controller = new AbortController()
    const path = target()
    const restoring = restored(backup, {
      path,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    await expect(restoring).rejects.toMatchObject({ code: EVENTS_CODES.aborted })
    expect(readdirSync(join(path, '..'))).toEqual([])
  })
})

function run(path: string, sql: string): void {
  const db = raw(path)
  db.pragma('journal_mode = DELETE')
  db.exec(sql)
  db.pragma('journal_mode = WAL')
  db.close()
}
