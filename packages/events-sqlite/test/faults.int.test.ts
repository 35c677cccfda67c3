import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { EVENTS_CODES, verifyLog } from '@ice/events'
import { start } from '@ice/tooling/lib/children'
import { describe, expect, it, onTestFinished } from 'vitest'
import { alice, folder, gather, notes, open, script } from './fixture.ts'

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
