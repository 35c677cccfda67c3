-- A log as format 1 had it: one event, and two blobs, one of more than a portion.
CREATE TABLE log (
  one BOOLEAN PRIMARY KEY CHECK (one),
  format INTEGER NOT NULL,
  incarnation TEXT NOT NULL,
  durability TEXT NOT NULL,
  position BIGINT NOT NULL,
  streams BIGINT NOT NULL
) WITH (fillfactor = 10);
CREATE TABLE streams (
  id BIGINT PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE events (
  position BIGINT PRIMARY KEY,
  stream BIGINT NOT NULL,
  version BIGINT NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  time BIGINT NOT NULL,
  bytes TEXT NOT NULL,
  hash TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX events_place ON events (stream, version);
CREATE TABLE blobs (digest TEXT COLLATE "C" PRIMARY KEY, bytes BYTEA NOT NULL);
INSERT INTO log VALUES (true, 1, '5d1c1a52-6f0c-4bd5-9a2b-0f5b9b7a1c11', 'disk', 0, 0);
INSERT INTO blobs
SELECT encode(sha256(bytes), 'hex'), bytes
FROM (VALUES (convert_to(repeat('small ', 3), 'UTF8')), (convert_to(repeat('large ', 400000), 'UTF8')), (''::bytea)) AS b (bytes);
