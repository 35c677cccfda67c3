/// <reference lib="es2024.string" />
/**
 * An export: the log as lines of text, which anybody can read, keep, and import again.
 *
 * Each event is one line, and the line is its stored bytes: `sha256(0x00 || line)` is its leaf
 * hash. Around them stand a header, the blobs they name, a seal after every page, and an end that
 * vouches for the whole. RFC 0003 has the grammar and the reasons.
 *
 * 1. Memory is one page of events and one portion of a blob, whatever the size of the log.
 * 2. The reader pulls: nothing is read from the log before what was read is taken.
 * 3. The same events give the same bytes: nothing in an export tells when or where it was made.
 * 4. A log that is damaged is not exported: every event is held to its hash, every blob to its
 *    digest, before it is handed out.
 */

import { type BlobDigest, createSha256, type Hash, leafHash } from '@ice/primitives'
import { namedBlobs } from '../blob-bytes.ts'
import { compactRange } from '../compact-range.ts'
import { structural } from '../draft.ts'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import type { EventStore, StoredEvent } from '../ports.ts'
import { checkSignal } from '../store-checks.ts'
import { controlLine, EXPORT_FORMAT } from './control-lines.ts'
import {
  RECENT_BLOBS_MAX,
  SEAL_BLOBS,
  SEAL_BYTES,
  SEAL_EVENTS_MAX,
  SEAL_LEAF_DIGITS,
} from './limits.ts'

/** Settings of an export. */
export interface ExportOptions {
  /**
   * Begins behind this position. The export still says, by the root of what it leaves out, which
   * log it continues; it can be imported where that log already is. @defaultValue 0
   */
  readonly after?: number
  /** Ends with this position. @defaultValue the head when the export begins */
  readonly to?: number
  /** Digest of the taxonomy the log was written with, for the header. */
  readonly taxonomy?: Hash
  readonly signal?: AbortSignal
  /** Called for every page. */
  readonly onProgress?: (position: number, to: number) => void
}

/** What an export reads. */
export type ExportedStore = Pick<EventStore, 'readAll' | 'head' | 'blobs' | 'incarnation'>

/**
 * Writes a log as lines. Each text handed out is one line or several, whole, with their ends.
 *
 * @throws `ICE_EVENTS_STRUCTURAL_VIOLATION` (bounds that are none of this log),
 * `ICE_EVENTS_CORRUPT`, `ICE_EVENTS_BLOB_CORRUPT`, `ICE_EVENTS_ABORTED`, and what reading throws,
 * when iterated
 * @source RFC 0003, EVT-R90
 */
export async function* exportLog(
  store: ExportedStore,
  options: ExportOptions = {},
): AsyncGenerator<string> {
  const bounds = await boundsOf(store, options)
  const writer = new Exporter(store, options, bounds)
  const digest = createSha256()
  for await (const text of writer.lines()) {
    digest.update(Buffer.from(text))
    yield text
  }
  const { to, after } = bounds
  const root = writer.root()
  yield controlLine({ $ice: 'end', digest: digest.hex(), events: to - after, root, to })
}

interface Bounds {
  readonly after: number
  readonly to: number
}

async function boundsOf(store: ExportedStore, options: ExportOptions): Promise<Bounds> {
  const { position: head } = await store.head()
  const { after = 0, to = head } = options
  const isRange = [after, to].every((at) => Number.isSafeInteger(at) && at >= 0) && after <= to
  if (isRange && to <= head) return { after, to }
  throw structural(`an export of a log of ${head} events goes from one of them to a later one`)
}

class Exporter {
  readonly #store: ExportedStore
  readonly #options: ExportOptions
  readonly #bounds: Bounds
  readonly #range = compactRange()
  /** Digests brought lately; bounded, so that memory does not grow with the log. */
  readonly #recent = new Set<BlobDigest>()
  #page = ''
  #pageBytes = 0
  #pageBlobs = 0
  #leaves: string[] = []
  #position = 0

  constructor(store: ExportedStore, options: ExportOptions, bounds: Bounds) {
    this.#store = store
    this.#options = options
    this.#bounds = bounds
  }

  root(): Hash {
    return this.#range.root()
  }

  /** Every line but the last. */
  async *lines(): AsyncGenerator<string> {
    const { signal } = this.#options
    const { after, to } = this.#bounds
    checkSignal(signal)
    if (after === 0) yield this.#header()
    const query = { limit: to, ...(signal === undefined ? {} : { signal }) }
    for await (const batch of to === 0 ? [] : this.#store.readAll(query)) {
      for (const stored of batch) {
        this.#check(stored)
        if (this.#position > after) yield* this.#event(stored)
        else if (this.#position === after) yield this.#header()
      }
      checkSignal(signal)
    }
    if (this.#position < to) throw corrupt(this.#position + 1, 'is missing')
    if (this.#leaves.length > 0) yield this.#seal()
  }

  #header(): string {
    const { after, to } = this.#bounds
    const { incarnation } = this.#store
    const taxonomy = this.#options.taxonomy ?? null
    const root = this.#range.root()
    return controlLine({
      $ice: 'log',
      ...{ after, format: EXPORT_FORMAT, incarnation, root, taxonomy, to },
    })
  }

  /** What is handed on is what was written: nobody is given a damaged log as a sound one. */
  #check({ position, bytes, hash }: StoredEvent): void {
    if (position !== this.#position + 1) throw corrupt(this.#position + 1, 'is missing')
    if (leafHash(bytes.toWellFormed()) !== hash)
      throw corrupt(position, 'has other bytes than were recorded')
    if (bytes.includes('\n')) throw corrupt(position, 'is not in canonical form')
    this.#position = position
    this.#range.append(hash)
  }

  async *#event({ bytes, hash }: StoredEvent): AsyncGenerator<string> {
    for (const digest of namedBlobs(bytes)) {
      if (this.#recent.has(digest)) continue
      if (this.#page !== '') yield this.#takePage()
      yield* this.#blob(digest)
      this.#pageBlobs += 1
    }
    this.#page += `${bytes}\n`
    this.#pageBytes += bytes.length
    this.#leaves.push(hash.slice(0, SEAL_LEAF_DIGITS))
    const full =
      this.#leaves.length >= SEAL_EVENTS_MAX ||
      this.#pageBytes >= SEAL_BYTES ||
      this.#pageBlobs >= SEAL_BLOBS
    if (full) yield this.#seal()
  }

  async *#blob(digest: BlobDigest): AsyncGenerator<string> {
    const { signal } = this.#options
    const options = signal === undefined ? {} : { signal }
    if (!(await this.#store.blobs.has(digest, options))) {
      yield controlLine({ $ice: 'absent', digest })
      return
    }
    let held: Uint8Array = new Uint8Array(0)
    let offset = 0
    // One portion behind, to know the last: an empty blob is one line, too.
    for await (const portion of this.#store.blobs.stream(digest, options)) {
      if (held.byteLength > 0) yield blobLine(digest, held, { offset, last: false })
      offset += held.byteLength
      held = portion
    }
    yield blobLine(digest, held, { offset, last: true })
    this.#remember(digest)
  }

  #remember(digest: BlobDigest): void {
    if (this.#recent.size >= RECENT_BLOBS_MAX) {
      for (const oldest of this.#recent) {
        this.#recent.delete(oldest)
        break
      }
    }
    this.#recent.add(digest)
  }

  #takePage(): string {
    const text = this.#page
    this.#page = ''
    return text
  }

  #seal(): string {
    const leaves = this.#leaves.join('')
    const at = this.#position
    const text = this.#takePage() + controlLine({ $ice: 'seal', at, leaves, root: this.root() })
    this.#leaves = []
    this.#pageBytes = 0
    this.#pageBlobs = 0
    this.#options.onProgress?.(at, this.#bounds.to)
    return text
  }
}

function blobLine(
  digest: BlobDigest,
  portion: Uint8Array,
  place: { readonly offset: number; readonly last: boolean },
): string {
  const { buffer, byteOffset, byteLength } = portion
  const base64 = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
  return controlLine({ $ice: 'blob', base64, digest, ...place })
}

function corrupt(position: number, why: string): EventsError {
  const message = `The event at position ${position} ${why}: verify the log`
  return new EventsError(EVENTS_CODES.corrupt, message, { position })
}
