/** The statements of appending and reading, for one schema. */
import { quoted } from './format.ts'
import type { Statement } from './session.ts'

/**
 * Lists travel as one text with a line for each value, not as arrays, whose every quote and
 * backslash would have to be escaped: canonical JSON, ids and hashes have no control characters.
 */
const lines = (parameter: number): string => `string_to_array($${parameter}, E'\\n')`

/** The statements of one schema. */
export interface Sql {
  readonly begin: Statement
  readonly commit: Statement
  readonly rollback: Statement
  /** → position, streams, format, incarnation. Whoever has this row may append. */
  readonly lock: Statement
  /** The server's clock, now and not when the transaction began. → ms */
  readonly clock: Statement
  /** names → index, id, version, time: a row for each stream that is there. */
  readonly heads: Statement
  /** position, streams; ids and names of new streams; six columns of events, first position − 1 */
  readonly insert: Statement
  readonly blob: Statement
  /** names, froms, tos → index, version, position, bytes */
  readonly places: Statement
  /** → position, hash */
  readonly hashes: Statement
}

/** Writes the statements of appending. */
export function appendSql(schema: string): Sql {
  const s = quoted(schema)
  return {
    begin: { text: 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE' },
    commit: { text: 'COMMIT' },
    rollback: { text: 'ROLLBACK' },
    lock: {
      name: 'ice_lock',
      text: `SELECT position, streams, format, incarnation FROM ${s}.log FOR UPDATE`,
    },
    clock: {
      name: 'ice_clock',
      text: 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint',
    },
    heads: {
      name: 'ice_heads',
      text:
        `SELECT n.i, s.id, h.version, h.time FROM unnest(${lines(1)}) WITH ORDINALITY AS n (name, i) ` +
        `JOIN ${s}.streams s ON s.name = n.name CROSS JOIN LATERAL (SELECT e.version, e.time ` +
        `FROM ${s}.events e WHERE e.stream = s.id ORDER BY e.version DESC LIMIT 1) h`,
    },
    insert: {
      name: 'ice_insert',
      text:
        `WITH moved AS (UPDATE ${s}.log SET position = $1, streams = $2), named AS (` +
        `INSERT INTO ${s}.streams (id, name) SELECT * FROM unnest($3::bigint[], ${lines(4)})) ` +
        `INSERT INTO ${s}.events (position, stream, version, time, type, bytes, hash) ` +
        'SELECT $11::bigint + i, stream, version, time, type, bytes, hash FROM unnest(' +
        `$5::bigint[], $6::bigint[], $7::bigint[], ${lines(8)}, ${lines(9)}, ${lines(10)}) ` +
        'WITH ORDINALITY AS t (stream, version, time, type, bytes, hash, i)',
    },
    blob: {
      name: 'ice_blob',
      text: `INSERT INTO ${s}.blobs (digest, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
    },
    places: {
      name: 'ice_places',
      text:
        'SELECT n.i, e.version, e.position, e.bytes FROM ' +
        `unnest(${lines(1)}, $2::bigint[], $3::bigint[]) WITH ORDINALITY AS n (name, a, b, i) ` +
        `JOIN ${s}.streams s ON s.name = n.name JOIN ${s}.events e ON e.stream = s.id ` +
        'AND e.version > n.a AND e.version <= n.b',
    },
    hashes: {
      name: 'ice_hashes',
      text:
        `SELECT position, hash FROM ${s}.events WHERE position > $1 AND position <= $2 ` +
        'ORDER BY position',
    },
  }
}

/** `{1,2,3}`: what the server reads as an array of numbers. */
export function numbers(values: readonly number[]): string {
  return `{${values.join()}}`
}

/** A list of texts without control characters, as one. */
export function textLines(values: readonly string[]): string {
  return values.join('\n')
}
