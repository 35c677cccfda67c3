/**
 * The tables of each format, and the way from one to the next.
 *
 * Blobs since format 2: a blob is a name (`digest`) for a content that lies in portions. Contents
 * that no name leads to, because they are still being brought in or are being removed, are listed
 * in `blob_loose`; so a name can come and go in one small statement, however large its content.
 *
 *     blob_loose   content, touched_at   ; touched_at < 0: condemned, to be removed
 *     blobs        digest → content, size, brought_at
 *     blob_portions (content, n) → bytes ; 1 MiB each, but for the last
 *     blob_names   digest → position     ; some event that names it, for all events up to …
 *     blob_scan    position              ; … this one
 *
 * Moved events since format 3: their rows are gone, what judging and reading need of them is kept.
 * A stream is moved from its beginning on, so what is left of it follows its last moved version.
 *
 *     segments      sealed → name, events, last, is_done  ; sealed: position of its SegmentSealed
 *     moved_ranges  first → last, segment                 ; neighbouring positions
 *     moved_streams (stream, segment) → version, time     ; of its last event there
 *     moved_blobs   digest → segment
 *     measured      position, bytes                       ; room of the events here up to position
 */
import { BLOB_PORTION_BYTES } from '@ice/events/adapter'

/** The server's clock, now and not when the transaction began. @units epoch milliseconds */
export const SERVER_NOW = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

// The one row is written anew by every commit: it gets a page of its own, so that the dead
// versions are pruned in passing.
const eventTables = (s: string): string => `
    CREATE TABLE ${s}.log (
      one BOOLEAN PRIMARY KEY CHECK (one),
      format INTEGER NOT NULL,
      incarnation TEXT NOT NULL,
      durability TEXT NOT NULL,
      position BIGINT NOT NULL,
      streams BIGINT NOT NULL,
      moved BIGINT NOT NULL DEFAULT 0
    ) WITH (fillfactor = 10);
    CREATE TABLE ${s}.streams (
      id BIGINT PRIMARY KEY,
      name TEXT COLLATE "C" NOT NULL UNIQUE
    );
    CREATE TABLE ${s}.events (
      position BIGINT PRIMARY KEY,
      stream BIGINT NOT NULL,
      version BIGINT NOT NULL,
      type TEXT COLLATE "C" NOT NULL,
      time BIGINT NOT NULL,
      bytes TEXT NOT NULL,
      hash TEXT COLLATE "C" NOT NULL
    );
    CREATE UNIQUE INDEX events_place ON ${s}.events (stream, version);`

// Portions are as good as random to a compressor: EXTERNAL keeps it from trying.
const blobTables = (s: string): string => `
    CREATE TABLE ${s}.blobs (
      digest TEXT COLLATE "C" PRIMARY KEY,
      content UUID NOT NULL,
      size BIGINT NOT NULL,
      brought_at BIGINT NOT NULL
    );
    CREATE TABLE ${s}.blob_portions (
      content UUID NOT NULL,
      n INTEGER NOT NULL,
      bytes BYTEA NOT NULL,
      PRIMARY KEY (content, n)
    );
    ALTER TABLE ${s}.blob_portions ALTER COLUMN bytes SET STORAGE EXTERNAL;
    CREATE TABLE ${s}.blob_loose (content UUID PRIMARY KEY, touched_at BIGINT NOT NULL);
    CREATE TABLE ${s}.blob_names (digest TEXT COLLATE "C" PRIMARY KEY, position BIGINT NOT NULL);
    CREATE TABLE ${s}.blob_scan (one BOOLEAN PRIMARY KEY CHECK (one), position BIGINT NOT NULL);
    INSERT INTO ${s}.blob_scan VALUES (true, 0);`

const movedTables = (s: string): string => `
    CREATE TABLE ${s}.segments (
      sealed BIGINT PRIMARY KEY,
      name TEXT COLLATE "C" NOT NULL UNIQUE,
      events BIGINT NOT NULL,
      last BIGINT NOT NULL,
      is_done BOOLEAN NOT NULL
    );
    CREATE TABLE ${s}.moved_ranges (
      first BIGINT PRIMARY KEY,
      last BIGINT NOT NULL,
      segment BIGINT NOT NULL
    );
    CREATE TABLE ${s}.moved_streams (
      stream BIGINT NOT NULL,
      segment BIGINT NOT NULL,
      version BIGINT NOT NULL,
      time BIGINT NOT NULL,
      PRIMARY KEY (stream, segment)
    );
    CREATE TABLE ${s}.moved_blobs (digest TEXT COLLATE "C" PRIMARY KEY, segment BIGINT NOT NULL);
    CREATE TABLE ${s}.measured (
      one BOOLEAN PRIMARY KEY CHECK (one),
      position BIGINT NOT NULL,
      bytes BIGINT NOT NULL
    );
    INSERT INTO ${s}.measured VALUES (true, 0, 0);`

/** Makes the tables of the current format in an empty schema. */
export function tables(s: string): string {
  return eventTables(s) + blobTables(s) + movedTables(s)
}

/** Names of the tables, sorted. */
export const TABLE_NAMES: readonly string[] = [
  'blob_loose',
  'blob_names',
  'blob_portions',
  'blob_scan',
  'blobs',
  'events',
  'log',
  'measured',
  'moved_blobs',
  'moved_ranges',
  'moved_streams',
  'segments',
  'streams',
]

/** Format 1 kept each blob whole, under its digest. */
export function migrateTo2(s: string): string {
  const portions = `(length(o.bytes) + ${BLOB_PORTION_BYTES - 1}) / ${BLOB_PORTION_BYTES} - 1`
  return `
    ALTER TABLE ${s}.blobs RENAME TO blobs_1;
    ALTER INDEX ${s}.blobs_pkey RENAME TO blobs_1_pkey;
    ${blobTables(s)}
    INSERT INTO ${s}.blobs (digest, content, size, brought_at)
    SELECT digest, gen_random_uuid(), length(bytes), ${SERVER_NOW} FROM ${s}.blobs_1;
    INSERT INTO ${s}.blob_portions (content, n, bytes)
    SELECT b.content, n, ${portionOf('o.bytes')}
    FROM ${s}.blobs b JOIN ${s}.blobs_1 o ON o.digest = b.digest,
      generate_series(0, ${portions}) AS n;
    DROP TABLE ${s}.blobs_1`
}

/** Format 2 had every event in its own table. Nothing is copied or looked at. */
export function migrateTo3(s: string): string {
  return `ALTER TABLE ${s}.log ADD COLUMN moved BIGINT NOT NULL DEFAULT 0; ${movedTables(s)}`
}

/** Portion `n` of bytes, as SQL. */
export function portionOf(bytes: string): string {
  return `substring(${bytes} FROM n * ${BLOB_PORTION_BYTES} + 1 FOR ${BLOB_PORTION_BYTES})`
}
