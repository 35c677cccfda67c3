/**
 * The segment file, octet by octet. The same grammar, with its reasons, is in
 * `docs/rfc/0004-archive-segments.md`.
 *
 *     segment = magic events blobs marks places streams blob-marks footer trailer
 *     magic   = "ICE-SEGMENT/1" LF
 *     events  = *( stored-bytes LF )       ; in ascending order of position
 *     blobs   = *OCTET                     ; one after another, in ascending order of digest
 *     marks   = *( position offset length stream version leaf )      ; one for each event
 *     places  = *ordinal                   ; the events' numbers, by stream and version
 *     streams = *( name SP first SP last SP time LF )                ; in ascending order of name
 *     blob-marks = *( digest offset size ) ; in the order of the blobs
 *     footer  = canonical JSON LF
 *     trailer = 8HEXDIG SP 64HEXDIG LF     ; length of the footer; SHA-256 of all before
 *
 * Numbers are big-endian. Every length follows from the footer, so a file has exactly one size.
 */
import { canonicalize, isHash, type JsonValue, parseStrict } from '@ice/primitives'
import { corrupt, EVENTS_ARCHIVE_CODES, EventsArchiveError } from './errors.ts'
import { FOOTER_BYTES_MAX, SEGMENT_EVENTS_MAX } from './limits.ts'
import type { SegmentFooter } from './ports.ts'

/** How every segment begins; another format has another number. */
export const MAGIC = 'ICE-SEGMENT/1\n'
const MAGIC_ANY = /^ICE-SEGMENT\/([1-9]\d{0,2})\n/

/** @units bytes of a mark of an event, a place, a mark of a blob, the trailer */
export const MARK_BYTES = 64
export const PLACE_BYTES = 4
export const BLOB_MARK_BYTES = 48
export const TRAILER_BYTES = 74

/** Where each part begins, and the size of the file. @units bytes from the beginning */
export interface Layout {
  readonly events: number
  readonly blobs: number
  readonly marks: number
  readonly places: number
  readonly streams: number
  readonly blobMarks: number
  readonly footer: number
  readonly trailer: number
  readonly size: number
}

/** The layout that a footer determines. */
export function layoutOf(footer: SegmentFooter, footerBytes: number): Layout {
  const events = MAGIC.length
  const blobs = events + footer.eventBytes
  const marks = blobs + footer.blobBytes
  const places = marks + footer.events * MARK_BYTES
  const streams = places + footer.events * PLACE_BYTES
  const blobMarks = streams + footer.streamBytes
  const end = blobMarks + footer.blobs * BLOB_MARK_BYTES
  const trailer = end + footerBytes
  const size = trailer + TRAILER_BYTES
  return { events, blobs, marks, places, streams, blobMarks, footer: end, trailer, size }
}

/** The footer's bytes. */
export function footerText(footer: SegmentFooter): string {
  return `${canonicalize(footer as unknown as JsonValue)}\n`
}

/** The trailer's bytes. @param sha256 - of everything before it */
export function trailerText(footerBytes: number, sha256: string): string {
  return `${footerBytes.toString(16).padStart(8, '0')} ${sha256}\n`
}

/** Something whose octets can be read: a file, or bytes in memory. */
export interface Octets {
  /** Names it in messages. */
  readonly path: string
  readonly size: number
  /** The octets from `at`, exactly `length` of them. @throws when there are fewer */
  read(at: number, length: number): Buffer
}

/** The last part of a segment. */
export interface Ending {
  readonly footer: SegmentFooter
  readonly layout: Layout
  /** SHA-256 of all before the trailer, as the trailer says. */
  readonly sha256: string
}

const TRAILER = /^([0-9a-f]{8}) ([0-9a-f]{64})\n$/

/**
 * Reads how a segment begins and how it ends.
 *
 * @throws {EventsArchiveError} `ICE_EVENTS_ARCHIVE_SEGMENT_CORRUPT`,
 * `ICE_EVENTS_ARCHIVE_FORMAT_UNSUPPORTED`
 */
export function readEnding(octets: Octets): Ending {
  const { path, size } = octets
  checkMagic(octets)
  if (size < MAGIC.length + TRAILER_BYTES) throw corrupt(path, 'it is cut off')
  const trailer = octets.read(size - TRAILER_BYTES, TRAILER_BYTES).toString('latin1')
  const [, length, sha256] = TRAILER.exec(trailer) ?? []
  if (length === undefined || sha256 === undefined) throw corrupt(path, 'it has no trailer')
  const footerBytes = Number.parseInt(length, 16)
  const at = size - TRAILER_BYTES - footerBytes
  if (footerBytes > FOOTER_BYTES_MAX || at < MAGIC.length) throw corrupt(path, 'it has no footer')
  const footer = parseFooter(path, octets.read(at, footerBytes))
  const layout = layoutOf(footer, footerBytes)
  if (layout.size !== size) {
    throw corrupt(path, `its parts make ${layout.size} bytes, and it has ${size}`)
  }
  return { footer, layout, sha256 }
}

function checkMagic(octets: Octets): void {
  const { path } = octets
  const begin = octets.read(0, Math.min(20, octets.size)).toString('latin1')
  if (begin.startsWith(MAGIC)) return
  const version = MAGIC_ANY.exec(begin)?.[1]
  if (version === undefined) throw corrupt(path, 'it does not begin as a segment does')
  throw new EventsArchiveError(
    EVENTS_ARCHIVE_CODES.format,
    `${path} is a segment of format ${version}; this program knows format 1. Use a newer one.`,
    { path, stored: Number(version), known: 1 },
  )
}

const COUNTS = [
  'events',
  'eventBytes',
  'streams',
  'streamBytes',
  'blobs',
  'blobBytes',
  'firstPosition',
  'lastPosition',
  'firstTime',
  'lastTime',
] as const

function parseFooter(path: string, bytes: Buffer): SegmentFooter {
  let footer: Readonly<Record<string, unknown>>
  try {
    const parsed = parseStrict(bytes, { depthMax: 2, bytesMax: FOOTER_BYTES_MAX })
    if (footerText(parsed as never) !== bytes.toString('utf8')) {
      throw corrupt(path, 'its footer is not canonical')
    }
    footer = parsed as typeof footer
  } catch (cause) {
    throw corrupt(path, 'its footer is not canonical JSON', cause)
  }
  const isWhole =
    footer['v'] === 1 &&
    COUNTS.every((name) => isCount(footer[name])) &&
    isHash(footer['root']) &&
    typeof footer['incarnation'] === 'string' &&
    Object.keys(footer).length === COUNTS.length + 3
  if (!isWhole) throw corrupt(path, 'its footer does not say what a footer says')
  const whole = footer as unknown as SegmentFooter
  const { events, streams } = whole
  if (events === 0 || events > SEGMENT_EVENTS_MAX || streams === 0 || streams > events) {
    throw corrupt(path, `it says that it has ${events} events in ${streams} streams`)
  }
  return whole
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
