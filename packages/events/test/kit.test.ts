/** The kit itself: a sound store passes it, and every way of breaking one is caught. */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type ContractCase, eventStoreCases, runCase, runContract } from '../src/contract/index.ts'
import type { EventStore } from '../src/ports.ts'
import type { Saboteur } from './saboteurs/saboteur.ts'
import { saboteurs, spoiltHarness } from './saboteurs.ts'

/** Written anew with `ICE_UPDATE_FIXTURES=1`; read the difference before it is committed. */
const MATRIX = new URL('./fixtures/saboteurs.json', import.meta.url)

async function isCaught(saboteur: Saboteur, one: ContractCase<EventStore>): Promise<boolean> {
  const harness = spoiltHarness(saboteur)
  try {
    await runCase(one, harness)
    return false
  } catch {
    return true
  } finally {
    harness.stop()
  }
}

/** For each saboteur, the requirement it breaks and the cases that catch it. */
async function matrix(): Promise<Record<string, { breaks: string; caughtBy: string[] }>> {
  const rows: Record<string, { breaks: string; caughtBy: string[] }> = {}
  for (const saboteur of saboteurs) {
    const caught = await Promise.all(eventStoreCases.map((one) => isCaught(saboteur, one)))
    const caughtBy = eventStoreCases.filter((_, i) => caught[i]).map(({ id }) => id)
    rows[saboteur.id] = { breaks: saboteur.breaks, caughtBy }
  }
  return rows
}

const measured = matrix()

test('a store that nobody has spoilt passes every case, and none is skipped', async () => {
  const harness = spoiltHarness()
  const results = await runContract(eventStoreCases, harness)
  harness.stop()
  expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([])
})

test('ids of cases and names of saboteurs are told once', () => {
  const ids = eventStoreCases.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(new Set(saboteurs.map(({ id }) => id)).size).toBe(saboteurs.length)
})

test('the matrix of saboteurs and cases is the one that was checked in', async () => {
  const text = `${JSON.stringify(await measured, null, 2)}\n`
  if (process.env['ICE_UPDATE_FIXTURES'] === '1') writeFileSync(MATRIX, text)
  expect(text).toBe(readFileSync(MATRIX, 'utf8'))
}, 180_000)

test('every saboteur is caught, and none by more than a third of the cases', async () => {
  const most = Math.floor(eventStoreCases.length / 3)
  const counts = Object.entries(await measured).map(
    ([id, row]) => [id, row.caughtBy.length] as const,
  )
  expect(counts.filter(([, count]) => count === 0 || count > most)).toEqual([])
}, 180_000)

test('every case catches a saboteur', async () => {
  const catching = new Set(Object.values(await measured).flatMap(({ caughtBy }) => caughtBy))
  const idle = eventStoreCases.filter(({ id }) => !catching.has(id)).map(({ id }) => id)
  expect(idle).toEqual([])
}, 180_000)

test('every requirement a saboteur breaks is one that a case names', () => {
  const named = new Set(eventStoreCases.map(({ requirement }) => requirement))
  expect(saboteurs.filter(({ breaks }) => !named.has(breaks)).map(({ id }) => id)).toEqual([])
})
