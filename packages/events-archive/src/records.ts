/**
 * What the log says of its segments: the events of one stream, which is never moved itself.
 *
 * The version of that stream is the number of segments. Whoever seals the next expects it, so of
 * two processes that retain at once one records its segment, and the other looks again.
 */
import { EVENTS_CODES, EventsError, type StoredEvent } from '@ice/events'
import type { EvictableStore } from '@ice/events/ports'
import { isHash, parseStrict, type StreamId, streamId } from '@ice/primitives'
import { EVENTS_ARCHIVE_CODES, EventsArchiveError } from './errors.ts'
import { isSegmentName } from './folder.ts'
import { EVENT_LIMITS } from './limits.ts'
import type { SegmentRecord } from './ports.ts'

/** Where the log says what was sealed. */
export const SEGMENTS_STREAM: StreamId = streamId('archive/segments')

/** The type of these events. */
export const SEGMENT_SEALED = 'SegmentSealed'

/** The segments of a log, as far as they were asked for. */
export class SegmentRecords {
  readonly #live: EvictableStore
  readonly #known = new Map<string, SegmentRecord>()
  #version = 0
  /** Of the last of these events. */
  #position = 0

  constructor(live: EvictableStore) {
    this.#live = live
  }

  /** Every segment, in the order of sealing. */
  async all(signal?: AbortSignal): Promise<readonly SegmentRecord[]> {
    const query = { stream: SEGMENTS_STREAM, after: this.#version }
    const batches = this.#live.read(signal === undefined ? query : { ...query, signal })
    for await (const batch of batches) {
      for (const stored of batch) {
        // Two callers at once read the same: what is known already is passed over.
        if (stored.position <= this.#position) continue
        const record = recordOf(stored)
        if (record !== undefined) this.#known.set(record.segment, record)
        this.#position = stored.position
        this.#version += 1
      }
    }
    return [...this.#known.values()]
  }

  /** The segment of a name. @throws `ICE_EVENTS_CORRUPT` — the log knows of no such segment */
  async named(segment: string, signal?: AbortSignal): Promise<SegmentRecord> {
    if (!this.#known.has(segment)) await this.all(signal)
    const record = this.#known.get(segment)
    if (record !== undefined) return record
    throw new EventsError(
      EVENTS_CODES.corrupt,
      `Events were moved to ${segment}, and the log does not say that it was sealed`,
      { segment },
    )
  }
}

const COUNTS = [
  'bytes',
  'events',
  'streams',
  'blobs',
  'firstPosition',
  'lastPosition',
  'firstTime',
  'lastTime',
] as const

/** What an event of the stream says; nothing of an event of another type. */
function recordOf({ bytes, position }: StoredEvent): SegmentRecord | undefined {
  const { type, data, schema } = parseStrict(bytes, EVENT_LIMITS) as {
    readonly type: unknown
    readonly schema: unknown
    readonly data: Readonly<Record<string, unknown>>
  }
  if (type !== SEGMENT_SEALED) return undefined
  const isWhole =
    schema === 1 &&
    isSegmentName(data['segment']) &&
    typeof data['incarnation'] === 'string' &&
    isHash(data['digest']) &&
    isHash(data['root']) &&
    COUNTS.every((name) => Number.isSafeInteger(data[name]))
  if (isWhole) return { ...(data as unknown as Omit<SegmentRecord, 'sealed'>), sealed: position }
  throw new EventsArchiveError(
    EVENTS_ARCHIVE_CODES.format,
    `The SegmentSealed at position ${position} is of a version that this program does not know`,
    { position },
  )
}
