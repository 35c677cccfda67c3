/** The statements of appending, for one schema. */
import { blobSql, blobText } from './blob-sql.ts'
import { FORMAT, quoted } from './format.ts'
import { lines } from './lists.ts'
import type { Statement } from './session.ts'
import { SERVER_NOW } from './tables.ts'

/** The statements of one schema. */
export interface Sql {
  readonly begin: Statement
  readonly commit: Statement
  readonly rollback: Statement
  /** → position, streams, format, incarnation, moved. Whoever has this row may append. */
  readonly lock: Statement
  /** The server's clock, now and not when the transaction began. → ms */
  readonly clock: Statement
  /** names → index, id, version, time: a row for each stream that is there. */
  readonly heads: Statement
  /** → position and streams after it; no row, and nothing done, when a condition does not hold. */
  readonly insert: Statement
  /** digest, content, bytes, time */
  readonly blob: Statement
  /** digests → those that are there */
  readonly known: Statement
  /** names, froms, tos → index, version, position, bytes; 0 and a segment for what was moved */
  readonly places: Statement
  /** names, versions → position, hash: in the order of the names, those that are there. */
  readonly hashes: Statement
  /** names, versions → a row if some of them were moved */
  readonly gone: Statement
}

/** Writes the statements of appending. */
export function appendSql(schema: string): Sql {
  const s = quoted(schema)
  return {
    begin: { text: 'BEGIN ISOLATION LEVEL READ COMMITTED' },
    commit: { text: 'COMMIT' },
    rollback: { text: 'ROLLBACK' },
    lock: {
      name: 'ice_lock',
      text: `SELECT position, streams, format, incarnation, moved FROM ${s}.log FOR UPDATE`,
    },
    clock: { name: 'ice_clock', text: `SELECT ${SERVER_NOW}` },
    heads: { name: 'ice_heads', text: headsText(s) },
    insert: { name: 'ice_insert', text: insertText(s) },
    blob: { name: 'ice_blob', text: blobText(s) },
    known: blobSql(schema).known,
    places: { name: 'ice_places', text: placesText(s) },
    hashes: { name: 'ice_hashes', text: hashesText(s) },
    gone: { name: 'ice_gone', text: goneText(s) },
  }
}

const headsText = (s: string): string => `
  SELECT n.i, s.id, h.version, h.time
  FROM unnest(${lines(1)}) WITH ORDINALITY AS n (name, i)
  JOIN ${s}.streams s ON s.name = n.name
  CROSS JOIN LATERAL (
    (SELECT e.version, e.time FROM ${s}.events e
     WHERE e.stream = s.id ORDER BY e.version DESC LIMIT 1)
    UNION ALL
    (SELECT m.version, m.time FROM ${s}.moved_streams m
     WHERE m.stream = s.id ORDER BY m.version DESC LIMIT 1)
    ORDER BY version DESC LIMIT 1
  ) h`

/**
 * Parameters: events and new streams counted; position the log has at least, its incarnation,
 * notAfter; what must not be there: streams by name, and in streams by number a version; names of
 * new streams; six columns of events; how often something was moved before the heads were read.
 */
const insertText = (s: string): string => `
  WITH moved AS (
    UPDATE ${s}.log SET position = position + $1::bigint, streams = streams + $2::bigint
    WHERE position >= $3 AND incarnation = $4 AND format = ${FORMAT.version}
      AND moved = $16
      AND ($5::bigint IS NULL OR ${SERVER_NOW} <= $5)
      AND NOT EXISTS (
        SELECT 1 FROM unnest(${lines(6)}) AS n (name) JOIN ${s}.streams s ON s.name = n.name
      )
      AND NOT EXISTS (
        SELECT 1 FROM unnest($7::bigint[], $8::bigint[]) AS n (stream, version)
        JOIN ${s}.events e ON e.stream = n.stream AND e.version = n.version
      )
    RETURNING position, streams
  ), named AS (
    INSERT INTO ${s}.streams (id, name)
    SELECT moved.streams - $2 + k, name
    FROM moved, unnest(${lines(9)}) WITH ORDINALITY AS n (name, k)
  ), kept AS (
    INSERT INTO ${s}.events (position, stream, version, time, type, bytes, hash)
    SELECT moved.position - $1 + i,
      CASE WHEN stream < 0 THEN moved.streams - $2 - stream ELSE stream END,
      version, time, type, bytes, hash
    FROM moved, unnest($10::bigint[], $11::bigint[], $12::bigint[], ${lines(13)}, ${lines(14)},
      ${lines(15)}) WITH ORDINALITY AS t (stream, version, time, type, bytes, hash, i)
  )
  SELECT position, streams FROM moved`

const placesText = (s: string): string => `
  SELECT n.i, e.version, e.position, e.bytes
  FROM unnest(${lines(1)}, $2::bigint[], $3::bigint[]) WITH ORDINALITY AS n (name, a, b, i)
  JOIN ${s}.streams s ON s.name = n.name
  JOIN ${s}.events e ON e.stream = s.id AND e.version > n.a AND e.version <= n.b
  UNION ALL
  SELECT n.i, m.version, 0, m.name
  FROM unnest(${lines(1)}, $2::bigint[]) WITH ORDINALITY AS n (name, a, i)
  JOIN ${s}.streams s ON s.name = n.name
  CROSS JOIN LATERAL (
    SELECT m.version, g.name FROM ${s}.moved_streams m JOIN ${s}.segments g ON g.sealed = m.segment
    WHERE m.stream = s.id AND m.version > n.a ORDER BY m.version LIMIT 1
  ) m`

const hashesText = (s: string): string => `
  SELECT e.position, e.hash
  FROM unnest(${lines(1)}, $2::bigint[]) WITH ORDINALITY AS n (name, version, i)
  JOIN ${s}.streams s ON s.name = n.name
  JOIN ${s}.events e ON e.stream = s.id AND e.version = n.version
  ORDER BY n.i`

const goneText = (s: string): string => `
  SELECT 1 FROM unnest(${lines(1)}, $2::bigint[]) AS n (name, version)
  JOIN ${s}.streams s ON s.name = n.name
  JOIN ${s}.moved_streams m ON m.stream = s.id AND m.version >= n.version LIMIT 1`
