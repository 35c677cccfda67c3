/** An archived log on PostgreSQL is held to the contract of a store, before anything is moved. */
import { eventStoreCases, runCase } from '@ice/events/contract'
import { manualClock } from '@ice/primitives/testing'
import { test } from 'vitest'
import { archivedHarness, describeOnServer } from './postgres.ts'

const harness = archivedHarness(manualClock(0), (archive) => archive)

/** Verifies: EVA-R02 */
describeOnServer('an archived log on PostgreSQL', () => {
  for (const one of eventStoreCases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      if ((await runCase(one, harness)) === 'skipped') context.skip()
    })
  }
})
