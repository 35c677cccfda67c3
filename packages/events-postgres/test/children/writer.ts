/**
 * Appends units one after another and says each acknowledgement.
 *
 *     writer.ts <url> <schema> <name> <units> <mode>
 *
 * mode `shared`: by turns to a stream of its own and to one that all writers share, both with
 * expected versions; `flood`: 16 at a time, without end, until it is killed.
 */
import { createEventLog } from '@ice/events'
import { noteTaxonomy, writeNotes } from '@ice/events/testing'
import { systemClock } from '@ice/primitives'
// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openPostgresEventStore } from '../../src/index.ts'

const [url = '', schema = '', name = '', units = '1', mode = 'shared'] = process.argv.slice(2)
const store = await openPostgresEventStore({
  connection: url,
  schema,
  silentTransactionMs: 500,
  lockWaitMs: 30_000,
})
const log = createEventLog({ store, taxonomy: noteTaxonomy(), clock: systemClock })
const lanes = mode === 'flood' ? 16 : 0
say('ready')
await writeNotes(log, { name, units: Number(units), shares: mode === 'shared', lanes, say })
await store.close()
say('done')
