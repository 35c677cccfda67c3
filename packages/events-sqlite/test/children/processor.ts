/**
 * Runs a processor until it is killed, and says each event whose effect it is about to commit.
 *
 *     processor.ts <log> <database> <version> <mode>
 *
 * mode `run`: from its checkpoint, seven events to a transaction; `rebuild`: the same, and it says
 * `serving` once the version serves.
 */
import { createEventLog, type Processor, rebuildProcessor, runProcessor } from '@ice/events'
import { noteTaxonomy } from '@ice/events/testing'
import { systemClock } from '@ice/primitives'
import Database from 'better-sqlite3'
// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openSqliteEventStore, sqliteProcessorStore } from '../../src/index.ts'

const [path = '', mine = '', version = '1', mode = 'run'] = process.argv.slice(2)
const events = openSqliteEventStore({ path, clock: systemClock, subscribersKeepAlive: true })
const log = createEventLog({ store: events, taxonomy: noteTaxonomy(), clock: systemClock })
const db = new Database(mine)
// No unique key: an effect that happens twice is to be seen.
const columns = 'position INTEGER, id TEXT, n INTEGER'
db.exec(`CREATE TABLE IF NOT EXISTS effects_${version} (${columns}) STRICT`)
const insert = db.prepare(`INSERT INTO effects_${version} VALUES (?, ?, ?)`)

const processor: Processor<Database.Database> = {
  name: 'effects',
  version,
  process({ position, id, data }) {
    insert.run(position, id, (data as { readonly n: number }).n)
    say({ position })
  },
}
const init = { log, store: sqliteProcessorStore(db), processor, batchMax: 7 }
const running =
  mode === 'rebuild' ? await rebuildProcessor({ ...init, lagMax: 3 }) : await runProcessor(init)
say(mode === 'rebuild' ? 'serving' : 'running')
await running.ended()
