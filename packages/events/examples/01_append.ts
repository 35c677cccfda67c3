/** A log in twenty lines: say what can happen, append what did, meet a conflict, read it back. */
import { composeTaxonomy, createEventLog, defineEventType, memoryEventStore } from '@ice/events'
import { systemClock as clock, hasCode, type StreamVersion, streamId } from '@ice/primitives'
import { z } from 'zod'

const Paid = defineEventType({
  type: 'InvoicePaid',
  category: 'domain',
  description: 'An invoice was paid, in whole or in part.',
  payload: z.strictObject({ cents: z.int().min(1) }),
})
const store = memoryEventStore({ clock })
const log = createEventLog({ store, taxonomy: composeTaxonomy([Paid]), clock })
const stream = streamId('invoice/2026-17')
const pay = (cents: number, seen: number) => {
  const events = [{ type: 'InvoicePaid', data: { cents } }]
  return log.append({ writes: [{ stream, expectedVersion: seen as StreamVersion, events }] })
}

await pay(4_000, 0)
await pay(250, 1)
console.log((await pay(250, 1)).retried) // true: the unit is there already, nothing was written
await pay(900, 1).catch((error: unknown) => {
  console.log(hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT')) // true: decided on an old version
})
for await (const batch of log.read({ stream })) {
  for (const { id, data } of batch) console.log(id, data) // invoice/2026-17@1 { cents: 4000 } …
}
