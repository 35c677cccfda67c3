/** Letting go of events: what the store itself holds to, whatever its caller says. */
import type { EventMark, EvictRequest } from '@ice/events/ports'
import { markOf, SEGMENT_NAME, seal, sealed } from '@ice/events/testing'
import {
  type BlobDigest,
  type Hash,
  hasCode,
  type Position,
  type StreamId,
  type StreamVersion,
  sha256Hex,
} from '@ice/primitives'
import { start } from '@ice/tooling/lib/children'
import type pg from 'pg'
import { expect, it } from 'vitest'
import { alice, bob, gather, notes, type Opened, open, script } from './fixture.ts'
import { admin, describeOnServer, freshSchema, server } from './server.ts'

const structural = (error: unknown): boolean => hasCode(error, 'ICE_EVENTS_STRUCTURAL_VIOLATION')

/** Verifies: EPG-R40 */
describeOnServer('a store refuses to let go of', () => {
  it('what the log does not say was sealed', async () => {
    const opened = await open()
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
    expect((await opened.store.inspect()).moved).toEqual({ segments: 0, events: 0 })
    expect(await gather(opened.store.read({ stream: alice }))).toHaveLength(3)
  })

  it('an event that is another one than that of the segment', async () => {
    const opened = await open()
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
    const opened = await open()
    await opened.log.append(notes(alice, 1))
    const request = await sealed(opened, alice)
    await opened.log.append(notes(bob, 1))
    const events = (await gather(opened.store.readAll({ after: 2 }))).map(markOf)
    await expect(opened.store.eviction.evict({ ...request, events })).rejects.toSatisfy(structural)
  })
})

/** Verifies: EPG-R41, EPG-R42 */
describeOnServer('what was let go of', () => {
  it('is known to every process, and after opening again', async () => {
    const first = await open()
    await first.log.append(notes(alice, 300))
    await first.log.append(notes(alice, 300))
    const second = await open({ schema: first.schema })
    await second.log.append(notes(bob, 1))
    const request = await sealed(first, alice)
    expect(await first.store.eviction.evict(request)).toMatchObject({ events: 600 })
    expect(await first.store.eviction.evict(request)).toMatchObject({ events: 0 })
    const archived = (error: unknown): boolean => hasCode(error, 'ICE_EVENTS_ARCHIVED_UNAVAILABLE')
    await expect(gather(second.store.readAll({}))).rejects.toSatisfy(archived)
    await first.store.close()
    const third = await open({ schema: first.schema })
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
    const first = await open()
    const second = await open({ schema: first.schema })
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

/** Verifies: EPG-R43 */
describeOnServer('a check', () => {
  it('finds an event that is here although it was moved, and one that is neither', async () => {
    const opened = await open()
    await opened.log.append(notes(alice, 3))
    await opened.log.append(notes(bob, 2))
    await opened.store.eviction.evict(await sealed(opened, alice))
    expect(await gather(opened.store.check() as never)).toEqual([])
    const change = (text: string): Promise<unknown> =>
      admin(async (client) => {
        await client.query(`SET search_path = "${opened.schema}"`)
        await client.query(text)
      })
    await change('UPDATE moved_ranges SET last = 4')
    const positions = async (): Promise<number[]> => {
      const found: number[] = []
      for await (const { position } of opened.store.check()) found.push(position)
      return found
    }
    expect(await positions()).toContain(4)
    await change('UPDATE moved_ranges SET last = 2')
    expect(await positions()).toContain(4)
    await change('UPDATE moved_ranges SET last = 3; UPDATE moved_streams SET version = 2')
    await change('DELETE FROM events WHERE position = 4')
    expect((await positions()).length).toBeGreaterThan(0)
  })
})

/** Verifies: EPG-R44 */
describeOnServer('blobs of a segment', () => {
  it('stay while an event here names them, and leave their room to others', async () => {
    const opened = await open()
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
    const before = await eviction.disk()
    await admin((client) => client.query(`VACUUM "${opened.schema}".blob_portions`))
    expect(before.freeBytes).toBeGreaterThan(2_900_000)
    await blobs.stage([new Uint8Array(2_500_000).fill(8)])
    const after = await eviction.disk()
    expect(after.bytes).toBeLessThan(before.bytes + 100_000)
    expect(after.freeBytes).toBeLessThan(before.freeBytes - 2_400_000)
    expect(await eviction.blobsMoved()).toBe(1)
    expect(await gather(opened.store.check() as never)).toEqual([])
  })

  it('come back when they are declared again, and stay while they are named', async () => {
    const opened = await open()
    const bytes = new Uint8Array(1_200_000).fill(9)
    const digest = sha256Hex(bytes) as string as BlobDigest
    const kept = { type: 'PictureKept', data: { picture: { $blob: digest, size: bytes.length } } }
    const keep = (stream: StreamId): Promise<unknown> =>
      opened.log.append({
        writes: [{ stream, expectedVersion: 'any', events: [kept] }],
        blobs: [{ digest, size: bytes.length }],
      })
    const { eviction, blobs } = opened.store
    await blobs.stage([bytes])
    await keep(alice)
    await blobs.collect({ graceMs: 0 })
    const request = { ...(await sealed(opened, alice)), blobs: [digest] }
    expect(await eviction.evict(request)).toMatchObject({ blobs: 1, blobBytes: 1_200_000 })
    await expect(keep(bob)).rejects.toSatisfy((error) =>
      hasCode(error, 'ICE_EVENTS_BLOB_NOT_FOUND'),
    )
    await blobs.stage([bytes])
    await keep(bob)
    expect(await blobs.collect({ graceMs: 0 })).toMatchObject({ removed: 0, kept: 1 })
    expect(await eviction.evict(request)).toMatchObject({ events: 0, blobs: 0 })
    expect(await blobs.read(digest)).toEqual(bytes)
    expect(await eviction.blobsMoved()).toBe(0)
  })
})

/** Verifies: EPG-R44 */
describeOnServer('the room of events', () => {
  it('counts as free once they are let go of, whoever measures when', async () => {
    const opened = await open()
    const text = 'x'.repeat(1_500)
    for (let n = 0; n < 10; n += 1) await opened.log.append(notes(alice, 100, 'any' as never, text))
    const { eviction } = opened.store
    const request = await sealed(opened, alice)
    const before = await eviction.disk()
    const half = [...request.events].slice(0, 500)
    await eviction.evict({ ...request, events: half })
    const between = await eviction.disk()
    expect(between.freeBytes - before.freeBytes).toBeGreaterThan(100_000)
    await eviction.evict(request)
    const after = await eviction.disk()
    const gained = after.freeBytes - before.freeBytes
    expect(gained).toBeGreaterThan(2 * 0.9 * (between.freeBytes - before.freeBytes))
    // One event is left, and what was counted of it is not less than nothing.
    expect(after.bytes - after.freeBytes).toBeGreaterThan(0)
  })
})

/** Lets go of all there is of streams, again and again, and gives what it let go of. */
async function evictAlong(
  opened: Opened,
  streams: readonly StreamId[],
  isOver: () => boolean,
): Promise<EventMark[]> {
  const gone: EventMark[] = []
  const { eviction } = opened.store
  for (let round = 1; !isOver(); round += 1) {
    const events: EventMark[] = []
    for (const stream of streams) {
      const page = { after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: 200, backwards: false }
      events.push(...(await eviction.liveStream({ stream, ...page })).events.map(markOf))
    }
    events.sort((one, other) => one.position - other.position)
    if (events.length === 0) continue
    const segment = `segment-${round}-0123456789abcdef.ice`
    const request = { segment, events, blobs: [], sealed: await seal(opened, segment) }
    const { events: moved } = await eviction.evict(request)
    expect(moved).toBe(events.length)
    gone.push(...events)
  }
  return gone
}

/** Verifies: EPG-R41, EPG-R42 */
describeOnServer('processes that append while everything they appended is let go of', () => {
  it('lose and double nothing', { timeout: 60_000 }, async () => {
    const schema = freshSchema()
    const opened = await open({ schema })
    const units = 150
    const racers = ['r0', 'r1'].map((name) =>
      start(script('racer'), { args: [server.url, schema, name, `${units}`] }),
    )
    let left = racers.length
    for (const racer of racers) {
      void racer.until((line) => line === 'done').then(() => (left -= 1))
    }
    const streams = ['note/r0', 'note/r1', 'note/shared'] as StreamId[]
    const gone = await evictAlong(opened, streams, () => left === 0)
    // Streams leave one after the other: the last to leave need not have stood last.
    const after = Math.max(0, ...gone.map(({ position }) => position))
    const here = (await gather(opened.store.readAll({ after }))).map(markOf)
    const { events: live } = await opened.store.eviction.live({ after: 0, upTo: 1e9 })
    const all = [...gone, ...live.map(markOf)].sort((one, other) => one.position - other.position)
    expect(here.length).toBeLessThan(all.length)
    expect(all.map(({ position }) => position)).toEqual(all.map((_, i) => i + 1))
    for (const stream of streams) {
      const versions = all.filter((one) => one.stream === stream).map(({ version }) => version)
      const count = stream === 'note/shared' ? 2 * units : units
      expect(versions).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    }
    for (const { said } of racers) {
      const acknowledged = said.filter((line) => typeof line === 'object' && line !== null)
      expect(acknowledged).toHaveLength(2 * units)
      for (const { position, stream, version } of acknowledged as EventMark[]) {
        expect(all[position - 1]).toMatchObject({ stream, version })
      }
    }
    expect(gone.length).toBeGreaterThan(units)
    expect(await gather(opened.store.check() as never)).toEqual([])
  })
})

/**
 * Waits until a session of a log waits for somebody else's lock.
 *
 * @param client - in no transaction, within which the server would always give the first answer
 * @returns its process
 */
async function blocked(client: pg.Client, schema: string): Promise<number> {
  for (;;) {
    const { rows } = await client.query(
      "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = $1",
      [`ice-${schema}`],
    )
    if (rows.length > 0) return rows[0].pid
  }
}

/** Verifies: EPG-R41 */
describeOnServer('an eviction whose backend is killed', () => {
  const cut = async (opened: Opened, request: EvictRequest, then = () => {}): Promise<unknown> =>
    admin(async (client) => {
      await client.query('BEGIN')
      await client.query(`SELECT * FROM "${opened.schema}".moved_streams FOR UPDATE`)
      const evicted = opened.store.eviction.evict(request)
      const settled = evicted.then(
        (value) => value,
        (error: unknown) => error,
      )
      // By now rows were removed in its transaction, and it is not committed.
      const pid = await admin((watcher) => blocked(watcher, opened.schema))
      then()
      await client.query('SELECT pg_terminate_backend($1)', [pid])
      await client.query('ROLLBACK')
      return settled
    })

  it('has done what it had committed, and is resumed by whoever calls again', async () => {
    const opened = await open()
    const other = await open({ schema: opened.schema })
    for (let n = 0; n < 4; n += 1) await other.log.append(notes(alice, 256))
    const request = await sealed(other, alice)
    const { eviction } = other.store
    await eviction.evict({ ...request, events: [...request.events].slice(0, 256) })
    const withdrawn = new AbortController()
    const { signal } = withdrawn
    const outcome = await cut(opened, { ...request, signal }, () => withdrawn.abort())
    expect(outcome).toMatchObject({ code: 'ICE_EVENTS_ABORTED' })
    expect(await eviction.segments()).toMatchObject([{ events: 256, last: 256 }])
    expect((await eviction.live({ after: 256, upTo: 1_024 })).events[0]?.position).toBe(257)
    expect(await gather(other.store.check() as never)).toEqual([])
    expect(await eviction.evict(request)).toMatchObject({ events: 768 })
    expect(await eviction.segments()).toMatchObject([{ events: 1_024, isDone: true }])
    expect(await gather(other.store.check() as never)).toEqual([])
  })

  it('goes on by itself when the server is there again', async () => {
    const opened = await open()
    for (let n = 0; n < 4; n += 1) await opened.log.append(notes(alice, 256))
    const request = await sealed(opened, alice)
    const { eviction } = opened.store
    await eviction.evict({ ...request, events: [...request.events].slice(0, 256) })
    expect(await cut(opened, request)).toMatchObject({ events: 768 })
    const { moved } = await eviction.live({ after: 0, upTo: 2_000 })
    expect(moved).toEqual([{ first: 1, last: 1_024, segment: SEGMENT_NAME }])
    expect(await gather(opened.store.check() as never)).toEqual([])
  })
})
