/**
 * What is appended to a log under proof: units that follow from a seed alone, bytes included.
 *
 * 1. Lanes write streams of their own, each unit after the one before it was acknowledged. So a log
 *    holds of each lane a beginning, and at most one unit more than was acknowledged.
 * 2. Versions are expected by number, so that a unit may be appended again.
 * 3. The clock stands still and other times are given, so the store in memory tells beforehand
 *    which bytes must be found.
 */
import {
  type AppendRequest,
  composeTaxonomy,
  createEventLog,
  defineEventType,
  type EventLog,
  type EventStore,
  memoryEventStore,
  type StreamWrite,
  type Taxonomy,
} from '@ice/events'
import {
  blobDigest,
  type Clock,
  type EventId,
  eventId,
  type Random,
  type StreamId,
  seededRandom,
  sha256Hex,
  streamId,
  streamVersion,
  systemClock,
  timestamp,
} from '@ice/primitives'
import { z } from 'zod'

const texts = z.array(z.string())

const PageWritten = defineEventType({
  type: 'PageWritten',
  category: 'domain',
  description: 'A page of texts was written.',
  payload: z.strictObject({ n: z.int(), texts }),
})

const PictureKept = defineEventType({
  type: 'PictureKept',
  category: 'domain',
  description: 'A picture was kept as a blob.',
  payload: z.strictObject({ picture: z.strictObject({ $blob: z.string(), size: z.int() }) }),
})

/** Of the logs under proof; with the types of the logs that older programs left among the tests. */
const taxonomy: Taxonomy = composeTaxonomy([PageWritten, PictureKept])

const START_MS = 1_767_225_600_000

const stopped: Clock = { ...systemClock, now: () => timestamp(START_MS) }

/** The log of a store, with the taxonomy and the clock that the units are made for. */
export const logOf = (store: EventStore): EventLog =>
  createEventLog({ store, taxonomy, clock: stopped })

/** What units are like. */
export interface PlanInit {
  readonly seed: string
  /** Begins the names of its streams. @defaultValue none */
  readonly name?: string
  readonly lanes: number
  /** Units of each lane. */
  readonly units: number
  /** @units bytes of the blob that units carry; those of a range, or none */
  readonly blobBytes?: readonly [least: number, most: number]
}

/** One unit of a plan. */
export interface PlannedUnit {
  readonly request: AppendRequest
  /** Its events, in the order of the request. */
  readonly ids: readonly EventId[]
}

/** Units by lane. */
export type Plan = readonly (readonly PlannedUnit[])[]

const STREAMS = ['a', 'b', 'c'] as const

/** Makes the units of a seed. */
export const planUnits = (init: PlanInit): Plan =>
  Array.from({ length: init.lanes }, (_, lane) => {
    const random = seededRandom(`${init.seed}/lane/${lane}`)
    const versions = new Map<StreamId, number>()
    const streams = STREAMS.map((name) => streamId(`page/${init.name ?? ''}${lane}-${name}`))
    return Array.from({ length: init.units }, () => planUnit(init, { random, versions, streams }))
  })

interface Lane {
  readonly random: Random
  readonly versions: Map<StreamId, number>
  readonly streams: readonly StreamId[]
}

const below = (random: Random, bound: number): number => Math.floor(random.float() * bound)

const planUnit = ({ blobBytes }: PlanInit, lane: Lane): PlannedUnit => {
  const { random, versions, streams } = lane
  const ids: EventId[] = []
  const chosen = streams.filter(() => random.float() < 0.5)
  const guarded = streams.find((stream) => !chosen.includes(stream))
  const guards = guarded === undefined ? [] : [guardOf(guarded, versions)]
  const writes = (chosen.length === 0 ? streams.slice(0, 1) : chosen).map((stream) =>
    planWrite(stream, { lane, ids }),
  )
  const withGuards = guarded !== undefined && writes.every(({ stream }) => stream !== guarded)
  const request: AppendRequest = withGuards ? { writes, guards } : { writes }
  if (blobBytes === undefined) return { request, ids }
  const [least, most] = blobBytes
  const bytes = fill(random, least + below(random, most - least))
  const digest = blobDigest(sha256Hex(bytes))
  const [first, ...rest] = writes as [StreamWrite, ...StreamWrite[]]
  const kept = { type: 'PictureKept', data: { picture: { $blob: digest, size: bytes.length } } }
  const version = (versions.get(first.stream) ?? 0) + 1
  versions.set(first.stream, version)
  // The event goes behind those of its write, and its id behind theirs.
  ids.splice(first.events.length, 0, eventId(first.stream, streamVersion(version)))
  const withBlob = { ...first, events: [...first.events, kept] }
  return { request: { ...request, writes: [withBlob, ...rest], blobs: [{ digest, bytes }] }, ids }
}

const guardOf = (stream: StreamId, versions: ReadonlyMap<StreamId, number>) => ({
  stream,
  version: versions.get(stream) ?? 0,
})

const planWrite = (
  stream: StreamId,
  { lane, ids }: { readonly lane: Lane; readonly ids: EventId[] },
): StreamWrite => {
  const { random, versions } = lane
  const before = versions.get(stream) ?? 0
  const count = 1 + below(random, 3)
  const events = Array.from({ length: count }, (_, at) => {
    const version = before + at + 1
    const id = eventId(stream, streamVersion(version))
    const cause = ids.at(-1)
    ids.push(id)
    const isGiven = random.float() < 0.3
    return {
      type: 'PageWritten',
      data: { n: version, texts: textsOf(random) },
      ...(isGiven ? { time: timestamp(START_MS + version) } : {}),
      ...(cause !== undefined && random.float() < 0.3 ? { causes: [cause] } : {}),
    }
  })
  versions.set(stream, before + count)
  const expectedVersion = before === 0 ? 'no_stream' : streamVersion(before)
  return { stream, expectedVersion, events }
}

/** Mostly some dozen bytes, now and then more than a page of the file. */
const textsOf = (random: Random): readonly string[] => {
  const length = random.float() < 0.1 ? 4_000 : 20 + below(random, 200)
  const count = random.float() < 0.05 ? 3 : 1
  return Array.from({ length: count }, () =>
    Buffer.from(fill(random, length)).toString('base64').slice(0, length),
  )
}

/** @units bytes; random bytes come 65,536 at a time */
const fill = (random: Random, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536) {
    bytes.set(random.bytes(Math.min(65_536, length - at)), at)
  }
  return bytes
}

/** The bytes that each event of a plan must be found with. */
export const bytesOf = async (plan: Plan): Promise<ReadonlyMap<EventId, string>> => {
  const store = memoryEventStore({ clock: stopped })
  const log = logOf(store)
  const found = new Map<EventId, string>()
  const order: EventId[] = []
  for (const lane of plan) {
    for (const { request, ids } of lane) {
      await log.append(request)
      order.push(...ids)
    }
  }
  for await (const batch of store.readAll({})) {
    for (const { position, bytes } of batch) {
      const id = order[position - 1]
      if (id !== undefined) found.set(id, bytes)
    }
  }
  await store.close()
  return found
}
