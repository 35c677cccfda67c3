/** A log that outlives its process: append, close, open again, follow, back up, verify. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { composeTaxonomy, createEventLog, standardTypes, verifyLog } from '@ice/events'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { systemClock as clock, streamId } from '@ice/primitives'

const folder = mkdtempSync(join(tmpdir(), 'ice-example-'))
const taxonomy = composeTaxonomy(standardTypes)
const open = () => {
  const store = openSqliteEventStore({ path: join(folder, 'log.db'), clock })
  return createEventLog({ store, taxonomy, clock })
}

const log = open()
const start = (task: string) => ({
  stream: streamId(`task/${task}`),
  expectedVersion: 'no_stream' as const,
  events: [{ type: 'TaskStarted', data: { task } }],
})
// Units that arrive together share one transaction, and one sync of the disk.
await Promise.all(['sow', 'reap', 'thresh'].map((task) => log.append({ writes: [start(task)] })))
await log.store.close()

const again = open()
for await (const batch of again.readAll({ filter: { types: ['TaskStarted'] } })) {
  for (const { position, id } of batch) console.log(position, id) // 1 task/sow@1 …
}
const store = openSqliteEventStore({ path: join(folder, 'log.db'), clock }) // another process, say
console.log((await store.backup(join(folder, 'copy.db'))).head) // 3
console.log((await verifyLog(store)).findings) // []
await store.close()
await again.store.close()
rmSync(folder, { recursive: true })
