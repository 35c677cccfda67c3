import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EVENTS_CODES, type StagedBlob } from '@ice/events'
import { type BlobDigest, sha256Hex, systemClock } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { start } from '@ice/tooling/lib/children'
import { describe, expect, it } from 'vitest'
import type { SqliteEventStore } from '../src/index.ts'
import { alice, folder, notes, type Opened, open, raw, script } from './fixture.ts'

const MEBIBYTE = 1_048_576
const HOUR_MS = 3_600_000

type Line = Readonly<Record<string, unknown>>

const has = (key: string) => (line: unknown) =>
  typeof line === 'object' && line !== null && key in line

function blob(size: number, seed = 1): { digest: BlobDigest; bytes: Uint8Array } {
  const bytes = new Uint8Array(size).map((_, i) => i * seed + (i >>> 10))
  return { digest: sha256Hex(bytes) as string as BlobDigest, bytes }
}

/** An event that names a blob. */
async function name({ log }: Opened, { digest, size }: StagedBlob): Promise<void> {
  const data = { picture: { $blob: digest, size } }
  await log.append({
    writes: [{ stream: alice, expectedVersion: 'any', events: [{ type: 'PictureKept', data }] }],
    blobs: [{ digest, size }],
  })
}

const count = (path: string, sql: string): unknown => raw(path).prepare(sql).pluck().get()

const parts = (path: string): unknown => count(path, 'SELECT count(*) FROM blob_parts')

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Verifies: ESQ-R90 */
describe('a blob of 300 MB', () => {
  it('is staged and streamed in a small heap, and units commit between its portions', async () => {
    const path = join(folder(), 'log.db')
    const before = ['env', 'NODE_OPTIONS=--max-old-space-size=40']
    const child = start(script('stager'), { args: [path, '300'], before })
    const staged = (await child.until(has('staged'))) as Line
    expect(staged['staged']).toMatchObject({ size: 300 * MEBIBYTE })
    expect(staged['appended']).toBeGreaterThan(100)
    expect(staged['waitedMax']).toBeLessThanOrEqual(3)
    expect(await child.until(has('streamed'))).toMatchObject({ streamed: 300 * MEBIBYTE })
    // In megabytes: a third of the blob, whatever the collector of garbage lets lie.
    for (const line of child.said) expect((line as Line)['rssGrown']).toBeLessThan(100)
    await child.ended()
  }, 60_000)
})

/** Verifies: ESQ-R91 */
describe('what a process had half staged', () => {
  it('is not to be found, and is cleared away by an opening once it is an hour old', async () => {
    const path = join(folder(), 'log.db')
    const child = start(script('stager'), { args: [path, '20', '5'] })
    await child.until(has('stopped'))
    child.process.kill('SIGKILL')
    await child.ended()
    const left = Number(parts(path))
    expect(left).toBeGreaterThan(2)
    const young = open({ path })
    expect(await young.store.blobs.collect({ graceMs: 0 })).toMatchObject({ removed: 0, kept: 0 })
    expect(parts(path)).toBe(left)
    await young.store.close()
    const clock = manualClock(systemClock.now() + 2 * HOUR_MS)
    open({ path, clock })
    await until(() => parts(path) === 0)
    expect(count(path, 'SELECT count(*) FROM blobs')).toBe(0)
  })

  it('is cleared away by a collection too, and its process is told if it lives', async () => {
    const clock = manualClock(systemClock.now())
    const { store, path } = open({ clock })
    const other = open({ path, clock })
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield blob(2 * MEBIBYTE).bytes
      // Nothing of a living one is touched within the hour, whatever the grace.
      clock.setWall(clock.now() + HOUR_MS - 1)
      await other.store.blobs.collect({ graceMs: 0 })
      yield blob(MEBIBYTE).bytes
      clock.setWall(clock.now() + HOUR_MS)
      await other.store.blobs.collect({ graceMs: 0 })
      yield blob(MEBIBYTE).bytes
      yield blob(1).bytes
    }
    await expect(store.blobs.stage(source())).rejects.toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { reason: 'stage_idle', fate: 'none' },
    })
    expect([parts(path), count(path, 'SELECT count(*) FROM blobs')]).toEqual([0, 0])
  })

  it('is given up when the store closes, and does not keep it from closing', async () => {
    const opened = open()
    let isStaging = false
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield blob(3 * MEBIBYTE).bytes
      isStaging = true
      await new Promise((resolve) => setTimeout(resolve, 50))
      yield blob(1).bytes
    }
    const staging = expect(opened.store.blobs.stage(source())).rejects.toMatchObject({
      code: EVENTS_CODES.notOpen,
    })
    await until(() => isStaging)
    await opened.store.close()
    await staging
    open({ path: opened.path })
    await until(() => parts(opened.path) === 0)
  })

  it('leaves nothing when its source fails', async () => {
    const { store, path } = open()
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield blob(20 * MEBIBYTE).bytes
      throw new TypeError('no more')
    }
    await expect(store.blobs.stage(source())).rejects.toThrow('no more')
    expect([parts(path), count(path, 'SELECT count(*) FROM blobs')]).toEqual([0, 0])
  })
})

/** Verifies: ESQ-R92 */
describe('a collection', () => {
  it('looks at the events since the last one, whoever made it', async () => {
    const opened = open()
    const { store, log, path } = opened
    for (let i = 0; i < 20; i += 1) await log.append(notes(alice, 500))
    await name(opened, await store.blobs.stage([blob(10).bytes]))
    const looked = async (by: SqliteEventStore): Promise<readonly number[]> => {
      const seen: number[] = []
      await by.blobs.collect({ onProgress: (position) => seen.push(position) })
      return seen
    }
    expect(await looked(store)).toEqual([4096, 8192, 10_001])
    expect(await looked(open({ path }).store)).toEqual([10_001])
    for (let i = 0; i < 10; i += 1) await log.append(notes(alice, 500))
    const [next = 0, ...more] = await looked(open({ path }).store)
    expect([next > 10_001, more]).toEqual([true, [15_001]])
    expect(await store.blobs.has(blob(10).digest)).toBe(true)
  })

  it('lets others have the event loop and the lock', async () => {
    const { store, log, path } = open()
    for (let i = 0; i < 300; i += 1) await store.blobs.stage([blob(100 + i).bytes])
    for (let i = 0; i < 10; i += 1) await log.append(notes(alice, 500))
    const other = open({ path })
    let isOver = false
    let [turns, appended] = [0, 0]
    const turning = (async () => {
      for (; !isOver; turns += 1) await new Promise((resolve) => setImmediate(resolve))
    })()
    const appending = (async () => {
      for (; !isOver; appended += 1) await other.log.append(notes(alice))
    })()
    await new Promise((resolve) => setTimeout(resolve, 5))
    const { removed, kept } = await store.blobs.collect({ graceMs: 0 })
    isOver = true
    await Promise.all([turning, appending])
    expect([removed, kept]).toEqual([300, 0])
    expect(turns).toBeGreaterThan(10)
    expect(appended).toBeGreaterThan(1)
  })

  it('takes what a clock that was set back puts in the future for brought in now', async () => {
    const clock = manualClock(systemClock.now())
    const { store } = open({ clock })
    await store.blobs.stage([blob(10).bytes])
    const tenYears = 10 * 365 * 24 * HOUR_MS
    clock.setWall(clock.now() - tenYears)
    expect((await store.blobs.collect({ graceMs: HOUR_MS })).kept).toBe(1)
    clock.setWall(clock.now() + HOUR_MS)
    expect((await store.blobs.collect({ graceMs: HOUR_MS })).removed).toBe(1)
  })
})

/** Verifies: ESQ-R93 */
describe('the file', () => {
  it('does not grow when blobs are replaced', async () => {
    const { store } = open()
    const sizes: number[] = []
    for (let round = 1; round <= 6; round += 1) {
      await store.blobs.stage([blob(8 * MEBIBYTE, round).bytes])
      sizes.push(store.inspect().bytes)
      await new Promise((resolve) => setTimeout(resolve, 2))
      expect((await store.blobs.collect({ graceMs: 1 })).removed).toBe(1)
      expect(store.inspect().freeBytes).toBeGreaterThanOrEqual(8 * MEBIBYTE)
    }
    expect(Math.max(...sizes)).toBeLessThan((sizes[0] ?? 0) + MEBIBYTE)
  })
})

/** Verifies: ESQ-R94 */
describe('the blobs of a log of format 1', () => {
  it('stay where they were, and are blobs like any other', async () => {
    const path = join(folder(), 'log.db')
    copyFileSync(fileURLToPath(new URL('./fixtures/format-1.db', import.meta.url)), path)
    const [loose, named] = [blob(3 * MEBIBYTE + 7), blob(2 * MEBIBYTE, 3)]
    const db = raw(path)
    for (const { digest, bytes } of [loose, named]) {
      db.prepare('INSERT INTO blobs (digest, bytes) VALUES (?, ?)').run(digest, bytes)
    }
    db.close()
    const opened = open({ path })
    const { store } = opened
    await name(opened, { digest: named.digest, size: 2 * MEBIBYTE })
    const lengths: number[] = []
    for await (const portion of store.blobs.stream(loose.digest)) lengths.push(portion.byteLength)
    expect(lengths).toEqual([MEBIBYTE, MEBIBYTE, MEBIBYTE, 7])
    for await (const finding of store.check()) expect(finding).toBeUndefined()
    expect(await store.blobs.collect()).toEqual({
      removed: 1,
      removedBytes: 3 * MEBIBYTE + 7,
      kept: 2,
    })
    expect(await store.blobs.has(loose.digest)).toBe(false)
    expect(count(path, 'SELECT count(*) FROM whole_blobs')).toBe(2)
    await store.blobs.stage([loose.bytes])
    expect(await store.blobs.read(loose.digest)).toEqual(loose.bytes)
    raw(path).exec('UPDATE whole_blobs SET bytes = zeroblob(5)')
    await expect(store.blobs.read(named.digest)).rejects.toMatchObject({
      code: EVENTS_CODES.blobCorrupt,
    })
  })
})
