/**
 * What may be done to a log, as fast-check makes it up: plain values, so that a case can be shrunk
 * and printed. Streams, versions and times lie close together, so that steps get into each
 * other's way.
 */
import type { AppendRequest, LogReadAllQuery, ReadQuery } from '@ice/events'
import {
  type BlobDigest,
  type EventId,
  type StreamId,
  type StreamVersion,
  sha256Hex,
  timestamp,
} from '@ice/primitives'
import fc from 'fast-check'

/** Where the clock of a model begins. */
export const MODEL_START = 1_000_000

/** One thing that is done. */
export type LogStep =
  /** Units that are sent together, each of them judged behind those before it. */
  | { readonly kind: 'append'; readonly requests: readonly AppendRequest[] }
  /** A unit that was sent before, counted from the last one. */
  | { readonly kind: 'again'; readonly back: number }
  /** A unit whose caller has withdrawn it already. */
  | { readonly kind: 'withdrawn'; readonly request: AppendRequest }
  | { readonly kind: 'read'; readonly query: ReadQuery }
  | { readonly kind: 'readAll'; readonly query: LogReadAllQuery }
  | { readonly kind: 'subscribe'; readonly query: Pick<LogReadAllQuery, 'after' | 'filter'> }
  | { readonly kind: 'event'; readonly id: EventId }
  | { readonly kind: 'stage'; readonly bytes: readonly Uint8Array[] }
  | { readonly kind: 'blob'; readonly digest: BlobDigest }
  | { readonly kind: 'collect'; readonly graceMs: number }
  | { readonly kind: 'clock'; readonly by: number }
  /** The other of two connections goes on. */
  | { readonly kind: 'other' }
  | { readonly kind: 'reopen' }

/** The blobs there are: nothing, a little, and more than one page of a database. */
const BLOBS: readonly Uint8Array[] = [
  new Uint8Array(),
  Buffer.from('a blob'),
  new Uint8Array(9_000).fill(7),
]

const digestOf = (bytes: Uint8Array): BlobDigest => sha256Hex(bytes) as unknown as BlobDigest

const stream = fc
  .constantFrom('note/a', 'note/b', 'note/a/b', 'job/c')
  .map((name) => name as StreamId)
const version = fc.integer({ min: 0, max: 6 })
const time = fc.integer({ min: MODEL_START - 5, max: MODEL_START + 25 }).map(timestamp)
const blob = fc.constantFrom(...BLOBS)
const digest = fc.oneof(
  { weight: 6, arbitrary: blob.map(digestOf) },
  { weight: 1, arbitrary: fc.constant('f'.repeat(64) as BlobDigest) },
)

const place = {
  time,
  causes: fc.array(
    fc.tuple(stream, fc.integer({ min: 1, max: 5 })).map(([s, v]) => `${s}@${v}` as EventId),
    { maxLength: 2 },
  ),
}

const event = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record(
      {
        type: fc.constant('NoteTaken'),
        data: fc.record({ text: fc.constantFrom('x', 'é', '"\n'), n: fc.constantFrom(0, 1) }),
        ...place,
      },
      { requiredKeys: ['type', 'data'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        type: fc.constant('NumberProposed'),
        data: fc.record({ n: fc.constantFrom(0, 1) }),
        origin: fc.constantFrom('agent:a' as const, 'agent:b' as const),
        ...place,
      },
      { requiredKeys: ['type', 'data', 'origin'] },
    ),
  },
  {
    weight: 1,
    arbitrary: blob.map((bytes) => ({
      type: 'PictureKept',
      data: { picture: { $blob: digestOf(bytes), size: bytes.length } },
    })),
  },
)

const write = fc.record({
  stream,
  expectedVersion: fc.oneof(
    fc.constant('any' as const),
    fc.constant('no_stream' as const),
    version.map((v) => v as StreamVersion),
  ),
  events: fc.array(event, { minLength: 1, maxLength: 3 }),
})

/** Brought with the unit, now and then under the digest of another; or said to be staged. */
const unitBlob = fc.oneof(
  { weight: 4, arbitrary: blob.map((bytes) => ({ digest: digestOf(bytes), bytes })) },
  { weight: 1, arbitrary: fc.record({ digest, bytes: blob }) },
  { weight: 1, arbitrary: blob.map((bytes) => ({ digest: digestOf(bytes), size: bytes.length })) },
)

const request = fc.record(
  {
    writes: fc.uniqueArray(write, { minLength: 1, maxLength: 2, selector: (w) => w.stream }),
    guards: fc.array(fc.record({ stream, version }), { maxLength: 2 }),
    notAfter: time,
    blobs: fc.array(unitBlob, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['writes'] },
) as fc.Arbitrary<AppendRequest>

const after = fc.integer({ min: 0, max: 12 })
const limit = fc.integer({ min: 0, max: 5 })

const filter = fc.record(
  {
    streamPrefix: fc.constantFrom('', 'n', 'note/', 'note/a', 'note/a/', 'job/', '%', 'note/_'),
    types: fc.subarray(['NoteTaken', 'NumberProposed', 'PictureKept', 'Nothing']),
    categories: fc.subarray(['domain', 'cognitive', 'memory'] as const),
    origins: fc.subarray(['runtime', 'agent', 'agent:a'] as const),
    from: time,
    before: time,
  },
  { requiredKeys: [] },
)

const readQuery = fc.record(
  { stream, after, limit, backwards: fc.boolean() },
  { requiredKeys: ['stream'] },
)
const readAllQuery = fc.record({ after, limit, filter }, { requiredKeys: [] })
const subscribeQuery = fc.record({ after, filter }, { requiredKeys: [] })

const step: fc.Arbitrary<LogStep> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      requests: fc.array(request, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('again' as const),
      back: fc.integer({ min: 0, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdrawn' as const), request }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), query: readQuery }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('readAll' as const), query: readAllQuery }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('subscribe' as const), query: subscribeQuery }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('event' as const),
      id: fc.tuple(stream, version).map(([s, v]) => `${s}@${v}` as EventId),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('stage' as const),
      bytes: blob.chain((bytes) =>
        fc.integer({ min: 1, max: 5_000 }).map((size) => portionsOf(bytes, size)),
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('blob' as const), digest }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('collect' as const),
      graceMs: fc.integer({ min: 0, max: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      by: fc.integer({ min: -8, max: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'other' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' } as const) },
)

const portionsOf = (bytes: Uint8Array, size: number): readonly Uint8Array[] => {
  const portions: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) portions.push(bytes.subarray(at, at + size))
  return portions
}

/** What is done to one log, one step after another. */
export const logSteps: fc.Arbitrary<readonly LogStep[]> = fc.array(step, {
  minLength: 1,
  maxLength: 14,
})
