import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEventLog, projectLog, liveProjection, asOf, runProcessor } from '@ice/events'
import { noteTaxonomy } from '@ice/events/testing'
import { systemClock } from '@ice/primitives'
import Database from 'better-sqlite3'
import { openSqliteEventStore, sqliteProcessorStore, sqliteSnapshotStore } from '/work/main/packages/events-sqlite/dist/index.js'
const folder = mkdtempSync(join(tmpdir(), 'ice-fig-'))
const N = 200_000
const store = openSqliteEventStore({ path: join(folder, 'log.db'), clock: systemClock, durability: 'process' })
const log = createEventLog({ store, taxonomy: noteTaxonomy(), clock: systemClock })
const reqs = []
for (let i = 0; i < N / 500; i += 1) reqs.push(log.append({ writes: [{ stream: `note/s${i % 50}` as never, expectedVersion: 'any', events: Array.from({ length: 500 }, (_, n) => ({ type: 'NoteTaken', data: { text: 'x'.repeat(120), n } })) }] }))
await Promise.all(reqs)
const tally = { name: 'tally', version: '1', initialState: () => ({ n: 0, sum: 0 }), evolve: (s: any, e: any) => { s.n += 1; s.sum += e.data.n; return s } }
const t = async (name: string, work: () => Promise<unknown>) => { const s = performance.now(); await work(); const ms = performance.now() - s; console.log(name, Math.round(ms), 'ms', Math.round(N / ms), 'k ev/s'); return ms }
for (let r = 0; r < 3; r += 1) {
  await t('projectLog', () => projectLog(log, tally))
  await t('asOf      ', () => asOf(log, tally))
  await t('live      ', async () => { const l = await liveProjection(log, tally); await l.waitFor(N); await l.stop() })
  const cache = sqliteSnapshotStore(new Database(':memory:'))
  await t('live+snap ', async () => { const l = await liveProjection(log, tally, { snapshots: { store: cache, onDiscard: (n) => console.log(n) } }); await l.waitFor(N); await l.stop() })
  await t('asOf+snap ', () => asOf(log, tally, { snapshots: { store: cache, onDiscard: (n) => console.log(n) } }))
  const db = new Database(join(folder, `p${r}.db`)); db.pragma('journal_mode=WAL'); db.pragma('synchronous=FULL')
  db.exec('create table e (position integer primary key, n integer)')
  const ins = db.prepare('insert into e values (?,?)')
  await t('processor ', async () => { const p = await runProcessor({ log, store: sqliteProcessorStore(db), processor: { name: 'p', version: '1', process: (e: any, _d: unknown) => { ins.run(e.position, e.data.n) } } }); await p.waitFor(N); await p.stop() })
  db.close()
}
await store.close(); rmSync(folder, { recursive: true })
