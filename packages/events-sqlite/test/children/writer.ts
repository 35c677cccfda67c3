/**
 * Appends units one after another and says each acknowledgement.
 *
 *     writer.ts <path> <name> <units> <mode>
 *
 * mode `own`: to a stream of its own, with expected versions; `shared`: by turns to that and to one
 * that all writers share; `flood`: 32 at a time, without end, until it is killed.
 */
import { createEventLog } from '@ice/events'
import { noteTaxonomy, writeNotes } from '@ice/events/testing'
import { systemClock } from '@ice/primitives'
// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openSqliteEventStore } from '../../src/index.ts'

const [path = '', name = '', units = '1', mode = 'own'] = process.argv.slice(2)
const store = openSqliteEventStore({ path, clock: systemClock })
const log = createEventLog({ store, taxonomy: noteTaxonomy(), clock: systemClock })
const lanes = mode === 'flood' ? 32 : 0
say('ready')
await writeNotes(log, { name, units: Number(units), shares: mode === 'shared', lanes, say })
await store.close()
say('done')
