/** One subsystem swapped for yours: a store that counts what it is given, by type. */
import { memoryEventStore } from '@ice/events'
import { eventStoreCases, runCase } from '@ice/events/contract'
import type { EventStore } from '@ice/events/ports'
import { systemClock as clock } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { defineProgram } from '@ice/runs'
import { createRuntime } from '@ice/runtime'
import { z } from 'zod'

/** Everything is the inner store's, but for the one thing this is about. */
function counting(inner: EventStore, counts: Map<string, number>): EventStore {
  return {
    ...inner,
    async append(unit) {
      const appended = await inner.append(unit)
      const events = appended.retried ? [] : unit.writes.flatMap((write) => write.events)
      for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1)
      return appended
    },
  }
}

// A store is a citizen when it passes the contract kit, whoever wrote it.
const harness = {
  clock: manualClock(0),
  open: async () => counting(memoryEventStore({ clock: harness.clock }), new Map()),
  close: (store: EventStore) => store.close(),
}
const verdicts = { passed: 0, skipped: 0 }
for (const one of eventStoreCases) verdicts[await runCase(one, harness)] += 1
console.log('contract kit:', verdicts)

const hello = defineProgram({
  name: 'hello',
  version: '1',
  input: z.string(),
  output: z.string(),
  run: async (_ctx, name) => `Hello, ${name}!`,
})
const counts = new Map<string, number>()
const store = counting(memoryEventStore({ clock }), counts)
const ice = await createRuntime({ store })
const { stretch } = await ice.runs.execute(hello, 'world')
console.log(stretch.kind === 'concluded' ? stretch.result : stretch)
console.log(Object.fromEntries(counts))
await ice.close()
