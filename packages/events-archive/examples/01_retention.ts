/** Moves a run that has ended into a segment, and reads it as before. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { composeTaxonomy, createEventLog, standardTypes, verifyLog } from '@ice/events'
import { openArchivedEventStore, retain } from '@ice/events-archive'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { systemClock as clock, streamId } from '@ice/primitives'

const folder = mkdtempSync(join(tmpdir(), 'ice-example-'))
const store = openSqliteEventStore({ path: join(folder, 'log.db'), clock })
const archive = openArchivedEventStore({ store, directory: join(folder, 'segments') })
const log = createEventLog({ store: archive, taxonomy: composeTaxonomy(standardTypes), clock })

const stream = streamId('run/0190a1b2-0000-7000-8000-000000000000')
const ended = { type: 'RunTerminated', data: { conclusion: 'committed', doubts: [] } }
await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events: [ended] }] })
const { root, events: size } = await verifyLog(archive)

const report = await retain(log, { archive, clock, policy: { concludedForMs: 0 } })
console.log(report.moved) // { runs: 1, events: 1, eventBytes: … }
console.log(report.segments[0]?.segment) // segment-1-….ice
for await (const batch of log.read({ stream })) console.log(batch[0]?.id) // run/0190…@1
console.log((await verifyLog(archive, { noted: [{ size, root }] })).findings) // []
await archive.close()
rmSync(folder, { recursive: true })
