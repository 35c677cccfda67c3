/** Archived logs on PostgreSQL for the contract: each in a schema and a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventStore } from '@ice/events'
import type { Harness } from '@ice/events/contract'
import { openPostgresEventStore } from '@ice/events-postgres'
import type { manualClock } from '@ice/primitives/testing'
// @boundaries-ignore the tests of the archive run over the server that the PostgreSQL store's have
import { freshSchema, server } from '../../events-postgres/test/server.ts'
import { type ArchivedEventStore, openArchivedEventStore } from '../src/index.ts'

// @boundaries-ignore the tests of the archive run over the server that the PostgreSQL store's have
export { describeOnServer } from '../../events-postgres/test/server.ts'

/** How a case sees an archived log. @param log - its schema: the same for all connections to it */
export type View = (archive: ArchivedEventStore, log: string) => EventStore

interface Place {
  readonly schema: string
  readonly folder: string
}

/** Binds the contract to archived logs on the server. */
export function archivedHarness(
  clock: ReturnType<typeof manualClock>,
  view: View,
): Harness<EventStore> {
  const places = new WeakMap<EventStore, Place>()
  const openAt = async (place: Place): Promise<EventStore> => {
    const { schema, folder } = place
    const base = await openPostgresEventStore({ connection: server.url, schema, clock })
    const store = view(openArchivedEventStore({ store: base, directory: folder }), schema)
    places.set(store, place)
    return store
  }
  const placeOf = (store: EventStore): Place => places.get(store) as Place
  return {
    clock,
    open: () => openAt({ schema: freshSchema(), folder: mkdtempSync(join(tmpdir(), 'ice-kit-')) }),
    openSecond: (store) => openAt(placeOf(store)),
    async reopen(store) {
      await store.close()
      return openAt(placeOf(store))
    },
    async close(store) {
      await store.close()
      rmSync(placeOf(store).folder, { recursive: true, force: true })
    },
    // Every append of a case is a round trip and a sync, and there are cases with hundreds.
    patience: () => AbortSignal.timeout(40_000),
  }
}
