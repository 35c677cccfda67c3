import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { holdToModel } from '@ice/tooling/models/log-model'
import { logSteps } from '@ice/tooling/models/log-steps'
import fc from 'fast-check'
import { it } from 'vitest'
import { openSqliteEventStore } from '../src/index.ts'

/**
 * A few of the sequences of which `npm run prove -- log` makes thousands.
 *
 * Verifies: ESQ-R10, ESQ-R20
 */
it('answers and keeps what the in-memory store does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ice-model-'))
  let round = 0
  const property = fc.asyncProperty(logSteps, async (steps) => {
    round += 1
    const path = join(folder, `${round}.db`)
    await holdToModel(
      { open: (clock) => openSqliteEventStore({ path, clock, durability: 'process' }) },
      steps,
    )
  })
  try {
    await fc.assert(property, { numRuns: 40 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
