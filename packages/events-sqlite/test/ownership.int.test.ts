import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EVENTS_CODES } from '@ice/events'
import { type OwnerId, ownerId } from '@ice/primitives'
import { type Child, start } from '@ice/tooling/lib/children'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EVENTS_SQLITE_CODES } from '../src/errors.ts'
import { openOwnership } from '../src/index.ts'
import { folder, script } from './fixture.ts'

function own(directory: string): ReturnType<typeof openOwnership> {
  const ownership = openOwnership({ directory })
  onTestFinished(() => ownership.close())
  return ownership
}

async function startOwner(directory: string): Promise<{ child: Child; self: OwnerId }> {
  const child = start(script('owner'), { args: [directory] })
  const said = await child.until(() => true)
  return { child, self: (said as { readonly self: OwnerId }).self }
}

const locks = (directory: string): readonly string[] =>
  readdirSync(directory).filter((name) => name.endsWith('.lock'))

/** Verifies: ESQ-R30 */
describe('an owner', () => {
  it('is alive to itself and to others of its process', async () => {
    const directory = join(folder(), 'log.db.owners')
    const mine = own(directory)
    const other = own(directory)
    expect(mine.self).not.toBe(other.self)
    expect(await mine.status(mine.self)).toBe('alive')
    expect(await mine.status(other.self)).toBe('alive')
    expect(await other.status(mine.self)).toBe('alive')
    // Asking must not have dropped the lock.
    expect(await other.status(mine.self)).toBe('alive')
  })

  it('is dead once it has closed, and leaves nothing', async () => {
    const directory = join(folder(), 'owners')
    const mine = own(directory)
    const other = own(directory)
    await other.close()
    expect(await mine.status(other.self)).toBe('dead')
    expect(locks(directory)).toEqual([`${mine.self}.lock`])
    await expect(other.status(mine.self)).rejects.toMatchObject({ code: EVENTS_CODES.notOpen })
  })

  it('is alive in another process until SIGKILL, and dead after it', async () => {
    const directory = join(folder(), 'owners')
    const mine = own(directory)
    const { child, self } = await startOwner(directory)
    expect(await mine.status(self)).toBe('alive')
    child.process.kill('SIGKILL')
    await child.ended()
    const seen = await Promise.all(Array.from({ length: 8 }, () => mine.status(self)))
    expect(new Set(seen)).toEqual(new Set(['dead']))
    expect(existsSync(join(directory, `${self}.lock`))).toBe(false)
    expect(await mine.status(self)).toBe('dead')
  })

  it.skipIf(process.platform === 'win32')('is alive while it is stopped', async () => {
    const directory = join(folder(), 'owners')
    const mine = own(directory)
    const { child, self } = await startOwner(directory)
    child.process.kill('SIGSTOP')
    expect(await mine.status(self)).toBe('alive')
    child.process.kill('SIGCONT')
    expect(await mine.status(self)).toBe('alive')
  })

  it('is swept away with all other dead ones by whoever opens the folder', async () => {
    const directory = join(folder(), 'owners')
    const dead = await Promise.all([1, 2, 3].map(() => startOwner(directory)))
    const living = await startOwner(directory)
    for (const { child } of dead) {
      child.process.kill('SIGKILL')
      await child.ended()
    }
    const mine = own(directory)
    expect(locks(directory).toSorted()).toEqual(
      [`${mine.self}.lock`, `${living.self}.lock`].toSorted(),
    )
    expect(await mine.status(living.self)).toBe('alive')
  })

  it('never looks dead while others sweep and ask', async () => {
    const directory = join(folder(), 'owners')
    mkdirSync(directory)
    const mine = own(directory)
    for (let round = 0; round < 60; round += 1) {
      const other = own(directory)
      const third = own(directory)
      expect(await mine.status(other.self)).toBe('alive')
      expect(await third.status(other.self)).toBe('alive')
      await third.close()
      expect(await mine.status(other.self)).toBe('alive')
      await other.close()
      expect(await mine.status(other.self)).toBe('dead')
    }
  })

  it('that never was is dead, whatever it is called', async () => {
    const directory = join(folder(), 'owners')
    const mine = own(directory)
    writeFileSync(join(directory, 'x.lock'), '')
    writeFileSync(join(directory, '..', 'outside.lock'), '')
    const names = ['x', '../outside', '../../etc/passwd', '5ed1b474-0564-4f54-9ba8-5a76351341dc']
    for (const name of names) expect(await mine.status(ownerId(name))).toBe('dead')
    expect(existsSync(join(directory, 'x.lock'))).toBe(true)
    expect(existsSync(join(directory, '..', 'outside.lock'))).toBe(true)
  })

  it('is not told apart on a network filesystem', () => {
    const directory = join(folder(), 'owners')
    expect(() => openOwnership({ directory, probeFilesystem: () => ({ magic: 0x6969 }) })).toThrow(
      expect.objectContaining({ code: EVENTS_SQLITE_CODES.filesystem }),
    )
  })
})
