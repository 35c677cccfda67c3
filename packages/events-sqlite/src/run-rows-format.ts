/**
 * The file of the index of runs, and how a row stands in it.
 *
 *     mark      the one row: incarnation and position
 *     names     id → name                  ; owners and queues
 *     programs  id → name, version
 *     runs      run → what is asked for, in columns; the rest as JSON in `more`, NULL for none
 *     tags      name, value, run
 *     listens   type, run                  ; of sleepers alone
 *
 * A suspended run takes about 150 bytes. `turn` is since when a run is ready: set with the row, or,
 * of a sleeper that is due, by the first look that finds it so; and it is no more than an index.
 *
 * The file is disposable: one of another format, or one that is damaged, is made anew.
 */
import { canonicalize, type JsonObject, parseStrict, type RunId } from '@ice/primitives'
import { RUN_STANDINGS, RUN_STATES } from '@ice/runs/adapter'
import type { RunRow } from '@ice/runs/ports'

/** `user_version` of the file. */
export const RUN_ROWS_FORMAT = 1

const READY = RUN_STANDINGS.indexOf('ready')
const ASLEEP = RUN_STANDINGS.indexOf('asleep')
const HELD = RUN_STANDINGS.indexOf('held')
const ENDED = RUN_STANDINGS.indexOf('ended')

export const RUN_TABLES: string = `
CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), incarnation TEXT NOT NULL,
  position INTEGER NOT NULL) STRICT;
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE programs (id INTEGER PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL,
  UNIQUE (name, version)) STRICT;
CREATE TABLE runs (run BLOB PRIMARY KEY, program INTEGER NOT NULL, state INTEGER NOT NULL,
  standing INTEGER NOT NULL, owner INTEGER NOT NULL, queue INTEGER NOT NULL, ckey TEXT,
  priority INTEGER NOT NULL, parent BLOB, line BLOB, key TEXT, created INTEGER NOT NULL,
  since INTEGER NOT NULL, at INTEGER NOT NULL, until INTEGER, turn INTEGER, deadline INTEGER,
  aborting INTEGER NOT NULL, doubts INTEGER NOT NULL, more TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE tags (name TEXT NOT NULL, value TEXT NOT NULL, run BLOB NOT NULL,
  PRIMARY KEY (name, value, run)) STRICT, WITHOUT ROWID;
CREATE TABLE listens (type TEXT NOT NULL, run BLOB NOT NULL,
  PRIMARY KEY (type, run)) STRICT, WITHOUT ROWID;
CREATE INDEX ready ON runs (queue, priority DESC, turn, run) WHERE turn IS NOT NULL;
CREATE INDEX due ON runs (until) WHERE turn IS NULL AND until IS NOT NULL;
CREATE INDEX held ON runs (owner) WHERE standing = ${HELD};
CREATE INDEX open ON runs (queue, standing, since, doubts) WHERE standing < ${ENDED};
CREATE INDEX parents ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX lines ON runs (line) WHERE line IS NOT NULL;
CREATE INDEX keys ON runs (key) WHERE key IS NOT NULL;
CREATE INDEX doubted ON runs (run) WHERE doubts > 0;
CREATE INDEX deadlines ON runs (deadline)
  WHERE deadline IS NOT NULL AND aborting = 0 AND standing < ${ENDED};
PRAGMA user_version = ${RUN_ROWS_FORMAT};`

/** A run as its sixteen bytes; what is no UUID has others, and is found nowhere. */
export function bytesOf(run: string): Buffer {
  return Buffer.from(run.replaceAll('-', ''), 'hex')
}

/** Sixteen bytes as the run that they are. */
export function runOf(bytes: Buffer): RunId {
  const hex = bytes.toString('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return [...parts, hex.slice(20)].join('-') as RunId
}

/** What has no column. */
type More = Pick<RunRow, 'continuedAs' | 'crashedAt' | 'crashes' | 'doubts' | 'listens' | 'tags'>

/** The rest of a row; `null` when there is nothing to say. */
export function moreOf(row: RunRow): string | null {
  const { tags, doubts, listens, continuedAs, crashes, crashedAt } = row
  const more = {
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(doubts.length === 0 ? {} : { doubts }),
    ...(listens.length === 0 ? {} : { listens }),
    ...(continuedAs === null ? {} : { continuedAs }),
    ...(crashes === 0 ? {} : { crashes, crashedAt }),
  }
  return Object.keys(more).length === 0 ? null : canonicalize(more as unknown as JsonObject)
}

/** The rest of a row as it was kept. */
export function readMore(text: string | null): More {
  const more = text === null ? {} : (parseStrict(text) as Partial<More>)
  const none = { tags: {}, doubts: [], listens: [], continuedAs: null, crashes: 0, crashedAt: 0 }
  return { ...none, ...more }
}

/** Types that a row listens for: of a sleeper alone. */
export function typesOf({ standing, listens }: Pick<RunRow, 'listens' | 'standing'>): string[] {
  if (standing !== 'asleep') return []
  return [...new Set(listens.flatMap((one) => ('types' in one ? one.types : [])))]
}

/** A row of `runs` with its names. */
export interface StoredRow {
  readonly run: Buffer
  readonly programName: string
  readonly programVersion: string
  readonly state: number
  readonly standing: number
  readonly ownerName: string
  readonly queueName: string
  readonly ckey: string | null
  readonly priority: number
  readonly parent: Buffer | null
  readonly line: Buffer | null
  readonly key: string | null
  readonly created: number
  readonly since: number
  readonly at: number
  readonly until: number | null
  readonly deadline: number | null
  readonly aborting: number
  readonly more: string | null
}

/** The row that was kept. */
export function readRow(stored: StoredRow): RunRow {
  const run = runOf(stored.run)
  return {
    run,
    program: { name: stored.programName, version: stored.programVersion },
    state: RUN_STATES[stored.state],
    standing: RUN_STANDINGS[stored.standing],
    owner: stored.ownerName,
    queue: stored.queueName,
    concurrencyKey: stored.ckey,
    priority: stored.priority,
    parent: stored.parent === null ? null : runOf(stored.parent),
    line: stored.line === null ? run : runOf(stored.line),
    key: stored.key,
    createdAt: stored.created,
    since: stored.since,
    at: stored.at,
    until: stored.until,
    deadline: stored.deadline,
    aborting: stored.aborting === 1,
    ...readMore(stored.more),
  } as RunRow
}

/** Since when a row is ready; a sleeper that is due is found so when somebody looks. */
export function turnOf({ standing, since }: RunRow): number | null {
  return standing === 'ready' ? since : null
}

/** Numbers of standings, for statements. */
export const NUMBERS: Readonly<Record<'ASLEEP' | 'ENDED' | 'HELD' | 'READY', number>> = {
  READY,
  ASLEEP,
  HELD,
  ENDED,
}
