/**
 * A segment that can be read: its index in memory, its octets where they are.
 *
 * Nothing in a file is believed. Opening holds every part of the index against the others: the
 * marks follow each other without a gap, positions rise, the places of each stream are all of its
 * versions, the leaves have the root that the footer names. So what a reader is given later stands
 * where the index says, and no number in a hostile file leads outside of it. Whether the *bytes* of
 * an event have the leaf of its mark is what `findings` and the digest of the whole file tell.
 */
import { compactRange, type EventFilter, type EventMark, type StoredEvent } from '@ice/events'
import { matchesBytes } from '@ice/events/adapter'
import {
  type BlobDigest,
  type Hash,
  leafHash,
  type Position,
  parseStrict,
  type StreamVersion,
} from '@ice/primitives'
import { corrupt } from './errors.ts'
import { type Ending, MARK_BYTES, type Octets, PLACE_BYTES, readEnding } from './layout.ts'
import { EVENT_LIMITS, SCAN_EVENTS_MAX } from './limits.ts'
import type { SegmentFooter } from './ports.ts'
import {
  type IndexedStream,
  readBlobMarks,
  readStreams,
  type SegmentBlob,
  type SegmentStream,
} from './segment-index.ts'

/** A part of a segment: the events that match, and the last position looked at. */
export interface Scanned {
  readonly events: readonly StoredEvent[]
  readonly upTo: number
}

/** Which events of a segment to look at: positions greater than `after`, up to `upTo`. */
export interface Scan {
  readonly after: number
  readonly upTo: number
  readonly filter?: EventFilter | undefined
}

/** @units events whose content is read at once when all of it is looked at */
const FINDINGS_EVENTS = 512

/** Follows each event. */
const LF = 0x0a

/** A segment whose index has been read. */
export class Segment {
  readonly footer: SegmentFooter
  /** SHA-256 of all before the trailer, as the trailer says. */
  readonly sha256: string
  readonly #octets: Octets
  readonly #marks: Buffer
  readonly #places: Buffer
  readonly #streams: readonly IndexedStream[]
  readonly #blobs: ReadonlyMap<BlobDigest, SegmentBlob>

  /**
   * Reads and checks the index.
   *
   * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT`,
   * `ICE_EVENTS_ARCHIVE_FORMAT_UNSUPPORTED`
   */
  constructor(octets: Octets) {
    const ending: Ending = readEnding(octets)
    const { footer, layout, sha256 } = ending
    this.#octets = octets
    this.footer = footer
    this.sha256 = sha256
    this.#marks = octets.read(layout.marks, footer.events * MARK_BYTES)
    this.#places = octets.read(layout.places, footer.events * PLACE_BYTES)
    this.#streams = readStreams(octets, ending)
    this.#blobs = readBlobMarks(octets, ending)
    this.#checkMarks(ending)
    this.#checkPlaces()
  }

  /** Where it is read from. */
  get path(): string {
    return this.#octets.path
  }

  /** Its streams, in order of name. */
  get streams(): readonly SegmentStream[] {
    return this.#streams
  }

  /** Its blobs, in order of digest. */
  get blobs(): Iterable<SegmentBlob> {
    return this.#blobs.values()
  }

  /** One of its blobs. */
  blob(digest: BlobDigest): SegmentBlob | undefined {
    return this.#blobs.get(digest)
  }

  /** Octets of a blob. */
  blobPortion(blob: SegmentBlob, at: number, length: number): Buffer {
    return this.#octets.read(blob.offset + at, Math.min(length, blob.size - at))
  }

  /** Its events, without their bytes, in order of position. */
  *events(): Generator<EventMark> {
    for (let i = 0; i < this.footer.events; i += 1) yield this.#mark(i)
  }

  /** The versions of a stream that are here. */
  stream(name: string): SegmentStream | undefined {
    return this.#find(name)
  }

  #find(name: string): IndexedStream | undefined {
    let low = 0
    let high = this.#streams.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const found = this.#streams[middle] as IndexedStream
      if (found.name === name) return found
      if (found.name < name) low = middle + 1
      else high = middle
    }
    return undefined
  }

  /** Events of a stream, of the versions from `first` to `last`, both included and both here. */
  ofStream(name: string, first: number, last: number): readonly StoredEvent[] {
    const stream = this.#find(name)
    if (stream === undefined || first < stream.first || last > stream.last) {
      throw corrupt(this.path, `it has not the versions ${first} to ${last} of ${name}`)
    }
    const events: StoredEvent[] = []
    for (let version = first; version <= last; version += 1) {
      const place = stream.at + version - stream.first
      events.push(this.event(this.#places.readUInt32BE(place * PLACE_BYTES)))
    }
    return events
  }

  /** Looks at a bounded number of events, in order of position. */
  scan({ after, upTo, filter }: Scan): Scanned {
    const from = this.#firstBehind(after)
    let to = from
    while (to < this.footer.events && to - from < SCAN_EVENTS_MAX && this.#position(to) <= upTo) {
      to += 1
    }
    const isCut = to < this.footer.events && this.#position(to) <= upTo
    const events = this.#between(from, to).filter((event, i) =>
      this.#matches(filter, event, from + i),
    )
    return { events, upTo: isCut ? this.#position(to - 1) : upTo }
  }

  /** Neighbours in the index are neighbours in the file: they are read at once. */
  #between(from: number, to: number): readonly StoredEvent[] {
    if (from >= to) return []
    const begin = this.#offset(from)
    const end = this.#offset(to - 1) + this.#length(to - 1) + 1
    const octets = this.#octets.read(begin, end - begin)
    const events: StoredEvent[] = []
    for (let i = from; i < to; i += 1) {
      const at = this.#offset(i) - begin
      if (octets[at + this.#length(i)] !== LF) {
        throw corrupt(this.path, `its event ${i} is not followed by a line end`)
      }
      const bytes = octets.toString('utf8', at, at + this.#length(i))
      events.push({ position: this.#position(i) as Position, bytes, hash: this.#leaf(i) })
    }
    return events
  }

  /** One event, by its number. */
  event(number: number): StoredEvent {
    const [event] = this.#between(number, number + 1)
    return event as StoredEvent
  }

  #matches(filter: EventFilter | undefined, { bytes }: StoredEvent, number: number): boolean {
    if (filter === undefined) return true
    const { streamPrefix, types } = filter
    if (streamPrefix !== undefined && !this.#streamOf(number).name.startsWith(streamPrefix)) {
      return false
    }
    if (types !== undefined && !types.includes(typeOf(bytes))) return false
    return matchesBytes(filter, bytes)
  }

  /** The number of the first event behind a position. */
  #firstBehind(after: number): number {
    let low = 0
    let high = this.footer.events
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#position(middle) <= after) low = middle + 1
      else high = middle
    }
    return low
  }

  #number(at: number): number {
    const value = this.#marks.readUInt32BE(at) * 0x1_0000_0000 + this.#marks.readUInt32BE(at + 4)
    if (Number.isSafeInteger(value)) return value
    throw corrupt(this.path, 'its index has a number that is none')
  }

  #position(i: number): number {
    return this.#number(i * MARK_BYTES)
  }

  #offset(i: number): number {
    return this.#number(i * MARK_BYTES + 8)
  }

  #length(i: number): number {
    return this.#marks.readUInt32BE(i * MARK_BYTES + 16)
  }

  #streamOf(i: number): IndexedStream {
    const stream = this.#streams[this.#marks.readUInt32BE(i * MARK_BYTES + 20)]
    if (stream === undefined) throw corrupt(this.path, 'its index names a stream it has not')
    return stream
  }

  #version(i: number): number {
    return this.#number(i * MARK_BYTES + 24)
  }

  #leaf(i: number): Hash {
    return this.#marks.toString('hex', i * MARK_BYTES + 32, (i + 1) * MARK_BYTES) as Hash
  }

  #mark(i: number): EventMark {
    return {
      position: this.#position(i) as Position,
      stream: this.#streamOf(i).name,
      version: this.#version(i) as StreamVersion,
      hash: this.#leaf(i),
    }
  }

  #checkMarks({ footer, layout }: Ending): void {
    const range = compactRange()
    let position = 0
    let offset = layout.events
    for (let i = 0; i < footer.events; i += 1) {
      if (this.#position(i) <= position || this.#offset(i) !== offset) {
        throw corrupt(this.path, `its index is out of order at event ${i}`)
      }
      position = this.#position(i)
      // Each event is followed by a line end.
      offset += this.#length(i) + 1
      range.append(this.#leaf(i))
    }
    if (offset !== layout.blobs) throw corrupt(this.path, 'its index does not lead to all events')
    const isBounded = this.#position(0) === footer.firstPosition && position === footer.lastPosition
    if (!isBounded) throw corrupt(this.path, 'it begins or ends elsewhere than its footer says')
    if (range.root() !== footer.root) throw corrupt(this.path, 'its leaves have another root')
  }

  /** Every event has one place, and every stream all of its versions in ascending positions. */
  #checkPlaces(): void {
    let place = 0
    for (const stream of this.#streams) {
      let position = 0
      for (let version = stream.first; version <= stream.last; version += 1) {
        const number = this.#places.readUInt32BE(place * PLACE_BYTES)
        const isRight =
          number < this.footer.events &&
          this.#streamOf(number) === stream &&
          this.#version(number) === version &&
          this.#position(number) > position
        if (!isRight) throw corrupt(this.path, `its index misplaces ${stream.name}@${version}`)
        position = this.#position(number)
        place += 1
      }
    }
  }

  /** What is wrong with the content: bytes that have not their leaf, or are not in their place. */
  *findings(): Generator<string> {
    const { events } = this.footer
    let firstTime = Number.MAX_SAFE_INTEGER
    let lastTime = 0
    let page: readonly StoredEvent[] = []
    for (let i = 0; i < events; i += 1) {
      const at = i % FINDINGS_EVENTS
      if (at === 0) page = this.#between(i, Math.min(i + FINDINGS_EVENTS, events))
      const { position, bytes, hash } = page[at] as StoredEvent
      // Text with a lone surrogate has no bytes to hash; decoding gives none.
      const said = leafHash(bytes) === hash ? placeOf(bytes) : undefined
      if (said === undefined) {
        yield `the bytes at position ${position} have not the leaf that is recorded`
        continue
      }
      const stream = this.#streamOf(i)
      const isLast = this.#version(i) === stream.last
      if (said.stream !== stream.name || said.version !== this.#version(i)) {
        yield `the event at position ${position} is not ${stream.name}@${this.#version(i)}`
      } else if (isLast && said.time !== stream.time) {
        yield `the last event of ${stream.name} is not of the time that is noted`
      }
      firstTime = Math.min(firstTime, Number(said.time))
      lastTime = Math.max(lastTime, Number(said.time))
    }
    if (firstTime !== this.footer.firstTime || lastTime !== this.footer.lastTime) {
      yield 'its events are not of the times that are noted'
    }
  }
}

/** The envelope's type: the last key that RFC 8785 sorts behind the payload but for two. */
const TYPE = /"type":"([A-Za-z0-9]+)","v":1,"version":\d{1,16}\}$/

function typeOf(bytes: string): string {
  return TYPE.exec(bytes.slice(-256))?.[1] ?? ''
}

/** What an event's bytes say of themselves. */
export interface Said {
  readonly type?: unknown
  readonly stream?: unknown
  readonly version?: unknown
  readonly time?: unknown
}

/** What an event's bytes say of where it stands; nothing when they are no event. */
export function placeOf(bytes: string): Said | undefined {
  try {
    const parsed = parseStrict(bytes, EVENT_LIMITS) as Said | null
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined
  } catch {
    return undefined
  }
}
