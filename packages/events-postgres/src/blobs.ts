/** Reading blobs: what comes out has the digest it was asked for by, or does not come out. */
import { type BlobStore, EVENTS_CODES, EventsError } from '@ice/events'
import { isBlobDigest, sha256Hex } from '@ice/primitives'
import { quoted } from './format.ts'
import type { Session } from './session.ts'

/** How a store lets something be read: it checks that it is open, and tries again when it must. */
export type ReadGate = <T>(
  read: (session: Session) => Promise<T>,
  signal: AbortSignal | undefined,
) => Promise<T>

/** The blobs of one log. */
export function openBlobs(schema: string, gate: ReadGate): BlobStore {
  const table = `${quoted(schema)}.blobs`
  const select = { name: 'ice_blob_read', text: `SELECT bytes FROM ${table} WHERE digest = $1` }
  const exists = { name: 'ice_blob_has', text: `SELECT 1 FROM ${table} WHERE digest = $1` }
  const store: BlobStore = {
    async read(digest, { signal } = {}) {
      // What is no digest is asked for as well, so that a closed store says that it is closed.
      const asked = isBlobDigest(digest) ? digest : ''
      const [row] = await gate((session) => session.run(select, [asked]), signal)
      if (row === undefined) {
        throw new EventsError(EVENTS_CODES.blobNotFound, `No blob ${digest}`, { digest })
      }
      // A plain array: a Buffer would let a reader see the memory around it by way of `.buffer`.
      const bytes = new Uint8Array(row[0] as Buffer)
      if (sha256Hex(bytes) === (digest as string)) return bytes
      throw new EventsError(EVENTS_CODES.blobCorrupt, `Blob ${digest} is damaged`, { digest })
    },
    async has(digest, { signal } = {}) {
      const asked = isBlobDigest(digest) ? digest : ''
      return (await gate((session) => session.run(exists, [asked]), signal)).length === 1
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
