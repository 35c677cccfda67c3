/** A log on PostgreSQL: append, read, follow what any process appends. */
import { composeTaxonomy, createEventLog, standardTypes } from '@ice/events'
import { openPostgresEventStore } from '@ice/events-postgres'
import { systemClock as clock, streamId } from '@ice/primitives'

const connection = process.env['DATABASE_URL'] // postgres://user:password@host:5432/database
if (connection === undefined) {
  console.log('Name a database in DATABASE_URL to run this.')
  process.exit(0)
}

const store = await openPostgresEventStore({ connection, schema: 'tenant-example' })
const log = createEventLog({ store, taxonomy: composeTaxonomy(standardTypes), clock })

const task = `${process.pid}-${Date.now()}`
const start = (name: string) => ({
  stream: streamId(`task/${task}-${name}`),
  expectedVersion: 'no_stream' as const,
  events: [{ type: 'TaskStarted', data: { task: name } }],
})
const { position } = await store.head()
// Units that arrive together share one transaction, and one sync of the server's disk.
await Promise.all(['sow', 'reap', 'thresh'].map((name) => log.append({ writes: [start(name)] })))

let seen = 0
for await (const batch of log.subscribe({ after: position })) {
  for (const event of batch) console.log(event.position, event.type, event.data)
  seen += batch.length
  if (seen >= 3) break
}
await store.close()
