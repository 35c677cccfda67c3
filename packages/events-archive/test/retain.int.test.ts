/** Carrying out a policy on a real log. */
import { existsSync, readdirSync } from 'node:fs'
import { verifyLog } from '@ice/events'
import { gather } from '@ice/events/testing'
import { hasCode, type StreamVersion, streamId } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { verifySegment } from '../src/index.ts'
import { begin, end, note, picture, room, START_MS, stored, whole, work } from './fixture.ts'

/** Verifies: EVA-R01, EVA-R02, EVA-R03 */
describe('concluded runs', () => {
  it('are moved to a segment, and read as before', async () => {
    const place = room()
    const { archive, log, base } = place
    const first = await whole(place, 10)
    const open = await begin(place)
    await work(place, open, 3)
    const second = await whole(place, 700)
    const before = await stored(archive)
    const { root } = await verifyLog(archive)

    const report = await place.retain()

    expect(report).toMatchObject({
      moved: { runs: 2, events: 710 },
      kept: { open: 1, young: 0 },
      findings: [],
    })
    expect(report.segments).toHaveLength(1)
    expect(base.inspect().moved).toEqual({ segments: 1, events: 710 })
    const after = await stored(archive)
    expect(after.slice(0, before.length)).toEqual(before)
    expect(after.length).toBe(before.length + 1)
    expect(await verifyLog(archive, { noted: [{ size: before.length, root }] })).toMatchObject({
      findings: [],
      events: before.length + 1,
    })
    const events = await gather(log.read({ stream: second.stream }))
    expect(events.map(({ version }) => version)).toEqual(
      Array.from({ length: 700 }, (_, i) => i + 1),
    )
    const backwards = await gather(log.read({ stream: first.stream, backwards: true, limit: 2 }))
    expect(backwards.map(({ type }) => type)).toEqual(['RunTerminated', 'NoteTaken'])
    expect((await gather(log.read({ stream: open.stream }))).length).toBe(4)
  })

  it('are only moved when they ended long enough ago', async () => {
    const place = room()
    await whole(place)
    place.clock.setWall(START_MS + 10_000)
    await whole(place)
    const report = await place.retain({ concludedForMs: 5_000 })
    expect(report.moved.runs).toBe(1)
    expect(report.kept).toEqual({ open: 0, young: 1 })
    expect((await place.retain({ concludedForMs: 5_000 })).segments).toEqual([])
  })

  it('go in several segments when there is much of them', async () => {
    const place = room()
    for (let n = 0; n < 6; n += 1) await whole(place, 20, 'y'.repeat(500))
    const { root, events } = await verifyLog(place.archive)
    const report = await place.retain({ segmentBytesMax: 20_000 })
    expect(report.segments.length).toBeGreaterThan(2)
    expect(report.moved).toMatchObject({ runs: 6, events: 120 })
    const verification = await verifyLog(place.archive, { noted: [{ size: events, root }] })
    expect(verification.findings).toEqual([])
    expect(await place.archive.segments()).toEqual(report.segments)
  })

  it('are counted without being moved when only asked for', async () => {
    const place = room()
    await whole(place, 12)
    await begin(place)
    const { retain } = await import('../src/index.ts')
    const { log, archive, clock } = place
    const policy = { concludedForMs: 0 }
    const report = await retain(log, { archive, clock, policy, dryRun: true })
    expect(report).toMatchObject({ moved: { runs: 1, events: 12 }, kept: { open: 1 } })
    expect(place.base.inspect().moved).toEqual({ segments: 0, events: 0 })
    expect(existsSync(place.directory)).toBe(false)
  })
})

/** Verifies: EVA-R04 */
describe('what is appended to a log with an archive', () => {
  it('is judged by streams that were moved', async () => {
    const place = room()
    const { log } = place
    place.clock.setWall(START_MS + 500)
    const run = await whole(place, 4)
    await place.retain()
    expect(place.base.inspect().moved.events).toBe(4)
    place.clock.setWall(START_MS)
    const { stream } = run
    const conflict = { stream, expectedVersion: 2 as StreamVersion, events: [note(9), note(9)] }
    await expect(log.append({ writes: [conflict] })).rejects.toSatisfy((error) =>
      hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT'),
    )
    const other = { stream: streamId('note/a'), expectedVersion: 'any' as const }
    await expect(
      log.append({ writes: [{ ...other, events: [note(1)] }], guards: [{ stream, version: 3 }] }),
    ).rejects.toSatisfy((error) => hasCode(error, 'ICE_EVENTS_GUARD_CONFLICT'))
    const caused = { ...note(2), causes: [`${stream}@4` as never] }
    await log.append({ writes: [{ ...other, events: [caused] }], guards: [{ stream, version: 4 }] })
    const tooEarly = { ...note(3), time: (START_MS + 400) as never }
    await expect(
      log.append({ writes: [{ stream, expectedVersion: 4 as StreamVersion, events: [tooEarly] }] }),
    ).rejects.toSatisfy((error) => hasCode(error, 'ICE_EVENTS_TEMPORAL_VIOLATION'))
    const late = await log.append({
      writes: [{ stream, expectedVersion: 4 as StreamVersion, events: [note(4)] }],
    })
    expect(late.writes[0]).toMatchObject({ version: 5, times: [START_MS + 500] })
    expect((await gather(log.read({ stream }))).map(({ version }) => version)).toEqual([
      1, 2, 3, 4, 5,
    ])
    const newest = await gather(log.read({ stream, backwards: true, limit: 3 }))
    expect(newest.map(({ version }) => version)).toEqual([5, 4, 3])
    expect((await verifyLog(place.archive)).findings).toEqual([])
  })

  it('is acknowledged when it is there already, in a segment', async () => {
    const place = room()
    const run = await begin(place)
    const last = { type: 'RunTerminated', data: { conclusion: 'aborted', doubts: [] } }
    const unit = {
      writes: [{ ...run, expectedVersion: 1 as StreamVersion, events: [note(1), last] }],
    }
    const first = await place.log.append(unit)
    await place.retain()
    expect(await place.log.append(unit)).toEqual({ ...first, retried: true })
  })
})

/** Verifies: EVA-R05 */
describe('blobs', () => {
  it('go with the events that name them, and come back when they are named again', async () => {
    const place = room()
    const run = await begin(place)
    const own = new Uint8Array(2_500_000).map((_, i) => i * 7)
    const both = new Uint8Array(5_000).fill(9)
    const moved = await picture(place, run.stream, own)
    const stays = await picture(place, run.stream, both)
    run.version += 2
    await picture(place, streamId('picture/other'), both)
    await end(place, run)
    const { bytes, freeBytes } = await place.base.eviction.disk()
    await place.retain()
    const now = await place.base.eviction.disk()
    expect(bytes - freeBytes - (now.bytes - now.freeBytes)).toBeGreaterThan(2_000_000)
    const { archive } = place
    expect(await place.base.blobs.has(moved)).toBe(false)
    expect(await place.base.blobs.has(stays)).toBe(true)
    expect(await archive.blobs.has(moved)).toBe(true)
    expect(Buffer.compare(await archive.blobs.read(moved), own)).toBe(0)
    expect((await verifyLog(archive)).findings).toEqual([])

    const data = { picture: { $blob: moved, size: own.length } }
    const events = [{ type: 'PictureKept', data }]
    const writes = [{ stream: streamId('picture/new'), expectedVersion: 'any' as const, events }]
    await place.log.append({ writes, blobs: [{ digest: moved, size: own.length }] })
    expect(await place.base.blobs.has(moved)).toBe(true)
    expect((await verifyLog(archive)).findings).toEqual([])
  })
})

/** Verifies: EVA-R06 */
describe('a store without its archive', () => {
  it('names the segment of what it has not', async () => {
    const place = room()
    const { base } = place
    await place.log.append({
      writes: [{ stream: streamId('note/a'), expectedVersion: 'any', events: [note(1)] }],
    })
    const run = await whole(place, 4)
    const { segments } = await place.retain()
    const segment = segments[0]?.segment
    const archived = (error: unknown): boolean =>
      hasCode(error, 'ICE_EVENTS_ARCHIVED_UNAVAILABLE') &&
      (error as { data: { segment: string } }).data.segment === segment
    await expect(gather(base.readAll({}))).rejects.toSatisfy(archived)
    await expect(gather(base.readAll({ filter: { types: ['X'] } }))).rejects.toSatisfy(archived)
    await expect(gather(base.read({ stream: run.stream }))).rejects.toSatisfy(archived)
    await expect(
      gather(base.read({ stream: run.stream, backwards: true, limit: 1 })),
    ).rejects.toSatisfy(archived)
    await expect(gather(base.subscribe({}))).rejects.toSatisfy(archived)
    expect(await gather(base.readAll({ limit: 1 }))).toHaveLength(1)
    expect(await gather(base.readAll({ after: 5 }))).toHaveLength(1)
    expect(await gather(base.check() as never)).toEqual([])
  })
})

/** Verifies: EVA-R07 */
describe('the room a log takes', () => {
  it('is kept to its bound by moving younger runs, and told when it cannot be', async () => {
    const place = room()
    for (let n = 0; n < 20; n += 1) await whole(place, 40, 'z'.repeat(2_000))
    const hour = 3_600_000
    const policy = { concludedForMs: hour, diskBytesMax: 1_000_000 }
    const told = await place.retain(policy)
    expect(told.moved.runs).toBe(0)
    expect(told.findings).toMatchObject([{ code: 'ICE_EVENTS_ARCHIVE_DISK_LIMIT' }])
    const kept = await place.retain({ ...policy, concludedUnderPressureForMs: 0 })
    expect(kept.findings).toEqual([])
    expect(kept.after.bytes - kept.after.freeBytes).toBeLessThanOrEqual(1_000_000)
    const { bytes } = kept.after
    for (let n = 0; n < 8; n += 1) await whole(place, 40, 'z'.repeat(2_000))
    expect((await place.base.eviction.disk()).bytes).toBeLessThan(bytes + 4_500_000)
    expect(place.base.inspect().bytes).toBeLessThanOrEqual(told.before.bytes)
  })

  it('counts open runs that keep it from being kept', async () => {
    const place = room()
    const open = await begin(place)
    await work(place, open, 100, 'w'.repeat(1_000))
    const { findings } = await place.retain({ diskBytesMax: 1_000 })
    expect(findings[0]?.message).toContain('1 runs are open')
  })
})

/** Verifies: EVA-R08 */
describe('segments in the folder', () => {
  it('verify by themselves, and have the digest that the log has of them', async () => {
    const place = room()
    await whole(place, 30)
    const { segments } = await place.retain()
    const [record] = segments
    expect(readdirSync(place.directory)).toEqual([record?.segment])
    const { digest, footer } = await verifySegment(`${place.directory}/${record?.segment}`)
    expect(digest).toBe(record?.digest)
    expect(footer).toMatchObject({ events: 30, streams: 1, root: record?.root })
  })
})
