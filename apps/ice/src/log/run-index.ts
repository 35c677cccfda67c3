/** The index of the runs of a log that is read: brought up to date, and nothing else is written. */

import type { EventLog } from '@ice/events/ports'
import { openSqliteRunRows } from '@ice/events-sqlite'
import { createRunIndex, memoryRunRows } from '@ice/runs'
import type { RunIndex, RunRows } from '@ice/runs/ports'
import type { StorePlace } from '../config/store.ts'

/**
 * Opens it. On a server where no worker has made one it is folded in memory: a look makes no
 * schema.
 */
export async function openIndex(place: StorePlace, log: EventLog): Promise<RunIndex> {
  return createRunIndex({ log, rows: await rowsOf(place) })
}

async function rowsOf(place: StorePlace): Promise<RunRows> {
  if (place.kind === 'file') return openSqliteRunRows({ path: `${place.path}.index` })
  const { openServerRows } = await import('./postgres.ts')
  return (await openServerRows(place)) ?? memoryRunRows()
}
