import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { quickFolder } from '@ice/tooling/lib/quick-folder'
import { holdToLedger } from '@ice/tooling/models/authority-model'
import { authorityCases } from '@ice/tooling/models/authority-steps'
import fc from 'fast-check'
import { expect, test } from 'vitest'

/** Verifies: RUN-R16, RUN-R20, RUN-R23 */
test('runs of two connections to one file keep to shared budgets', async () => {
  const base = quickFolder('ice-budgets-')
  let [number, intents] = [0, 0]
  const property = fc.asyncProperty(authorityCases, async (chosen) => {
    number += 1
    const path = join(base, `${number}.db`)
    const counts = await holdToLedger(
      { open: (clock) => openSqliteEventStore({ path, clock, durability: 'process' }) },
      chosen,
    )
    intents += counts.intents
  })
  try {
    const seed = Number(process.env['ICE_SIM_SEED'] ?? 20_260_102)
    await fc.assert(property, { numRuns: 12, seed })
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
  expect(intents).toBeGreaterThan(10)
}, 120_000)
