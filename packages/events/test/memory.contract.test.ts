/** The in-memory store is held to the contract. */

import { readFileSync } from 'node:fs'
import { manualClock } from '@ice/primitives/testing'
import { expect, test } from 'vitest'
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

test('skips the cases it has always skipped, and no other', () => {
  const store = memoryEventStore({ clock })
  const skipped = eventStoreCases.filter(({ needs }) => needs?.(store, harness) === false)
  const file = new URL('./fixtures/memory-skips.json', import.meta.url)
  expect({ supports: store.supports, skipped: skipped.map(({ id }) => id) }).toEqual(
    JSON.parse(readFileSync(file, 'utf8')),
  )
})
