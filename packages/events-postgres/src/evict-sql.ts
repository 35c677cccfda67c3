/** The statements of an eviction, for one schema. */
import { quoted } from './format.ts'
import { EVENT_ROW_BYTES } from './limits.ts'
import { lines } from './lists.ts'
import type { Statement } from './session.ts'

/** The statements of one schema. */
export interface EvictSql {
  /** position → type, bytes */
  readonly sealed: Statement
  /** segment's name → sealed, last, first of the range that ends with `last` */
  readonly segment: Statement
  /** positions → position, stream, name, version, hash, time, bytes if they may name a blob,
   * version up to which the stream was moved, room taken */
  readonly rows: Statement
  /** → position up to which the room of events is known; held until the commit */
  readonly measured: Statement
  /** sealed, name, events, last: so many more. */
  readonly progress: Statement
  /** positions */
  readonly remove: Statement
  /** bytes: less of them are taken. */
  readonly shrink: Statement
  /** firsts, lasts, segment */
  readonly ranges: Statement
  /** streams, segment, versions, times */
  readonly seams: Statement
  /** digests, positions */
  readonly names: Statement
  /** Guesses that were made before do not hold any more. */
  readonly tell: Statement
  /** sealed, name: nothing is left to be done for the segment. */
  readonly done: Statement
  /** after, up to: the room of these events is known too. */
  readonly measure: Statement
}

/** Writes the statements of an eviction. */
export function evictSql(schema: string): EvictSql {
  const s = quoted(schema)
  return { ...lookSql(s), ...moveSql(s), ...noteSql(s) }
}

function lookSql(s: string): Pick<EvictSql, 'sealed' | 'segment' | 'rows' | 'measured'> {
  return {
    sealed: named('sealed', `SELECT type, bytes FROM ${s}.events WHERE position = $1`),
    segment: named(
      'segment',
      `SELECT g.sealed, g.last,
         (SELECT max(r.first) FROM ${s}.moved_ranges r WHERE r.first <= g.last)
       FROM ${s}.segments g WHERE g.name = $1`,
    ),
    rows: named(
      'rows',
      `SELECT e.position, e.stream, s.name, e.version, e.hash, e.time,
         CASE WHEN strpos(e.bytes, '"$blob":"') > 0 THEN e.bytes ELSE '' END,
         (SELECT coalesce(max(m.version), 0) FROM ${s}.moved_streams m WHERE m.stream = e.stream),
         pg_column_size(e.bytes) + ${EVENT_ROW_BYTES}
       FROM unnest($1::bigint[]) AS p (position)
       JOIN ${s}.events e ON e.position = p.position JOIN ${s}.streams s ON s.id = e.stream`,
    ),
    measured: named('measured', `SELECT position FROM ${s}.measured FOR UPDATE`),
  }
}

function moveSql(s: string): Pick<EvictSql, 'remove' | 'ranges' | 'seams' | 'names'> {
  return {
    remove: named('remove', `DELETE FROM ${s}.events WHERE position = ANY ($1::bigint[])`),
    ranges: named(
      'ranges',
      `INSERT INTO ${s}.moved_ranges (first, last, segment)
       SELECT first, last, $3::bigint
       FROM unnest($1::bigint[], $2::bigint[]) AS r (first, last)
       ON CONFLICT (first) DO UPDATE SET last = excluded.last`,
    ),
    seams: named(
      'seams',
      `INSERT INTO ${s}.moved_streams (stream, segment, version, time)
       SELECT stream, $2::bigint, version, time
       FROM unnest($1::bigint[], $3::bigint[], $4::bigint[]) AS t (stream, version, time)
       ON CONFLICT (stream, segment)
       DO UPDATE SET version = excluded.version, time = excluded.time`,
    ),
    names: named(
      'names',
      `INSERT INTO ${s}.blob_names (digest, position)
       SELECT digest, position FROM unnest(${lines(1)}, $2::bigint[]) AS n (digest, position)
       ON CONFLICT DO NOTHING`,
    ),
  }
}

function noteSql(s: string): Pick<EvictSql, 'progress' | 'shrink' | 'tell' | 'done' | 'measure'> {
  return {
    progress: named(
      'progress',
      `INSERT INTO ${s}.segments AS g (sealed, name, events, last, is_done)
       VALUES ($1, $2, $3, $4, false) ON CONFLICT (sealed)
       DO UPDATE SET events = g.events + excluded.events, last = excluded.last`,
    ),
    shrink: named('shrink', `UPDATE ${s}.measured SET bytes = bytes - $1`),
    tell: named('tell', `UPDATE ${s}.log SET moved = moved + 1`),
    done: named(
      'done',
      `INSERT INTO ${s}.segments (sealed, name, events, last, is_done)
       VALUES ($1, $2, 0, 0, true) ON CONFLICT (sealed) DO UPDATE SET is_done = true`,
    ),
    measure: named(
      'measure',
      `UPDATE ${s}.measured SET position = $2, bytes = bytes + (
         SELECT coalesce(sum(pg_column_size(e.bytes) + ${EVENT_ROW_BYTES}), 0)::bigint
         FROM ${s}.events e WHERE e.position > $1 AND e.position <= $2)`,
    ),
  }
}

function named(name: string, text: string): Statement {
  return { name: `ice_evict_${name}`, text }
}
