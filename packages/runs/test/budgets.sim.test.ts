import { memoryEventStore } from '@ice/events'
import { holdToLedger } from '@ice/tooling/models/authority-model'
import { authorityCases } from '@ice/tooling/models/authority-steps'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const CASES = 150

/** Verifies: RUN-R16, RUN-R20, RUN-R21, RUN-R22, RUN-R23 */
test('runs of processes that die keep to shared budgets, event by event', async () => {
  const counts = { intents: 0, slices: 0, missed: 0, refusals: 0, overspends: 0 }
  const property = fc.asyncProperty(authorityCases, async (chosen) => {
    let store: ReturnType<typeof memoryEventStore> | undefined
    const subject = {
      open: (clock: Parameters<typeof memoryEventStore>[0]['clock']) => {
        store ??= memoryEventStore({ clock })
        return store
      },
    }
    const found = await holdToLedger(subject, chosen)
    for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += found[name]
  })
  const seed = Number(process.env['ICE_SIM_SEED'] ?? 20_260_101)
  console.log(`seed ${seed}`)
  await fc.assert(property, { numRuns: CASES, seed })
  // A ledger that was shown nothing would agree with everything.
  const { missed, ...often } = counts
  expect(Math.min(...Object.values(often))).toBeGreaterThan(20)
  expect(missed).toBeGreaterThan(0)
}, 120_000)
