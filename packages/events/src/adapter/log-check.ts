/**
 * What every adapter checks of the rows it reads back, none of which it trusts.
 *
 * 1. Each event's bytes hash to what was recorded.
 * 2. The columns say what the bytes say; positions have no gap.
 * 3. The index leads to every event and to nothing else, without a gap in any stream.
 *
 * Nothing is remembered of what was seen: memory does not grow with the log.
 */
import { type Hash, isHash } from '@ice/primitives'
import { namedBlobs } from '../blob-bytes.ts'
import { EVENTS_CODES } from '../errors.ts'
import type { IntegrityFinding } from '../ports.ts'
import { leafFinding } from '../store-checks.ts'

/** An event as it was read back. */
export interface CheckedRow {
  readonly position: number
  /** Exactly as they are kept. */
  readonly bytes: unknown
  readonly hash: unknown
  /** What stands beside the bytes. */
  readonly columns: CheckedColumns
}

/** What a store keeps beside an event's bytes, by the names that the bytes have for it. */
export interface CheckedColumns {
  readonly stream: unknown
  readonly version: unknown
  readonly type: unknown
  /** Left out by a store that keeps none. */
  readonly time?: unknown
}

/** An entry of the index of places. */
export interface CheckedPlace {
  /** The stream, by name or number. */
  readonly stream: unknown
  readonly version: number
  readonly position: number
  /** The version up to which the stream stands elsewhere. @defaultValue 0 */
  readonly moved?: number
}

/** A finding of `ICE_EVENTS_CORRUPT`. */
export function corruptFinding(position: number, message: string): IntegrityFinding {
  return { code: EVENTS_CODES.corrupt, position, message }
}

/** One check: the events in the order of positions, then the index in its own. */
export class LogCheck {
  /** Position of the last event looked at. */
  position = 0
  /** Events looked at. */
  count = 0
  #entries = 0
  #stream: unknown
  #version = 0;

  /** The next event. @param lacks - whether a blob that is named is not there */
  *event(row: CheckedRow, lacks: (digest: string) => boolean): Generator<IntegrityFinding> {
    const { position, bytes, hash, columns } = row
    this.count += 1
    if (position !== this.position + 1) {
      const missing = this.position + 1
      yield corruptFinding(position, `position ${missing} is missing before ${position}`)
    }
    this.position = position
    if (!isText(bytes) || !isHash(hash)) {
      yield corruptFinding(position, `what stands at position ${position} is no bytes or no hash`)
      return
    }
    const leaf = leafFinding(position, bytes, hash as Hash)
    if (leaf !== undefined) {
      yield leaf
      return
    }
    const text = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)
    const said = parse(text)
    if (Object.entries(columns).some(([name, value]) => said?.[name] !== value)) {
      yield corruptFinding(
        position,
        `the index has position ${position} as ${describe(columns)}, its bytes say otherwise`,
      )
    }
    for (const digest of namedBlobs(text)) {
      if (!lacks(digest)) continue
      yield {
        code: EVENTS_CODES.blobNotFound,
        position,
        message: `the event at position ${position} names blob ${digest}, which is not there`,
      }
    }
  }

  /** The log should have so many events. */
  *end(head: number): Generator<IntegrityFinding> {
    if (this.position >= head) return
    yield corruptFinding(
      this.position + 1,
      `the log ends at ${this.position}, and should end at ${head}`,
    )
  }

  /** The next entry of the index of (stream, version). Entries beyond `head` are not counted. */
  *place(place: CheckedPlace, head: number): Generator<IntegrityFinding> {
    const { stream, version, position, moved = 0 } = place
    // What was looked at of a stream may have been moved since, and more of it with that.
    const before = Math.max(stream === this.#stream ? this.#version : 0, moved)
    this.#stream = stream
    this.#version = version
    if (position > head) return
    this.#entries += 1
    if (version === before + 1) return
    yield corruptFinding(
      position,
      `stream ${String(stream)} has version ${version} after ${before}`,
    )
  }

  /** The index is at its end. */
  *endOfPlaces(): Generator<IntegrityFinding> {
    if (this.#entries === this.count) return
    yield corruptFinding(0, `the index has ${this.#entries} entries for ${this.count} events`)
  }
}

function isText(bytes: unknown): bytes is string | Uint8Array {
  return typeof bytes === 'string' || bytes instanceof Uint8Array
}

function describe({ stream, version, ...rest }: CheckedColumns): string {
  return `${String(stream)}@${String(version)} (${Object.values(rest).map(String).join(', ')})`
}

/** Bytes that hash right but are no event: nothing in them fits the columns. */
function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
