/** Segment files that are not what they should be. */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type IntegrityFinding, verifyLog } from '@ice/events'
import { hasCode, sha256Hex, streamId } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVENTS_ARCHIVE_CODES, verifySegmentBytes } from '../src/index.ts'
import { begin, end, folder, note, picture, type Room, room, stored, whole } from './fixture.ts'

const CODES: ReadonlySet<string> = new Set(Object.values(EVENTS_ARCHIVE_CODES))
const { segmentCorrupt, segmentNotFound, format } = EVENTS_ARCHIVE_CODES

function coded(code: string, name: string) {
  return (error: unknown): boolean =>
    hasCode(error, code) && (error as Error).message.includes(name)
}

/** A log with two segments: of an own run with a picture each. */
async function twoSegments(): Promise<Room & { readonly names: readonly string[] }> {
  const place = room()
  for (let n = 0; n < 2; n += 1) {
    await whole(place, 6)
    const run = await begin(place)
    await picture(place, run.stream, new Uint8Array(300).fill(n))
    run.version += 1
    await end(place, run)
    await place.retain()
  }
  const names = (await place.archive.segments()).map(({ segment }) => segment)
  expect(names).toHaveLength(2)
  return { ...place, names }
}

type Harm = (paths: readonly string[]) => void

const HARMS: Readonly<Record<string, readonly [Harm, string]>> = {
  'is not there': [([path = '']) => rmSync(path), segmentNotFound],
  'has a flipped bit': [([path = '']) => change(path, (bytes) => flip(bytes, 200)), segmentCorrupt],
  'is cut off': [
    ([path = '']) => change(path, (bytes) => bytes.subarray(0, bytes.length - 100)),
    segmentCorrupt,
  ],
  'is empty': [([path = '']) => change(path, () => Buffer.alloc(0)), segmentCorrupt],
  'is longer': [
    ([path = '']) => change(path, (bytes) => Buffer.concat([bytes, Buffer.from('x')])),
    segmentCorrupt,
  ],
  'has the name of another': [
    ([path = '', other = '']) => {
      renameSync(path, `${path}.kept`)
      renameSync(other, path)
      renameSync(`${path}.kept`, other)
    },
    segmentCorrupt,
  ],
  'is a symbolic link': [
    ([path = '']) => {
      renameSync(path, `${path}.real`)
      symlinkSync(`${path}.real`, path)
    },
    segmentCorrupt,
  ],
  'is a folder': [
    ([path = '']) => {
      rmSync(path)
      mkdirSync(path)
    },
    segmentCorrupt,
  ],
  'is of a later format': [
    ([path = '']) =>
      change(path, (bytes) => Buffer.concat([Buffer.from('ICE-SEGMENT/2\n'), bytes.subarray(14)])),
    format,
  ],
}

function change(path: string, how: (bytes: Buffer) => Buffer): void {
  const bytes = how(readFileSync(path))
  chmodSync(path, 0o644)
  writeFileSync(path, bytes)
}

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

/** Verifies: EVA-R09 */
describe('a segment that', () => {
  it.each(Object.keys(HARMS))('%s is refused by its name', async (harm) => {
    const [hurt, code] = HARMS[harm] as readonly [Harm, string]
    const { archive, directory, names, base, path, clock } = await twoSegments()
    await archive.close()
    hurt(names.map((name) => join(directory, name)))
    const again = room(path.slice(0, -'/log.db'.length), clock)
    const [name = ''] = names
    const refusal = coded(code, name)
    await expect(stored(again.archive)).rejects.toSatisfy(refusal)
    const findings: IntegrityFinding[] = []
    for await (const finding of again.archive.check()) findings.push(finding)
    expect(findings.map((one) => one.code)).toContain(code)
    expect(findings.find((one) => one.code === code)?.message).toContain(name)
    // What is in the store, and in the segment that is whole, is there.
    expect((await again.archive.head()).position).toBeGreaterThan(10)
    await again.log.append({
      writes: [{ stream: streamId('note/a'), expectedVersion: 'any', events: [note(1)] }],
    })
    expect(base.path).toBe(path)
  })

  it('comes from another log is refused, and stays where it is', async () => {
    const { directory, archive, path, clock } = await twoSegments()
    const other = await twoSegments()
    const [foreign = ''] = other.names
    copyFileSync(join(other.directory, foreign), join(directory, foreign))
    await archive.close()
    const again = room(path.slice(0, -'/log.db'.length), clock)
    const { segments, removed } = await again.retain()
    expect([segments, removed]).toEqual([[], []])
    expect(readFileSync(join(directory, foreign)).length).toBeGreaterThan(100)
    expect((await verifyLog(again.archive)).findings).toEqual([])
  })

  it('was changed before its events were let go of keeps them in the store', async () => {
    const place = room()
    await whole(place, 20)
    const before = await stored(place.archive)
    const evict = place.base.eviction.evict
    let name = ''
    Object.assign(place.base.eviction, {
      evict: () => Promise.reject(new TypeError('the process dies here')),
    })
    await expect(place.retain()).rejects.toThrow('dies here')
    Object.assign(place.base.eviction, { evict })
    name = (await place.archive.segments())[0]?.segment ?? ''
    change(join(place.directory, name), (bytes) => flip(bytes, 300))
    await expect(place.retain()).rejects.toSatisfy(coded(segmentCorrupt, name))
    expect(place.base.inspect().moved.events).toBe(0)
    expect((await stored(place.archive)).slice(0, before.length)).toEqual(before)
    change(join(place.directory, name), (bytes) => flip(bytes, 300))
    expect((await place.retain()).resumed).toBe(1)
    expect(place.base.inspect().moved.events).toBe(20)
    expect((await verifyLog(place.archive)).findings).toEqual([])
  })
})

/** A sound segment, as octets. */
async function octets(): Promise<Buffer> {
  const { directory, names } = await twoSegments()
  return readFileSync(join(directory, names[0] ?? ''))
}

/** The octets with a trailer that fits them: only what is inside is wrong. */
function resealed(bytes: Buffer): Buffer {
  const body = bytes.subarray(0, bytes.length - 74)
  const length = bytes.toString('latin1', bytes.length - 74, bytes.length - 66)
  return Buffer.concat([body, Buffer.from(`${length} ${sha256Hex(body)}\n`)])
}

async function verdict(bytes: Uint8Array): Promise<string> {
  try {
    await verifySegmentBytes(bytes)
    return 'sound'
  } catch (error) {
    const code = (error as { readonly code?: unknown }).code
    if (typeof code === 'string' && CODES.has(code)) return code
    throw error
  }
}

/** Of what log it is, a segment may say as it likes: that is held against the log's own record. */
function sameButName(changed: Buffer, bytes: Buffer): boolean {
  const name = /"incarnation":"[^"]*"/
  return changed.toString('latin1').replace(name, '') === bytes.toString('latin1').replace(name, '')
}

/** Verifies: EVA-R08, EVA-R10 */
describe('octets that are given for a segment', () => {
  it('are refused when any of them is another, also when they are sealed again', async () => {
    const bytes = await octets()
    expect(await verdict(bytes)).toBe('sound')
    const named = bytes.lastIndexOf('"incarnation":"') + '"incarnation":"'.length
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = flip(Buffer.from(bytes), at)
      expect(await verdict(changed), `byte ${at}`).not.toBe('sound')
      const isName = at >= named && at < named + 36
      if (at < bytes.length - 74 && !isName) {
        expect(await verdict(resealed(changed)), `byte ${at}, sealed again`).not.toBe('sound')
      }
    }
  })

  it('are refused at every length they are cut to', async () => {
    const bytes = await octets()
    for (let length = 0; length < bytes.length; length += 1) {
      expect(await verdict(bytes.subarray(0, length)), `${length} bytes`).not.toBe('sound')
    }
  })

  it('end with a code, whatever they are', async () => {
    const bytes = await octets()
    const edits = fc.array(
      fc.record({ at: fc.nat(bytes.length - 75), put: fc.uint8Array({ maxLength: 12 }) }),
      { minLength: 1, maxLength: 4 },
    )
    await fc.assert(
      fc.asyncProperty(edits, fc.boolean(), async (list, isSealed) => {
        const changed = Buffer.from(bytes)
        for (const { at, put } of list) changed.set(put.subarray(0, changed.length - at), at)
        if (changed.equals(bytes)) return
        const mayBeSound = isSealed && sameButName(changed, bytes)
        const said = await verdict(isSealed ? resealed(changed) : changed)
        expect(said === 'sound' && !mayBeSound).toBe(false)
      }),
      { numRuns: 400 },
    )
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (any) => {
        expect(await verdict(any)).not.toBe('sound')
        expect(await verdict(Buffer.concat([Buffer.from('ICE-SEGMENT/1\n'), any]))).not.toBe(
          'sound',
        )
      }),
      { numRuns: 400 },
    )
    expect(folder()).toContain('ice-archive-')
  })
})
