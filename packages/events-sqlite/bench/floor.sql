-- The indexed floor of P1, frozen: the least that any store with this table has to do. The bytes
-- are serialised and hashed beforehand, nothing is checked, nobody is answered.
-- Changing a line here changes what every earlier figure was measured against.

-- file
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL,
  version INTEGER NOT NULL,
  type INTEGER NOT NULL,
  bytes TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_place ON events (stream, version);

-- begin
BEGIN IMMEDIATE

-- insert
INSERT INTO events (position, stream, version, type, bytes, hash) VALUES (?, ?, ?, ?, ?, ?)

-- commit
COMMIT
