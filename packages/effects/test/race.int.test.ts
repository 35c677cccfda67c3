/** Verifies: EFF-R02 */

import { readdirSync, readFileSync, realpathSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RaceSubject, renameRace } from '@ice/tooling/prove/parts/rename-race'
import { describe, expect, it } from 'vitest'
import { fs } from '../src/index.ts'
import { resultOf } from './kit.ts'

const ours: RaceSubject = {
  read: async (root, path) => String(await resultOf(root, fs.read('g', { path }))),
  list: async (root, path) => {
    const page = await resultOf(root, fs.list('g', { path }))
    return (page as { entries: { name: string }[] }).entries.map(({ name }) => name)
  },
  replace: async (root, path, content) => {
    await resultOf(root, fs.replace('g', { path, content }))
  },
  remove: async (root, path) => {
    await resultOf(root, fs.delete('g', { path }))
  },
}

/** The usual guard: resolve, compare, act. */
function guarded(root: string, path: string): string {
  const real = realpathSync.native(join(root, path))
  if (real.startsWith(`${realpathSync.native(root)}/`)) return real
  throw Object.assign(new Error('outside'), { code: 'GUARD_DENIED' })
}

const usual: RaceSubject = {
  read: async (root, path) => readFileSync(guarded(root, path), 'utf8'),
  list: async (root, path) => readdirSync(guarded(root, path)),
  replace: async (root, path, content) => writeFileSync(guarded(root, path), content),
  remove: async (root, path) => unlinkSync(guarded(root, path)),
}

describe('a race against renames', () => {
  it('is never lost: of 12,000 tries some act inside, some are denied, none escapes', async () => {
    const counts = await renameRace({ tries: 12_000, subject: ours })
    expect(counts.escaped).toBe(0)
    expect(counts.inside).toBeGreaterThan(0)
    expect(counts.refused).toBeGreaterThan(0)
    expect(counts.inside + counts.refused + counts.missed).toBe(12_000)
  })

  it('is lost by a guard that resolves first and acts after', async () => {
    const counts = await renameRace({ tries: 200_000, subject: usual, untilEscape: true })
    expect(counts.escaped).toBe(1)
  })
})
