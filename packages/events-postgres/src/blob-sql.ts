/** The statements of blobs, for one schema. */
import { BLOB_PORTION_BYTES } from '@ice/events/adapter'
import { quoted } from './format.ts'
import { lines } from './lists.ts'
import type { Statement } from './session.ts'
import { portionOf, SERVER_NOW } from './tables.ts'

/** The statements of one schema. Times that are NULL are the server's. */
export interface BlobSql {
  /** digest → content, size */
  readonly find: Statement
  /** content, n → bytes */
  readonly portion: Statement
  /** digests → those that are there */
  readonly known: Statement
  /** content, time: a content that has no name yet. */
  readonly begin: Statement
  /** content, n, bytes, time → a row, unless the content was condemned meanwhile */
  readonly bring: Statement
  /** digest, content, size, time → content that has the name now, or none if it was condemned */
  readonly name: Statement
  /** content: nobody wants it. */
  readonly condemn: Statement
  /** time, how many → contents to be removed: condemned, or not touched since */
  readonly loose: Statement
  /** content, time → a row, if it is condemned by this or was before */
  readonly seize: Statement
  /** content → the last n of it */
  readonly extent: Statement
  /** content, n: removes portions before n. */
  readonly drop: Statement
  /** content: there is nothing of it any more. */
  readonly forget: Statement
  /** → the position up to which names were looked for */
  readonly scanned: Statement
  /** after, up to, how many → position, bytes: of events that look as if they name a blob */
  readonly naming: Statement
  /** digests, positions, position up to which names were looked for */
  readonly note: Statement
  /** digest before, time, how many → digests that no event is known to name */
  readonly candidates: Statement
  /** digests, time → how many were removed, and their bytes */
  readonly remove: Statement
  /** digests, segment → content, size of those that were there: they are in the archive now */
  readonly moveAway: Statement
  /** → how many blobs there are */
  readonly count: Statement
  /** → the server's clock */
  readonly clock: Statement
}

/** Writes the statements of blobs. */
export function blobSql(schema: string): BlobSql {
  const s = quoted(schema)
  return { ...readSql(s), ...stageSql(s), ...sweepSql(s), ...collectSql(s) }
}

function readSql(s: string): Pick<BlobSql, 'find' | 'portion' | 'known' | 'count' | 'clock'> {
  return {
    find: named('find', `SELECT content::text, size FROM ${s}.blobs WHERE digest = $1`),
    portion: named(
      'portion',
      `SELECT bytes FROM ${s}.blob_portions WHERE content = $1::uuid AND n = $2`,
    ),
    known: named('known', `SELECT digest FROM ${s}.blobs WHERE digest = ANY (${lines(1)})`),
    count: named('count', `SELECT count(*) FROM ${s}.blobs`),
    clock: named('clock', `SELECT ${SERVER_NOW}`),
  }
}

function stageSql(s: string): Pick<BlobSql, 'begin' | 'bring' | 'name' | 'condemn'> {
  return {
    begin: named(
      'begin',
      `INSERT INTO ${s}.blob_loose (content, touched_at)
       VALUES ($1::uuid, coalesce($2::bigint, ${SERVER_NOW})) ON CONFLICT DO NOTHING`,
    ),
    // Written again when the answer was lost, it finds the portion there.
    bring: named(
      'bring',
      `WITH held AS (
         UPDATE ${s}.blob_loose SET touched_at = coalesce($4::bigint, ${SERVER_NOW})
         WHERE content = $1::uuid AND touched_at >= 0 RETURNING content
       ), kept AS (
         INSERT INTO ${s}.blob_portions (content, n, bytes)
         SELECT content, $2::integer, $3::bytea FROM held ON CONFLICT DO NOTHING
       ) SELECT 1 FROM held`,
    ),
    // Written again when the answer was lost, it finds the name leading to its content.
    name: named(
      'name',
      `WITH held AS (
         SELECT content FROM ${s}.blob_loose WHERE content = $2::uuid AND touched_at >= 0 FOR UPDATE
       ), brought AS (
         INSERT INTO ${s}.blobs (digest, content, size, brought_at)
         SELECT $1, content, $3::bigint, coalesce($4::bigint, ${SERVER_NOW}) FROM held
         ON CONFLICT (digest) DO UPDATE SET brought_at = excluded.brought_at
         RETURNING content
       ), done AS (
         DELETE FROM ${s}.blob_loose l USING brought b
         WHERE l.content = b.content AND l.content = $2::uuid
       )
       SELECT content::text FROM brought
       UNION ALL SELECT content::text FROM ${s}.blobs WHERE digest = $1 AND content = $2::uuid`,
    ),
    condemn: named(
      'condemn',
      `UPDATE ${s}.blob_loose SET touched_at = -1 WHERE content = $1::uuid`,
    ),
  }
}

function sweepSql(s: string): Pick<BlobSql, 'loose' | 'seize' | 'extent' | 'drop' | 'forget'> {
  const isDead = (time: string): string => `(touched_at < 0 OR touched_at <= ${time})`
  return {
    loose: named(
      'loose',
      `SELECT content::text FROM ${s}.blob_loose WHERE ${isDead('$1')} ORDER BY content LIMIT $2`,
    ),
    seize: named(
      'seize',
      `UPDATE ${s}.blob_loose SET touched_at = -1 WHERE content = $1::uuid AND ${isDead('$2')}
       RETURNING 1`,
    ),
    extent: named('extent', `SELECT max(n) FROM ${s}.blob_portions WHERE content = $1::uuid`),
    drop: named('drop', `DELETE FROM ${s}.blob_portions WHERE content = $1::uuid AND n < $2`),
    forget: named('forget', `DELETE FROM ${s}.blob_loose WHERE content = $1::uuid`),
  }
}

function collectSql(
  s: string,
): Pick<BlobSql, 'scanned' | 'naming' | 'note' | 'candidates' | 'remove' | 'moveAway'> {
  const isUnnamed = `NOT EXISTS (SELECT 1 FROM ${s}.blob_names n WHERE n.digest = b.digest)`
  return {
    scanned: named('scanned', `SELECT position FROM ${s}.blob_scan`),
    naming: named(
      'naming',
      `SELECT position, bytes FROM ${s}.events WHERE position > $1 AND position <= $2
       AND strpos(bytes, '"$blob":"') > 0 ORDER BY position LIMIT $3`,
    ),
    note: named(
      'note',
      `WITH noted AS (
         INSERT INTO ${s}.blob_names (digest, position)
         SELECT digest, position FROM unnest(${lines(1)}, $2::bigint[]) AS n (digest, position)
         ON CONFLICT DO NOTHING
       ) UPDATE ${s}.blob_scan SET position = greatest(position, $3)`,
    ),
    candidates: named(
      'candidates',
      `SELECT b.digest FROM ${s}.blobs b WHERE b.digest > $1 AND b.brought_at <= $2
       AND ${isUnnamed} ORDER BY b.digest LIMIT $3`,
    ),
    remove: named(
      'remove',
      `WITH gone AS (
         DELETE FROM ${s}.blobs b WHERE b.digest = ANY (${lines(1)}) AND b.brought_at <= $2
         AND ${isUnnamed} RETURNING b.content, b.size
       ), loose AS (
         INSERT INTO ${s}.blob_loose (content, touched_at) SELECT content, -1 FROM gone
       ) SELECT count(*), coalesce(sum(size), 0)::bigint FROM gone`,
    ),
    moveAway: named(
      'move_away',
      `WITH gone AS (
         DELETE FROM ${s}.blobs WHERE digest = ANY (${lines(1)}) RETURNING digest, content, size
       ), loose AS (
         INSERT INTO ${s}.blob_loose (content, touched_at) SELECT content, -1 FROM gone
       ), unnamed AS (
         DELETE FROM ${s}.blob_names n USING gone g WHERE n.digest = g.digest
       ), kept AS (
         INSERT INTO ${s}.moved_blobs (digest, segment) SELECT digest, $2::bigint FROM gone
         ON CONFLICT (digest) DO UPDATE SET segment = excluded.segment
       ) SELECT count(*), coalesce(sum(size), 0)::bigint FROM gone`,
    ),
  }
}

/** Brings a blob with its event, in the transaction of the unit: digest, content, bytes, time. */
export function blobText(s: string): string {
  const last = `(length($3::bytea) + ${BLOB_PORTION_BYTES - 1}) / ${BLOB_PORTION_BYTES} - 1`
  return `
  WITH brought AS (
    INSERT INTO ${s}.blobs (digest, content, size, brought_at)
    VALUES ($1, $2::uuid, length($3::bytea), coalesce($4::bigint, ${SERVER_NOW}))
    ON CONFLICT (digest) DO UPDATE SET brought_at = excluded.brought_at
    RETURNING content
  )
  INSERT INTO ${s}.blob_portions (content, n, bytes)
  SELECT content, n, ${portionOf('$3::bytea')}
  FROM brought, generate_series(0, ${last}) AS n WHERE content = $2::uuid`
}

function named(name: string, text: string): Statement {
  return { name: `ice_blob_${name}`, text }
}
