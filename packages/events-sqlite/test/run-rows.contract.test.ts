/** Rows of the index, and owners by locks, are held to their kits; a file of rows is disposable. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Timestamp } from '@ice/primitives'
import {
  type KitCase,
  type KitHarness,
  ownershipCases,
  runKitCase,
  runRowsCases,
} from '@ice/runs/contract'
import type { Ownership, RunRows } from '@ice/runs/ports'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openOwnership, openSqliteRunRows } from '../src/index.ts'
import { folder } from './fixture.ts'

function bind<Subject>(
  cases: readonly KitCase<Subject>[],
  harness: () => KitHarness<Subject>,
): void {
  for (const one of cases) {
    test(`${one.requirement} ${one.name}`, async () => {
      expect(await runKitCase(one, harness())).toBe('passed')
    })
  }
}

bind(runRowsCases, (): KitHarness<RunRows> => {
  const path = join(folder(), 'log.db.index')
  return {
    open: async () => openSqliteRunRows({ path }),
    openSecond: async () => openSqliteRunRows({ path }),
    reopen: async (rows) => {
      await rows.close()
      return openSqliteRunRows({ path })
    },
    close: (rows) => rows.close(),
  }
})

bind(ownershipCases, (): KitHarness<Ownership> => {
  const directory = join(folder(), 'log.db.owners')
  return {
    open: async () => openOwnership({ directory }),
    openSecond: async () => openOwnership({ directory }),
    close: (owner) => owner.close(),
  }
})

const TO = { incarnation: 'one', position: 1 }

/** Verifies: RUN-R161 */
test('a file that is damaged, of another format, or no database, is made anew', async () => {
  const path = join(folder(), 'log.db.index')
  const spoil: readonly (() => void)[] = [
    () => writeFileSync(path, 'no database at all, and not a short one either'.repeat(100)),
    () => {
      const db = new Database(path)
      db.pragma('user_version = 99')
      db.close()
    },
    () => writeFileSync(path, readFileSync(path).subarray(0, 5_000)),
  ]
  for (const damage of spoil) {
    const before = openSqliteRunRows({ path })
    await before.move({ from: await before.mark(), to: TO, rows: [] })
    await before.close()
    damage()
    const rows = openSqliteRunRows({ path })
    expect([await rows.mark(), await rows.find({})]).toEqual([null, []])
    await rows.close()
  }
})

/** Verifies: RUN-R161 */
test('rows that are closed, or have no folder, say so with a code', async () => {
  const path = join(folder(), 'log.db.index')
  const rows = openSqliteRunRows({ path })
  await rows.close()
  const now = 0 as Timestamp
  await expect(rows.find({})).rejects.toMatchObject({ code: 'ICE_EVENTS_NOT_OPEN' })
  await expect(rows.ready({ now, programs: [], perQueue: 1 })).rejects.toMatchObject({
    code: 'ICE_EVENTS_NOT_OPEN',
  })
  expect(() => openSqliteRunRows({ path: join(path, 'x') })).toThrow(
    expect.objectContaining({ code: 'ICE_EVENTS_UNAVAILABLE' }),
  )
})
