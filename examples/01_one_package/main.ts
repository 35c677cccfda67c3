/** One package alone: a durable log of your own events in twenty lines. Run it twice. */
import { composeTaxonomy, createEventLog, defineEventType, projectStream } from '@ice/events'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { systemClock as clock, streamId } from '@ice/primitives'
import { z } from 'zod'

const CupBrewed = defineEventType({
  type: 'CupBrewed',
  category: 'domain',
  description: 'Someone brewed a cup.',
  payload: z.strictObject({ beans: z.int().min(1) }),
})
const store = openSqliteEventStore({ path: 'coffee.db', clock })
const log = createEventLog({ store, taxonomy: composeTaxonomy([CupBrewed]), clock })
const stream = streamId('machine/kitchen')

const events = [{ type: 'CupBrewed', data: { beans: 42 } }]
await log.append({ writes: [{ stream, expectedVersion: 'any', events }] })

const cups = { name: 'cups', initialState: () => 0, evolve: (count: number) => count + 1 }
const { state } = await projectStream(log, cups, { stream })
console.log(`${state} cups so far, ${(await store.head()).position} events on the disk`)
await store.close()
