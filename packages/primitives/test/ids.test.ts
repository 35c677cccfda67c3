import { describe, expect, it } from 'vitest'
import {
  agentId,
  blobDigest,
  eventId,
  grantId,
  hash,
  isAgentId,
  isBlobDigest,
  isEventId,
  isGrantId,
  isHash,
  isOwnerId,
  isPrincipalId,
  isRunId,
  isSessionId,
  isStreamId,
  ownerId,
  parseEventId,
  principalId,
  runId,
  sessionId,
  streamId,
  streamVersion,
} from '../src/index.ts'
import { failure } from './failures.ts'

const UUID = '01929f6e-1c00-7abc-8def-0123456789ab'
const HEX = 'ab'.repeat(32)

interface Kind {
  readonly is: (value: unknown) => boolean
  readonly make: (text: string) => string
  readonly good: readonly string[]
  readonly bad: readonly string[]
}

const NEVER = ['', ' ', 'a b', 'a\n', '\u0000', 'é', 'a\u200b', '😀', '\ud800']

const segment = {
  good: ['a', 'A.b_c:d+e~f-9', '...', 'a'.repeat(128)],
  bad: ['.', '..', 'a/b', 'a@b', 'a%2f', 'a\\b', 'a'.repeat(129)],
}
const printable = {
  good: ['os:root', 'key:abc', '!', '~', 'a@b/c', 'x'.repeat(128)],
  bad: ['os: root', 'x'.repeat(129), '\u007f'],
}
const uuid = {
  good: [UUID],
  bad: [
    UUID.toUpperCase(),
    UUID.replace('-7', '-4'),
    UUID.replace('-8', '-c'),
    `${UUID}0`,
    UUID.slice(1),
    UUID.replaceAll('-', ''),
    `{${UUID}}`,
  ],
}
const digest = {
  good: [HEX, '0'.repeat(64)],
  bad: [HEX.toUpperCase(), HEX.slice(1), `${HEX}0`, 'g'.repeat(64)],
}

const kinds: Readonly<Record<string, Kind>> = {
  'stream id': {
    is: isStreamId,
    make: streamId,
    good: [
      `run/${UUID}`,
      'a/b',
      'a-1/b/c.d_e:f+g~h-i',
      'memory/workspace:1',
      `a/${'b'.repeat(254)}`,
      'a/.../b',
    ],
    bad: [
      'a',
      'a/',
      '/a',
      'a//b',
      'a/b/',
      'A/b',
      '1/b',
      '-/b',
      'a_b/c',
      'a/b@1',
      'a/.',
      'a/../b',
      'a/./b',
      'a/b/..',
      'a/b?c',
      'a/b#c',
      'a/b%c',
      `a/${'b'.repeat(255)}`,
      'a/b\n',
    ],
  },
  'run id': { is: isRunId, make: runId, ...uuid },
  'grant id': { is: isGrantId, make: grantId, ...uuid },
  'agent id': { is: isAgentId, make: agentId, ...segment },
  'session id': { is: isSessionId, make: sessionId, ...segment },
  'principal id': { is: isPrincipalId, make: principalId, ...printable },
  'owner id': { is: isOwnerId, make: ownerId, ...printable },
  'blob digest': { is: isBlobDigest, make: blobDigest, ...digest },
  hash: { is: isHash, make: hash, ...digest },
}

/** Verifies: PRI-R08 */
describe.each(Object.entries(kinds))('a %s', (kind, { is, make, good, bad }) => {
  it('is taken as it is', () => {
    for (const text of good) expect([is(text), make(text)]).toEqual([true, text])
  })

  it('is refused outside its grammar', () => {
    for (const text of [...bad, ...NEVER]) {
      expect([text, is(text)]).toEqual([text, false])
      const { code, data } = failure(() => make(text))
      expect([code, data?.['kind']]).toEqual(['ICE_PRIMITIVES_ID_INVALID', kind])
    }
  })

  it('is text', () => {
    for (const value of [undefined, null, 7, {}, [good[0]], Object(good[0])]) {
      expect(is(value)).toBe(false)
    }
  })
})

/** Verifies: PRI-R08 */
describe('an event id', () => {
  const stream = streamId(`run/${UUID}`)

  it('names stream and version, and is read back', () => {
    const id = eventId(stream, streamVersion(7))
    expect([id, isEventId(id)]).toEqual([`run/${UUID}@7`, true])
    expect(parseEventId(id)).toEqual({ stream, version: 7 })
  })

  it('holds the longest stream and the largest version', () => {
    const longest = streamId(`a/${'b'.repeat(254)}`)
    const id = eventId(longest, streamVersion(Number.MAX_SAFE_INTEGER))
    expect(parseEventId(id)).toEqual({ stream: longest, version: Number.MAX_SAFE_INTEGER })
  })

  it.each([
    ...['', '@', '@1', 'a/b', 'a/b@', 'a/b@0', 'a/b@01', 'a/b@-1', 'a/b@1.0', 'a/b@1e3', 'a/b@ 1'],
    ...['a@1', 'a/b@1@2', 'a/b@9007199254740992', 'a/b@99999999999999999999', 'a/b@1\n', 'A/b@1'],
  ])('is not %j', (text) => {
    expect(isEventId(text)).toBe(false)
    expect(failure(() => parseEventId(text)).code).toBe('ICE_PRIMITIVES_ID_INVALID')
  })

  it('has no version 0', () => {
    expect(failure(() => eventId(stream, streamVersion(0))).code).toBe('ICE_PRIMITIVES_ID_INVALID')
  })
})

/** Verifies: PRI-R08 */
describe('the error of a bad id', () => {
  it('shows the value clipped and escaped', () => {
    const { data } = failure(() => streamId(`\u001b[31m${'x'.repeat(10_000)}`))
    expect(data).toEqual({ kind: 'stream id', value: `"\\u001b[31m${'x'.repeat(72)}…"` })
  })
})
