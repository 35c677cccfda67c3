/**
 * What was moved to archive segments: which positions, which versions, which blobs, and where to.
 *
 * The rows of moved events are gone; what is kept of them is a row for each run of neighbouring
 * positions and one for each stream and segment, which has the version and time at the seam.
 *
 * Whoever reads both, reads events first and then this: what is moved in between is then found
 * here, and nothing can be missed.
 */
import { MOVED_RANGES_MAX } from '@ice/events/adapter'
import type { MovedRange, MovedVersions, SegmentProgress } from '@ice/events/ports'
import { isBlobDigest, type Position } from '@ice/primitives'
import { quoted } from './format.ts'
import type { Answer, Call, Session, Statement } from './session.ts'

function movedSql(s: string) {
  // The range that holds the first position may begin before it.
  const from = `(SELECT max(o.first) FROM ${s}.moved_ranges o WHERE o.first <= $1::bigint + 1)`
  return {
    ranges: named(
      'ranges',
      `SELECT greatest(r.first, $1::bigint + 1), least(r.last, $2::bigint), g.name
       FROM ${s}.moved_ranges r JOIN ${s}.segments g ON g.sealed = r.segment
       WHERE r.first >= coalesce(${from}, 0) AND r.first <= $2 AND r.last > $1
       ORDER BY r.first LIMIT $3`,
    ),
    ofStream: named(
      'versions',
      `SELECT m.version, g.name FROM ${s}.moved_streams m
       JOIN ${s}.segments g ON g.sealed = m.segment
       WHERE m.stream = (SELECT n.id FROM ${s}.streams n WHERE n.name = $1) ORDER BY m.version`,
    ),
    blob: named(
      'blob',
      `SELECT g.name FROM ${s}.moved_blobs b JOIN ${s}.segments g ON g.sealed = b.segment
       WHERE b.digest = $1`,
    ),
    blobs: named(
      'blobs',
      `SELECT count(*) FROM ${s}.moved_blobs m
       WHERE NOT EXISTS (SELECT 1 FROM ${s}.blobs b WHERE b.digest = m.digest)`,
    ),
    segments: named(
      'segments',
      `SELECT name, sealed, events, last, is_done FROM ${s}.segments ORDER BY sealed`,
    ),
  }
}

function named(name: string, text: string): Statement {
  return { name: `ice_moved_${name}`, text }
}

/** What was moved of one log. */
export class Moved {
  readonly #sql: ReturnType<typeof movedSql>

  constructor(schema: string) {
    this.#sql = movedSql(quoted(schema))
  }

  /** Ranges of the positions greater than `after`, up to `upTo`, cut to them; a bounded number. */
  async ranges(
    session: Session,
    after: number,
    upTo: number,
    limit: number = MOVED_RANGES_MAX,
  ): Promise<MovedRange[]> {
    const rows = await session.run(this.#sql.ranges, [after, upTo, limit])
    return rows.map(([first, last, segment]) => ({
      first: Number(first),
      last: Number(last),
      segment: String(segment),
    }))
  }

  /** Asks what was moved of a stream. */
  ofStream(stream: string): Call {
    return { statement: this.#sql.ofStream, values: [stream] }
  }

  /** The segment of a blob that is, or was once, not in the log any more. */
  async blob(session: Session, digest: string): Promise<string | undefined> {
    const [row] = await session.run(this.#sql.blob, [isBlobDigest(digest) ? digest : ''])
    return row === undefined ? undefined : String(row[0])
  }

  /** Blobs that are in a segment and not here. */
  async blobs(session: Session): Promise<number> {
    const [row] = await session.run(this.#sql.blobs)
    return Number(row?.[0] ?? 0)
  }

  async segments(session: Session): Promise<readonly SegmentProgress[]> {
    const rows = await session.run(this.#sql.segments)
    return rows.map(([segment, sealed, events, last, isDone]) => ({
      segment: String(segment),
      sealed: Number(sealed) as Position,
      events: Number(events),
      last: Number(last),
      isDone: isDone === true,
    }))
  }
}

/** The answer to `ofStream`, in order of version. */
export function movedVersions(rows: Answer['rows']): readonly MovedVersions[] {
  return rows.map(([version, segment]) => ({ version: Number(version), segment: String(segment) }))
}
