/** The store is held to the contract, on a real server. */
import type { EventStore } from '@ice/events'
import { eventStoreCases, type Harness, runCase } from '@ice/events/contract'
import { manualClock } from '@ice/primitives/testing'
import { test } from 'vitest'
import { openPostgresEventStore } from '../src/index.ts'
import { describeOnServer, freshSchema, server } from './server.ts'

const clock = manualClock(0)
const schemas = new Map<EventStore, string>()

async function open(schema: string): Promise<EventStore> {
  const store = await openPostgresEventStore({ connection: server.url, schema, clock })
  schemas.set(store, schema)
  return store
}

const schemaOf = (store: EventStore): string => schemas.get(store) ?? ''

const harness: Harness<EventStore> = {
  clock,
  open: () => open(freshSchema()),
  openSecond: (store) => open(schemaOf(store)),
  async reopen(store) {
    await store.close()
    return open(schemaOf(store))
  },
  close: (store) => store.close(),
  // Every append of a case is a round trip and a sync, and there are cases with hundreds.
  patience: () => AbortSignal.timeout(40_000),
}

describeOnServer('the contract of an event store', () => {
  for (const one of eventStoreCases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      if ((await runCase(one, harness)) === 'skipped') context.skip()
    })
  }
})
