/** The in-memory store is held to the contract. */
import { manualClock } from '@ice/primitives/testing'
import { test } from 'vitest'
import { eventStoreCases, type Harness, runCase } from '../src/contract/index.ts'
import { memoryEventStore } from '../src/memory.ts'
import type { EventStore } from '../src/ports.ts'

const clock = manualClock(0)
const harness: Harness<EventStore> = {
  clock,
  open: async () => memoryEventStore({ clock }),
  close: (store) => store.close(),
}

for (const one of eventStoreCases) {
  test(`${one.requirement} ${one.name}`, async (context) => {
    if ((await runCase(one, harness)) === 'skipped') context.skip()
  })
}
