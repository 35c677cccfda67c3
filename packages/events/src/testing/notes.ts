/** Notes: the events that the tests of stores append, and what they ask of a log. */
import type { StreamId, StreamVersion } from '@ice/primitives'
import { z } from 'zod'
import { EVENTS_CODES, EventsError } from '../errors.ts'
import { defineEventType } from '../event-type.ts'
import type {
  Appended,
  AppendRequest,
  EventLog,
  ExpectedVersion,
  RecordedEvent,
  StoredEvent,
} from '../ports.ts'
import { composeTaxonomy, type Taxonomy } from '../taxonomy.ts'

/** Something was noted. */
export const NoteTaken = defineEventType({
  type: 'NoteTaken',
  category: 'domain',
  description: 'Something was noted.',
  payload: z.strictObject({ text: z.string(), n: z.int() }),
})

/** A picture was kept as a blob. */
export const PictureKept = defineEventType({
  type: 'PictureKept',
  category: 'domain',
  description: 'A picture was kept as a blob.',
  payload: z.strictObject({
    picture: z.strictObject({ $blob: z.string(), size: z.int() }),
  }),
})

/** Composes the types of notes. */
export function noteTaxonomy(): Taxonomy {
  return composeTaxonomy([NoteTaken, PictureKept])
}

/** A request with `count` notes for one stream. */
export function notes(
  stream: StreamId,
  count = 1,
  expectedVersion: ExpectedVersion = 'any',
  text = 'x',
): AppendRequest {
  const events = Array.from({ length: count }, (_, n) => ({ type: 'NoteTaken', data: { text, n } }))
  return { writes: [{ stream, expectedVersion, events }] }
}

/** All of a read, in one list. */
export async function gather<T extends StoredEvent | RecordedEvent>(
  batches: AsyncIterable<readonly T[]>,
): Promise<T[]> {
  const all: T[] = []
  for await (const batch of batches) all.push(...batch)
  return all
}

/** The position of the only event of a unit. */
export function positionOf(appended: Appended): number {
  return appended.writes[0]?.positions[0] ?? 0
}

/** How a writer of notes goes about it. */
export interface NoteWriter {
  /** Its own stream is named after it. */
  readonly name: string
  /** Units it appends, one after another; `0` with `lanes` means without end. */
  readonly units: number
  /** Whether every second unit goes to a stream that all writers share. */
  readonly shares: boolean
  /** Streams it appends to at once, without end; `0` for none. */
  readonly lanes: number
  /** Told of each acknowledgement. */
  readonly say: (acknowledged: NoteAcknowledged) => void
}

/** What a writer was told of a note. */
export interface NoteAcknowledged {
  readonly stream: StreamId
  /** What the note says it is. */
  readonly n: number
  readonly position: number
}

/**
 * Appends notes, each with the version its stream is expected to have: what is acknowledged can
 * be looked for afterwards, whatever befell the writer.
 */
export async function writeNotes(log: EventLog, writer: NoteWriter): Promise<void> {
  const { name, units, shares, lanes } = writer
  const own = `note/${name}` as StreamId
  const lane = async (k: number): Promise<void> => {
    for (let n = 0; ; n += 1) await writeNote(log, writer, { stream: laneOf(own, k), n, at: n })
  }
  await Promise.all(Array.from({ length: lanes }, (_, k) => lane(k)))
  for (let n = 0; n < units; n += 1) {
    if (!shares) await writeNote(log, writer, { stream: own, n, at: n })
    else if (n % 2 === 0) await writeNote(log, writer, { stream: own, n: n / 2, at: n / 2 })
    else await writeShared(log, writer, n)
  }
}

function laneOf(own: StreamId, lane: number): StreamId {
  return `${own}-${lane}` as StreamId
}

interface Place {
  readonly stream: StreamId
  readonly n: number
  /** The version its stream is expected to have. */
  readonly at: number
}

async function writeNote(log: EventLog, { name, say }: NoteWriter, place: Place): Promise<void> {
  const { stream, n, at } = place
  const events = [{ type: 'NoteTaken', data: { text: name, n } }]
  const expectedVersion = at as StreamVersion
  const appended = await log.append({ writes: [{ stream, expectedVersion, events }] })
  say({ stream, n, position: positionOf(appended) })
}

/** The shared stream moves under one's hands: a conflict is met by looking again. */
async function writeShared(log: EventLog, writer: NoteWriter, n: number): Promise<void> {
  const stream = 'note/shared' as StreamId
  for (;;) {
    const [last] = await gather(log.read({ stream, backwards: true, limit: 1 }))
    try {
      await writeNote(log, writer, { stream, n, at: last?.version ?? 0 })
      return
    } catch (error) {
      const isConflict = error instanceof EventsError && error.code === EVENTS_CODES.versionConflict
      if (!isConflict) throw error
    }
  }
}
