/** Saboteurs of blobs, of closing and opening, and of sharing. */
import { setImmediate } from 'node:timers/promises'
import { type BlobDigest, sha256Hex } from '@ice/primitives'
import { bringsBytes } from '../../src/blob-bytes.ts'
import type { BlobStore, EventStore, PreparedUnit } from '../../src/ports.ts'
import {
  acknowledging,
  before,
  EVENTS_CODES,
  expectedOf,
  forgiving,
  handing,
  inTurn,
  refusal,
  type Saboteur,
  without,
} from './saboteur.ts'

const isWrong = ({ blobs = [] }: PreparedUnit): boolean =>
  blobs.filter(bringsBytes).some(({ digest, bytes }) => sha256Hex(bytes) !== (digest as string))

/** Blobs kept aside, in front of those of the store. */
function aside(store: EventStore, kept: Map<BlobDigest, Uint8Array>): BlobStore {
  return {
    ...store.blobs,
    read: async (digest) => kept.get(digest) ?? (await store.blobs.read(digest)),
    has: async (digest) => kept.has(digest) || (await store.blobs.has(digest)),
  }
}

const blobs: readonly Saboteur[] = [
  {
    id: 'keeps the first 64 KiB of a blob',
    breaks: 'EVT-R40',
    spoil: ({ store }) => ({
      blobs: {
        ...store.blobs,
        read: async (digest) => (await store.blobs.read(digest)).slice(0, 65_536),
      },
    }),
  },
  {
    id: 'trusts the digest of a blob',
    breaks: 'EVT-R41',
    spoil: ({ store }) => ({
      append: (unit) => store.append(isWrong(unit) ? without(unit, 'blobs') : unit),
    }),
  },
  {
    id: 'takes a missing blob for an empty one',
    breaks: 'EVT-R41',
    spoil: ({ store }) => ({
      blobs: {
        ...store.blobs,
        async read(digest) {
          return (await store.blobs.has(digest)) ? store.blobs.read(digest) : new Uint8Array()
        },
      },
    }),
  },
  {
    id: 'refuses a blob it has',
    breaks: 'EVT-R40',
    spoil: ({ store }) =>
      before(store, async (unit) => {
        for (const { digest } of unit.blobs ?? []) {
          if (await store.blobs.has(digest)) throw refusal(EVENTS_CODES.blobCorrupt)
        }
      }),
  },
  {
    id: "keeps the caller's bytes",
    breaks: 'EVT-R42',
    spoil: ({ store }) => {
      const kept = new Map<BlobDigest, Uint8Array>()
      return {
        blobs: {
          ...store.blobs,
          read: async (digest) => {
            const bytes = await store.blobs.read(digest)
            return kept.get(digest) ?? bytes
          },
        },
        async append(unit) {
          const appended = await store.append(unit)
          for (const blob of unit.blobs ?? []) {
            if (bringsBytes(blob)) kept.set(blob.digest, blob.bytes)
          }
          return appended
        },
      }
    },
  },
  {
    id: 'keeps blobs before it judges',
    breaks: 'EVT-R13',
    spoil: ({ store }) => {
      const kept = new Map<BlobDigest, Uint8Array>()
      return {
        blobs: aside(store, kept),
        append(unit) {
          if (!isWrong(unit)) {
            for (const blob of unit.blobs ?? []) {
              if (bringsBytes(blob)) kept.set(blob.digest, blob.bytes.slice())
            }
          }
          return store.append(unit)
        },
      }
    },
  },
  {
    id: 'keeps the blobs of all that arrive together',
    breaks: 'EVT-R13',
    spoil: ({ store }) => {
      const kept = new Map<BlobDigest, Uint8Array>()
      let underWay = 0
      return {
        blobs: aside(store, kept),
        async append(unit) {
          underWay += 1
          if (underWay > 1 && !isWrong(unit)) {
            for (const { digest, bytes } of (unit.blobs ?? []).filter(bringsBytes)) {
              kept.set(digest, bytes.slice())
            }
          }
          try {
            return await store.append(unit)
          } finally {
            underWay -= 1
          }
        },
      }
    },
  },
]

const life: readonly Saboteur[] = [
  {
    id: 'never closes',
    breaks: 'EVT-R50',
    spoil: () => ({ close: async () => undefined }),
  },
  {
    id: 'reads nothing when closed',
    breaks: 'EVT-R50',
    spoil: ({ store }) => {
      let closed = false
      return {
        async *read(query) {
          if (!closed) yield* store.read(query)
        },
        async *readAll(query) {
          if (!closed) yield* store.readAll(query)
        },
        async close() {
          closed = true
          await store.close()
        },
      }
    },
  },
  {
    id: 'closes once',
    breaks: 'EVT-R51',
    spoil: ({ store }) => {
      let closed = 0
      return {
        async close() {
          closed += 1
          await store.close()
          // The harness closes once more when a case has closed the store itself.
          if (closed === 2) throw refusal(EVENTS_CODES.notOpen)
        },
      }
    },
  },
  {
    id: 'drops what is queued when it closes',
    breaks: 'EVT-R51',
    spoil: ({ store }) => ({
      append: (unit) => setImmediate().then(() => store.append(unit)),
    }),
  },
  {
    id: 'forgets everything when opened again',
    breaks: 'EVT-R52',
    spoil: ({ role, another }) => (role === 'reopened' ? { ...another() } : {}),
  },
]

/** What one connection knows of the log by itself. */
function own(store: EventStore): {
  readonly versions: Map<string, number>
  readonly append: EventStore['append']
} {
  const versions = new Map<string, number>()
  return {
    versions,
    async append(unit) {
      const appended = await store.append(unit)
      for (const { stream, version } of appended.writes) {
        versions.set(stream, Math.max(version, versions.get(stream) ?? 0))
      }
      return appended
    },
  }
}

const sharing: readonly Saboteur[] = [
  {
    id: 'sees the log as it was when it was opened',
    breaks: 'EVT-R53',
    spoil: ({ store, role }) =>
      role === 'second' ? handing(store, () => [], 'read', 'readAll', 'subscribe') : {},
  },
  {
    id: 'judges versions by what it wrote itself',
    breaks: 'EVT-R53',
    spoil: ({ store }) => {
      const { versions, append } = own(store)
      return forgiving({ ...store, append }, EVENTS_CODES.versionConflict, async (unit) => {
        const stale = unit.writes.every(
          (write) => versions.has(write.stream) && versions.get(write.stream) === expectedOf(write),
        )
        const writes = unit.writes.map((write) => ({ ...write, expectedVersion: 'any' as const }))
        return stale ? append({ ...unit, writes }) : undefined
      })
    },
  },
  {
    id: 'judges guards by what it wrote itself',
    breaks: 'EVT-R53',
    spoil: ({ store }) => {
      const { versions, append } = own(store)
      return inTurn(store, (unit) => {
        const guards = (unit.guards ?? []).filter(
          ({ stream, version }) => (versions.get(stream) ?? 0) !== version,
        )
        return append({ ...unit, guards })
      })
    },
  },
  {
    id: 'counts positions by itself',
    breaks: 'EVT-R53',
    spoil: ({ store }) => {
      let last = 0
      return acknowledging(store, (appended) => ({
        ...appended,
        writes: appended.writes.map((write) => ({
          ...write,
          positions: write.positions.map((position) => {
            // Right as long as nobody else appends in the same turn.
            last = position === last + 2 ? last + 1 : position
            return last as never
          }),
        })),
      }))
    },
  },
  {
    id: 'wakes subscriptions for its own appends only',
    breaks: 'EVT-R53',
    spoil: ({ store }) => {
      const mine = new Set<number>()
      return {
        async append(unit) {
          const appended = await store.append(unit)
          for (const { positions } of appended.writes) for (const at of positions) mine.add(at)
          return appended
        },
        async *subscribe(query) {
          for await (const batch of store.subscribe(query)) {
            await setImmediate()
            const seen = batch.filter(({ position }) => mine.has(position))
            if (seen.length > 0) yield seen
          }
        },
      }
    },
  },
  {
    id: 'closes the log for everyone',
    breaks: 'EVT-R53',
    spoil: ({ store, closeLog }) => ({
      async close() {
        await store.close()
        await closeLog()
      },
    }),
  },
]

export const keepingSaboteurs: readonly Saboteur[] = [...blobs, ...life, ...sharing]
