/** The store is held to the contract, on a real server. */
import type { EventStore } from '@ice/events'
import { eventStoreCases, type Harness, runCase } from '@ice/events/contract'
import { manualClock } from '@ice/primitives/testing'
import { test } from 'vitest'
import { openPostgresEventStore } from '../src/index.ts'
import { admin, describeOnServer, freshSchema, server } from './server.ts'

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
  async damage(store, what) {
    const schema = schemaOf(store)
    const [change, which] =
      what.kind === 'event'
        ? [`events SET bytes = replace(bytes, 'Kit', 'Kot') WHERE position = $1`, what.position]
        : [
            'blob_portions SET bytes = set_byte(bytes, 0, 255 - get_byte(bytes, 0)) ' +
              `WHERE content = (SELECT content FROM "${schema}".blobs WHERE digest = $1)`,
            what.digest,
          ]
    await admin((client) => client.query(`UPDATE "${schema}".${change}`, [which]))
  },
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
