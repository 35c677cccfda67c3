/** Reading blobs: what comes out has the digest it was asked for by, or does not come out. */
import { type BlobStore, EVENTS_CODES, EventsError } from '@ice/events'
import { sha256Hex } from '@ice/primitives'
import type { Connection } from './connection.ts'

/** How a store lets something be read: it checks that it is open, and waits while it is busy. */
export type ReadGate = <T>(read: () => T, signal: AbortSignal | undefined) => Promise<T>

/** The blobs of one connection. */
export function openBlobs(db: Connection, gate: ReadGate): BlobStore {
  const select = db
    .prepare<[string], Uint8Array>('SELECT bytes FROM blobs WHERE digest = ?')
    .pluck()
  const exists = db.prepare<[string], number>('SELECT 1 FROM blobs WHERE digest = ?').pluck()
  const store: BlobStore = {
    async read(digest, { signal } = {}) {
      const stored = await gate(() => select.get(digest), signal)
      if (stored === undefined) {
        throw new EventsError(EVENTS_CODES.blobNotFound, `No blob ${digest}`, { digest })
      }
      // A plain array: a Buffer would let a reader see the memory around it by way of `.buffer`.
      const bytes = new Uint8Array(stored)
      if (sha256Hex(bytes) === (digest as string)) return bytes
      throw new EventsError(EVENTS_CODES.blobCorrupt, `Blob ${digest} is damaged`, { digest })
    },
    async has(digest, { signal } = {}) {
      return (await gate(() => exists.get(digest), signal)) === 1
    },
    async *stream(digest, options) {
      yield await store.read(digest, options)
    },
    // Blobs in portions come with the next format of the log.
    stage: () => Promise.reject(new TypeError('staging is not there yet')),
    collect: () => Promise.reject(new TypeError('collecting is not there yet')),
  }
  return store
}
