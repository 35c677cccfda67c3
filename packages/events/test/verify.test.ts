/** Verifies: EVT-R65 */
import { canonicalize, type Hash, leafHash } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { compactRange } from '../src/compact-range.ts'
import { EVENTS_CODES } from '../src/errors.ts'
import type { IntegrityFinding, NewEvent, StoredEvent } from '../src/ports.ts'
import { type NotedRoot, verifyLog } from '../src/verify.ts'
import { memoryRoom, NOON, noted, storedEvents, toStream } from './fixtures.ts'

/** A log as somebody may have left it, without an adapter that could see more. */
function left(events: readonly StoredEvent[], findings: readonly IntegrityFinding[] = []) {
  return {
    async *readAll() {
      for (let i = 0; i < events.length; i += 7) yield events.slice(i, i + 7)
    },
    async *check() {
      yield* findings
    },
  }
}

const numbered = (events: readonly StoredEvent[]): StoredEvent[] =>
  events.map((event, i) => ({ ...event, position: (i + 1) as StoredEvent['position'] }))

const rehashed = (events: readonly StoredEvent[]): StoredEvent[] =>
  events.map((event) => ({ ...event, hash: leafHash(event.bytes) }))

/** Twelve events in two streams. */
async function twelve(): Promise<StoredEvent[]> {
  const { log, store, clock } = memoryRoom()
  for (let n = 1; n <= 12; n += 1) {
    clock.setWall(NOON + n)
    const more: Partial<NewEvent> =
      n > 2 ? { causes: [`test/${n % 2 === 0 ? 'b' : 'a'}@1` as never] } : {}
    await log.append(toStream(n % 2 === 0 ? 'b' : 'a', noted(n, more)))
  }
  return storedEvents(store)
}

async function roots(events: readonly StoredEvent[]): Promise<NotedRoot[]> {
  const range = compactRange()
  return events.map(({ hash }, i) => {
    range.append(hash)
    return { size: i + 1, root: range.root() }
  })
}

async function firstBad(
  events: readonly StoredEvent[],
  noted?: readonly NotedRoot[],
): Promise<number | undefined> {
  const { findings } = await verifyLog(left(events), noted === undefined ? {} : { noted })
  return findings[0]?.position
}

describe('a sound log', () => {
  test('has no finding, and counts', async () => {
    const events = await twelve()
    const noted = await roots(events)
    const progress: number[] = []
    const verification = await verifyLog(left(events), {
      noted,
      onProgress: (position) => progress.push(position),
    })
    expect(verification).toEqual({
      events: 12,
      streams: 2,
      bytes: events.reduce((sum, { bytes }) => sum + Buffer.byteLength(bytes), 0),
      root: noted[11]?.root,
      findings: [],
    })
    expect(progress).toEqual([7, 12])
  })

  test('may be empty', async () => {
    const empty = compactRange().root()
    const { findings, root } = await verifyLog(left([]), { noted: [{ size: 0, root: empty }] })
    expect([findings, root]).toEqual([[], empty])
  })
})

describe('tampering', () => {
  test('is found whichever byte of whichever event was flipped', async () => {
    const events = await twelve()
    const missed: string[] = []
    for (const [i, event] of events.entries()) {
      const bytes = Buffer.from(event.bytes)
      for (let at = 0; at < bytes.length; at += 1) {
        for (const bit of [1, 128]) {
          const flipped = Buffer.from(bytes)
          flipped[at] = (flipped[at] ?? 0) ^ bit
          const spoilt = events.with(i, { ...event, bytes: flipped.toString('latin1') })
          if ((await firstBad(spoilt)) !== i + 1) missed.push(`event ${i + 1}, byte ${at}`)
        }
      }
    }
    expect(missed).toEqual([])
  })

  test('with a hash that was flipped is found', async () => {
    const events = await twelve()
    const hash = events[4]?.hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) as Hash
    expect(await firstBad(events.with(4, { ...(events[4] as StoredEvent), hash }))).toBe(5)
  })

  test('with two events of one stream is found, though hashes and positions agree', async () => {
    const events = await twelve()
    const [third, fifth] = [events[2], events[4]] as [StoredEvent, StoredEvent]
    expect(await firstBad(numbered(events.with(2, fifth).with(4, third)))).toBe(3)
  })

  test.each([
    ['dropped', (events: StoredEvent[]) => events.toSpliced(4, 1)],
    ['duplicated', (events: StoredEvent[]) => events.toSpliced(4, 0, events[3] as StoredEvent)],
    ['inserted', (events: StoredEvent[]) => events.toSpliced(4, 0, events[8] as StoredEvent)],
  ])('with an event that was %s is found, renumbered or not', async (_, tamper) => {
    const events = await twelve()
    expect(await firstBad(tamper(events))).toBeOneOf([4, 5, 6, 9])
    expect(await firstBad(numbered(tamper(events)))).toBeOneOf([5, 6, 7])
  })

  test('that agrees with itself is found by the roots noted before', async () => {
    const events = await twelve()
    const noted = await roots(events)
    const [eleventh, twelfth] = [events[10], events[11]] as [StoredEvent, StoredEvent]
    const exchanged = numbered(events.with(10, twelfth).with(11, eleventh))
    expect(await firstBad(exchanged)).toBeUndefined()
    expect(await firstBad(exchanged, noted)).toBe(11)
    expect(await firstBad(events.slice(0, 10))).toBeUndefined()
    expect(await firstBad(events.slice(0, 10), noted)).toBe(10)
    const rewritten = rehashed(
      events.with(11, { ...twelfth, bytes: twelfth.bytes.replace('"n":12', '"n":13') }),
    )
    expect(await firstBad(rewritten)).toBeUndefined()
    expect(await firstBad(rewritten, noted.slice(11))).toBe(12)
    expect(await firstBad(events, [{ size: 0, root: noted[0]?.root as Hash }])).toBe(0)
  })
})

describe('bytes that are no event', () => {
  const sound = {
    v: 1,
    stream: 'test/a',
    version: 1,
    type: 'NumberNoted',
    schema: 1,
    time: NOON,
    origin: 'runtime',
    causes: [] as string[],
    data: { n: 1 },
  }
  const wrong: Record<string, string> = {
    nothing: '',
    'no JSON': '{',
    null: 'null',
    'a number': '1',
    'a list': '[]',
    'an empty object': '{}',
    'another format': canonicalize({ ...sound, v: 2 }),
    'no stream': canonicalize({ ...sound, stream: '../a' }),
    'no version': canonicalize({ ...sound, version: '1' }),
    'a version too high': canonicalize({ ...sound, version: 2 }),
    'no time': canonicalize({ ...sound, time: null }),
    'causes that are no list': canonicalize({ ...sound, causes: {} }),
    'a cause that is no id': canonicalize({ ...sound, causes: ['x'] }),
    'a cause that is not there': canonicalize({ ...sound, causes: ['test/b@1'] }),
    'itself for a cause': canonicalize({ ...sound, causes: ['test/a@1'] }),
    'keys in another order': JSON.stringify(sound),
    'a space': canonicalize(sound).replace(':', ': '),
    'a key twice': canonicalize(sound).replace('"v":1', '"v":1,"v":1'),
    'a lone surrogate': canonicalize(sound).replace('"n":1', '"n":"\ud800"'),
    'too many levels': canonicalize(sound).replace(
      '"n":1',
      `"n":${'['.repeat(70)}${']'.repeat(70)}`,
    ),
    'too many bytes': canonicalize({ ...sound, data: 'x'.repeat(62_000) }),
  }

  test.each(Object.entries(wrong))('are found when they are %s', async (_, bytes) => {
    const hash = leafHash(bytes.toWellFormed())
    const { findings } = await verifyLog(left([{ position: 1 as never, bytes, hash }]))
    expect(findings.map(({ code, position }) => [code, position])).toEqual([
      [EVENTS_CODES.corrupt, 1],
    ])
  })

  test('are not this', async () => {
    const bytes = canonicalize(sound)
    const { findings } = await verifyLog(
      left([{ position: 1 as never, bytes, hash: leafHash(bytes) }]),
    )
    expect(findings).toEqual([])
  })

  test('are found when time goes back in a stream', async () => {
    const bytes = [sound, { ...sound, version: 2, time: NOON - 1 }].map((event) =>
      canonicalize(event),
    )
    const events = bytes.map((text) => ({
      position: 0 as never,
      bytes: text,
      hash: leafHash(text),
    }))
    expect(await firstBad(numbered(events))).toBe(2)
  })
})

describe('findings', () => {
  const corrupt = (position: number): IntegrityFinding => ({
    code: EVENTS_CODES.corrupt,
    position,
    message: 'seen by the adapter',
  })

  test('of the adapter stand among the others, in order, each fact once', async () => {
    const events = await twelve()
    const spoilt = events.with(8, { ...(events[8] as StoredEvent), bytes: '{}' })
    const { findings } = await verifyLog(left(spoilt, [corrupt(9), corrupt(3)]))
    expect(findings.map(({ position }) => position)).toEqual([3, 9, 11])
  })

  test('end when there are enough', async () => {
    const events = (await twelve()).map((event) => ({ ...event, bytes: '{}' }))
    const { findings } = await verifyLog(left(events), { findingsMax: 3 })
    expect(findings.map(({ position }) => position)).toEqual([1, 2, 3])
  })
})
