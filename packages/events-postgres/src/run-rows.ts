/**
 * Rows of the index of runs in the schema of workers, shared by all of them.
 *
 * One row for a run; `turn` is since when it is ready: set with the row, or, of a sleeper that is
 * due, by the first look that finds it so. `tags` and `listens` are what is searched for; what has
 * no column stands in `more`. Movers wait for each other on an advisory lock; whoever looks for due
 * sleepers waits for nobody, and leaves those that somebody is moving to the next look.
 */
import { checkPage, checkReady, indexMoved, RUN_STANDINGS } from '@ice/runs/adapter'
import type {
  IndexMark,
  Outlook,
  QueueCount,
  ReadyQuery,
  RowsMove,
  RunRow,
  RunRows,
} from '@ice/runs/ports'
import { askPage, COLUMNS, decodeRow, encodeRow } from './run-rows-format.ts'
import { escaped, unescaped } from './turns.ts'
import { type Ask, type PostgresWorkOptions, WorkPlace } from './work-place.ts'

/** Opens the rows of an index. @throws as `openPostgresOwnership` */
export async function openPostgresRunRows(options: PostgresWorkOptions): Promise<RunRows> {
  const place = await WorkPlace.open(options)
  const { s } = place
  return {
    supports: { durable: true, sharedByProcesses: true },
    mark: () => readMark((text, values) => place.run('read', text, values), s),
    move: (move) => place.transact('write', (ask) => moveRows(ask, s, move)),
    async find(query) {
      const { text, values } = askPage(s, query, checkPage(query))
      return (await place.run('read', text, values)).map(decodeRow)
    },
    async ready(query) {
      checkReady(query)
      return readyRows(place, query)
    },
    outlook: (now) => readOutlook(place, now),
    counts: (now) => readCounts(place, now),
    close: () => place.close(),
  }
}

async function readMark(ask: Ask, s: string): Promise<IndexMark | null> {
  const [row] = await ask(`SELECT incarnation, position FROM ${s}.mark`)
  return row === undefined ? null : { incarnation: String(row[0]), position: Number(row[1]) }
}

async function moveRows(ask: Ask, s: string, move: RowsMove): Promise<void> {
  await ask('SELECT pg_advisory_xact_lock(hashtextextended($1, 2))', [`${s} rows`])
  const stored = await readMark(ask, s)
  const { from, to, rows, reset } = move
  const isThere = stored?.position === from?.position && stored?.incarnation === from?.incarnation
  if (!isThere) throw indexMoved(move, stored)
  if (reset === true) await ask(`DELETE FROM ${s}.runs`)
  if (rows.length > 0) {
    const names = COLUMNS.map(([name]) => name)
    const typed = COLUMNS.map(([name, type]) => `${name} ${type}`)
    const set = names.slice(1).map((name) => `${name} = excluded.${name}`)
    const text =
      `INSERT INTO ${s}.runs (${names.join()}) SELECT ${names.join()} FROM ` +
      `json_to_recordset($1::json) AS t (${typed.join()}) ` +
      `ON CONFLICT (run) DO UPDATE SET ${set.join()}`
    await ask(text, [JSON.stringify(rows.map(encodeRow))])
  }
  const text =
    `INSERT INTO ${s}.mark VALUES (1, $1, $2) ON CONFLICT (one) ` +
    'DO UPDATE SET incarnation = $1, position = $2'
  await ask(text, [to.incarnation, to.position])
}

/** Distinct values of a column, each by one step into its index. */
function distinct(column: string, from: string): string {
  return (
    `WITH RECURSIVE steps (x) AS ((SELECT ${column} FROM ${from} ORDER BY ${column} LIMIT 1) ` +
    `UNION ALL SELECT (SELECT ${column} FROM ${from} AND ${column} > steps.x ` +
    `ORDER BY ${column} LIMIT 1) FROM steps WHERE x IS NOT NULL) ` +
    'SELECT x FROM steps WHERE x IS NOT NULL'
  )
}

async function readyRows(place: WorkPlace, query: ReadyQuery): Promise<readonly RunRow[]> {
  const { s } = place
  const { now, programs, queues, keysBusy = [], except = [], perQueue } = query
  const due = `turn IS NULL AND until IS NOT NULL AND until <= $1`
  await place.run(
    'write',
    `UPDATE ${s}.runs SET turn = until WHERE run IN ` +
      `(SELECT run FROM ${s}.runs WHERE ${due} FOR UPDATE SKIP LOCKED)`,
    [now],
  )
  const columns = COLUMNS.map(([name]) => (name === 'since' ? 'turn AS since' : name)).join()
  const text =
    `SELECT r.* FROM (${distinct('queue', `${s}.runs WHERE turn IS NOT NULL`)}) q ` +
    `CROSS JOIN LATERAL (SELECT ${columns} FROM ${s}.runs WHERE queue = q.x AND turn IS NOT NULL ` +
    'AND (program, version) IN (SELECT * FROM unnest($1::text[], $2::text[])) ' +
    'AND (ckey IS NULL OR ckey <> ALL ($3::text[])) AND run <> ALL ($4::uuid[]) ' +
    `ORDER BY priority DESC, ${s}.runs.turn, run LIMIT $5) r ` +
    'WHERE $6::text[] IS NULL OR q.x = ANY ($6) ' +
    'ORDER BY r.queue COLLATE "C", r.priority DESC, r.since, r.run'
  const rows = await place.run('read', text, [
    programs.map(({ name }) => escaped(name)),
    programs.map(({ version }) => escaped(version)),
    keysBusy.map(escaped),
    except,
    perQueue,
    queues?.map(escaped) ?? null,
  ])
  return rows.map(decodeRow)
}

async function readOutlook(place: WorkPlace, now: number): Promise<Outlook> {
  const { s } = place
  const one = async (text: string, values: readonly unknown[] = []): Promise<number | null> => {
    const [[value] = []] = await place.run('read', text, values)
    return value === null || value === undefined ? null : Number(value)
  }
  const sleepers = `${s}.runs WHERE listens IS NOT NULL`
  const listened = `SELECT DISTINCT unnest(listens) FROM ${sleepers} ORDER BY 1`
  const owners = await place.run('read', distinct('owner', `${s}.runs WHERE standing = 2`))
  return {
    nextDue: await one(`SELECT min(until) FROM ${s}.runs WHERE turn IS NULL AND until > $1`, [now]),
    nextDeadline: await one(
      `SELECT min(deadline) FROM ${s}.runs WHERE deadline IS NOT NULL AND NOT aborting ` +
        'AND standing < 4',
    ),
    owners: owners.map(([name]) => unescaped(String(name))),
    listenedFor: (await place.run('read', listened)).map(([name]) => unescaped(String(name))),
  } as unknown as Outlook
}

async function readCounts(place: WorkPlace, now: number): Promise<readonly QueueCount[]> {
  const rows = await place.run(
    'read',
    'SELECT queue, standing, count(*), count(*) FILTER (WHERE doubts > 0), ' +
      'count(*) FILTER (WHERE until <= $1), min(since) ' +
      `FROM ${place.s}.runs WHERE standing < 4 GROUP BY queue, standing`,
    [now],
  )
  const counts = rows.map(([queue, standing, runs, inDoubt, due, oldest]) => ({
    queue: unescaped(String(queue)),
    standing: RUN_STANDINGS[Number(standing)],
    runs: Number(runs),
    inDoubt: Number(inDoubt),
    due: Number(due),
    oldest: Number(oldest),
  })) as QueueCount[]
  const order = (count: QueueCount): string => `${count.queue} ${count.standing}`
  return counts.sort((a, b) => (order(a) < order(b) ? -1 : 1))
}
