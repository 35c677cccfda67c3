/** A log of another store, imported: the same log, whatever keeps it. */
import {
  createEventLog,
  exportLog,
  importLog,
  memoryEventStore,
  type StoredEvent,
} from '@ice/events'
import type { EventStore } from '@ice/events/ports'
import { type BlobDigest, sha256Hex } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { expect, it } from 'vitest'
import { open, taxonomy } from './fixture.ts'
import { describeOnServer } from './server.ts'

async function stored(store: EventStore): Promise<StoredEvent[]> {
  const events: StoredEvent[] = []
  for await (const batch of store.readAll({})) {
    events.push(...batch.map(({ position, bytes, hash }) => ({ position, bytes, hash })))
  }
  return events
}

/** A log in memory, of streams that take turns, with a blob that has two portions. */
async function source(): Promise<EventStore> {
  const clock = manualClock(5)
  const store = memoryEventStore({ clock })
  const log = createEventLog({ store, taxonomy, clock })
  const bytes = new Uint8Array(1_500_000).fill(7)
  const digest = sha256Hex(bytes) as string as BlobDigest
  const picture = { $blob: digest, size: bytes.byteLength }
  for (let n = 0; n < 900; n += 1) {
    const stream = `test/s${n % 11}` as never
    const isPicture = n % 400 === 3
    const event = isPicture
      ? { type: 'PictureKept', data: { picture } }
      : { type: 'NoteTaken', data: { n, text: 'ü' } }
    const writes = [{ stream, expectedVersion: 'any' as const, events: [event] }]
    await log.append({ writes, ...(isPicture ? { blobs: [{ digest, bytes }] } : {}) })
  }
  return store
}

/** Verifies: EPG-R09 */
describeOnServer('an import', () => {
  it('gives the same log, goes on from a beginning, and is exported as it came', async () => {
    const from = await source()
    const events = await stored(from)
    const { store } = await open()
    await importLog(store, exportLog(from, { to: 400 }), { taxonomy })
    const report = await importLog(store, exportLog(from), { taxonomy })
    expect(report).toMatchObject({ appended: 500, to: 900 })
    expect(await stored(store)).toEqual(events)
    const back = memoryEventStore({ clock: manualClock(9) })
    await importLog(back, exportLog(store), { taxonomy })
    expect(await stored(back)).toEqual(events)
  })
})
