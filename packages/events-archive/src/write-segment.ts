/**
 * Writing a segment: to a name of its own, synced, and given its real name only by the caller.
 *
 * The same events and blobs always make the same octets, so writing a segment again after a crash
 * makes the same file.
 */
import { createHash, type Hash as NodeHash } from 'node:crypto'
import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs'
import { compactRange, type StoredEvent } from '@ice/events'
import { type BlobDigest, type Hash, invariant, type StreamId, settled } from '@ice/primitives'
import { systemFailure } from './errors.ts'
import {
  BLOB_MARK_BYTES,
  footerText,
  MAGIC,
  MARK_BYTES,
  PLACE_BYTES,
  trailerText,
} from './layout.ts'
import type { SegmentFooter } from './ports.ts'
import { placeOf } from './segment.ts'

/** What goes into a segment. */
export interface SegmentContent {
  readonly incarnation: string
  /** In ascending order of position, and of each stream without a gap. */
  readonly events: readonly StoredEvent[]
  /** Each once, in any order. */
  readonly blobs: Iterable<BlobDigest>
  readonly blob: (digest: BlobDigest) => AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal | undefined
}

/** A segment that was written. */
export interface WrittenSegment {
  readonly footer: SegmentFooter
  /** SHA-256 of the whole file. */
  readonly digest: Hash
  /** @units bytes */
  readonly bytes: number
}

/**
 * Writes and syncs a segment to a path at which there is nothing yet.
 *
 * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_UNAVAILABLE`, and what reading a blob throws;
 * the caller removes what was written
 */
export async function writeSegment(path: string, content: SegmentContent): Promise<WrittenSegment> {
  const { O_CREAT, O_EXCL, O_WRONLY } = constants
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, O_CREAT | O_EXCL | O_WRONLY, 0o444)
    const written = await new SegmentWriter(descriptor, content).write()
    fsyncSync(descriptor)
    return written
  } catch (error) {
    throw systemFailure(error, path)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

interface StreamPart {
  first: number
  last: number
  time: number
  /** Numbers of its events, in order. */
  readonly events: number[]
}

const WRITE_EVENTS = 512

class SegmentWriter {
  readonly #descriptor: number
  readonly #content: SegmentContent
  readonly #hash: NodeHash = createHash('sha256')
  readonly #streams = new Map<StreamId, StreamPart>()
  readonly #blobs: { readonly digest: string; readonly offset: number; readonly size: number }[] =
    []
  readonly #marks: Buffer
  #at = 0
  #firstTime = Number.MAX_SAFE_INTEGER
  #lastTime = 0

  constructor(descriptor: number, content: SegmentContent) {
    this.#descriptor = descriptor
    this.#content = content
    this.#marks = Buffer.alloc(content.events.length * MARK_BYTES)
  }

  async write(): Promise<WrittenSegment> {
    this.#put(Buffer.from(MAGIC, 'latin1'))
    const root = await this.#putEvents()
    const eventBytes = this.#at - MAGIC.length
    await this.#putBlobs()
    const blobBytes = this.#at - MAGIC.length - eventBytes
    const streamBytes = this.#putIndex()
    const { events, incarnation } = this.#content
    const footer: SegmentFooter = {
      v: 1,
      incarnation,
      events: events.length,
      eventBytes,
      streams: this.#streams.size,
      streamBytes,
      blobs: this.#blobs.length,
      blobBytes,
      firstPosition: events.at(0)?.position ?? 0,
      lastPosition: events.at(-1)?.position ?? 0,
      firstTime: this.#firstTime,
      lastTime: this.#lastTime,
      root,
    }
    const text = footerText(footer)
    this.#put(Buffer.from(text))
    const sealed = this.#hash.copy().digest('hex')
    this.#put(Buffer.from(trailerText(Buffer.byteLength(text), sealed), 'latin1'))
    return { footer, digest: this.#hash.digest('hex') as Hash, bytes: this.#at }
  }

  async #putEvents(): Promise<Hash> {
    const { events, signal } = this.#content
    const range = compactRange()
    for (let from = 0; from < events.length; from += WRITE_EVENTS) {
      signal?.throwIfAborted()
      const page = events.slice(from, from + WRITE_EVENTS)
      const lines = page.map(({ bytes }) => Buffer.from(`${bytes}\n`))
      let offset = this.#at
      page.forEach((event, i) => {
        const length = (lines[i] as Buffer).length
        this.#mark(from + i, event, { offset, length: length - 1 })
        range.append(event.hash)
        offset += length
      })
      this.#put(Buffer.concat(lines))
      await settled()
    }
    return range.root()
  }

  /** The stream's number is filled in when all streams are known. */
  #mark(
    number: number,
    { position, bytes, hash }: StoredEvent,
    { offset, length }: { readonly offset: number; readonly length: number },
  ): void {
    const said = placeOf(bytes)
    const stream = said?.stream as StreamId
    const version = Number(said?.version)
    const time = Number(said?.time)
    const part = this.#streams.get(stream) ?? {
      first: version,
      last: version - 1,
      time,
      events: [],
    }
    invariant(part.last === version - 1, `${stream}@${version} follows ${part.last} in a segment`)
    part.last = version
    part.time = time
    part.events.push(number)
    this.#streams.set(stream, part)
    this.#firstTime = Math.min(this.#firstTime, time)
    this.#lastTime = Math.max(this.#lastTime, time)
    const at = number * MARK_BYTES
    this.#marks.writeBigUInt64BE(BigInt(position), at)
    this.#marks.writeBigUInt64BE(BigInt(offset), at + 8)
    this.#marks.writeUInt32BE(length, at + 16)
    this.#marks.writeBigUInt64BE(BigInt(version), at + 24)
    this.#marks.write(hash, at + 32, 'hex')
  }

  async #putBlobs(): Promise<void> {
    for (const digest of [...this.#content.blobs].sort()) {
      const offset = this.#at
      for await (const portion of this.#content.blob(digest)) {
        this.#content.signal?.throwIfAborted()
        this.#put(portion)
      }
      this.#blobs.push({ digest, offset, size: this.#at - offset })
    }
  }

  /** @returns bytes of the list of streams */
  #putIndex(): number {
    const sorted = [...this.#streams].sort(([a], [b]) => (a < b ? -1 : 1))
    sorted.forEach(([, { events }], number) => {
      for (const event of events) this.#marks.writeUInt32BE(number, event * MARK_BYTES + 20)
    })
    this.#put(this.#marks)
    const places = Buffer.alloc(this.#content.events.length * PLACE_BYTES)
    sorted
      .flatMap(([, { events }]) => events)
      .forEach((event, place) => {
        places.writeUInt32BE(event, place * PLACE_BYTES)
      })
    this.#put(places)
    const lines = sorted.map(
      ([name, { first, last, time }]) => `${name} ${first} ${last} ${time}\n`,
    )
    const streams = Buffer.from(lines.join(''), 'latin1')
    this.#put(streams)
    const blobs = Buffer.alloc(this.#blobs.length * BLOB_MARK_BYTES)
    this.#blobs.forEach(({ digest, offset, size }, i) => {
      blobs.write(digest, i * BLOB_MARK_BYTES, 'hex')
      blobs.writeBigUInt64BE(BigInt(offset), i * BLOB_MARK_BYTES + 32)
      blobs.writeBigUInt64BE(BigInt(size), i * BLOB_MARK_BYTES + 40)
    })
    this.#put(blobs)
    return streams.length
  }

  #put(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#descriptor, bytes, done, bytes.length - done)
    }
    this.#at += bytes.length
  }
}
