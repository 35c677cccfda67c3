/** The parsers of `@ice/primitives`. */
import {
  agentId,
  blobDigest,
  canonicalize,
  errorRecord,
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
  parseStrict,
  principalId,
  runId,
  sessionId,
  streamId,
} from '@ice/primitives'
import { vectors } from '../../../vectors.ts'
import { jsonCorpus, naughtyStrings } from './corpus.ts'
import { bytesOf, must, type OpenTarget, textOf, tried } from './target.ts'
import { hostileValue, Sprung } from './values.ts'

const LARGE = { bytesMax: 1 << 26, nodesMax: 1 << 24 }

/** What was parsed is written and read again as the same; and is what every reader makes of it. */
const checkParsed = (value: unknown, text: string): void => {
  const written = canonicalize(value)
  must(written === canonicalize(JSON.parse(text)), 'every reader makes the same of it')
  const again = parseStrict(written, LARGE)
  must(canonicalize(again) === written, 'what is written is read as the same')
}

export const openJsonBytes: OpenTarget = () => ({
  corpus: jsonCorpus(vectors),
  run(bytes) {
    const parsed = tried(() => parseStrict(bytes))
    if (parsed === undefined) return false
    checkParsed(parsed.value, textOf(bytes))
    return true
  },
})

/** Text of any 16-bit units: what a program, and not a decoder, hands in. */
export const openJsonText: OpenTarget = () => ({
  corpus: [
    ...jsonCorpus(vectors),
    ...bytesOf(...naughtyStrings(vectors).map((s) => JSON.stringify(s))),
  ],
  run(bytes, chance) {
    const units = chance.once(3) ? Buffer.from(bytes).toString('latin1') : textOf(bytes)
    const at = chance.below(units.length + 1)
    const text = chance.once(4) ? `${units.slice(0, at)}\ud83d${units.slice(at)}` : units
    const parsed = tried(() => parseStrict(text, { depthMax: 1 + chance.below(64) }))
    if (parsed === undefined) return false
    checkParsed(parsed.value, text)
    return true
  },
})

export const openCanonical: OpenTarget = () => ({
  corpus: bytesOf('value'),
  run(_bytes, chance) {
    const value = hostileValue(chance)
    let text: string
    try {
      text = canonicalize(value)
    } catch (error) {
      // What a getter throws is its author's; what the canonicaliser throws has a code.
      if (error instanceof Sprung) return false
      tried(() => {
        throw error
      })
      return false
    }
    must(canonicalize(parseStrict(text, LARGE)) === text, 'canonical JSON is read as the same')
    return true
  },
})

export const openErrorRecord: OpenTarget = () => ({
  corpus: bytesOf('value'),
  run(_bytes, chance) {
    const value = hostileValue(chance)
    const error = chance.once(2)
      ? value
      : Object.assign(new Error('x'), { code: value, data: value })
    const record = errorRecord(error)
    must(typeof record.code === 'string' && record.code !== '', 'a record has a code')
    canonicalize(record)
    return true
  },
})

/** An id: the check, and the function that says why not. */
type IdPair = readonly [is: (value: unknown) => boolean, parse: (text: string) => unknown]

const IDS: readonly IdPair[] = [
  [isStreamId, streamId],
  [isEventId, parseEventId],
  [isRunId, runId],
  [isGrantId, grantId],
  [isAgentId, agentId],
  [isSessionId, sessionId],
  [isPrincipalId, principalId],
  [isOwnerId, ownerId],
  [isBlobDigest, blobDigest],
  [isHash, hash],
]

const UUID = '0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b'

export const openIds: OpenTarget = () => ({
  corpus: bytesOf(
    `run/${UUID}`,
    `run/${UUID}@7`,
    'note/alice.v1:~+_-/b@9007199254740991',
    UUID,
    'os:root',
    'a'.repeat(64),
    ...naughtyStrings(vectors),
  ),
  run(bytes) {
    const text = textOf(bytes)
    let taken = false
    for (const [is, parse] of IDS) {
      const parsed = tried(() => parse(text))
      must((parsed !== undefined) === is(text), 'the check and the parser agree')
      if (parsed === undefined) continue
      taken = true
      must(/^[!-~]+$/.test(text) && text.length <= 300, 'an id is short and printable')
    }
    if (isEventId(text)) {
      const { stream, version } = parseEventId(text)
      must(isStreamId(stream) && eventId(stream, version) === text, 'an event id has one reading')
    }
    return taken
  },
})
