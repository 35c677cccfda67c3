/** Blobs of a log whose older events are in segments: those that went with them are read there. */
import { type BlobStore, EVENTS_CODES } from '@ice/events'
import {
  BLOB_PORTION_BYTES,
  blobNotFound,
  checkSignal,
  gatherPortions,
  verifiedPortions,
} from '@ice/events/adapter'
import type { EvictableStore } from '@ice/events/ports'
import { type BlobDigest, hasCode } from '@ice/primitives'
import type { MergedPages } from './merged-pages.ts'

/** What blobs are made of. */
export interface MergedBlobsComponents {
  readonly live: EvictableStore
  readonly pages: MergedPages
}

/** Opens the blobs of an archived log. */
export function mergedBlobs({ live, pages }: MergedBlobsComponents): BlobStore {
  async function* stream(
    digest: BlobDigest,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    let isHere = false
    try {
      for await (const portion of live.blobs.stream(digest, options)) {
        isHere = true
        yield portion
      }
      return
    } catch (error) {
      // A blob that is moved while it is read is the same there; but what was handed out, was.
      const isMoved = hasCode(error, EVENTS_CODES.archived)
      if (isHere || !(isMoved || hasCode(error, EVENTS_CODES.blobNotFound))) throw error
    }
    for await (const portion of verifiedPortions(digest, fromSegment(digest, options.signal))) {
      checkSignal(options.signal)
      yield portion
      pages.mustBeOpen()
    }
  }
  async function* fromSegment(
    digest: BlobDigest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const name = await live.eviction.blobSegment(digest, signal)
    if (name === undefined) throw blobNotFound(digest)
    for (let at = 0; ; ) {
      const segment = await pages.segment(name, signal)
      const blob = segment.blob(digest)
      if (blob === undefined) throw blobNotFound(digest)
      if (at >= blob.size) return
      const portion = segment.blobPortion(blob, at, BLOB_PORTION_BYTES)
      at += portion.length
      yield new Uint8Array(portion)
    }
  }
  return {
    stream,
    read: (digest, options) => gatherPortions(stream(digest, options), options),
    async has(digest, options = {}) {
      if (await live.blobs.has(digest, options)) return true
      return (await live.eviction.blobSegment(digest, options.signal)) !== undefined
    },
    stage: (source, options) => live.blobs.stage(source, options),
    async collect(options) {
      const collected = await live.blobs.collect(options)
      return { ...collected, kept: collected.kept + (await live.eviction.blobsMoved()) }
    },
  }
}
