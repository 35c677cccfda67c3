/**
 * What was moved to archive segments: which positions, which versions, which blobs, and where to.
 *
 * The rows of moved events are gone; what is kept of them is a row for each run of neighbouring
 * positions and one for each stream. A stream is moved from its beginning on, so what is left of
 * it follows what was moved of it, and the version and time at the seam stand here.
 *
 * Whoever reads both, reads events first and then this: what is moved in between is then found
 * here, and nothing can be missed.
 */
import type { StreamHead } from '@ice/events'
import { MOVED_RANGES_MAX } from '@ice/events/adapter'
import type { MovedRange, MovedVersions, SegmentProgress } from '@ice/events/ports'
import { isBlobDigest, type Position } from '@ice/primitives'
import type { Connection } from './connection.ts'

type RangeRow = [first: number, last: number, segment: string]

function prepare(db: Connection) {
  const range =
    'SELECT r.first, r.last, s.name FROM moved_ranges r JOIN segments s ON s.id = r.segment '
  const ofStream =
    'FROM moved_streams m JOIN segments s ON s.id = m.segment ' +
    'WHERE m.stream = (SELECT id FROM streams WHERE name = ?) '
  return {
    around: db
      .prepare<[number], RangeRow>(`${range} WHERE r.first <= ? ORDER BY r.first DESC LIMIT 1`)
      .raw(),
    behind: db
      .prepare<[number, number, number], RangeRow>(
        `${range} WHERE r.first > ? AND r.first <= ? ORDER BY r.first LIMIT ?`,
      )
      .raw(),
    ofStream: db
      .prepare<[string], [version: number, segment: string]>(
        `SELECT m.version, s.name ${ofStream} ORDER BY m.version`,
      )
      .raw(),
    head: db
      .prepare<[number], [version: number, time: number]>(
        'SELECT version, time FROM moved_streams WHERE stream = ? ORDER BY version DESC LIMIT 1',
      )
      .raw(),
    version: db
      .prepare<[number], number | null>('SELECT max(version) FROM moved_streams WHERE stream = ?')
      .pluck(),
    blob: db
      .prepare<[string], string>(
        'SELECT s.name FROM moved_blobs b JOIN segments s ON s.id = b.segment WHERE b.digest = ?',
      )
      .pluck(),
    blobs: db
      .prepare<[], number>(
        'SELECT count(*) FROM moved_blobs m ' +
          'WHERE NOT EXISTS (SELECT 1 FROM blobs b WHERE b.digest = m.digest)',
      )
      .pluck(),
    segments: db
      .prepare<[], [name: string, sealed: number, events: number, last: number, done: number]>(
        'SELECT name, sealed, events, last, is_done FROM segments ORDER BY sealed',
      )
      .raw(),
    last: db.prepare<[], number | null>('SELECT max(last) FROM segments').pluck(),
    totals: db
      .prepare<[], [segments: number, events: number | null]>(
        'SELECT count(*), sum(events) FROM segments',
      )
      .raw(),
  }
}

/** What was moved, as one connection sees it. */
export class Moved {
  readonly #sql: ReturnType<typeof prepare>

  constructor(db: Connection) {
    this.#sql = prepare(db)
  }

  /** Ranges of the positions greater than `after`, up to `upTo`, cut to them; a bounded number. */
  ranges(after: number, upTo: number): MovedRange[] {
    const rows = this.#sql.behind.all(after + 1, upTo, MOVED_RANGES_MAX)
    const around = this.#sql.around.get(after + 1)
    if (around !== undefined && around[1] > after) rows.unshift(around)
    return rows.slice(0, MOVED_RANGES_MAX).map(([first, last, segment]) => ({
      first: Math.max(first, after + 1),
      last: Math.min(last, upTo),
      segment,
    }))
  }

  /** The last of the moved positions that follow `position` without a gap; itself if none does. */
  through(position: number): number {
    let last = position
    for (;;) {
      const around = this.#sql.around.get(last + 1)
      if (around === undefined || around[1] <= last) return last
      last = around[1]
    }
  }

  /** What was moved of a stream, in order of version. */
  ofStream(stream: string): readonly MovedVersions[] {
    return this.#sql.ofStream.all(stream).map(([version, segment]) => ({ version, segment }))
  }

  /** The last event that was moved of a stream, by the stream's number. */
  head(stream: number): StreamHead | undefined {
    const row = this.#sql.head.get(stream)
    return row === undefined ? undefined : { version: row[0], time: row[1] }
  }

  /** The version up to which a stream was moved, by its number. */
  version(stream: number): number {
    return this.#sql.version.get(stream) ?? 0
  }

  /** The segment of a blob that is not in the log any more. */
  blob(digest: string): string | undefined {
    return isBlobDigest(digest) ? this.#sql.blob.get(digest) : undefined
  }

  /** Blobs that are in a segment and not here. */
  blobs(): number {
    return this.#sql.blobs.get() ?? 0
  }

  /** Position of the last event that was moved. */
  last(): number {
    return this.#sql.last.get() ?? 0
  }

  segments(): readonly SegmentProgress[] {
    return this.#sql.segments.all().map(([segment, sealed, events, last, isDone]) => ({
      segment,
      sealed: sealed as Position,
      events,
      last,
      isDone: isDone === 1,
    }))
  }

  totals(): { readonly segments: number; readonly events: number } {
    const [segments = 0, events] = this.#sql.totals.get() ?? []
    return { segments, events: events ?? 0 }
  }
}
