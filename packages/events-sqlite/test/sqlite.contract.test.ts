/** The store is held to the contract of its port, in both durabilities. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { EventStore } from '@ice/events'
import { type Damage, eventStoreCases, type Harness, runCase } from '@ice/events/contract'
import { manualClock } from '@ice/primitives/testing'
import Database from 'better-sqlite3'
import { describe, test } from 'vitest'
import { openSqliteEventStore } from '../src/index.ts'
import type { SqliteDurability, SqliteEventStore } from '../src/ports.ts'

/** Behind the back of the store, by a connection of its own. */
function damageAt(path: string, what: Damage): void {
  const db = new Database(path)
  try {
    if (what.kind === 'event') {
      const change = "UPDATE events SET bytes = replace(bytes, 'Kit', 'Kot') WHERE position = ?"
      db.prepare(change).run(what.position)
    } else {
      const change =
        "UPDATE blob_parts SET bytes = CAST('x' || substr(bytes, 2) AS BLOB) " +
        'WHERE blob = (SELECT id FROM blobs WHERE digest = ?)'
      const whole =
        "UPDATE whole_blobs SET bytes = CAST('x' || substr(bytes, 2) AS BLOB) WHERE digest = ?"
      db.prepare(change).run(what.digest)
      db.prepare(whole).run(what.digest)
    }
  } finally {
    db.close()
  }
}

function harnessOf(durability: SqliteDurability): Harness<EventStore> {
  const clock = manualClock(0)
  /** How many connections of the kit a folder has; it goes with the last. */
  const connections = new Map<string, number>()
  const openAt = (path: string): SqliteEventStore => {
    connections.set(path, (connections.get(path) ?? 0) + 1)
    return openSqliteEventStore({ path, clock, durability })
  }
  const pathOf = (store: EventStore): string => (store as SqliteEventStore).path
  return {
    clock,
    open: async () => openAt(join(mkdtempSync(join(tmpdir(), 'ice-kit-')), 'log.db')),
    openSecond: async (store) => openAt(pathOf(store)),
    damage: async (store, what) => damageAt(pathOf(store), what),
    reopen: async (store) => {
      await store.close()
      return openSqliteEventStore({ path: pathOf(store), clock, durability })
    },
    close: async (store) => {
      await store.close()
      const path = pathOf(store)
      const left = (connections.get(path) ?? 1) - 1
      connections.set(path, left)
      if (left === 0) rmSync(dirname(path), { recursive: true, force: true })
    },
  }
}

for (const durability of ['disk', 'process'] as const) {
  describe(durability, () => {
    const harness = harnessOf(durability)
    for (const one of eventStoreCases) {
      test(`${one.requirement} ${one.name}`, async (context) => {
        if ((await runCase(one, harness)) === 'skipped') context.skip()
      })
    }
  })
}
