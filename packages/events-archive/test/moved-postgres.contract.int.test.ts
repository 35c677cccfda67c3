/** An archived log on PostgreSQL of which everything is moved after each append, likewise. */
import { eventStoreCases, runCase } from '@ice/events/contract'
import { manualClock } from '@ice/primitives/testing'
import { test } from 'vitest'
import { movingStore, type Shared } from './moving-store.ts'
import { archivedHarness, describeOnServer } from './postgres.ts'

const clock = manualClock(0)
const shared = new Map<string, Shared>()

const harness = archivedHarness(clock, (archive, log) => {
  const known = shared.get(log) ?? {
    ...{ seals: [], moving: Promise.resolve(), appends: 0, isCounted: false },
  }
  shared.set(log, known)
  return movingStore(archive, clock, known)
})

/** Verifies: EVA-R02, EPG-R40 */
describeOnServer('an archived log on PostgreSQL that is moved after each append', () => {
  for (const one of eventStoreCases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      if ((await runCase(one, harness)) === 'skipped') context.skip()
    })
  }
})
