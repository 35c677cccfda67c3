import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EVENTS_CODES, verifyLog } from '@ice/events'
import { describe, expect, it } from 'vitest'
import { EVENTS_SQLITE_CODES } from '../src/errors.ts'
import { alice, folder, gather, notes, open } from './fixture.ts'

/** Verifies: ESQ-R50 */
describe('a backup', () => {
  it('is a log of its own with the same events, made while others are appended', async () => {
    const { log, store } = open()
    for (let i = 0; i < 20; i += 1) await log.append(notes(alice, 200))
    const target = join(folder(), 'copy.db')
    const appending = Promise.all(Array.from({ length: 300 }, () => log.append(notes(alice))))
    const report = await store.backup(target)
    await appending
    const copy = open({ path: target })
    expect(report).toMatchObject({ path: target, head: copy.store.inspect().head })
    expect(report.head).toBeGreaterThanOrEqual(4000)
    const events = await gather(store.readAll({ limit: report.head }))
    expect(await gather(copy.store.readAll({}))).toEqual(events)
    expect((await verifyLog(copy.store)).findings).toEqual([])
    await copy.store.close()
    expect(readdirSync(join(target, '..'))).toEqual(['copy.db'])
  })

  it('overwrites nothing', async () => {
    const { store } = open()
    const target = join(folder(), 'copy.db')
    writeFileSync(target, 'precious')
    await expect(store.backup(target)).rejects.toMatchObject({
      code: EVENTS_SQLITE_CODES.backupTarget,
    })
    expect(readdirSync(join(target, '..'))).toEqual(['copy.db'])
  })

  it('leaves nothing where it cannot be written', async () => {
    const { store } = open()
    const target = join(folder(), 'missing', 'copy.db')
    await expect(store.backup(target)).rejects.toMatchObject({ code: EVENTS_CODES.unavailable })
    expect(existsSync(target)).toBe(false)
  })

  it('can be withdrawn, and leaves nothing then', async () => {
    const { log, store } = open()
    for (let i = 0; i < 30; i += 1) await log.append(notes(alice, 500, 'any', 'y'.repeat(2000)))
    const controller = new AbortController()
    const target = join(folder(), 'copy.db')
    const backup = store.backup(target, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    await expect(backup).rejects.toMatchObject({ code: EVENTS_CODES.aborted })
    expect(readdirSync(join(target, '..'))).toEqual([])
  })

  it('is finished by close, and refused after it', async () => {
    const { log, store } = open()
    await log.append(notes(alice, 100))
    const target = join(folder(), 'copy.db')
    const backup = store.backup(target)
    await store.close()
    expect((await backup).head).toBe(100)
    await expect(store.backup(join(folder(), 'late.db'))).rejects.toMatchObject({
      code: EVENTS_CODES.notOpen,
    })
  })
})
