/** A payload changes twice; what was written before is read as if it had been written today. */
import assert from 'node:assert/strict'
import {
  composeTaxonomy,
  createEventLog,
  defineEventType,
  exportLog,
  importLog,
  memoryEventStore,
} from '@ice/events'
import { systemClock as clock, hasCode, streamId } from '@ice/primitives'
import { z } from 'zod'

// The first program knew a name.
const First = defineEventType({
  type: 'PersonGreeted',
  category: 'domain',
  description: 'A person was greeted.',
  payload: z.strictObject({ name: z.string() }),
})

// The second one knows its parts, and in which language. Each step is written once and kept.
const Third = defineEventType({
  type: 'PersonGreeted',
  category: 'domain',
  description: 'A person was greeted.',
  schema: 3,
  payload: z.strictObject({ first: z.string(), last: z.string(), language: z.string() }),
  upcasts: {
    1: (data) => {
      const [first = '', ...rest] = (data as { name: string }).name.split(' ')
      return { first, last: rest.join(' ') }
    },
    2: (data) => ({ ...(data as { first: string; last: string }), language: 'en' }),
  },
})

const [before, now] = [composeTaxonomy([First]), composeTaxonomy([Third])]
const store = memoryEventStore({ clock })
const stream = streamId('greetings/door')
const greeted = (data: unknown) => ({
  writes: [{ stream, expectedVersion: 'any' as const, events: [{ type: 'PersonGreeted', data }] }],
})

const old = createEventLog({ store, taxonomy: before, clock })
await old.append(greeted({ name: 'Ada King Lovelace' }))
const log = createEventLog({ store, taxonomy: now, clock })
await log.append(greeted({ first: 'Grace', last: 'Hopper', language: 'en' }))

// Read today, both have today's shape. The bytes of the first are what they were.
for await (const batch of log.read({ stream })) {
  assert.deepEqual(
    batch.map(({ schema, data }) => [schema, (data as { first: string }).first]),
    [
      [3, 'Ada'],
      [3, 'Grace'],
    ],
  )
}
for await (const [stored] of store.read({ stream, limit: 1 })) {
  assert.match(stored?.bytes ?? '', /"data":\{"name":"Ada King Lovelace"\}.*"schema":1/)
}

// The old program meets an event of the future: it refuses, and does not guess.
const refused = (error: unknown) => hasCode(error, 'ICE_EVENTS_SCHEMA_UNSUPPORTED')
const reading = old.read({ stream })[Symbol.asyncIterator]()
await assert.rejects(reading.next(), refused)

// An import is judged the same way: older payloads come in with their bytes, later ones do not.
const copy = memoryEventStore({ clock })
const { appended } = await importLog(copy, exportLog(store), { taxonomy: now })
assert.equal(appended, 2)
const blank = memoryEventStore({ clock })
await assert.rejects(importLog(blank, exportLog(store), { taxonomy: before }), refused)
assert.deepEqual(await blank.head(), { position: 0 })
