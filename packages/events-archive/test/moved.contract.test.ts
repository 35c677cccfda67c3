/** An archived log of which everything is moved after each append is held to the same contract. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventStore } from '@ice/events'
import { eventStoreCases, type Harness, runCase } from '@ice/events/contract'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { manualClock } from '@ice/primitives/testing'
import { describe, test } from 'vitest'
import { openArchivedEventStore } from '../src/index.ts'
import { movingStore, type Shared } from './moving-store.ts'

interface Place {
  readonly folder: string
  readonly shared: Shared
}

const clock = manualClock(0)
const places = new WeakMap<EventStore, Place>()

function openAt(place: Place): EventStore {
  const path = join(place.folder, 'log.db')
  const base = openSqliteEventStore({ path, clock, durability: 'process' })
  const directory = join(place.folder, 'segments')
  const archive = openArchivedEventStore({ store: base, directory })
  const store = movingStore(archive, clock, place.shared)
  places.set(store, place)
  return store
}

const placeOf = (store: EventStore): Place => places.get(store) as Place

const harness: Harness<EventStore> = {
  clock,
  open: async () =>
    openAt({
      folder: mkdtempSync(join(tmpdir(), 'ice-kit-')),
      shared: { seals: [], moving: Promise.resolve(), appends: 0, isCounted: false },
    }),
  openSecond: async (store) => openAt(placeOf(store)),
  reopen: async (store) => {
    await store.close()
    return openAt(placeOf(store))
  },
  close: async (store) => {
    await store.close()
    rmSync(placeOf(store).folder, { recursive: true, force: true })
  },
}

/** Verifies: EVA-R02 */
describe('an archived log that is moved after each append', () => {
  for (const one of eventStoreCases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      if ((await runCase(one, harness)) === 'skipped') context.skip()
    })
  }
})
