/**
 * The blobs of an import: brought in portion by portion, before the event that names them.
 *
 * A blob that is brought and never named, because the import was killed in between, is what the
 * collection of blobs is for.
 */

import { type BlobDigest, createSha256 } from '@ice/primitives'
import { blobCorrupt, namedBlobs } from '../blob-bytes.ts'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import { BLOB_BYTES_MAX, BLOB_PORTION_BYTES } from '../limits.ts'
import type { BlobStore, EventStore, StagedBlob } from '../ports.ts'
import { type BlobLine, controlOf } from './control-lines.ts'
import { HELD_BLOBS_MAX } from './limits.ts'
import { atLine, badLine, decodeLine, type Line, type LineReader } from './line-reader.ts'

/** What incoming blobs are read from, and kept in. */
export interface IncomingBlobsInit {
  readonly store: Pick<EventStore, 'blobs'>
  readonly reader: LineReader
  readonly options: { readonly blobBytesMax?: number; readonly signal?: AbortSignal }
}

/** Brings in the blobs of an import, and knows which the next events may name. */
export class IncomingBlobs {
  readonly #blobs: BlobStore
  readonly #reader: LineReader
  readonly #bytesMax: number
  readonly #abort: { readonly signal?: AbortSignal }
  /** Brought, and declared absent, since the last seal. */
  readonly #brought = new Map<BlobDigest, StagedBlob>()
  readonly #absent = new Set<BlobDigest>()
  /** Blobs that were not here before. */
  broughtIn = 0
  /** Blobs that events name and nobody has. */
  missing = 0

  constructor({ store, reader, options }: IncomingBlobsInit) {
    this.#blobs = store.blobs
    this.#reader = reader
    const { blobBytesMax = BLOB_BYTES_MAX, signal } = options
    this.#bytesMax = blobBytesMax
    this.#abort = signal === undefined ? {} : { signal }
  }

  /** Brings in the blob that begins on this line. @throws as `BlobStore.stage` */
  async bring(line: Line, first: BlobLine): Promise<void> {
    const { digest } = first
    const portions = this.#portions(line, first)
    try {
      // What a killed import brought is hashed again, but not written again.
      const isHere = await this.#blobs.has(digest, this.#abort)
      const staged = isHere ? await hashed(digest, portions) : await this.#stage(digest, portions)
      this.#brought.set(digest, staged)
    } catch (error) {
      throw atLine(error, line.number)
    }
    this.#checkCount(line)
  }

  async #stage(digest: BlobDigest, portions: AsyncIterable<Uint8Array>): Promise<StagedBlob> {
    const options = { ...this.#abort, digest, bytesMax: this.#bytesMax }
    const staged = await this.#blobs.stage(portions, options)
    this.broughtIn += 1
    return staged
  }

  /** The log that was exported did not have it either. */
  declareAbsent(line: Line, digest: BlobDigest): void {
    this.#absent.add(digest)
    this.#checkCount(line)
  }

  #checkCount({ number }: Line): void {
    if (this.#brought.size + this.#absent.size <= HELD_BLOBS_MAX) return
    throw badLine(number, 'a seal is missing before it: too many blobs wait for their events')
  }

  /**
   * The blobs that an event names and that were brought since the last seal. Those it names
   * beside them are here, or are known to be nowhere.
   */
  async namedBy(text: string, line: number): Promise<readonly StagedBlob[]> {
    const named: StagedBlob[] = []
    for (const digest of namedBlobs(text)) {
      const brought = this.#brought.get(digest)
      if (brought !== undefined) named.push(brought)
      else if (this.#absent.has(digest)) this.missing += 1
      else if (!(await this.#blobs.has(digest, this.#abort))) {
        throw badLine(line, `it names blob ${digest}, which no line before it brings`)
      }
    }
    return named
  }

  /** The events that were to name them are in the log. */
  sealed(): void {
    this.#brought.clear()
    this.#absent.clear()
  }

  /** The portions of one blob, read from their lines as they are asked for. */
  async *#portions(firstLine: Line, first: BlobLine): AsyncGenerator<Uint8Array> {
    let line = firstLine
    let part = first
    for (let offset = 0; ; ) {
      if (part.digest !== first.digest || part.offset !== offset) {
        throw badLine(line.number, 'it is not the next portion of the blob')
      }
      const bytes = portionOf(line, part)
      offset += bytes.byteLength
      if (offset > this.#bytesMax) throw tooLarge(this.#bytesMax)
      if (bytes.byteLength > 0) yield bytes
      if (part.last) return
      const next = await this.#reader.next()
      if (next === null) throw badLine(line.number + 1, 'it is missing: the export is cut off')
      const control = controlOf(next, decodeLine(next))
      if (control.$ice !== 'blob') throw badLine(next.number, 'the rest of a blob is missing')
      line = next
      part = control
    }
  }
}

/** The bytes of one line: 1 MiB, but for the last; none only of a blob that has none. */
function portionOf({ number }: Line, { base64, last, offset }: BlobLine): Uint8Array {
  const bytes = Buffer.from(base64, 'base64')
  const size = bytes.byteLength
  // Node passes over what is no base64; what it read, written again, shows whether it did.
  const isPortion = last
    ? size <= BLOB_PORTION_BYTES && (size > 0 || offset === 0)
    : size === BLOB_PORTION_BYTES
  if (isPortion && bytes.toString('base64') === base64) return bytes
  throw badLine(number, 'it is no portion of a blob')
}

function tooLarge(bytesMax: number): EventsError {
  const message = `The blob has more than the ${bytesMax} bytes that were allowed for`
  return new EventsError(EVENTS_CODES.blobLimit, message, { bytesMax })
}

/** Holds the bytes of a blob that is here to its digest. */
async function hashed(
  digest: BlobDigest,
  portions: AsyncIterable<Uint8Array>,
): Promise<StagedBlob> {
  const hash = createSha256()
  let size = 0
  for await (const portion of portions) {
    hash.update(portion)
    size += portion.byteLength
  }
  if ((hash.hex() as string) === (digest as string)) return { digest, size }
  throw blobCorrupt(digest)
}
