/** Saboteurs of bringing blobs in, of handing them out, of declaring and of collecting them. */
import { setImmediate } from 'node:timers/promises'
import type { BlobDigest } from '@ice/primitives'
import { bringsBytes, namedBlobs } from '../../src/blob-bytes.ts'
import type {
  BlobSource,
  BlobStore,
  EventStore,
  PreparedUnit,
  StoredEvent,
} from '../../src/ports.ts'
import type { Saboteur } from './saboteur.ts'
import { before, changing, EVENTS_CODES, gatherAll, inTurn, refusal } from './saboteur.ts'

const { blobNotFound } = EVENTS_CODES

/** Some methods of the blobs of a store; the others are the store's. */
function blobsOf(store: EventStore, spoilt: Partial<BlobStore>): Pick<EventStore, 'blobs'> {
  const { blobs } = store
  return {
    blobs: {
      read: (digest, options) => blobs.read(digest, options),
      stream: (digest, options) => blobs.stream(digest, options),
      has: (digest, options) => blobs.has(digest, options),
      stage: (source, options) => blobs.stage(source, options),
      collect: (options) => blobs.collect(options),
      ...spoilt,
    },
  }
}

async function gather(source: BlobSource): Promise<Uint8Array[]> {
  const portions: Uint8Array[] = []
  for await (const portion of source) portions.push(portion)
  return portions
}

/** Blobs of which some are hidden, as if they had been removed. */
function hiding(store: EventStore): {
  readonly hidden: Set<BlobDigest>
  /** Every blob that was ever brought. */
  readonly seen: Map<BlobDigest, Uint8Array>
  readonly spoilt: Pick<EventStore, 'append' | 'blobs' | 'close'>
} {
  const hidden = new Set<BlobDigest>()
  const seen = new Map<BlobDigest, Uint8Array>()
  const { blobs } = store
  const mustBeThere = (digest: BlobDigest): void => {
    if (hidden.has(digest)) throw refusal(blobNotFound)
  }
  const spoilt = {
    ...inTurn(store, async (unit) => {
      for (const blob of unit.blobs ?? []) if (!bringsBytes(blob)) mustBeThere(blob.digest)
      const appended = await store.append(unit)
      for (const blob of unit.blobs ?? []) {
        if (!bringsBytes(blob)) continue
        hidden.delete(blob.digest)
        seen.set(blob.digest, blob.bytes)
      }
      return appended
    }),
    ...blobsOf(store, {
      async read(digest, options) {
        mustBeThere(digest)
        return blobs.read(digest, options)
      },
      async *stream(digest, options) {
        mustBeThere(digest)
        yield* blobs.stream(digest, options)
      },
      has: async (digest) => !hidden.has(digest) && blobs.has(digest),
      async stage(source, options) {
        const staged = await blobs.stage(source, options)
        hidden.delete(staged.digest)
        seen.set(staged.digest, await blobs.read(staged.digest))
        return staged
      },
    }),
  }
  return { hidden, seen, spoilt }
}

async function named(store: EventStore, upTo = Number.POSITIVE_INFINITY): Promise<Set<string>> {
  const events = await gatherAll(store.readAll({}))
  const early = events.filter(({ position }) => position <= upTo)
  return new Set(early.flatMap(({ bytes }: StoredEvent) => namedBlobs(bytes)))
}

const staging: readonly Saboteur[] = [
  {
    id: 'stages the first portion alone',
    breaks: 'EVT-R43',
    spoil: ({ store }) =>
      blobsOf(store, {
        stage: async (source, options) =>
          store.blobs.stage((await gather(source)).slice(0, 1), options),
      }),
  },
  {
    id: 'keeps a blob as often as it is staged',
    breaks: 'EVT-R43',
    spoil: ({ store }) => {
      let staged = 0
      return blobsOf(store, {
        stage(source, options) {
          staged += 1
          return store.blobs.stage(source, options)
        },
        async collect(options) {
          const collected = await store.blobs.collect(options)
          return { ...collected, kept: Math.max(collected.kept, staged - collected.removed) }
        },
      })
    },
  },
  {
    id: "keeps the source's portions",
    breaks: 'EVT-R42',
    spoil: ({ store }) =>
      blobsOf(store, {
        stage: async (source, options) => store.blobs.stage(await gather(source), options),
      }),
  },
  {
    id: 'stages as much as comes',
    breaks: 'EVT-R44',
    spoil: ({ store }) =>
      blobsOf(store, {
        stage: (source, { bytesMax: _, ...options } = {}) => store.blobs.stage(source, options),
      }),
  },
  {
    id: 'believes what digest staged bytes have',
    breaks: 'EVT-R44',
    spoil: ({ store }) =>
      blobsOf(store, {
        async stage(source, { digest, ...options } = {}) {
          const staged = await store.blobs.stage(source, options)
          return digest === undefined ? staged : { ...staged, digest }
        },
      }),
  },
  {
    id: 'keeps what a source brought before it failed',
    breaks: 'EVT-R44',
    spoil: ({ store }) =>
      blobsOf(store, {
        async stage(source, options) {
          const brought: Uint8Array[] = []
          const through = async function* (): AsyncGenerator<Uint8Array> {
            for await (const portion of source) {
              if (portion instanceof Uint8Array) brought.push(portion.slice())
              yield portion
            }
          }
          try {
            return await store.blobs.stage(through(), options)
          } catch (error) {
            await store.blobs.stage(brought)
            throw error
          }
        },
      }),
  },
  {
    id: 'stages whatever the signal says',
    breaks: 'EVT-R44',
    spoil: ({ store }) =>
      blobsOf(store, {
        stage: (source, { signal: _, ...options } = {}) => store.blobs.stage(source, options),
      }),
  },
]

const streaming: readonly Saboteur[] = [
  {
    id: 'streams a blob in one piece',
    breaks: 'EVT-R45',
    spoil: ({ store }) =>
      blobsOf(store, {
        async *stream(digest, options) {
          const bytes = await store.blobs.read(digest, options)
          if (bytes.byteLength > 0) yield bytes
        },
      }),
  },
  {
    id: 'ends a stream with an empty portion',
    breaks: 'EVT-R45',
    spoil: ({ store }) =>
      blobsOf(store, {
        async *stream(digest, options) {
          yield* store.blobs.stream(digest, options)
          yield new Uint8Array()
        },
      }),
  },
  {
    id: 'streams its own portions',
    breaks: 'EVT-R42',
    spoil: ({ store }) => {
      const own = new Map<BlobDigest, Uint8Array[]>()
      return blobsOf(store, {
        async *stream(digest, options) {
          const portions = own.get(digest) ?? (await gather(store.blobs.stream(digest, options)))
          own.set(digest, portions)
          yield* portions
        },
      })
    },
  },
  {
    id: 'reads a blob however large it is',
    breaks: 'EVT-R45',
    spoil: ({ store }) =>
      blobsOf(store, {
        read: (digest, { bytesMax: _, ...options } = {}) => store.blobs.read(digest, options),
      }),
  },
  {
    id: 'streams whatever the signal says',
    breaks: 'EVT-R45',
    spoil: ({ store }) => blobsOf(store, { stream: (digest) => store.blobs.stream(digest) }),
  },
  {
    id: 'reads blobs whatever the signal says',
    breaks: 'EVT-R45',
    spoil: ({ store }) =>
      blobsOf(store, {
        read: (digest, { signal: _, ...options } = {}) => store.blobs.read(digest, options),
      }),
  },
]

const brought = ({ blobs = [] }: PreparedUnit): PreparedUnit['blobs'] => blobs.filter(bringsBytes)

const declaring: readonly Saboteur[] = [
  {
    id: 'believes that declared blobs are there',
    breaks: 'EVT-R46',
    spoil: ({ store }) => changing(store, (unit) => ({ ...unit, blobs: brought(unit) ?? [] })),
  },
  {
    id: 'asks for declared blobs first',
    breaks: 'EVT-R18',
    spoil: ({ store }) =>
      before(store, async (unit) => {
        const own = new Set(brought(unit)?.map(({ digest }) => digest))
        for (const { digest } of unit.blobs ?? []) {
          if (!own.has(digest) && !(await store.blobs.has(digest))) throw refusal(blobNotFound)
        }
      }),
  },
  {
    id: 'does not look for declared blobs in the unit itself',
    breaks: 'EVT-R46',
    spoil: ({ store }) =>
      before(store, async (unit) => {
        for (const blob of unit.blobs ?? []) {
          if (bringsBytes(blob) || (await store.blobs.has(blob.digest))) continue
          if (brought(unit)?.some(({ digest }) => digest === blob.digest) === true) {
            throw refusal(blobNotFound)
          }
        }
      }),
  },
  {
    id: 'keeps what a unit brings beside a blob that is not there',
    breaks: 'EVT-R46',
    spoil: ({ store }) =>
      inTurn(store, async (unit) => {
        try {
          return await store.append(unit)
        } catch (error) {
          if ((error as { readonly code?: string }).code === blobNotFound) {
            for (const blob of unit.blobs ?? []) {
              if (bringsBytes(blob)) await store.blobs.stage([blob.bytes])
            }
          }
          throw error
        }
      }),
  },
]

const collecting: readonly Saboteur[] = [
  {
    id: 'collects what events name',
    breaks: 'EVT-R47',
    spoil: ({ store }) => {
      const { hidden, seen, spoilt } = hiding(store)
      return {
        ...spoilt,
        ...blobsOf(
          { ...store, ...spoilt },
          {
            async collect(options) {
              const collected = await store.blobs.collect(options)
              const names = await named(store)
              for (const digest of seen.keys()) if (names.has(digest)) hidden.add(digest)
              return collected
            },
          },
        ),
      }
    },
  },
  {
    id: 'looks for names in the first thousand events',
    breaks: 'EVT-R47',
    spoil: ({ store }) => {
      const { hidden, seen, spoilt } = hiding(store)
      return {
        ...spoilt,
        ...blobsOf(
          { ...store, ...spoilt },
          {
            async collect(options) {
              const collected = await store.blobs.collect(options)
              const [all, early] = [await named(store), await named(store, 1_000)]
              for (const digest of seen.keys()) {
                if (all.has(digest) && !early.has(digest)) hidden.add(digest)
              }
              return collected
            },
          },
        ),
      }
    },
  },
  {
    id: 'collects nothing',
    breaks: 'EVT-R47',
    spoil: ({ store }) =>
      blobsOf(store, { collect: (options) => store.blobs.collect({ ...options, graceMs: 1e15 }) }),
  },
  {
    id: 'collects at once',
    breaks: 'EVT-R47',
    spoil: ({ store }) =>
      blobsOf(store, { collect: (options) => store.blobs.collect({ ...options, graceMs: 0 }) }),
  },
  {
    id: 'does not count the bytes it frees',
    breaks: 'EVT-R47',
    spoil: ({ store }) =>
      blobsOf(store, {
        collect: async (options) => ({ ...(await store.blobs.collect(options)), removedBytes: 0 }),
      }),
  },
  {
    id: 'remembers when a blob was first brought in',
    breaks: 'EVT-R47',
    spoil: ({ store, clock }) => {
      const { hidden, seen, spoilt } = hiding(store)
      const first = new Map<BlobDigest, number>()
      const note = (digest: BlobDigest): void => {
        if (!first.has(digest)) first.set(digest, clock.now())
      }
      const inner = { ...store, ...spoilt }
      return {
        ...spoilt,
        ...blobsOf(inner, {
          async stage(source, options) {
            const staged = await inner.blobs.stage(source, options)
            note(staged.digest)
            return staged
          },
          async collect(options) {
            const collected = await store.blobs.collect(options)
            const names = await named(store)
            const past = clock.now() - (options?.graceMs ?? 86_400_000)
            for (const digest of seen.keys()) {
              const broughtAt = first.get(digest) ?? Number.POSITIVE_INFINITY
              if (broughtAt <= past && !names.has(digest)) hidden.add(digest)
            }
            return collected
          },
        }),
      }
    },
  },
  {
    id: 'takes any text for the name of a blob',
    breaks: 'EVT-R47',
    spoil: ({ store }) => {
      const { seen, spoilt } = hiding(store)
      return {
        ...spoilt,
        ...blobsOf(
          { ...store, ...spoilt },
          {
            async collect(options) {
              const texts = (await gatherAll(store.readAll({}))).map(({ bytes }) => bytes).join()
              const collected = await store.blobs.collect(options)
              let { removed, removedBytes, kept } = collected
              for (const [digest, bytes] of seen) {
                if (!texts.includes(digest) || (await store.blobs.has(digest))) continue
                await store.blobs.stage([bytes])
                removed -= 1
                removedBytes -= bytes.byteLength
                kept += 1
              }
              return { removed, removedBytes, kept }
            },
          },
        ),
      }
    },
  },
  {
    id: 'does not take back what it has collected',
    breaks: 'EVT-R48',
    spoil: ({ store }) => {
      const { seen, spoilt } = hiding(store)
      const gone = new Set<BlobDigest>()
      const inner = { ...store, ...spoilt }
      return {
        ...spoilt,
        ...blobsOf(inner, {
          has: async (digest) => !gone.has(digest) && inner.blobs.has(digest),
          async read(digest, options) {
            if (gone.has(digest)) throw refusal(blobNotFound)
            return inner.blobs.read(digest, options)
          },
          async collect(options) {
            const collected = await store.blobs.collect(options)
            for (const digest of seen.keys()) if (!(await store.blobs.has(digest))) gone.add(digest)
            return collected
          },
        }),
      }
    },
  },
  {
    id: 'looks for names and removes a moment later',
    breaks: 'EVT-R48',
    spoil: ({ store }) => {
      const { hidden, seen, spoilt } = hiding(store)
      return {
        ...spoilt,
        ...blobsOf(
          { ...store, ...spoilt },
          {
            async collect(options) {
              const names = await named(store)
              const unnamed = [...seen.keys()].filter((digest) => !names.has(digest))
              await setImmediate()
              const collected = await store.blobs.collect(options)
              const isAll = options?.graceMs === 0
              for (const digest of unnamed) if (isAll) hidden.add(digest)
              return collected
            },
          },
        ),
      }
    },
  },
  {
    id: 'collects whatever the signal says',
    breaks: 'EVT-R48',
    spoil: ({ store }) =>
      blobsOf(store, {
        collect: ({ signal: _, ...options } = {}) => store.blobs.collect(options),
      }),
  },
]

const keeping: readonly Saboteur[] = [
  {
    id: 'takes blobs when it is closed',
    breaks: 'EVT-R50',
    spoil: ({ store }) => {
      const forgiving = async <T>(work: Promise<T>, instead: T): Promise<T> => {
        try {
          return await work
        } catch (error) {
          if ((error as { readonly code?: string }).code !== EVENTS_CODES.notOpen) throw error
          return instead
        }
      }
      const { blobs } = store
      return blobsOf(store, {
        stage: (source, options) =>
          forgiving(blobs.stage(source, options), { digest: '' as BlobDigest, size: 0 }),
        collect: (options) =>
          forgiving(blobs.collect(options), { removed: 0, removedBytes: 0, kept: 0 }),
        async *stream(digest, options) {
          yield* await forgiving(gather(blobs.stream(digest, options)), [])
        },
      })
    },
  },
  {
    id: 'forgets what was staged when it is opened again',
    breaks: 'EVT-R52',
    spoil: ({ store, role }) =>
      role !== 'reopened'
        ? {}
        : blobsOf(store, {
            has: async (digest) => (await named(store)).has(digest) && store.blobs.has(digest),
          }),
  },
  {
    id: 'finds the blobs that it has staged itself',
    breaks: 'EVT-R53',
    spoil: ({ store, role }) => {
      if (role !== 'second') return {}
      return blobsOf(store, {
        async read(digest, options) {
          const names = await named(store)
          if (!names.has(digest) && (await store.head()).position === 0) throw refusal(blobNotFound)
          return store.blobs.read(digest, options)
        },
      })
    },
  },
]

export const blobSaboteurs: readonly Saboteur[] = [
  ...staging,
  ...streaming,
  ...declaring,
  ...collecting,
  ...keeping,
]
