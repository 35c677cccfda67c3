import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { EVENTS_CODES, verifyLog } from '@ice/events'
import { start } from '@ice/tooling/lib/children'
import { describe, expect, it, onTestFinished } from 'vitest'
import { restoreSqliteEventStore } from '../src/index.ts'
import { alice, folder, gather, notes, open, raw, script } from './fixture.ts'

const can = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

const canMount =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  can('unshare', '--mount', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt')

const canTrace = process.platform === 'linux' && can('strace', '-f', '-o', '/dev/null', 'true')

const nobody = 65_534
const canBeNobody =
  process.getuid?.() !== 0 ||
  spawnSync(process.execPath, ['-e', '0'], { uid: nobody, gid: nobody }).status === 0

type Line = Readonly<Record<string, unknown>>

const has = (key: string) => (line: unknown) =>
  typeof line === 'object' && line !== null && key in line

/** Verifies: ESQ-R60 */
describe('a full disk', () => {
  it.skipIf(!canMount)(
    'refuses units with their fate, keeps what it had, and recovers',
    async () => {
      const place = folder()
      expect(can('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', place)).toBe(true)
      onTestFinished(() => {
        spawnSync('umount', ['-l', place])
      })
      const path = join(place, 'log.db')
      const child = start(script('failing'), { args: [path, '4000'] })
      const failed = (await child.until(has('failed'))) as Line
      expect(failed).toMatchObject({
        code: EVENTS_CODES.unavailable,
        data: { fate: 'none', reason: 'disk_full', sqlite: 'SQLITE_FULL' },
      })
      expect(failed['message']).toContain('Free some space')
      expect(await child.until(has('after'))).toMatchObject({ after: EVENTS_CODES.unavailable })
      const acknowledged = child.said.filter(has('acknowledged')).length
      expect(acknowledged).toBeGreaterThan(10)
      expect(await child.until(has('head'))).toEqual({ head: acknowledged })
      await child.ended()
      expect(can('mount', '-o', 'remount,size=32m', place)).toBe(true)
      const { store, log } = open({ path })
      expect((await gather(store.readAll({}))).length).toBe(acknowledged)
      await log.append(notes(alice, 50, 'any', 'x'.repeat(4000)))
      expect((await verifyLog(store)).findings).toEqual([])
      await store.close()
    },
  )

  it.skipIf(!canMount)(
    'refuses a blob, a backup and a restoration, leaves nothing of them, and recovers',
    async () => {
      const [place, elsewhere] = [folder(), folder()]
      expect(can('mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', place)).toBe(true)
      onTestFinished(() => {
        spawnSync('umount', ['-l', place])
      })
      const full = { code: EVENTS_CODES.unavailable, data: { reason: 'disk_full', fate: 'none' } }
      const { store, log, path } = open({ path: join(place, 'log.db') })
      await log.append(notes(alice, 20))
      const portion = new Uint8Array(1_048_576)
      const blobs = Array.from({ length: 20 }, (_, i) => portion.slice().fill(i))
      await expect(store.blobs.stage(blobs)).rejects.toMatchObject(full)
      for await (const finding of store.check()) expect(finding).toBeUndefined()
      expect(raw(path).prepare(FOUND).pluck().get()).toBe(0)
      expect(can('mount', '-o', 'remount,size=40m', place)).toBe(true)
      await log.append(notes(alice, 20))
      const staged = await store.blobs.stage(blobs)
      expect((await store.blobs.read(staged.digest)).byteLength).toBe(20 * 1_048_576)
      // The same room is not there twice.
      await expect(store.backup(join(place, 'copy.db'))).rejects.toMatchObject(full)
      const backup = join(elsewhere, 'copy.db')
      await store.backup(backup)
      const restoring = restoreSqliteEventStore({ backup, path: join(place, 'again.db') })
      await expect(restoring).rejects.toMatchObject(full)
      const left = readdirSync(place).filter((name) => !name.startsWith('log.db'))
      expect(left).toEqual([])
      await log.append(notes(alice, 20))
      expect((await verifyLog(store)).findings).toEqual([])
    },
  )

  it.skipIf(!canMount)('refuses to create a log, and leaves nothing', async () => {
    const place = folder()
    expect(can('mount', '-t', 'tmpfs', '-o', 'size=32k', 'tmpfs', place)).toBe(true)
    onTestFinished(() => {
      spawnSync('umount', ['-l', place])
    })
    const child = start(script('opener'), { args: [join(place, 'log.db')] })
    expect(await child.until(has('code'))).toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { reason: 'disk_full', fate: 'none' },
    })
    expect(can('rmdir', join(place, 'anything'))).toBe(false)
    expect(spawnSync('ls', ['-A', place], { encoding: 'utf8' }).stdout).toBe('')
  })
})

/** Verifies: ESQ-R61 */
describe('a sync that fails', () => {
  it.skipIf(!canTrace)('closes the handle and loses nothing acknowledged', async () => {
    for (const nth of [4, 5, 9]) {
      const path = join(folder(), 'log.db')
      await open({ path }).store.close()
      const inject = `inject=fsync,fdatasync:error=EIO:when=${nth}`
      const before = [
        'strace',
        '-f',
        '-o',
        '/dev/null',
        '-e',
        'trace=fsync,fdatasync',
        '-e',
        inject,
      ]
      const child = start(script('failing'), { args: [path], before })
      const failed = (await child.until(has('failed'))) as Line
      expect(failed).toMatchObject({
        code: EVENTS_CODES.unavailable,
        data: { fate: 'unknown', reason: 'io', sqlite: 'SQLITE_IOERR_FSYNC' },
      })
      expect(await child.until(has('after'))).toEqual({
        after: EVENTS_CODES.notOpen,
        data: { path, reopen: true },
      })
      expect(await child.until(has('head'))).toEqual({ head: EVENTS_CODES.notOpen })
      await child.ended()
      const { store } = open({ path })
      const acknowledged = child.said.filter(has('acknowledged')).length
      const { position } = await store.head()
      expect([acknowledged, acknowledged + 1]).toContain(position)
      expect((await verifyLog(store)).findings).toEqual([])
    }
  })
})

/** Verifies: ESQ-R63 */
describe('a sync of the folder that fails', () => {
  it.skipIf(!canTrace)('is told to whoever opens, for a WAL without a name is no WAL', async () => {
    const path = join(folder(), 'log.db')
    await open({ path }).store.close()
    const inject = 'inject=fsync,fdatasync:error=EIO:when=1'
    const before = ['strace', '-f', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', inject]
    const child = start(script('opener'), { args: [path], before })
    expect(await child.until(has('code'))).toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { reason: 'io', system: 'EIO', fate: 'none' },
    })
    await child.ended()
    await open({ path }).store.close()
  })
})

/** Verifies: ESQ-R61 */
describe('a sync that fails while a blob is staged', () => {
  it.skipIf(!canTrace)('closes the handle, and nothing is to be found of the blob', async () => {
    for (const nth of [6, 9, 14]) {
      const path = join(folder(), 'log.db')
      const { store: first, log } = open({ path })
      await log.append(notes(alice, 3))
      await first.close()
      const before = ['strace', '-f', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e']
      const inject = `inject=fsync,fdatasync:error=EIO:when=${nth}`
      const child = start(script('stager'), { args: [path, '8'], before: [...before, inject] })
      expect(await child.until(has('code'))).toMatchObject({ code: expect.any(String) })
      expect(await child.until(has('after'))).toEqual({ after: EVENTS_CODES.notOpen })
      await child.ended()
      const { store } = open({ path })
      expect(raw(path).prepare(FOUND).pluck().get()).toBe(0)
      expect((await verifyLog(store)).findings).toEqual([])
    }
  })
})

/** Blobs that can be found. */
const FOUND = 'SELECT count(*) FROM blobs WHERE digest IS NOT NULL'

/** Verifies: ESQ-R62 */
describe('a write that fails', () => {
  it.skipIf(!canTrace)('is told with its fate, and nothing torn is visible after it', async () => {
    for (const nth of [20, 21, 22, 33]) {
      const path = join(folder(), 'log.db')
      await open({ path }).store.close()
      const inject = `inject=pwrite64:error=EIO:when=${nth}`
      const before = ['strace', '-f', '-o', '/dev/null', '-e', 'trace=pwrite64', '-e', inject]
      const child = start(script('failing'), { args: [path], before })
      const failed = (await child.until(has('failed'))) as Line
      expect(failed).toMatchObject({ code: EVENTS_CODES.unavailable, data: { reason: 'io' } })
      await child.ended()
      const { store } = open({ path })
      const acknowledged = child.said.filter(has('acknowledged')).length
      const { position } = await store.head()
      expect([acknowledged, acknowledged + 1]).toContain(position)
      expect((await verifyLog(store)).findings).toEqual([])
    }
  })
})

/** Verifies: ESQ-R07 */
describe('a place that this user may not write', () => {
  it.skipIf(!canBeNobody)('is refused: the folder, or the file of another', async () => {
    const place = folder()
    chmodSync(place, 0o755)
    const closed = join(place, 'closed')
    mkdirSync(closed)
    const { path, store } = open({ path: join(closed, 'there.db') })
    await store.close()
    chmodSync(path, 0o444)
    chmodSync(closed, 0o555)
    const as = process.getuid?.() === 0 ? { uid: nobody } : {}
    for (const name of ['new.db', 'there.db']) {
      const child = start(script('opener'), { args: [join(closed, name)], ...as })
      expect(await child.until(has('code'))).toMatchObject({
        code: EVENTS_CODES.unavailable,
        data: { fate: 'none' },
      })
    }
    chmodSync(closed, 0o755)
  })
})
