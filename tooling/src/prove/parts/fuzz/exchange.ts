/** What comes back from elsewhere: exports of a log, and segments of its archive. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  composeTaxonomy,
  createEventLog,
  EVENTS_CODES,
  type EventLog,
  type EventStore,
  exportLog,
  importLog,
  memoryEventStore,
  type NewEvent,
  type StoredEvent,
  standardTypes,
  verifyLog,
} from '@ice/events'
import { NoteTaken, PictureKept } from '@ice/events/testing'
import { openArchivedEventStore, retain, verifySegmentBytes } from '@ice/events-archive'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { type BlobDigest, leafHash, type StreamId, sha256Hex } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import { mutated } from './mutate.ts'
import { awaited, bytesOf, must, type OpenTarget, textOf } from './target.ts'

const START = 1_700_000_000_000
const taxonomy = composeTaxonomy([...standardTypes, NoteTaken, PictureKept])
const BLOB = Buffer.from('a blob')
const RUN = '0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b'

/** A run that has ended, with a picture in it. */
const EVENTS: readonly NewEvent[] = [
  {
    type: 'RunCreated',
    data: {
      run: RUN,
      program: { name: 'p', version: '1' },
      input: { inline: 1 },
      owner: 'o',
      epoch: 1,
      grants: [],
    },
  },
  { type: 'NoteTaken', data: { text: 'é', n: 1 } },
  {
    type: 'PictureKept',
    data: { picture: { $blob: sha256Hex(BLOB), size: BLOB.length } },
    causes: [`run/${RUN}@1` as never],
  },
  { type: 'RunTerminated', data: { conclusion: 'committed', doubts: [] } },
]

const fill = async (log: EventLog): Promise<void> => {
  const blobs = [{ digest: sha256Hex(BLOB) as string as BlobDigest, bytes: BLOB }]
  const stream = `run/${RUN}` as StreamId
  await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events: EVENTS }], blobs })
}

const gathered = async (texts: AsyncIterable<string>): Promise<string> => {
  let all = ''
  for await (const text of texts) all += text
  return all
}

/**
 * Exports that were tampered with afterwards, and exports by somebody who sealed what he made up:
 * of the second kind every digest is right, and only what the events say is not.
 */
export const openImport: OpenTarget = async () => {
  const clock = manualClock(START)
  const store = memoryEventStore({ clock })
  await fill(createEventLog({ store, taxonomy, clock }))
  const sound = await gathered(exportLog(store))
  const stored: StoredEvent[] = []
  for await (const batch of store.readAll({})) stored.push(...batch)
  const texts = stored.map(({ bytes }) => bytes)
  return {
    corpus: bytesOf(sound),
    async run(bytes, chance) {
      const forged = stored.map((event, at) => {
        if (!chance.once(3)) return event
        const text = textOf(mutated(bytesOf(texts[at] ?? ''), chance)).replaceAll('\n', ' ')
        return { ...event, bytes: text, hash: leafHash(text.toWellFormed()) }
      })
      const from = { ...store, readAll: () => pages(forged) } as EventStore
      const isForged = chance.once(2)
      const source = isForged ? await awaited(() => gathered(exportLog(from))) : { value: bytes }
      if (source === undefined) return false
      const into = memoryEventStore({ clock })
      const unknownTypes = chance.once(2) ? ('keep' as const) : ('refuse' as const)
      const report = await awaited(() =>
        importLog(into, [source.value], { taxonomy, unknownTypes }),
      )
      const { findings, events, root } = await verifyLog(into)
      // What an export says was absent where it was made is absent where it was taken in.
      const mayLack = Buffer.from(source.value).includes('"$ice":"absent"')
      const wrong = findings.filter(({ code }) => !(mayLack && code === EVENTS_CODES.blobNotFound))
      must(wrong.length === 0, `what was imported verifies: ${JSON.stringify(wrong)}`)
      if (report === undefined) return false
      const { to, root: said } = report.value
      must(to === events && said === root, 'it is the log that the report speaks of')
      return true
    },
  }
}

async function* pages(events: readonly StoredEvent[]): AsyncGenerator<readonly StoredEvent[]> {
  yield events
}

/** Where the digest of a segment stands, from its end. */
const TRAILER_BYTES = 74
const DIGEST_AT = 9

/** Segments that rotted, and segments that somebody sealed again after he had changed them. */
export const openSegment: OpenTarget = async (folder) => {
  const directory = join(folder, 'segments')
  mkdirSync(directory, { recursive: true })
  const clock = manualClock(START)
  const store = openSqliteEventStore({ path: join(folder, 'log.db'), clock })
  const archive = openArchivedEventStore({ store, directory })
  const log = createEventLog({ store: archive, taxonomy, clock })
  await fill(log)
  clock.setWall(START + 1_000)
  await retain(log, { archive, clock, policy: { concludedForMs: 0 } })
  await archive.close()
  const corpus = readdirSync(directory).map((name) => readFileSync(join(directory, name)))
  must(corpus.length > 0, 'there is a segment')
  return {
    corpus,
    async run(bytes, chance) {
      const segment = chance.once(3) ? bytes : sealedAgain(bytes)
      const verified = await awaited(() => verifySegmentBytes(segment))
      if (verified === undefined) return false
      must(verified.value.bytes === segment.length, 'it has the size it was given')
      return true
    },
  }
}

const sealedAgain = (bytes: Uint8Array): Uint8Array => {
  const end = bytes.length - TRAILER_BYTES
  if (end < 0) return bytes
  const digest = createHash('sha256').update(bytes.subarray(0, end)).digest('hex')
  const sealed = Uint8Array.from(bytes)
  sealed.set(Buffer.from(digest), end + DIGEST_AT)
  return sealed
}
