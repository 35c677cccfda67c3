/** The stores of projections are held to the contracts of their ports. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  type Harness,
  type ProcessorSubject,
  processorStoreCases,
  runCase,
  snapshotStoreCases,
} from '@ice/events/contract'
import type { SnapshotStore } from '@ice/events/ports'
import { manualClock } from '@ice/primitives/testing'
import Database from 'better-sqlite3'
import { test } from 'vitest'
import { sqliteProcessorStore, sqliteSnapshotStore } from '../src/index.ts'

/** Makes a harness of what is opened on a database, with the handle beside it. */
function harnessOf<Subject extends object>(
  open: (db: Database.Database) => Subject,
  end: (subject: Subject) => Promise<void>,
): Harness<Subject> {
  const handles = new WeakMap<Subject, Database.Database>()
  const connections = new Map<string, number>()
  const openAt = (path: string): Subject => {
    connections.set(path, (connections.get(path) ?? 0) + 1)
    const db = new Database(path)
    db.exec('CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL) STRICT')
    const subject = open(db)
    handles.set(subject, db)
    return subject
  }
  const handleOf = (subject: Subject) => handles.get(subject) as Database.Database
  const close = async (subject: Subject): Promise<number> => {
    const { name } = handleOf(subject)
    await end(subject)
    handleOf(subject).close()
    const left = (connections.get(name) ?? 1) - 1
    connections.set(name, left)
    return left
  }
  return {
    clock: manualClock(0),
    open: async () => openAt(join(mkdtempSync(join(tmpdir(), 'ice-kit-')), 'mine.db')),
    openSecond: async (subject) => openAt(handleOf(subject).name),
    async reopen(subject) {
      await close(subject)
      return openAt(handleOf(subject).name)
    },
    async close(subject) {
      const { name } = handleOf(subject)
      if ((await close(subject)) === 0) rmSync(dirname(name), { recursive: true, force: true })
    },
  }
}

const snapshots = harnessOf<SnapshotStore>(
  (db) => sqliteSnapshotStore(db),
  (store) => store.close(),
)

const processors = harnessOf<ProcessorSubject>(
  (db) => ({
    store: sqliteProcessorStore(db),
    note(_, text) {
      db.prepare('INSERT INTO notes VALUES (?)').run(text)
    },
    notes: async () => db.prepare<[], string>('SELECT text FROM notes ORDER BY text').pluck().all(),
  }),
  ({ store }) => store.close(),
)

for (const one of snapshotStoreCases) {
  test(`${one.requirement} ${one.name}`, async (context) => {
    if ((await runCase(one, snapshots)) === 'skipped') context.skip()
  })
}

for (const one of processorStoreCases) {
  test(`${one.requirement} ${one.name}`, async (context) => {
    if ((await runCase(one, processors)) === 'skipped') context.skip()
  })
}
