/** Blobs: brought in by portions, named by events, collected when nobody names them. */
import { EVENTS_CODES, verifyLog } from '@ice/events'
import { BLOB_PORTION_BYTES, gatherPortions } from '@ice/events/adapter'
import { type BlobDigest, hasCode, type StreamId, sha256Hex } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { expect, it } from 'vitest'
import { alice, notes, type Opened, open } from './fixture.ts'
import { admin, describeOnServer } from './server.ts'

const HOUR = 3_600_000

/** Bytes that no compressor helps with. */
function bytesOf(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

const digestOf = (bytes: Uint8Array): BlobDigest => sha256Hex(bytes) as string as BlobDigest

function picture(digest: BlobDigest, size: number, stream: StreamId = alice) {
  const events = [{ type: 'PictureKept', data: { picture: { $blob: digest, size } } }]
  return { writes: [{ stream, expectedVersion: 'any' as const, events }] }
}

async function rowsIn({ schema }: Opened, table: string): Promise<number> {
  return admin(async (client) => {
    const { rows } = await client.query(`SELECT count(*)::int AS n FROM "${schema}".${table}`)
    return (rows[0] as { n: number }).n
  })
}

/** Verifies: EPG-R19 */
describeOnServer('a blob that is staged', () => {
  it('is there in portions, is named, and is read back', async () => {
    const opened = await open()
    const { log, store } = opened
    const bytes = bytesOf(2 * BLOB_PORTION_BYTES + 777)
    async function* source() {
      for (let at = 0; at < bytes.length; at += 300_001) yield bytes.subarray(at, at + 300_001)
    }
    const staged = await store.blobs.stage(source())
    expect(staged).toEqual({ digest: digestOf(bytes), size: bytes.length })
    await log.append({ ...picture(staged.digest, staged.size), blobs: [staged] })
    const lengths: number[] = []
    for await (const portion of store.blobs.stream(staged.digest)) lengths.push(portion.length)
    expect(lengths).toEqual([BLOB_PORTION_BYTES, BLOB_PORTION_BYTES, 777])
    expect(digestOf(await store.blobs.read(staged.digest))).toBe(staged.digest)
    expect(await rowsIn(opened, 'blob_loose')).toBe(0)
    expect((await verifyLog(store)).findings).toEqual([])
  })

  it('twice, at once too, is kept once', async () => {
    const opened = await open()
    const { blobs } = opened.store
    const bytes = bytesOf(BLOB_PORTION_BYTES + 5)
    const staged = await Promise.all([1, 2, 3].map(() => blobs.stage([bytes])))
    expect(new Set(staged.map(({ digest }) => digest)).size).toBe(1)
    expect(await rowsIn(opened, 'blobs')).toBe(1)
    expect(await rowsIn(opened, 'blob_portions')).toBe(2)
    expect(await rowsIn(opened, 'blob_loose')).toBe(0)
  })
})

/** Verifies: EPG-R19 */
describeOnServer('a blob on its way', () => {
  it('that fails leaves nothing', async () => {
    const opened = await open()
    const { blobs } = opened.store
    const bytes = bytesOf(BLOB_PORTION_BYTES * 2)
    async function* breaking() {
      yield bytes
      throw new RangeError('the source broke')
    }
    await expect(blobs.stage(breaking())).rejects.toThrow('the source broke')
    const other = digestOf(bytesOf(3))
    await expect(blobs.stage([bytes], { digest: other })).rejects.toMatchObject({
      code: EVENTS_CODES.blobCorrupt,
    })
    await expect(blobs.stage([bytes], { bytesMax: 100 })).rejects.toMatchObject({
      code: EVENTS_CODES.blobLimit,
    })
    await expect(blobs.stage([bytes, 'x' as never])).rejects.toMatchObject({
      code: EVENTS_CODES.structural,
    })
    for (const table of ['blobs', 'blob_portions', 'blob_loose']) {
      expect(await rowsIn(opened, table)).toBe(0)
    }
  })

  it('that comes so slowly that it was collected is refused, and can come again', async () => {
    const clock = manualClock(0)
    const { store } = await open({ clock })
    const bytes = bytesOf(BLOB_PORTION_BYTES * 2)
    async function* slow() {
      yield bytes
      await clock.advance(2 * HOUR)
      await store.blobs.collect()
      yield bytes
    }
    await expect(store.blobs.stage(slow())).rejects.toMatchObject({
      code: EVENTS_CODES.unavailable,
      retryable: true,
      data: { reason: 'stale', fate: 'none' },
    })
    await store.blobs.stage([bytes])
  })
})

/** Verifies: EPG-R19 */
describeOnServer('a unit that declares a blob', () => {
  it('is refused when it is not there, nor comes with a unit before it', async () => {
    const { log, store } = await open()
    const bytes = bytesOf(10)
    const gone = { digest: digestOf(bytes), size: 10 }
    const refused = { code: EVENTS_CODES.blobNotFound }
    await expect(log.append({ ...picture(gone.digest, 10), blobs: [gone] })).rejects.toMatchObject(
      refused,
    )
    expect(await store.head()).toEqual({ position: 0 })
    // One that comes with an earlier unit of the same group is there.
    const [first, second] = await Promise.all([
      log.append({ ...picture(gone.digest, 10), blobs: [{ digest: gone.digest, bytes }] }),
      log.append({ ...picture(gone.digest, 10), blobs: [gone] }),
    ])
    expect([first, second].map(({ writes }) => writes[0]?.positions)).toEqual([[1], [2]])
  })
})

/** Verifies: EPG-R20 */
describeOnServer('a collection', () => {
  it('removes what no event names, once its grace is over, and nothing else', async () => {
    const clock = manualClock(0)
    const opened = await open({ clock })
    const { log, store } = opened
    const [named, lost, brought] = [1, 2, 3].map((seed) => bytesOf(BLOB_PORTION_BYTES + 9, seed))
    const kept = await store.blobs.stage([named as Uint8Array])
    const gone = await store.blobs.stage([lost as Uint8Array])
    await log.append({ ...picture(kept.digest, kept.size), blobs: [kept] })
    const unnamed = { digest: digestOf(brought as Uint8Array), bytes: brought as Uint8Array }
    await log.append({ ...notes(alice), blobs: [unnamed] })
    expect(await store.blobs.collect({ graceMs: HOUR })).toEqual({
      removed: 0,
      removedBytes: 0,
      kept: 3,
    })
    await clock.advance(HOUR)
    // Brought in again: it counts as new.
    await store.blobs.stage([brought as Uint8Array])
    const removed = { removed: 1, removedBytes: gone.size, kept: 2 }
    expect(await store.blobs.collect({ graceMs: HOUR })).toEqual(removed)
    expect(await store.blobs.has(gone.digest)).toBe(false)
    await expect(gatherPortions(store.blobs.stream(gone.digest))).rejects.toMatchObject({
      code: EVENTS_CODES.blobNotFound,
    })
    expect(await store.blobs.collect({ graceMs: 0 })).toMatchObject({ removed: 1, kept: 1 })
    expect(await rowsIn(opened, 'blob_portions')).toBe(2)
    expect(digestOf(await store.blobs.read(kept.digest))).toBe(kept.digest)
    expect((await verifyLog(store)).findings).toEqual([])
  })

  it('looks at an event for names once, whoever collects', async () => {
    const { log, store, schema } = await open()
    for (let n = 0; n < 3; n += 1) {
      const bytes = bytesOf(20, n + 1)
      const blob = { digest: digestOf(bytes), bytes }
      await log.append({ ...picture(blob.digest, 20), blobs: [blob] })
    }
    const looked: number[] = []
    const onProgress = (position: number): void => {
      looked.push(position)
    }
    await store.blobs.collect({ graceMs: 0, onProgress })
    const other = await open({ schema })
    await other.log.append(notes(alice))
    await other.store.blobs.collect({ graceMs: 0, onProgress })
    await store.blobs.collect({ graceMs: 0, onProgress })
    // The last has nothing to look at, and says where that is.
    expect(looked).toEqual([3, 4, 4])
    expect(await store.blobs.collect({ graceMs: 0 })).toMatchObject({ removed: 0, kept: 3 })
  })
})

/** Verifies: EPG-R20 */
describeOnServer('a collection that is disturbed', () => {
  it('finishes what one before it left half-way', async () => {
    const opened = await open()
    const { store, schema } = opened
    await store.blobs.stage([bytesOf(BLOB_PORTION_BYTES * 3)])
    await admin((client) =>
      client.query(
        `INSERT INTO "${schema}".blob_loose SELECT content, -1 FROM "${schema}".blobs;
         DELETE FROM "${schema}".blobs`,
      ),
    )
    expect(await store.blobs.collect()).toEqual({ removed: 0, removedBytes: 0, kept: 0 })
    expect(await rowsIn(opened, 'blob_portions')).toBe(0)
    expect(await rowsIn(opened, 'blob_loose')).toBe(0)
  })

  it('refuses what is no time to wait, and ends when it is withdrawn', async () => {
    const { store } = await open()
    for (const graceMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(store.blobs.collect({ graceMs })).rejects.toMatchObject({
        code: EVENTS_CODES.structural,
      })
    }
    await expect(store.blobs.collect({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: EVENTS_CODES.aborted,
    })
  })

  it('and units that declare what it removes agree, however they meet', async () => {
    const near = await open()
    const far = await open({ schema: near.schema })
    const told = { named: 0, refused: 0, removed: 0 }
    for (let round = 0; round < 40; round += 1) {
      const blob = await near.store.blobs.stage([bytesOf(50, round + 1)])
      const unit = { ...picture(blob.digest, blob.size), blobs: [blob] }
      const [appended, collected] = await Promise.allSettled([
        near.log.append(unit),
        far.store.blobs.collect({ graceMs: 0 }),
      ])
      expect(collected.status).toBe('fulfilled')
      const isThere = await far.store.blobs.has(blob.digest)
      if (appended.status === 'fulfilled') {
        told.named += 1
        expect(isThere).toBe(true)
      } else {
        told.refused += 1
        expect(hasCode(appended.reason, EVENTS_CODES.blobNotFound)).toBe(true)
        expect(isThere).toBe(false)
      }
      if (collected.status === 'fulfilled') told.removed += collected.value.removed
    }
    expect(told.named + told.refused).toBe(40)
    expect(told.removed).toBe(told.refused)
    expect((await verifyLog(near.store)).findings).toEqual([])
  })
})

/** Verifies: EPG-R17 */
describeOnServer('a check of blobs', () => {
  it('finds a portion that was changed, and one that is gone', async () => {
    const { store, schema } = await open()
    const blob = await store.blobs.stage([bytesOf(BLOB_PORTION_BYTES + 1)])
    const damage = [
      `UPDATE "${schema}".blob_portions SET bytes = 'x' WHERE n = 1`,
      `DELETE FROM "${schema}".blob_portions WHERE n = 1`,
    ]
    for (const statement of damage) {
      await admin((client) => client.query(statement))
      const codes: string[] = []
      for await (const { code } of store.check()) codes.push(code)
      expect(codes).toEqual([EVENTS_CODES.blobCorrupt])
      await expect(store.blobs.read(blob.digest)).rejects.toMatchObject({
        code: EVENTS_CODES.blobCorrupt,
      })
    }
  })
})
