/** What stands between bytes, or a request, and an event of the log. */
import { inspect } from 'node:util'
import {
  type AppendRequest,
  composeTaxonomy,
  createEventLog,
  decodeEvent,
  defineEventType,
  type EventLog,
  memoryEventStore,
  type ReadAllQuery,
  type ReadQuery,
  type StoredEvent,
  standardTypes,
  type Taxonomy,
  verifyLog,
} from '@ice/events'
import { NumberNoted, testTaxonomy } from '@ice/events/testing'
import {
  canonicalize,
  type Hash,
  leafHash,
  parseStrict,
  type StreamId,
  sha256Hex,
} from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { z } from 'zod'
import { awaited, bytesOf, must, type OpenTarget, sprung, textOf, tried } from './target.ts'
import { grafted, hostileValue } from './values.ts'

const START = 1_700_000_000_000

/** Events as they are stored, some with payloads of earlier versions. */
const STORED = [
  { n: 1, note: 'x' },
  { n: -0.5, note: 'é\n\u2028' },
  { name: 'Ada Lovelace' },
  { first: 'Ada', last: 'Lovelace' },
  { first: 'Ada', last: 'Lovelace', language: 'en' },
].map((data, at) =>
  canonicalize({
    v: 1,
    stream: 'note/a',
    version: at + 1,
    type: at < 2 ? 'NumberNoted' : 'PersonGreeted',
    schema: at < 2 ? 1 : at - 1,
    time: START + at,
    origin: 'runtime',
    causes: at === 0 ? [] : ['note/a@1'],
    ...(at === 1 ? { principal: 'os:root', cost: { ms: 1, tokensIn: 2 } } : {}),
    data,
  }),
)

const noteOf = (text: string): StoredEvent => ({
  position: 1 as StoredEvent['position'],
  bytes: text,
  hash: leafHash(text.toWellFormed()),
})

/** Fields that every reader of an event takes for granted. */
const checkEvent = (event: ReturnType<typeof decodeEvent>): void => {
  must(event.v === 1, 'it has the format it was read as')
  must(typeof event.type === 'string', 'it has a type')
  must(typeof event.stream === 'string' && typeof event.origin === 'string', 'it has a stream')
  must(event.id === `${event.stream}@${event.version}`, 'its id says where it stands')
  must(Number.isSafeInteger(event.version) && Number.isSafeInteger(event.time), 'it has a version')
  must(Array.isArray(event.causes) && 'data' in event, 'it has causes and a payload')
}

export const openDecode: OpenTarget = () => {
  const taxonomy = composeTaxonomy([NumberNoted, Kept])
  return {
    corpus: bytesOf(...STORED),
    run(bytes) {
      const decoded = tried(() => decodeEvent(noteOf(textOf(bytes)), taxonomy))
      if (decoded === undefined) return false
      checkEvent(decoded.value)
      return true
    },
  }
}

/** Upcasters are total, or their authors' mistake: these take any payload. */
const Kept = defineEventType({
  type: 'PersonGreeted',
  category: 'domain',
  description: 'Whatever it was, it is kept.',
  schema: 3,
  payload: z.strictObject({ was: z.unknown(), by: z.int() }),
  upcasts: { 1: (was) => ({ was }), 2: (data) => ({ ...(data as object), by: 2 }) },
})

export const openUpcast: OpenTarget = () => ({
  corpus: bytesOf('payload'),
  run(_bytes, chance) {
    const schema = chance.once(2) ? 1 + chance.below(3) : (hostileValue(chance) as number)
    const payloads = [{ name: 'Ada L' }, { first: 'A', last: 'L' }, hostileJson(chance)]
    const stored = canonicalize({ data: chance.pick(payloads) })
    const { data } = JSON.parse(stored) as { readonly data: never }
    const text = canonicalize({ ...(JSON.parse(STORED[2] ?? '') as object), data, schema: 0 })
    const bytes = text.replace('"schema":0', `"schema":${schemaText(schema)}`)
    const taxonomy = { get: () => Kept } as Pick<Taxonomy, 'get'>
    const decoded = tried(() => decodeEvent(noteOf(bytes), taxonomy))
    if (decoded !== undefined) checkEvent(decoded.value)
    return decoded !== undefined
  },
})

const schemaText = (schema: unknown): string =>
  typeof schema === 'number' || typeof schema === 'string'
    ? (JSON.stringify(schema) ?? '0')
    : 'null'

/** A hostile value, if JSON can hold it. */
const hostileJson = (chance: Parameters<typeof hostileValue>[0]): unknown => {
  const value = hostileValue(chance)
  try {
    canonicalize(value)
    return value
  } catch {
    return null
  }
}

export const openVerify: OpenTarget = () => ({
  corpus: bytesOf(...STORED),
  async run(bytes) {
    const event = noteOf(textOf(bytes))
    const store = {
      async *readAll() {
        yield [event]
      },
      async *check() {},
    }
    const { findings, events } = await verifyLog(store as never)
    must(events === 1, 'it has looked at the event')
    if (findings.length > 0) return false
    must(canonicalize(parseStrict(event.bytes)) === event.bytes, 'what verifies is canonical')
    return true
  },
})

const BLOB = Buffer.from('a blob')

const REQUESTS: readonly unknown[] = [
  {
    writes: [
      {
        stream: 'note/a',
        expectedVersion: 'any',
        events: [
          { type: 'NumberNoted', data: { n: 1, note: 'x' }, principal: 'os:root', causes: [] },
          {
            type: 'PersonGreeted',
            data: { first: 'a', last: 'b', language: 'c' },
            time: START + 5,
            origin: 'runtime',
            cost: { ms: 1, microMoney: 2, currency: 'EUR' },
          },
        ],
      },
    ],
    guards: [{ stream: 'note/b', version: 0 }],
    notAfter: START + 10,
    blobs: [{ digest: sha256Hex(BLOB), bytes: BLOB }],
  },
  {
    writes: [
      {
        stream: 'note/a',
        expectedVersion: 0,
        events: [{ type: 'NumberProposed', data: { n: 1 }, origin: 'agent:a' }],
      },
      {
        stream: 'note/c',
        expectedVersion: 'no_stream',
        events: [{ type: 'NumberNoted', data: { n: 1 }, causes: ['note/a@1'] }],
      },
    ],
    signal: new AbortController().signal,
  },
]

const freshLog = (): EventLog => {
  const clock = manualClock(START)
  return createEventLog({ store: memoryEventStore({ clock }), taxonomy: testTaxonomy(), clock })
}

/** Requests of programs: whatever is in them, and whatever springs when it is read. */
export const openGateway: OpenTarget = () => {
  let log = freshLog()
  let left = 0
  return {
    corpus: bytesOf('request'),
    async run(_bytes, chance) {
      left -= 1
      if (left <= 0) {
        log = freshLog()
        left = 50
      }
      const { position } = await log.store.head()
      const request = grafted(chance.pick(REQUESTS), chance) as AppendRequest
      const appended = await awaited(() => log.append(request))
      const after = await log.store.head()
      if (appended === undefined) {
        must(after.position === position, 'what is refused leaves nothing')
        return false
      }
      for await (const batch of log.store.readAll({ after: position })) {
        for (const { bytes, hash } of batch) {
          must(canonicalize(parseStrict(bytes)) === bytes, 'what is kept is canonical')
          must(leafHash(bytes) === hash, 'its hash is that of its bytes')
        }
      }
      return true
    },
  }
}

const QUERIES: readonly unknown[] = [
  {
    stream: 'note/a',
    after: 1,
    limit: 3,
    backwards: true,
    filter: { streamPrefix: 'note/', types: ['NumberNoted'] },
    signal: new AbortController().signal,
  },
  {
    after: 0,
    stream: 'note/b',
    filter: {
      streamPrefix: 'n',
      types: [],
      lagMax: 3,
      origins: ['runtime', 'agent:a'],
      from: START,
      before: START + 3,
    },
  },
]

/** Queries of programs, on the store in memory and on one more: both answer alike. */
export const openQueries =
  (openOther: (folder: string, clock: { now(): never }) => EventLog['store']): OpenTarget =>
  async (folder) => {
    const clock = manualClock(START)
    const other = openOther(folder, clock as never)
    const logs = [memoryEventStore({ clock }), other].map((store) =>
      createEventLog({ store, taxonomy: testTaxonomy(), clock }),
    )
    for (const [at, name] of ['note/a', 'note/b', 'job/a', 'note/a', 'note/a'].entries()) {
      const events = [{ type: 'NumberNoted', data: { n: at } }]
      const writes = [{ stream: name as StreamId, expectedVersion: 'any' as const, events }]
      for (const log of logs) await log.append({ writes })
      clock.setWall(START + at)
    }
    return {
      corpus: bytesOf('query'),
      async run(_bytes, chance) {
        const query = grafted(chance.pick(QUERIES), chance)
        // No object at all is a mistake of the program, and told as one.
        if (typeof query !== 'object' || query === null) return false
        const answers = []
        for (const log of logs) {
          answers.push(await sprung(() => hashesIn(log.store.read(query as ReadQuery))))
          answers.push(await sprung(() => hashesIn(log.store.readAll(query as ReadAllQuery))))
        }
        const [read, all, otherRead, otherAll] = answers.map((each) => each?.value.join())
        must(
          read === otherRead && all === otherAll,
          `every store answers alike to ${inspect(query)}`,
        )
        return read !== undefined || all !== undefined
      },
      close: () => other.close(),
    }
  }

const hashesIn = async (batches: AsyncIterable<readonly StoredEvent[]>): Promise<Hash[]> => {
  const hashes: Hash[] = []
  for await (const batch of batches) hashes.push(...batch.map(({ hash }) => hash))
  return hashes
}

/** Payloads for every standard type: a schema takes them and writes them, or says why not. */
export const openPayloads: OpenTarget = () => ({
  corpus: bytesOf('payload'),
  run(_bytes, chance) {
    const declared = chance.pick(standardTypes)
    const encoded = tried(() => declared.encode(hostileValue(chance)))
    if (encoded === undefined) return false
    must(canonicalize(parseStrict(encoded.value)) === encoded.value, 'a payload is canonical')
    return true
  },
})
