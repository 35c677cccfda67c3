/**
 * Carries out a policy on the log of a folder: everything that has ended, in small segments.
 *
 *     retainer.ts <folder>
 */
import { join } from 'node:path'
import { composeTaxonomy, createEventLog, standardTypes } from '@ice/events'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { systemClock as clock } from '@ice/primitives'
// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openArchivedEventStore, retain } from '../../src/index.ts'

const [folder = ''] = process.argv.slice(2)
const store = openSqliteEventStore({ path: join(folder, 'log.db'), clock })
const archive = openArchivedEventStore({ store, directory: join(folder, 'segments') })
const log = createEventLog({ store: archive, taxonomy: composeTaxonomy(standardTypes), clock })
say('ready')
const policy = { concludedForMs: 0, segmentBytesMax: 30_000 }
const report = await retain(log, { archive, clock, policy, onProgress: (moved) => say(moved) })
say({ done: report.moved.events, resumed: report.resumed })
await archive.close()
