/** Letting go of events: what the store itself holds to, whatever its caller says. */
import type { EventMark } from '@ice/events/ports'
import { markOf, SEGMENT_NAME, seal, sealed } from '@ice/events/testing'
import {
  type BlobDigest,
  type Hash,
  hasCode,
  type Position,
  type StreamVersion,
  sha256Hex,
} from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { alice, bob, gather, notes, open, raw } from './fixture.ts'

const structural = (error: unknown): boolean => hasCode(error, 'ICE_EVENTS_STRUCTURAL_VIOLATION')

/** Verifies: ESQ-R80 */
describe('a store refuses to let go of', () => {
  it('what the log does not say was sealed', async () => {
    const opened = open()
    await opened.log.append(notes(alice, 3))
    const request = await sealed(opened, alice)
    const { eviction } = opened.store
    await expect(eviction.evict({ ...request, segment: 'other.ice' })).rejects.toSatisfy(structural)
    await expect(eviction.evict({ ...request, sealed: 1 as Position })).rejects.toSatisfy(
      structural,
    )
    await expect(eviction.evict({ ...request, sealed: 99 as Position })).rejects.toSatisfy(
      structural,
    )
    expect(opened.store.inspect().moved).toEqual({ segments: 0, events: 0 })
    expect(await gather(opened.store.read({ stream: alice }))).toHaveLength(3)
  })

  it('an event that is another one than that of the segment', async () => {
    const opened = open()
    await opened.log.append(notes(alice, 3))
    await opened.log.append(notes(bob, 1))
    const request = await sealed(opened, alice)
    const [first, second, third] = request.events as [EventMark, EventMark, EventMark]
    const wrong: EventMark[][] = [
      [{ ...first, hash: '1'.repeat(64) as Hash }],
      [{ ...first, stream: bob }],
      [{ ...first, version: 2 as StreamVersion }],
      [{ ...first, position: 4 as Position }],
      [{ ...first, position: 77 as Position }],
      [second],
      [first, third],
      [first, first],
    ]
    for (const events of wrong) {
      await expect(opened.store.eviction.evict({ ...request, events })).rejects.toSatisfy(
        structural,
      )
      expect(await gather(opened.store.read({ stream: alice }))).toHaveLength(3)
    }
    expect(await gather(opened.store.check() as never)).toEqual([])
  })

  it('what stands behind the event that says so', async () => {
    const opened = open()
    await opened.log.append(notes(alice, 1))
    const request = await sealed(opened, alice)
    await opened.log.append(notes(bob, 1))
    const events = (await gather(opened.store.readAll({ after: 2 }))).map(markOf)
    await expect(opened.store.eviction.evict({ ...request, events })).rejects.toSatisfy(structural)
  })

  it('anything of a log that is damaged before it', async () => {
    const opened = open()
    await opened.log.append(notes(alice, 2))
    const request = await sealed(opened, alice)
    raw(opened.path).exec("UPDATE events SET bytes = replace(bytes, 'x', 'y') WHERE position = 1")
    await expect(opened.store.eviction.evict(request)).rejects.toSatisfy((error) =>
      hasCode(error, 'ICE_EVENTS_SQLITE_FILE_CORRUPT'),
    )
    expect(opened.store.inspect().moved.events).toBe(0)
  })
})

/** Verifies: ESQ-R81, ESQ-R82 */
describe('what was let go of', () => {
  it('is known to every process, and after opening again', async () => {
    const first = open()
    await first.log.append(notes(alice, 300))
    await first.log.append(notes(alice, 300))
    const second = open({ path: first.path })
    await second.log.append(notes(bob, 1))
    const request = await sealed(first, alice)
    expect(await first.store.eviction.evict(request)).toMatchObject({ events: 600 })
    expect(await first.store.eviction.evict(request)).toMatchObject({ events: 0 })
    const archived = (error: unknown): boolean => hasCode(error, 'ICE_EVENTS_ARCHIVED_UNAVAILABLE')
    await expect(gather(second.store.readAll({}))).rejects.toSatisfy(archived)
    await first.store.close()
    const third = open({ path: first.path })
    for (const { store, log } of [second, third]) {
      expect(await store.head()).toEqual({ position: store === third.store ? 603 : 602 })
      await expect(gather(store.read({ stream: alice }))).rejects.toSatisfy(archived)
      await expect(log.append(notes(alice, 1, 0 as StreamVersion))).rejects.toSatisfy(archived)
      const { writes } = await log.append(notes(alice, 1))
      expect(writes[0]?.version).toBe(store === third.store ? 602 : 601)
      expect(await gather(store.check() as never)).toEqual([])
    }
    expect(await third.store.eviction.segments()).toEqual([
      { segment: SEGMENT_NAME, sealed: request.sealed, events: 600, last: 600, isDone: true },
    ])
    const { moved } = await third.store.eviction.live({ after: 0, upTo: 700 })
    expect(moved).toEqual([{ first: 1, last: 600, segment: SEGMENT_NAME }])
  })

  it('leaves no stale version with a process that has not looked since', async () => {
    const first = open()
    const second = open({ path: first.path })
    await first.log.append(notes(alice, 1))
    await second.log.append(notes(alice, 1, 1 as StreamVersion))
    const request = await sealed(second, alice)
    await second.store.eviction.evict(request)
    await expect(first.log.append(notes(alice, 2, 1 as StreamVersion))).rejects.toSatisfy((error) =>
      hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT'),
    )
    expect((await first.log.append(notes(alice, 1, 2 as StreamVersion))).retried).toBe(false)
  })
})

/** Verifies: ESQ-R83 */
describe('a check', () => {
  it('finds an event that is here although it was moved, and one that is neither', async () => {
    const opened = open()
    await opened.log.append(notes(alice, 3))
    await opened.log.append(notes(bob, 2))
    await opened.store.eviction.evict(await sealed(opened, alice))
    expect(await gather(opened.store.check() as never)).toEqual([])
    const db = raw(opened.path)
    db.exec('UPDATE moved_ranges SET last = 4')
    const positions = async (): Promise<number[]> => {
      const found: number[] = []
      for await (const { position } of opened.store.check()) found.push(position)
      return found
    }
    expect(await positions()).toContain(4)
    db.exec('UPDATE moved_ranges SET last = 2')
    expect(await positions()).toContain(4)
    db.exec('UPDATE moved_ranges SET last = 3; UPDATE moved_streams SET version = 2')
    db.exec('DELETE FROM events WHERE position = 4')
    expect((await positions()).length).toBeGreaterThan(0)
  })

  it('of an opening passes over what another process has checked and moved', async () => {
    const first = open({ openCheck: 'skip' })
    await first.log.append(notes(alice, 300))
    const late = open({ path: first.path })
    await first.log.append(notes(bob, 300))
    await first.store.eviction.evict(await sealed(first, alice))
    await late.log.append(notes(bob, 1))
    await late.store.close()
    const { store } = open({ path: first.path })
    expect(store.inspect().checked).toBeGreaterThanOrEqual(601)
  })
})

/** Verifies: ESQ-R84 */
describe('blobs of a segment', () => {
  it('stay while an event here names them, and leave their room to others', async () => {
    const opened = open()
    const bytes = new Uint8Array(3_000_000).fill(7)
    const digest = sha256Hex(bytes) as string as BlobDigest
    const kept = { type: 'PictureKept', data: { picture: { $blob: digest, size: bytes.length } } }
    for (const stream of [alice, bob]) {
      const writes = [{ stream, expectedVersion: 'any' as const, events: [kept] }]
      await opened.log.append({ writes, blobs: [{ digest, bytes }] })
    }
    const { eviction, blobs } = opened.store
    const first = await sealed(opened, alice)
    expect(await eviction.evict({ ...first, blobs: [digest] })).toMatchObject({ blobs: 0 })
    expect(await blobs.has(digest)).toBe(true)
    const second = 'segment-2-0123456789abcdef.ice'
    const events = (await gather(opened.store.read({ stream: bob }))).map(markOf)
    const request = { segment: second, events, blobs: [digest], sealed: await seal(opened, second) }
    expect(await eviction.evict(request)).toMatchObject({ blobs: 1, blobBytes: 3_000_000 })
    expect(await blobs.has(digest)).toBe(false)
    expect(await eviction.blobSegment(digest)).toBe(second)
    const { freeBytes } = await eviction.disk()
    expect(freeBytes).toBeGreaterThan(2_900_000)
    const before = opened.store.inspect().bytes
    const other = new Uint8Array(2_500_000).fill(8)
    await blobs.stage([other])
    expect(opened.store.inspect().bytes).toBe(before)
    expect(await gather(opened.store.check() as never)).toEqual([])
  })
})
