/** Saboteurs of closing in the middle, of what a store says of itself, and of damage. */
import type { BlobDigest } from '@ice/primitives'
import { hasCode } from '@ice/primitives'
import type { BlobSource, EventStore, IntegrityFinding } from '../../src/ports.ts'
import { EVENTS_CODES, lie, refusal, type Saboteur } from './saboteur.ts'

const { blobCorrupt, corrupt, notOpen } = EVENTS_CODES

/** Everything is fetched before anything is handed out: what happens meanwhile is not seen. */
async function* ahead<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  yield* all
}

/** Ends where it should be refused as not open, once it has begun. */
async function* quietly<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    if (!hasCode(error, notOpen)) throw error
  }
}

const closing: readonly Saboteur[] = [
  {
    id: 'reads a stream on when it is closed',
    breaks: 'EVT-R58',
    spoil: ({ store }) => ({ read: (query) => ahead(store.read(query)) }),
  },
  {
    id: 'reads the log on when it is closed',
    breaks: 'EVT-R58',
    spoil: ({ store }) => ({ readAll: (query) => ahead(store.readAll(query)) }),
  },
  {
    id: 'streams a blob on when it is closed',
    breaks: 'EVT-R58',
    spoil: ({ store }) => ({
      blobs: {
        ...store.blobs,
        stream: (digest, options) => ahead(store.blobs.stream(digest, options)),
      },
    }),
  },
  {
    id: 'says that it has staged what it could not',
    breaks: 'EVT-R58',
    spoil: ({ store }) => ({
      blobs: {
        ...store.blobs,
        async stage(source, options) {
          let asked = 0
          const counted = async function* (given: BlobSource): AsyncGenerator<Uint8Array> {
            for await (const portion of given) {
              asked += 1
              yield portion
            }
          }
          try {
            return await store.blobs.stage(counted(source), options)
          } catch (error) {
            if (asked === 0 || !hasCode(error, notOpen)) throw error
            return { digest: 'a'.repeat(64) as BlobDigest, size: 0 }
          }
        },
      },
    }),
  },
  {
    id: 'ends a check quietly when it closes',
    breaks: 'EVT-R58',
    spoil: ({ store }) => ({ check: (options) => quietly(store.check(options)) }),
  },
]

const telling: readonly Saboteur[] = [
  {
    id: 'says that it is durable in memory',
    breaks: 'EVT-R56',
    spoil: () => ({ durability: 'memory' }),
  },
  {
    id: 'says nothing of its durability',
    breaks: 'EVT-R56',
    spoil: () => ({ durability: undefined as never }),
  },
  {
    id: 'has no signal for whether a blob is there',
    breaks: 'EVT-R41',
    spoil: ({ store }) => ({
      blobs: { ...store.blobs, has: (digest) => store.blobs.has(digest) },
    }),
  },
  {
    id: 'checks without a signal',
    breaks: 'EVT-R54',
    spoil: ({ store }) => ({
      check: ({ onProgress } = {}) => store.check(onProgress === undefined ? {} : { onProgress }),
    }),
  },
  {
    id: 'tells no progress of a check',
    breaks: 'EVT-R54',
    spoil: ({ store }) => ({
      check: ({ signal } = {}) => store.check(signal === undefined ? {} : { signal }),
    }),
  },
  {
    id: 'tells no progress of a collection',
    breaks: 'EVT-R54',
    spoil: ({ store }) => ({
      blobs: {
        ...store.blobs,
        collect: ({ onProgress: _, ...options } = {}) => store.blobs.collect(options),
      },
    }),
  },
]

async function* leavingOut(
  findings: AsyncIterable<IntegrityFinding>,
  left: string,
): AsyncGenerator<IntegrityFinding> {
  for await (const finding of findings) if (finding.code !== left) yield finding
}

const damage: readonly Saboteur[] = [
  {
    id: 'checks no bytes of events',
    breaks: 'EVT-R59',
    spoil: ({ store }) => ({ check: (options) => leavingOut(store.check(options), corrupt) }),
  },
  {
    id: 'checks no bytes of blobs',
    breaks: 'EVT-R59',
    spoil: ({ store }) => ({ check: (options) => leavingOut(store.check(options), blobCorrupt) }),
  },
  {
    id: 'hands out a damaged blob',
    breaks: 'EVT-R59',
    spoil: ({ store }) => ({
      blobs: {
        ...store.blobs,
        async read(digest, options) {
          try {
            return await store.blobs.read(digest, options)
          } catch (error) {
            if (!hasCode(error, blobCorrupt)) throw error
            return new Uint8Array(1)
          }
        },
      },
    }),
  },
]

const wrongBytes = (unit: Parameters<EventStore['append']>[0]): boolean =>
  unit.blobs?.some((one) => 'bytes' in one && one.bytes.length === 3) === true

const units: readonly Saboteur[] = [
  {
    id: 'takes what is no unit for an empty one',
    breaks: 'EVT-R08',
    spoil: ({ store }) => ({
      append: async (unit) =>
        Array.isArray(unit?.writes) && unit.writes.length > 0
          ? store.append(unit)
          : lie({ writes: [] }),
    }),
  },
  {
    id: 'counts a unit before it looks at it',
    breaks: 'EVT-R08',
    spoil: ({ store }) => ({
      append: async (unit) =>
        unit.writes.length > 16 ? lie({ writes: [] }) : await store.append(unit),
    }),
  },
  {
    id: 'looks at blobs before it looks at the unit',
    breaks: 'EVT-R18',
    spoil: ({ store }) => ({
      append: async (unit) => {
        if (Array.isArray(unit?.blobs) && unit.blobs[0] !== null && wrongBytes(unit)) {
          throw refusal(blobCorrupt)
        }
        return store.append(unit)
      },
    }),
  },
]

export const closingSaboteurs: readonly Saboteur[] = [...closing, ...telling, ...damage, ...units]
