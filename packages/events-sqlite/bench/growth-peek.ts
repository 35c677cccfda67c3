/** Opens a log, appends ten thousand events, reads as many, and tells time and memory. */
import { createEventLog } from '@ice/events'
import { type StreamId, systemClock } from '@ice/primitives'
import { openSqliteEventStore } from '../src/index.ts'
import { makeWorkload, taxonomy } from './workload.ts'

const path = process.argv[2] ?? ''
const started = performance.now()
const store = openSqliteEventStore({ path, clock: systemClock })
const { position } = await store.head()
const openMs = performance.now() - started

const log = createEventLog({ store, taxonomy, clock: systemClock })
const { requests } = await makeWorkload(100, 10_000, 200)
await Promise.all(
  requests.flat().map(({ writes: [write] }) => {
    if (write === undefined) return undefined
    const stream = `${write.stream}-peek-${position}` as StreamId
    return log.append({ writes: [{ ...write, stream }] })
  }),
)
let read = 0
for await (const batch of log.readAll({ after: position })) read += batch.length
await store.close()
if (read < 10_000) throw new TypeError(`${read} events were read of 10,000`)
const rssBytes = process.resourceUsage().maxRSS * 1024
process.stdout.write(JSON.stringify({ openMs, rssBytes }))
