/** An archived log is held to the contract of a store, before anything is moved. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { EventStore } from '@ice/events'
import { eventStoreCases, type Harness, runCase } from '@ice/events/contract'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { manualClock } from '@ice/primitives/testing'
import { describe, test } from 'vitest'
import { type ArchivedEventStore, openArchivedEventStore } from '../src/index.ts'

const clock = manualClock(0)

function openAt(folder: string): ArchivedEventStore {
  const store = openSqliteEventStore({ path: join(folder, 'log.db'), clock, durability: 'process' })
  return openArchivedEventStore({ store, directory: join(folder, 'segments') })
}

const folderOf = (store: EventStore): string => dirname((store as ArchivedEventStore).directory)

const harness: Harness<EventStore> = {
  clock,
  open: async () => openAt(mkdtempSync(join(tmpdir(), 'ice-kit-'))),
  openSecond: async (store) => openAt(folderOf(store)),
  reopen: async (store) => {
    await store.close()
    return openAt(folderOf(store))
  },
  close: async (store) => {
    await store.close()
    rmSync(folderOf(store), { recursive: true, force: true })
  },
}

/** Verifies: EVA-R02 */
describe('an archived log', () => {
  for (const one of eventStoreCases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      if ((await runCase(one, harness)) === 'skipped') context.skip()
    })
  }
})
