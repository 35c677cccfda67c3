/** What goes into the next segment: events of concluded runs, until there are enough. */
import type { StoredEvent } from '@ice/events'
import { namedBlobs } from '@ice/events/adapter'
import type { BlobDigest } from '@ice/primitives'
import { SEGMENT_BYTES_MAX, SEGMENT_EVENT_BYTES_MAX, SEGMENT_EVENTS_MAX } from './limits.ts'

/** A blob is named with its size, which RFC 8785 sorts behind its digest. */
const SIZED = /"\$blob":"([0-9a-f]{64})"(?:,"key":"[^"]*")?,"size":(\d{1,15})/g

/** Events on their way into a segment. */
export class Batch {
  readonly #bytesMax: number
  readonly #events: StoredEvent[] = []
  readonly #blobs = new Set<BlobDigest>()
  #blobBytes = 0
  /** @units bytes of the events */
  eventBytes = 0
  /** Runs whose last event is here. */
  runs = 0

  /** @param bytesMax - after so many bytes of events and blobs it is full */
  constructor(bytesMax: number = SEGMENT_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  add(event: StoredEvent): void {
    this.#events.push(event)
    this.eventBytes += Buffer.byteLength(event.bytes)
    const named = namedBlobs(event.bytes)
    if (named.length === 0) return
    // What is said to be its size serves only to know when a segment is large enough.
    for (const [, digest, size] of event.bytes.matchAll(SIZED)) {
      if (!this.#blobs.has(digest as BlobDigest)) this.#blobBytes += Number(size)
    }
    for (const digest of named) this.#blobs.add(digest)
  }

  get size(): number {
    return this.#events.length
  }

  get isFull(): boolean {
    return (
      this.size >= SEGMENT_EVENTS_MAX ||
      this.eventBytes >= SEGMENT_EVENT_BYTES_MAX ||
      this.eventBytes + this.#blobBytes >= this.#bytesMax
    )
  }

  /** Its events in order of position. */
  get events(): readonly StoredEvent[] {
    return this.#events.toSorted((a, b) => a.position - b.position)
  }

  /** Blobs that its events name. */
  get blobs(): Iterable<BlobDigest> {
    return this.#blobs
  }
}
