/** The store is held to the contract, on a real server. */
import type { EventStore } from '@ice/events'
import { eventStoreCases, type Harness, runCase } from '@ice/events/contract'
import { manualClock } from '@ice/primitives/testing'
import { test } from 'vitest'
import { openPostgresEventStore } from '../src/index.ts'
import { admin, freshSchema, server, withServer } from './server.ts'

const clock = manualClock(0)
const schemas = new Map<EventStore, string>()
const users = new Map<string, number>()

async function open(schema: string): Promise<EventStore> {
  const store = await openPostgresEventStore({ connection: server.url, schema, clock })
  schemas.set(store, schema)
  users.set(schema, (users.get(schema) ?? 0) + 1)
  return store
}

async function leave(store: EventStore): Promise<string> {
  await store.close()
  const schema = schemas.get(store) ?? ''
  if (schemas.delete(store)) users.set(schema, (users.get(schema) ?? 0) - 1)
  return schema
}

const harness: Harness<EventStore> = {
  clock,
  open: () => open(freshSchema()),
  openSecond: (store) => open(schemas.get(store) ?? ''),
  reopen: async (store) => open(await leave(store)),
  async close(store) {
    const schema = await leave(store)
    if (users.get(schema) !== 0) return
    users.delete(schema)
    await admin((client) => client.query(`DROP SCHEMA "${schema}" CASCADE`))
  },
}

withServer('the contract of an event store', () => {
  for (const one of eventStoreCases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      if ((await runCase(one, harness)) === 'skipped') context.skip()
    })
  }
})
