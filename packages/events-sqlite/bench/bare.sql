-- The bare insert of P1, frozen: a position and the bytes, no index. See floor.sql.

-- file
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE events (position INTEGER PRIMARY KEY, bytes TEXT NOT NULL) STRICT;

-- begin
BEGIN IMMEDIATE

-- insert
INSERT INTO events (position, bytes) VALUES (?, ?)

-- commit
COMMIT
