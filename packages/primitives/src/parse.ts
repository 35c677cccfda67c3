/**
 * The strict JSON parser of every ingress: what it accepts, all readers understand alike.
 *
 * It is RFC 8259 with the restrictions of I-JSON (RFC 7493): UTF-8 without a byte order mark, no
 * lone surrogates, no duplicate keys, no integer past 2^53 - 1, no number past the largest double.
 *
 * 1. Bytes are bounded before anything is read, depth and values while scanning: what is refused
 *    for its size has built nothing.
 * 2. The text is scanned against the whole grammar first, then built by `JSON.parse`; a text
 *    passes only if both accept it.
 * 3. Keys are counted in the text and again in the value. `JSON.parse` keeps the last of two equal
 *    keys, so the counts differ exactly when a key stood twice, however it was escaped.
 * 4. `__proto__` is a key like any other: an own property of a plain object.
 *
 * The trap: two parsers in one chain that read one text differently, the check with the first
 * and the act with the second.
 */
import { Buffer } from 'node:buffer'
import { JsonCorruptError, JsonLimitError, JsonUnsupportedError } from './errors.ts'
import { invariant } from './ice-error.ts'
import { JSON_BYTES_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX } from './limits.ts'
import { JsonScanner, type ScanRefusal } from './scan.ts'

/** Bounds of one parse. */
export interface ParseLimits {
  /** Bytes of text, as UTF-8; 1 MiB when left out. */
  readonly bytesMax?: number
  /** Containers within containers, 1 to 64; 64 when left out. */
  readonly depthMax?: number
  /** Values, containers counted; 100,000 when left out. */
  readonly nodesMax?: number
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenientDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Parses JSON, or refuses it with the place of the first thing wrong.
 *
 * The value is made of plain objects and arrays of its own; nothing of the input is kept.
 *
 * @param source - UTF-8 bytes, or text; places in errors count bytes or UTF-16 units accordingly
 * @throws {JsonLimitError} `ICE_PRIMITIVES_JSON_LIMIT` — too many bytes, levels or values
 * @throws {JsonCorruptError} `ICE_PRIMITIVES_JSON_CORRUPT` — not UTF-8, or not JSON
 * @throws {JsonUnsupportedError} `ICE_PRIMITIVES_JSON_UNSUPPORTED` — a duplicate key, a lone
 *   surrogate, an unsafe integer or a number past the largest double
 * @source RFC 8259; RFC 7493 §2
 */
export function parseStrict(source: Uint8Array | string, limits: ParseLimits = {}): unknown {
  const { bytesMax = JSON_BYTES_MAX, depthMax = JSON_DEPTH_MAX } = limits
  const { nodesMax = JSON_NODES_MAX } = limits
  invariant(depthMax <= JSON_DEPTH_MAX, `depthMax is at most ${JSON_DEPTH_MAX}, not ${depthMax}`)
  checkBytes(source, bytesMax)
  const text = typeof source === 'string' ? source : decode(source)
  const scanner = new JsonScanner(text, { depthMax, nodesMax })
  const refusal = scanner.scan()
  if (refusal !== undefined) throw refused(refusal, source, text)
  const value: unknown = JSON.parse(text)
  if (scanner.members > 0 && countMembers(value) !== scanner.members) {
    throw refused(new JsonScanner(text, { depthMax, nodesMax }).findDuplicate(), source, text)
  }
  return value
}

function checkBytes(source: Uint8Array | string, max: number): void {
  // A UTF-16 unit becomes at most three bytes, so most texts need no counting.
  const small = typeof source === 'string' ? source.length * 3 : source.length
  if (small <= max) return
  const bytes = typeof source === 'string' ? utf8Bytes(source, max) : source.length
  if (bytes <= max) return
  const unit = typeof source === 'string' ? 'char' : 'byte'
  throw new JsonLimitError({ limit: 'bytes', max, offset: Math.min(max, source.length), unit })
}

function utf8Bytes(text: string, max: number): number {
  return text.length > max ? text.length : Buffer.byteLength(text)
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    const offset = malformedAt(bytes)
    throw new JsonCorruptError({ reason: 'utf8', offset, unit: 'byte' })
  }
}

/** The first U+FFFD of a lenient decoding that does not stand in the bytes is where they break. */
function malformedAt(bytes: Uint8Array): number {
  const text = lenientDecoder.decode(bytes)
  let from = 0
  let offset = 0
  for (;;) {
    const at = text.indexOf('\ufffd', from)
    if (at < 0) return offset
    offset += Buffer.byteLength(text.slice(from, at))
    const real = bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd
    if (!real) return offset
    offset += 3
    from = at + 1
  }
}

/** Own members of all objects in a value; its depth was bounded by the scan. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const isArray = Array.isArray(value)
  const members: readonly unknown[] = isArray ? value : Object.values(value)
  let count = isArray ? 0 : members.length
  for (const member of members) {
    if (typeof member === 'object') count += countMembers(member)
  }
  return count
}

function refused(refusal: ScanRefusal, source: Uint8Array | string, text: string): Error {
  const place =
    typeof source === 'string'
      ? ({ offset: refusal.at, unit: 'char' } as const)
      : ({ offset: Buffer.byteLength(text.slice(0, refusal.at)), unit: 'byte' } as const)
  switch (refusal.reason) {
    case 'depth':
    case 'nodes':
      return new JsonLimitError({ ...place, limit: refusal.reason, max: refusal.max })
    case 'duplicate_key':
    case 'lone_surrogate':
    case 'unsafe_integer':
    case 'number_overflow':
      return new JsonUnsupportedError({ ...place, reason: refusal.reason })
    default:
      return new JsonCorruptError({ ...place, reason: refusal.reason })
  }
}
