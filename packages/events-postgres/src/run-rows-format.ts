/** How a row of the index stands in its table, and the statement that finds rows by conditions. */
import { canonicalize, type JsonObject, parseStrict, type RunId } from '@ice/primitives'
import { RUN_STANDINGS, RUN_STATES } from '@ice/runs/adapter'
import type { RunPageQuery, RunRow } from '@ice/runs/ports'
import { escaped, unescaped } from './turns.ts'

/** Names and types of the columns, the key first. */
export const COLUMNS: readonly (readonly [string, string])[] = [
  ['run', 'uuid'],
  ['program', 'text'],
  ['version', 'text'],
  ['state', 'smallint'],
  ['standing', 'smallint'],
  ['owner', 'text'],
  ['queue', 'text'],
  ['ckey', 'text'],
  ['priority', 'integer'],
  ['parent', 'uuid'],
  ['line', 'uuid'],
  ['key', 'text'],
  ['created', 'bigint'],
  ['since', 'bigint'],
  ['at', 'bigint'],
  ['until', 'bigint'],
  ['turn', 'bigint'],
  ['deadline', 'bigint'],
  ['aborting', 'boolean'],
  ['doubts', 'integer'],
  ['tags', 'text[]'],
  ['listens', 'text[]'],
  ['more', 'text'],
]

function orNull(text: string | null): string | null {
  return text === null ? null : escaped(text)
}

/** A tag as it is searched for. */
function tagOf(name: string, value: string): string {
  return JSON.stringify([name, value])
}

/** A row by its columns. */
export function encodeRow(row: RunRow): Readonly<Record<string, unknown>> {
  const { tags, doubts, listens, continuedAs, crashes, crashedAt } = row
  const isAsleep = row.standing === 'asleep'
  const types = listens.flatMap((one) => ('types' in one && isAsleep ? one.types : []))
  const marks = Object.entries(tags).map(([name, value]) => tagOf(name, value))
  const more = { tags, doubts, listens, continuedAs, crashes, crashedAt }
  return {
    run: row.run,
    program: escaped(row.program.name),
    version: escaped(row.program.version),
    state: RUN_STATES.indexOf(row.state),
    standing: RUN_STANDINGS.indexOf(row.standing),
    owner: escaped(row.owner),
    queue: escaped(row.queue),
    ckey: orNull(row.concurrencyKey),
    priority: row.priority,
    parent: row.parent,
    line: row.line === row.run ? null : row.line,
    key: orNull(row.key),
    created: row.createdAt,
    since: row.since,
    at: row.at,
    until: isAsleep ? row.until : null,
    turn: row.standing === 'ready' ? row.since : null,
    deadline: row.deadline,
    aborting: row.aborting,
    doubts: doubts.length,
    tags: marks.length === 0 ? null : marks,
    listens: types.length === 0 ? null : [...new Set(types)].map(escaped),
    more: isPlain(row) ? null : canonicalize(more as unknown as JsonObject),
  }
}

function isPlain({ tags, doubts, listens, continuedAs, crashes }: RunRow): boolean {
  const isEmpty = Object.keys(tags).length === 0 && doubts.length === 0 && listens.length === 0
  return isEmpty && continuedAs === null && crashes === 0
}

/** The row that was kept. */
export function decodeRow(stored: readonly unknown[]): RunRow {
  const of = Object.fromEntries(COLUMNS.map(([name], i) => [name, stored[i]]))
  const text = (name: string): string | null =>
    typeof of[name] === 'string' ? unescaped(of[name]) : null
  const number = (name: string): number | null => (of[name] === null ? null : Number(of[name]))
  const none = { tags: {}, doubts: [], listens: [], continuedAs: null, crashes: 0, crashedAt: 0 }
  const more = of['more'] === null ? none : (parseStrict(String(of['more'])) as typeof none)
  return {
    run: of['run'],
    program: { name: text('program'), version: text('version') },
    state: RUN_STATES[Number(of['state'])],
    standing: RUN_STANDINGS[Number(of['standing'])],
    owner: text('owner'),
    queue: text('queue'),
    concurrencyKey: text('ckey'),
    priority: number('priority'),
    parent: of['parent'],
    line: of['line'] ?? of['run'],
    key: text('key'),
    createdAt: number('created'),
    since: number('since'),
    at: number('at'),
    until: number('until'),
    deadline: number('deadline'),
    aborting: of['aborting'],
    ...more,
  } as unknown as RunRow
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What is no UUID is no run, and the server would refuse it. */
function uuids(runs: readonly string[]): readonly string[] {
  return runs.filter((run) => UUID.test(run))
}

function uuid(run: RunId): string | null {
  return UUID.test(run) ? run : null
}

/** Builds the statement of a page. Values are never part of its text. */
export function askPage(
  s: string,
  query: RunPageQuery,
  { limit, backwards }: { readonly limit: number; readonly backwards: boolean },
): { readonly text: string; readonly values: readonly unknown[] } {
  const conditions: string[] = []
  const values: unknown[] = []
  const add = (condition: string, value: unknown): void => {
    values.push(value)
    conditions.push(condition.replaceAll('?', `$${values.length}`))
  }
  addRuns(s, query, add)
  addMembers(query, add)
  const { from, before, deadlineBefore, after } = query
  if (from !== undefined) add('created >= ?', from)
  if (before !== undefined) add('created < ?', before)
  if (deadlineBefore !== undefined) {
    add('deadline < ? AND deadline IS NOT NULL AND NOT aborting AND standing < 4', deadlineBefore)
  }
  if (after !== undefined) add(backwards ? 'run < ?' : 'run > ?', uuid(after))
  values.push(limit)
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  const columns = COLUMNS.map(([name]) => name).join()
  const order = ` ORDER BY run${backwards ? ' DESC' : ''} LIMIT $${values.length}`
  return { text: `SELECT ${columns} FROM ${s}.runs${where}${order}`, values }
}

type Add = (condition: string, value: unknown) => void

function addRuns(s: string, { runs, lines, parent, tags, listensFor }: RunPageQuery, add: Add) {
  if (runs !== undefined) add('run = ANY (?::uuid[])', uuids(runs))
  if (lines !== undefined) {
    add(
      `run IN (SELECT run FROM ${s}.runs WHERE run = ANY (?::uuid[]) AND line IS NULL ` +
        `UNION ALL SELECT run FROM ${s}.runs WHERE line = ANY (?::uuid[]))`,
      uuids(lines),
    )
  }
  if (parent !== undefined) add('parent = ?', uuid(parent))
  const marks = Object.entries(tags ?? {}).map(([name, value]) => tagOf(name, value))
  if (marks.length > 0) add('tags @> ?::text[] AND tags IS NOT NULL', marks)
  if (listensFor !== undefined) {
    add('listens @> ARRAY[?::text] AND listens IS NOT NULL', escaped(listensFor))
  }
}

function addMembers(query: RunPageQuery, add: Add): void {
  const { states, standings, programs, queues, key, owner, inDoubt } = query
  const numbers = <T>(all: readonly T[], some: readonly T[]): number[] =>
    some.map((one) => all.indexOf(one))
  if (states !== undefined) add('state = ANY (?::smallint[])', numbers(RUN_STATES, states))
  if (standings !== undefined) {
    const open = standings.includes('ended') ? '' : ' AND standing < 4'
    add(`standing = ANY (?::smallint[])${open}`, numbers(RUN_STANDINGS, standings))
  }
  if (programs !== undefined) add('program = ANY (?::text[])', programs.map(escaped))
  if (queues !== undefined) add('queue = ANY (?::text[])', queues.map(escaped))
  if (key !== undefined) add('key = ?', escaped(key))
  if (owner !== undefined) {
    const isHeld = standings?.length === 1 && standings[0] === 'held'
    add(`owner = ?${isHeld ? ' AND standing = 2' : ''}`, escaped(owner))
  }
  if (inDoubt !== undefined) add('(doubts > 0) = ?::boolean', inDoubt)
}
