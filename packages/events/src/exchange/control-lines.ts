/**
 * The lines of an export that are no events.
 *
 *     export = header *( *( blob / absent ) event / seal ) end     ; RFC 0003 has the grammar
 *
 * Each is the canonical JSON of an object whose first member is `"$ice"`. An event begins with
 * `{"causes":`, so the first seven characters tell one from the other, and no event, whatever a
 * program put into it, can be taken for a control line.
 */

import type { BlobDigest, Hash } from '@ice/primitives'
import {
  canonicalize,
  errorRecord,
  isBlobDigest,
  isHash,
  isPosition,
  parseStrict,
  UNCODED,
} from '@ice/primitives'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import { EXPORT_LINE_BYTES_MAX } from './limits.ts'
import { badLine, type Line } from './line-reader.ts'

/** The format of exports that this program writes and reads. */
export const EXPORT_FORMAT = 1

/** What the export holds, and of which log. The first line. */
export interface HeaderLine {
  readonly $ice: 'log'
  /** The export begins behind this position. */
  readonly after: number
  readonly format: number
  /** Names the history it was taken from. */
  readonly incarnation: string
  /** RFC 9162 root of the log's first `after` events. */
  readonly root: Hash
  /** Digest of the taxonomy it was written with, where the exporter knew it. */
  readonly taxonomy: Hash | null
  /** The export ends with this position. */
  readonly to: number
}

/** A portion of a blob that one of the next events names. */
export interface BlobLine {
  readonly $ice: 'blob'
  readonly base64: string
  readonly digest: BlobDigest
  readonly last: boolean
  /** @units bytes of the blob before this portion */
  readonly offset: number
}

/** A blob that the next event names and the log did not have. */
export interface AbsentLine {
  readonly $ice: 'absent'
  readonly digest: BlobDigest
}

/** Vouches for the events since the seal before it. */
export interface SealLine {
  readonly $ice: 'seal'
  /** Position of the last event before it. */
  readonly at: number
  /** The first eight hex digits of the leaf hash of each of those events, in order. */
  readonly leaves: string
  /** RFC 9162 root of the log's first `at` events. */
  readonly root: Hash
}

/** The last line. */
export interface EndLine {
  readonly $ice: 'end'
  /** SHA-256 of all bytes before this line. */
  readonly digest: Hash
  /** Events in the export. */
  readonly events: number
  /** RFC 9162 root of the log's first `to` events. */
  readonly root: Hash
  readonly to: number
}

/** Any line that is no event. */
export type ControlLine = HeaderLine | BlobLine | AbsentLine | SealLine | EndLine

/** What every control line begins with, and no event. */
export const CONTROL_PREFIX = '{"$ice":'

/** What every event begins with: RFC 8785 puts its causes first. */
export const EVENT_PREFIX = '{"causes":['

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string' && /^[!-~]{1,128}$/.test(value)
const isFlag: Check = (value) => typeof value === 'boolean'
const isBase64: Check = (value) => typeof value === 'string'
const isLeaves: Check = (value) => typeof value === 'string' && /^(?:[0-9a-f]{8})+$/.test(value)

/** The members of each kind. */
const KINDS: ReadonlyMap<unknown, Readonly<Record<string, Check>>> = new Map([
  [
    'log',
    {
      after: isPosition,
      format: isPosition,
      incarnation: isText,
      root: isHash,
      taxonomy: (value: unknown) => value === null || isHash(value),
      to: isPosition,
    },
  ],
  ['blob', { base64: isBase64, digest: isBlobDigest, last: isFlag, offset: isPosition }],
  ['absent', { digest: isBlobDigest }],
  ['seal', { at: isPosition, leaves: isLeaves, root: isHash }],
  ['end', { digest: isHash, events: isPosition, root: isHash, to: isPosition }],
])

/** The text of a control line, with its line feed. */
export function controlLine(line: ControlLine): string {
  return `${canonicalize(line)}\n`
}

const PARSE_LIMITS = { bytesMax: EXPORT_LINE_BYTES_MAX, depthMax: 2, nodesMax: 16 }

/** Reads a control line. @throws `ICE_EVENTS_IMPORT_CORRUPT`, `ICE_EVENTS_FORMAT_UNSUPPORTED` */
export function controlOf({ number }: Line, text: string): ControlLine {
  const parsed = parseControlLine(text)
  if (typeof parsed === 'string') throw badLine(number, parsed)
  return parsed
}

/** The line, or in one phrase why it is none. */
function parseControlLine(text: string): ControlLine | string {
  let parsed: Readonly<Record<string, unknown>>
  try {
    parsed = parseStrict(text, PARSE_LIMITS) as typeof parsed
  } catch (error) {
    if (errorRecord(error).code === UNCODED) throw error
    return 'it is no strict JSON'
  }
  const members = KINDS.get(parsed['$ice'])
  if (members === undefined) return 'it is of no kind that an export has'
  // A later format may have other members: that it is one has to be said first.
  const { format } = parsed
  if (parsed['$ice'] === 'log' && isPosition(format) && format > EXPORT_FORMAT) {
    throw futureExport(format)
  }
  const keys = Object.keys(parsed)
  const misses = Object.entries(members).find(([key, check]) => !check(parsed[key]))
  if (misses !== undefined) return `its "${misses[0]}" is missing or malformed`
  if (keys.length !== Object.keys(members).length + 1) return 'it has members of no such line'
  if (canonicalize(parsed) !== text) return 'it is not in canonical form'
  return parsed as unknown as ControlLine
}

function futureExport(format: number): EventsError {
  return new EventsError(
    EVENTS_CODES.format,
    `The export is of format ${format}; this program knows format ${EXPORT_FORMAT}. ` +
      'Use a newer program',
    { format, known: EXPORT_FORMAT },
  )
}
